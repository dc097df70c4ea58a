// What standard error is told once a process serves: one line for scripts and logs, and for a person at a terminal the
// addresses as links. Pure; the control thread's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// A listener with what it has really got.
struct OpenListener {
  // "http" or "https"
  std::string_view scheme;
  // As address_text() has it: ":8443" for all addresses of the machine.
  std::string address;
  std::vector<std::string> protocols;
};

struct Announcement {
  std::vector<OpenListener> listeners;
  // As text; empty: there is none.
  std::string admin;
};

// What a browser on this machine opens: "https://localhost:8443/". Every address of the machine is localhost there, and
// the scheme's own port is left out. A Unix socket stays what it is.
std::string link_to(std::string_view scheme, const std::string& address);

// "gatehouse VERSION ready: ..." with its end.
std::string ready_line(const Announcement& told);
// A line for each listener, and one for the status page.
std::string links(const Announcement& told);

}  // namespace gatehouse
