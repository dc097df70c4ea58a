// What is sent in place of an answer that names a file: the file with the app's head, or a fault. Owned by the forwarder
// that got the answer; one loop's thread.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "common/loop_question.h"
#include "common/timer.h"
#include "proxy/files/file_pool.h"
#include "proxy/files/file_response.h"
#include "proxy/files/opened_file.h"
#include "proxy/files/send_file.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

class SentFile {
 public:
  // `head` is the app's, without the field that names the file, and otherwise as the client shall see it; its
  // Content-Type, and ETag and Last-Modified if it has them, count for the file. `finish` has the last word on heads of
  // ours.
  SentFile(Exchange& exchange, std::shared_ptr<const SendFile> rules, ResponseHead head,
           std::move_only_function<void(ResponseHead&)> finish);

  // Opens the file, and answers with it; or with kSendFileRefused. Called once.
  void start(SendFile::Name name);

 private:
  using Opened = std::expected<OpenedFile, OpenFailure>;
  void on_opened(Opened opened);

  Exchange& exchange_;
  const std::shared_ptr<const SendFile> rules_;
  ResponseHead head_;
  // For the log.
  std::string path_;
  FileResponse response_;
  LoopQuestion<Opened> question_;
  Timer patience_;
};

}  // namespace gatehouse
