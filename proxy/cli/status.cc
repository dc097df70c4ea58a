#include "proxy/cli/status.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <format>
#include <string>
#include <string_view>

#include "common/event_loop.h"
#include "common/terminal.h"
#include "common/timer.h"
#include "proxy/admin/status_table.h"
#include "proxy/cli/output.h"

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kEach{1};
constexpr std::string_view kTopAndClear = "\x1b[H\x1b[J";

void show(std::string_view text) {
  print(stdout, text);
  std::fflush(stdout);  // a screen is whole at once
}

TableColours colours() {
  return terminal::wants_colours(STDOUT_FILENO) ? TableColours::kAnsi : TableColours::kPlain;
}

Result<std::string> table(const StatusSource& source) {
  const auto json = source();
  if (!json) return json;
  return status_table(*json, colours());
}

// One screen after the other; on what is no terminal, one below the other.
Result<> watch(const StatusSource& source) {
  const bool on_terminal = terminal::is_terminal(STDOUT_FILENO);
  const std::string_view before = on_terminal ? kTopAndClear : std::string_view();
  const std::string_view after = on_terminal ? std::string_view() : std::string_view("\n");
  EventLoop loop;
  Timer next(loop, [&] {
    next.arm(kEach);
    const auto text = table(source);
    show(std::format("{}{}{}", before, text ? *text : "no answer: " + text.error().message + '\n', after));
    if (std::ferror(stdout) != 0) loop.stop();
  });
  next.arm(Duration::zero());
  loop.run();
  return {};
}

}  // namespace

Result<> show_status(const StatusSource& source, const StatusOptions& options) {
  if (options.watch) return watch(source);
  const auto text = options.json ? source() : table(source);
  if (!text) return std::unexpected(text.error());
  show(*text);
  if (options.json && !text->ends_with('\n')) show("\n");
  return {};
}

}  // namespace gatehouse
