#include "proxy/cli/status.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <format>
#include <string>
#include <string_view>

#include "common/event_loop.h"
#include "common/timer.h"
#include "proxy/admin/status_table.h"
#include "proxy/cli/client.h"
#include "proxy/cli/output.h"

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kEach{1};
constexpr std::string_view kTopAndClear = "\x1b[H\x1b[J";

void show(std::string_view text) {
  print(stdout, text);
  std::fflush(stdout);  // a screen is whole at once
}

bool on_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}

TableColours colours() {
  const char* const unwanted = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  const bool wanted = on_terminal() && !dumb && (unwanted == nullptr || *unwanted == '\0');
  return wanted ? TableColours::kAnsi : TableColours::kPlain;
}

Result<std::string> table(const Address& admin) {
  const auto json = fetch(admin, "/status.json");
  if (!json) return json;
  return status_table(*json, colours());
}

// One screen after the other; on what is no terminal, one below the other.
Result<> watch(const Address& admin) {
  const std::string_view before = on_terminal() ? kTopAndClear : std::string_view();
  const std::string_view after = on_terminal() ? std::string_view() : std::string_view("\n");
  EventLoop loop;
  Timer next(loop, [&] {
    next.arm(kEach);
    const auto text = table(admin);
    show(std::format("{}{}{}", before, text ? *text : "no answer: " + text.error().message + '\n', after));
    if (std::ferror(stdout) != 0) loop.stop();
  });
  next.arm(Duration::zero());
  loop.run();
  return {};
}

}  // namespace

Result<> show_status(const Address& admin, const StatusOptions& options) {
  if (options.watch) return watch(admin);
  const auto text = options.json ? fetch(admin, "/status.json") : table(admin);
  if (!text) return std::unexpected(text.error());
  show(*text);
  if (options.json) show("\n");
  return {};
}

}  // namespace gatehouse
