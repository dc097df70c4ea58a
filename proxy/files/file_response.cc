#include "proxy/files/file_response.h"

#include <format>
#include <string>
#include <utility>

#include "common/crypto/random.h"
#include "common/event_loop.h"
#include "proxy/http/conditional/preconditions.h"
#include "proxy/http/date.h"
#include "proxy/http/error_page.h"

namespace gatehouse {

namespace {

constexpr std::string_view kEtag = "ETag";
constexpr std::string_view kLastModified = "Last-Modified";
constexpr std::string_view kContentRange = "Content-Range";

void name_version(FileOffer& offer) {
  FieldList& fields = offer.head.fields;
  if (!fields.find(kEtag)) fields.add(kEtag, offer.file.etag(offer.coding));
  if (!fields.find(kLastModified)) fields.add(kLastModified, http_date(offer.file.modified()));
}

Validators validators_of(const ResponseHead& head) {
  return {.etag = head.fields.find(kEtag).value_or(""),
          .modified = parse_http_date(head.fields.find(kLastModified).value_or(""))};
}

RangeChoice ranges_of(const Exchange& exchange, const FileOffer& offer) {
  const RequestHead& request = exchange.request();
  const auto range = request.fields.find("Range");
  if (!range || request.method != "GET") return {};
  if (!range_may_count(request.fields, validators_of(offer.head), exchange.loop().wall_now())) return {};
  return chosen_ranges(*range, offer.file.size);
}

}  // namespace

FileResponse::FileResponse(Exchange& exchange, const FileLane& lane,
                           std::move_only_function<void(ResponseHead&)> finish)
    : exchange_(exchange),
      finish_(std::move(finish)),
      reader_(exchange, lane, [this](int error) { exchange_.fail(Fault::kFileUnreadable, {.error = error}); }) {}

void FileResponse::send(FileOffer offer) {
  name_version(offer);
  const RequestHead& request = exchange_.request();
  if (offer.head.status != 200 || (request.method != "GET" && !request.is_head())) return send_whole(std::move(offer));
  switch (judge_preconditions(request.fields, validators_of(offer.head))) {
    case Precondition::kHolds:
      break;
    case Precondition::kFails:
      return say({.status = 412});
    case Precondition::kNotModified:
      offer.head.status = 304;
      offer.head.fields.remove(FieldName::kContentType);
      finish_(offer.head);
      return exchange_.respond(std::move(offer.head), "");
  }
  offer.head.fields.set("Accept-Ranges", "bytes");
  const RangeChoice choice = ranges_of(exchange_, offer);
  if (choice.kind == RangeChoice::Kind::kWhole) return send_whole(std::move(offer));
  if (choice.kind == RangeChoice::Kind::kUnsatisfiable) {
    ResponseHead refusal{.status = 416};
    refusal.fields.add(kContentRange, unsatisfied_range(offer.file.size));
    return say(std::move(refusal));
  }
  offer.head.status = 206;
  if (choice.parts.size() == 1) return send_part(std::move(offer), choice.parts.front());
  send_parts(std::move(offer), choice);
}

void FileResponse::say(ResponseHead head) {
  const std::string text = std::format("{} {}\n", head.status, reason_phrase(head.status));
  head.fields.add(FieldName::kContentType, "text/plain; charset=utf-8");
  finish_(head);
  exchange_.respond(std::move(head), text);
}

void FileResponse::send_whole(FileOffer offer) {
  const std::uint64_t size = offer.file.size;
  std::deque<FilePiece> pieces;
  pieces.push_back({.text = {}, .range = {.first = 0, .size = size}});
  begin(std::move(offer), size, std::move(pieces));
}

void FileResponse::send_part(FileOffer offer, const ByteRange& range) {
  offer.head.fields.set(kContentRange, content_range(range, offer.file.size));
  std::deque<FilePiece> pieces;
  pieces.push_back({.text = {}, .range = range});
  begin(std::move(offer), range.size, std::move(pieces));
}

// RFC 9110 section 14.6. The boundary is one that no file can have been made to hold.
void FileResponse::send_parts(FileOffer offer, const RangeChoice& choice) {
  const std::string boundary = std::format("{:016x}{:016x}", random::secret(), random::secret());
  const std::string type(offer.head.fields.find(FieldName::kContentType).value_or("application/octet-stream"));
  std::deque<FilePiece> pieces;
  std::uint64_t length = 0;
  for (const ByteRange& range : choice.parts) {
    pieces.push_back({.text = std::format("\r\n--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n", boundary, type,
                                          content_range(range, offer.file.size)),
                      .range = range});
    length += pieces.back().text.size() + range.size;
  }
  pieces.push_back({.text = std::format("\r\n--{}--\r\n", boundary), .range = {}});
  length += pieces.back().text.size();
  offer.head.fields.set(FieldName::kContentType, "multipart/byteranges; boundary=" + boundary);
  begin(std::move(offer), length, std::move(pieces));
}

void FileResponse::begin(FileOffer offer, std::uint64_t length, std::deque<FilePiece> pieces) {
  offer.head.body = BodyLength::known(length);
  const bool has_body = may_have_body(exchange_.request().method, offer.head.status);
  finish_(offer.head);
  exchange_.respond(std::move(offer.head));
  BodyWriter& writer = exchange_.response_pipe().writer();
  if (writer.ended()) return;  // it has become a fault
  if (!has_body) return writer.finish();
  reader_.send(std::move(offer.file.fd), std::move(pieces));
}

}  // namespace gatehouse
