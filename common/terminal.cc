#include "common/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace gatehouse::terminal {

bool is_terminal(int fd) {
  return isatty(fd) == 1;
}

bool wants_colours(int fd) {
  const char* const unwanted = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
  return is_terminal(fd) && !dumb && (unwanted == nullptr || *unwanted == '\0');
}

std::size_t columns(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace gatehouse::terminal
