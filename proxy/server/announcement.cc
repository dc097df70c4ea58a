#include "proxy/server/announcement.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <format>

#include "common/address.h"
#include "common/text.h"
#include "common/version.h"

namespace gatehouse {

std::string link_to(std::string_view scheme, const std::string& address) {
  const auto parsed = Address::parse(address);
  if (!parsed || parsed->is_unix()) return address;
  const std::uint16_t usual = scheme == "https" ? 443 : 80;
  const std::string port = parsed->port() == usual ? "" : std::format(":{}", parsed->port());
  const std::string host = parsed->host();
  const bool bracketed = parsed->family() == AF_INET6 && host.contains(':');
  return std::format("{}://{}{}/", scheme, parsed->is_any() ? "localhost" : bracketed ? '[' + host + ']' : host, port);
}

std::string ready_line(const Announcement& told) {
  std::string line = std::format("gatehouse {} ready:", kProgramVersion);
  for (const OpenListener& listener : told.listeners) {
    line += std::format(" {}://{} ({})", listener.scheme, listener.address, text::joined(listener.protocols, " "));
  }
  line += told.admin.empty() ? "; no admin address" : "; admin http://" + told.admin;
  return line + '\n';
}

std::string links(const Announcement& told) {
  struct Row {
    std::string link;
    std::string what;
  };
  std::vector<Row> rows;
  for (const OpenListener& listener : told.listeners) {
    rows.push_back({link_to(listener.scheme, listener.address), text::joined(listener.protocols, " ")});
  }
  if (!told.admin.empty()) {
    const std::string link = link_to("http", told.admin);
    rows.push_back({link.ends_with('/') ? link + "status" : link, "status page"});
  }
  std::size_t widest = 0;
  for (const Row& row : rows) widest = std::max(widest, row.link.size());
  std::string lines;
  for (const Row& row : rows) lines += std::format("  {:{}}  {}\n", row.link, widest, row.what);
  return lines;
}

}  // namespace gatehouse
