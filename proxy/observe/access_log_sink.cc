#include "proxy/observe/access_log_sink.h"

namespace gatehouse {

Result<std::shared_ptr<AccessLogSink>> AccessLogSink::open(const std::string& output, AccessLogFormat format) {
  auto target = LogTarget::open(
      output, {.log = "access log", .preamble = format == AccessLogFormat::kW3c ? w3c_directives() : ""});
  if (!target) return std::unexpected(std::move(target).error());
  return std::make_shared<AccessLogSink>(Private{}, *std::move(target), format);
}

}  // namespace gatehouse
