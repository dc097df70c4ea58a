#include "proxy/files/site_responder.h"

#include <cerrno>
#include <optional>
#include <utility>

#include "common/log_limit.h"
#include "common/result.h"
#include "common/text.h"
#include "proxy/files/media_types.h"
#include "proxy/http/error_page.h"
#include "proxy/http/target.h"

namespace gatehouse {

namespace {

constinit log::Limited unreadable_files("files of routes that cannot be opened");
constinit log::Limited denied_files("files of routes that may not be read");

std::string accept_encoding(const FieldList& fields) {
  std::string all;
  if (!fields.may_have(FieldName::kAcceptEncoding)) return all;
  for (const Field field : fields) {
    if (field.id == FieldName::kAcceptEncoding) text::add_to_list(all, field.value);
  }
  return all;
}

}  // namespace

SiteResponder::SiteResponder(Exchange& exchange, Order order)
    : exchange_(exchange),
      order_(std::move(order)),
      response_(exchange, order_.site->lane(), [this](ResponseHead& head) { order_.finish(head); }),
      question_(exchange.loop(), [this](SiteFile found) { on_found(std::move(found)); }),
      patience_(exchange.loop(), [this] {
        question_.drop();
        on_found({.kind = SiteFile::Kind::kFailed, .error = ETIMEDOUT});
      }) {}

void SiteResponder::start() {
  if (!exchange_.apply_limits(order_.limits)) return;
  const RequestHead& request = exchange_.request();
  if (request.method != "GET" && !request.is_head()) {
    ResponseHead refusal{.status = 405};
    refusal.fields.add("Allow", "GET, HEAD");
    return response_.say(std::move(refusal));
  }
  std::optional<std::string> path = site_path(order_.path);
  if (!path) return response_.say({.status = 404});
  SiteQuestion asked{.path = *std::move(path),
                     .has_slash = request.path().ends_with('/'),
                     .codings = wanted_codings(accept_encoding(request.fields))};
  SiteFile found = order_.site->find(asked, Wait::kNever);
  if (found.kind != SiteFile::Kind::kNotCached) return on_found(std::move(found));
  patience_.arm(exchange_.limits().response_timeout);
  order_.site->lane().run(
      question_.ask([site = order_.site, asked = std::move(asked)] { return site->find(asked, Wait::kMayWait); }));
}

void SiteResponder::on_found(SiteFile found) {
  patience_.disarm();
  using Kind = SiteFile::Kind;
  switch (found.kind) {
    case Kind::kFile:
      return send(std::move(found));
    case Kind::kFolder:
      return redirect();
    case Kind::kMissing:
      return response_.say({.status = 404});
    case Kind::kDenied:
      denied_files.info("route {}: what {} leads to may not be read, or is a folder without an index: 403",
                        order_.route, exchange_.request().path());
      return response_.say({.status = 403});
    case Kind::kNotCached:
    case Kind::kFailed:
      unreadable_files.warn("route {}: cannot open what {} leads to: {}", order_.route, exchange_.request().path(),
                            errno_name(found.error));
      return exchange_.fail(Fault::kFileUnreadable, {.error = found.error});
  }
}

void SiteResponder::send(SiteFile found) {
  const MediaType type = media_type(found.name);
  FileOffer offer{.file = std::move(found.file), .head = {.status = 200}, .coding = found.coding};
  FieldList& fields = offer.head.fields;
  fields.add(FieldName::kContentType, type.type);
  if (!found.coding.empty()) fields.add("Content-Encoding", found.coding);
  // Whether or not there is another form of it by now.
  if (type.compressible) fields.add("Vary", "Accept-Encoding");
  response_.send(std::move(offer));
}

void SiteResponder::redirect() {
  const RequestHead& request = exchange_.request();
  ResponseHead head{.status = 301};
  head.fields.add(FieldName::kLocation,
                  with_slash(request.target_needs_escapes ? target::escaped(request.target) : request.target));
  response_.say(std::move(head));
}

}  // namespace gatehouse
