// The part of Forwarder that is about answers which name a file: whether they may, and what becomes of the connection.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/log.h"
#include "common/log_limit.h"
#include "proxy/forward/forwarder.h"
#include "proxy/forward/response_rules.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostNamed = 200;  // of a path, in a line of the log

constinit log::Limited unlisted_files("files that apps wanted sent and that are below no folder of send_file");

struct Named {
  std::optional<SendFile::Name> file;
  // As the endpoint said it.
  std::string said;
};

// Takes both fields out of the head. X-Sendfile counts first.
Named take_named(FieldList& fields, const SendFile& rules) {
  Named named;
  if (const auto redirect = fields.find(FieldName::kXAccelRedirect)) {
    named = {.file = rules.redirected(*redirect), .said = std::string(*redirect)};
  }
  if (const auto path = fields.find(FieldName::kXSendfile))
    named = {.file = rules.sent(*path), .said = std::string(*path)};
  fields.remove_any(FieldName::kXAccelRedirect, FieldName::kXSendfile);
  return named;
}

}  // namespace

bool Forwarder::send_file(ResponseHead& head) {
  const std::shared_ptr<const SendFile>& rules = std::get<ForwardTo>(route_.action).send_file;
  if (!rules) {
    head.fields.remove_any(FieldName::kXAccelRedirect, FieldName::kXSendfile);
    if (!route_.told->unlisted_file.exchange(true, std::memory_order_relaxed)) {
      log::warn(
          "upstream {}: an endpoint names a file by X-Sendfile or X-Accel-Redirect, and send_file lists no folder: the "
          "field is removed, and the answer passed on without it; told once for route {}",
          upstream()->name(), route_.name);
    }
    return false;
  }
  const Named named = take_named(head.fields, *rules);
  if (!may_have_body("GET", head.status)) return false;
  if (!named.file) {
    unlisted_files.warn("upstream {}: endpoint {} names a file that send_file does not allow: {}", upstream()->name(),
                        lease_->endpoint()->name(), named.said.substr(0, kMostNamed));
    fail(Fault::kSendFileRefused);
    return true;
  }
  if (head.status == 206) head.status = 200;
  head.fields.remove("Content-Range");
  apply_response_rules(head, route_, exchange_.record().request_id);
  stick(head);
  if (visit_) visit_->give_up();
  file_instead_ = std::make_unique<FileInstead>();
  const bool silent = head.body.is_empty() || exchange_.request().is_head();
  file_instead_->file = std::make_unique<SentFile>(exchange_, rules, std::move(head), [this](ResponseHead& ours) {
    apply_response_rules(ours, route_, exchange_.record().request_id);
  });
  // The connection is as good as before once its answer has ended; what it says besides would have to be waited for.
  if (silent) {
    lease_->connection().divert_response(file_instead_->nothing);
  } else {
    lease_.reset();
  }
  file_instead_->file->start(*named.file);
  return true;
}

}  // namespace gatehouse
