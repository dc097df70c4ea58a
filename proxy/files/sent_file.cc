#include "proxy/files/sent_file.h"

#include <cerrno>
#include <utility>

#include "common/log_limit.h"
#include "common/result.h"
#include "proxy/http/error_page.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMostLogged = 200;  // of a path

constinit log::Limited refused_files("files that apps wanted sent and that cannot be");

}  // namespace

SentFile::SentFile(Exchange& exchange, std::shared_ptr<const SendFile> rules, ResponseHead head,
                   std::move_only_function<void(ResponseHead&)> finish)
    : exchange_(exchange),
      rules_(std::move(rules)),
      head_(std::move(head)),
      response_(exchange, rules_->lane(),
                [finish = std::move(finish)](ResponseHead& said) mutable {
                  // The app's own head is finished already.
                  if (said.status == 412 || said.status == 416) finish(said);
                }),
      question_(exchange.loop(), [this](Opened opened) { on_opened(std::move(opened)); }),
      patience_(exchange.loop(), [this] {
        question_.drop();
        on_opened(std::unexpected(OpenFailure{.kind = OpenFailure::Kind::kFailed, .error = ETIMEDOUT}));
      }) {}

void SentFile::start(SendFile::Name name) {
  path_ = name.folder + '/' + name.below;
  patience_.arm(exchange_.limits().response_timeout);
  rules_->lane().run(question_.ask([rules = rules_, name = std::move(name)] { return rules->open(name); }));
}

void SentFile::on_opened(Opened opened) {
  patience_.disarm();
  if (!opened) {
    const int error = opened.error().error;
    refused_files.warn("upstream {}: the app wants {} sent, which cannot be opened: {}", exchange_.record().upstream,
                       path_.substr(0, kMostLogged), error == 0 ? "it is no regular file" : errno_name(error));
    return exchange_.fail(Fault::kSendFileRefused, {.error = error});
  }
  response_.send({.file = *std::move(opened), .head = std::move(head_)});
}

}  // namespace gatehouse
