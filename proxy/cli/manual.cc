#include "proxy/cli/manual.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <format>
#include <span>
#include <string_view>

#include "common/text.h"

namespace gatehouse {
namespace {

constexpr std::string_view kHelp = "--help";

// A paragraph: each sentence begins a line, none is long, and nothing is taken for a request.
std::string prose(std::string_view text) {
  constexpr std::size_t kWidth = 78;
  std::string out;
  std::string line;
  const auto end_line = [&] {
    if (line.starts_with('.') || line.starts_with('\'')) line.insert(0, "\\&");
    out += line + '\n';
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    std::string word;
    for (const char c : text.substr(0, space)) word += c == '\\' ? "\\e" : std::string(1, c);
    text.remove_prefix(std::min(space + 1, text.size()));
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) end_line();
    text::add_to_list(line, word, " ");
    if (word.ends_with('.') && !text.empty()) end_line();
  }
  if (!line.ends_with('.')) line += '.';
  end_line();
  return out;
}

// "Fl -listen Ar TEXT", "Ar FILE", "Cm port | socket"
std::string macros(const OptionOutline& option) {
  if (!option.name.starts_with('-')) return "Ar " + option.name;
  const std::string flag = "Fl " + option.name.substr(1);
  return option.value.empty() ? flag : flag + " Ar " + option.value;
}

std::string choices(const OptionOutline& option) {
  return option.choices.empty() ? "" : "One of: " + text::joined(option.choices, ", ") + ".\n";
}

std::string heading(const CommandOutline& command) {
  std::string line = "Cm " + command.name;
  const bool any = std::ranges::any_of(command.options, [](const auto& option) { return option.name != kHelp; });
  if (any) line += " Oo Ar options Oc";
  for (const OptionOutline& positional : command.positionals) {
    line += positional.required ? " Ar " + positional.name : " Oo Ar " + positional.name + " Oc";
  }
  return line;
}

std::string details(const CommandOutline& command) {
  std::string text;
  for (const std::vector<OptionOutline>* list : {&command.positionals, &command.options}) {
    for (const OptionOutline& option : *list) {
      if (option.name == kHelp) continue;
      text += std::format(".It {}\n{}{}", macros(option), prose(option.help), choices(option));
    }
  }
  return text.empty() ? "" : ".Bl -tag -width Ds\n" + text + ".El\n";
}

// SOURCE_DATE_EPOCH makes a build that can be repeated.
std::string day() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  const auto fixed = epoch == nullptr ? std::nullopt : text::parse_decimal(epoch);
  const auto now = fixed ? std::chrono::sys_seconds(std::chrono::seconds(*fixed))
                         : std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(now));
  return std::format("{:%B} {}, {}", date.month(), static_cast<unsigned>(date.day()), static_cast<int>(date.year()));
}

constexpr std::string_view kRest = R"(.Sh SIGNALS
.Bl -tag -width SIGTERM,
.It Dv SIGHUP
Load the configuration again; one that cannot be used changes nothing.
For
.Ic proxy
and
.Ic host
that were started on a terminal it is the end, within seconds:
the terminal has gone.
.It Dv SIGTERM , SIGINT , SIGQUIT
End gracefully: requests in flight are finished within
.Ic drain_timeout .
A second one ends at once.
.It Dv SIGUSR1
Open the log files again, after they were rotated.
.El
.Sh ENVIRONMENT
.Bl -tag -width RUNTIME_DIRECTORY
.It Ev LISTEN_FDS , LISTEN_PID , LISTEN_FDNAMES
Sockets that were handed over, see
.Xr systemd.socket 5 .
Listeners and the admin address use those with their address.
.It Ev NOTIFY_SOCKET , WATCHDOG_USEC , WATCHDOG_PID
Where the service manager is told of readiness, reloads and the end, and how
often it wants to hear that every worker is alive.
.It Ev RUNTIME_DIRECTORY , STATE_DIRECTORY
Where control sockets and secrets are kept.
.It Ev NO_COLOR
If it is set and not empty, nothing on a terminal is coloured.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa gatehouse.toml , /etc/gatehouse/gatehouse.toml
The configuration, looked for in this order where none is named.
See
.Xr gatehouse.toml 5 .
.It Pa /run/gatehouse
Control sockets of instances that root started.
.El
.Sh EXIT STATUS
0: fine.
1: the configuration is bad, or something failed.
2: the command line is bad.
.Ic host \-\-exit\-with\-app :
that of the application which has ended, or 128 and the number of the signal
that ended it; 127 if there is no such program, 126 if it cannot be run.
.Sh EXAMPLES
Put HTTPS and HTTP/3 in front of what listens on port 5000:
.Pp
.Dl gatehouse proxy localhost:5000
.Pp
Start an application and front it:
.Pp
.Dl gatehouse host \-\- python3 app.py
.Pp
Try a configuration, then bring it into force:
.Pp
.Dl gatehouse check && gatehouse reload
.Sh SEE ALSO
.Xr gatehouse.toml 5 ,
.Xr systemd.service 5 ,
.Xr systemd.socket 5
)";

}  // namespace

std::string manual_page(const std::vector<CommandOutline>& commands) {
  std::string synopsis;
  std::string descriptions;
  for (const CommandOutline& command : std::span(commands).subspan(1)) {
    synopsis += ".Nm\n." + heading(command) + "\n";
    descriptions += std::format(".It {}\n{}{}", heading(command), prose(command.help), details(command));
  }
  return std::format(R"(.Dd {}
.Dt GATEHOUSE 1
.Os
.Sh NAME
.Nm gatehouse
.Nd reverse proxy and application host
.Sh SYNOPSIS
{}.Sh DESCRIPTION
{}.Pp
The commands are:
.Bl -tag -width Ds
{}.El
{})",
                     day(), synopsis, prose(commands.front().help), descriptions, kRest);
}

}  // namespace gatehouse
