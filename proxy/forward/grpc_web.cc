#include "proxy/forward/grpc_web.h"

#include <optional>
#include <string_view>

#include "common/text.h"
#include "proxy/http/grpc.h"

namespace gatehouse::grpc_web {

namespace {

constexpr std::string_view kGrpc = "application/grpc";
constexpr std::string_view kWeb = "application/grpc-web";

// Returns what follows "application/grpc-web"; nothing if that is not how it begins.
std::optional<std::string_view> behind_web(std::string_view content_type) {
  if (content_type.size() < kWeb.size() || !text::iequals(content_type.substr(0, kWeb.size()), kWeb)) return {};
  return content_type.substr(kWeb.size());
}

bool is_coded(const FieldList& fields) {
  const std::optional<std::string_view> coding = fields.find("Content-Encoding");
  return coding && !text::iequals(*coding, "identity");
}

}  // namespace

std::string make_request(RequestHead& head) {
  const auto type = head.fields.find(FieldName::kContentType);
  const auto subtype = type ? grpc::subtype(*type) : std::nullopt;
  if (!subtype) return {};
  std::string web = std::string(kWeb).append(*subtype);
  head.accepts_trailers = false;
  head.fields.remove(FieldName::kAcceptEncoding);
  head.fields.set(FieldName::kAccept, web);
  head.fields.set("X-Grpc-Web", "1");
  return web;
}

Response make_response(ResponseHead& head) {
  const auto type = head.fields.find(FieldName::kContentType);
  const auto rest = type ? behind_web(*type) : std::nullopt;
  if (!rest) return Response::kOther;
  // "-text" is base64, and may_have_body() knows of answers that have no room for trailers.
  const std::string as_grpc = std::string(kGrpc).append(*rest);
  if (!grpc::subtype(as_grpc) || is_coded(head.fields) || !may_have_body("POST", head.status)) {
    return Response::kInvalid;
  }
  head.fields.set(FieldName::kContentType, as_grpc);
  if (head.fields.find(FieldName::kGrpcStatus)) {
    settle_trailers_only(head);
    return head.body.is_empty() ? Response::kTrailersOnly : Response::kInvalid;
  }
  head.body = BodyLength::unknown();
  return Response::kFrames;
}

void settle_trailers_only(ResponseHead& head) {
  if (head.body.kind == BodyLength::Kind::kUnknown) head.body = BodyLength::none();
}

}  // namespace gatehouse::grpc_web
