#include "proxy/discovery/registration_line.h"

#include <utility>

namespace gatehouse {

namespace {

// The next word of the line, which is cut off.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

}  // namespace

Result<RegistrationLine> parse_registration_line(std::string_view line) {
  const std::string_view verb = take_word(line);
  if (verb == "drain" && line.empty()) return registration_line::Drain{};
  const bool registers = verb == "register";
  if (!registers && verb != "release") {
    return failure("lines are: register PREFIX TARGET, release PREFIX, drain");
  }
  auto prefix = UrlPrefix::parse(take_word(line));
  if (!prefix) return failure("the prefix is none: " + prefix.error().message);
  const std::string_view target = take_word(line);
  if (!line.empty()) return failure("there is more on the line than belongs there");
  if (!registers) {
    if (!target.empty()) return failure("there is more on the line than belongs there");
    return registration_line::Release{*std::move(prefix)};
  }
  if (target.empty()) return failure("there is no target; write 127.0.0.1:PORT behind the prefix");
  return registration_line::Register{*std::move(prefix), std::string(target)};
}

}  // namespace gatehouse
