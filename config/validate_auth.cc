#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <format>
#include <fstream>
#include <string>
#include <utility>

#include "common/crypto/password_file.h"
#include "common/text.h"
#include "config/quoting.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

constexpr std::array<char, 2> kKeytab{5, 2};  // the version that all of today write

void refuse(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  out.push_back({.location = location, .message = std::move(message)});
}

// A password that is asked for in the clear is everybody's.
void check_basic(const Config& config, const Auth& auth, std::vector<Diagnostic>& out) {
  const auto may_be_https = [](const Listener& listener) { return listener.tls || !listener.trusted_proxies.empty(); };
  if (!auth.basic || config.listeners.empty() || std::ranges::any_of(config.listeners, may_be_https)) return;
  refuse(out, auth.location,
         "Basic sends passwords, and no listener has tls, nor trusted_proxies that could say that a client came by "
         "https; add [listeners.tls], or leave \"Basic\" out of \"schemes\"");
}

void check_binding(const Config& config, const Auth& auth, std::vector<Diagnostic>& out) {
  const auto has_tls = [](const Listener& listener) { return listener.tls.has_value(); };
  if (auth.channel_binding == ChannelBinding::kOff || config.listeners.empty()) return;
  if (std::ranges::any_of(config.listeners, has_tls)) return;
  refuse(out, auth.location,
         "\"channel_binding\" binds a sign-in to a TLS connection that ends here, and no listener has tls; where TLS "
         "ends at a proxy in front, leave \"channel_binding\" out");
}

// Whoever has signed in is what we say, and nothing else.
void check_user_field(const Route& route, std::vector<Diagnostic>& out) {
  const auto is_user = [](const std::string& name) { return text::iequals(name, "X-Forwarded-User"); };
  const HeaderEdits& edits = route.request_headers;
  const bool edited = std::ranges::any_of(edits.remove, is_user) ||
                      std::ranges::any_of(edits.set, [&](const auto& edit) { return is_user(edit.first); }) ||
                      std::ranges::any_of(edits.add, [&](const auto& edit) { return is_user(edit.first); });
  if (!edited) return;
  refuse(out, route.auth->location,
         "\"request_headers\" has X-Forwarded-User, which is who has signed in on a route with \"auth\"; leave it out");
}

void check_readers(const std::string& what, const KeyFile& file, std::vector<Diagnostic>& out) {
  struct stat status{};
  if (::stat(file.path.c_str(), &status) != 0 || (status.st_mode & (S_IROTH | S_IWOTH)) == 0) return;
  out.push_back({.severity = Severity::kWarning,
                 .location = file.location,
                 .message = std::format("every user of this machine can read or write the {} {}; use chmod 640", what,
                                        in_quotes(file.path))});
}

void check_users(const KeyFile& users, std::vector<Diagnostic>& out) {
  if (users.path.empty()) return;
  const auto file = PasswordFile::load(users.path);
  if (file) return check_readers("file of users", users, out);
  for (const PasswordFile::Mistake& mistake : file.error()) {
    const bool in_line = mistake.line != 0;
    refuse(out, in_line ? Location{.file = users.path, .line = mistake.line, .column = 1} : users.location,
           mistake.message);
  }
}

// What its keys are for, GSSAPI looks at when the configuration comes into force.
void check_keytab(const KeyFile& keytab, std::vector<Diagnostic>& out) {
  if (keytab.path.empty()) return;
  std::ifstream in(keytab.path, std::ios::binary);
  std::array<char, 2> begin{};
  if (!in) {
    refuse(out, keytab.location, std::format("the keytab {} cannot be opened", in_quotes(keytab.path)));
  } else if (!in.read(begin.data(), begin.size()) || begin != kKeytab) {
    refuse(out, keytab.location,
           std::format("{} is no keytab; write one with `kadmin ktadd -k FILE HTTP/www.example.com`, or with ktpass",
                       in_quotes(keytab.path)));
  } else {
    check_readers("keytab", keytab, out);
  }
}

}  // namespace

std::vector<Diagnostic> validate_auth(const Config& config) {
  std::vector<Diagnostic> out;
  for (const Route& route : config.routes) {
    if (!route.auth) continue;
    check_basic(config, *route.auth, out);
    check_binding(config, *route.auth, out);
    check_user_field(route, out);
  }
  return out;
}

std::vector<Diagnostic> validate_auth_files(const Config& config) {
  std::vector<Diagnostic> out;
  for (const Route& route : config.routes) {
    if (!route.auth) continue;
    check_users(route.auth->users, out);
    check_keytab(route.auth->keytab, out);
  }
  return out;
}

}  // namespace gatehouse::config
