#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <format>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/text.h"
#include "config/names.h"
#include "config/policy/request_forms.h"
#include "config/quoting.h"
#include "config/reading/sections.h"

namespace gatehouse::config {

namespace {

constexpr unsigned kMostWorkers = 1024;
constexpr std::size_t kLongestSocketPath = 107;  // sun_path, with its end
constexpr std::size_t kLongestServerId = 15;     // with 20 bytes for all of a connection id
constexpr std::uint8_t kHighestQuicConfig = 6;   // 7 is for ids without a server

void read_admin(TableReader& reader, Server& server) {
  std::string text;
  server.admin_location = reader.location("admin");
  if (!reader.read("admin", text)) return;
  if (text.empty()) {
    server.admin = std::nullopt;
    return;
  }
  const auto address = Address::parse(text);
  if (address) {
    server.admin = *address;
  } else {
    reader.error("admin", std::format(R"("admin": {}; write "127.0.0.1:9180", "unix:/path", or "" for none)",
                                      address.error().message));
  }
}

// A name of DNS, and exactly that: whoever may choose what stands for a wildcard could lead any page's name here.
void read_admin_names(TableReader& reader, std::vector<std::string>& names) {
  reader.strings("admin_names", [&](const std::string& name, const Location& where) {
    if (is_host_name(name)) {
      names.push_back(text::lower(name));
    } else {
      reader.error(where, std::format(R"("admin_names": {} is no host name; write "gatehouse.internal", without port )"
                                      R"(or wildcard (IP addresses are answered anyhow))",
                                      in_quotes(name)));
    }
  });
}

void read_socket_path(TableReader& reader, std::string_view key, std::string& path) {
  std::string text;
  if (!reader.read(key, text)) return;
  if (!text.empty()) text = reader.absolute(text);
  if (text.size() > kLongestSocketPath) {
    reader.error(key, std::format("\"{}\": the path of a socket has at most {} bytes, but {} has {}", key,
                                  kLongestSocketPath, in_quotes(text), text.size()));
    return;
  }
  path = std::move(text);
}

std::optional<std::vector<std::uint8_t>> server_id_of(std::string_view written) {
  std::array<std::uint8_t, sizeof(in_addr)> address{};
  if (::inet_pton(AF_INET, std::string(written).c_str(), address.data()) == 1) {
    return std::vector<std::uint8_t>(address.begin(), address.end());
  }
  if (written.size() % 2 != 0 || written.size() > 2 * kLongestServerId) return std::nullopt;
  std::vector<std::uint8_t> id;
  for (std::size_t i = 0; i < written.size(); i += 2) {
    const int high = text::hex_value(written[i]);
    const int low = text::hex_value(written[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return id;
}

void read_quic_ids(TableReader& reader, Server& server) {
  std::string text;
  if (reader.read("quic_server_id", text)) {
    if (auto id = server_id_of(text)) {
      server.quic_server_id = *std::move(id);
    } else {
      reader.error("quic_server_id",
                   std::format(R"("quic_server_id" must be 1 to {} bytes in hexadecimal, such as "0a01", or an IPv4 )"
                               R"(address, or "" for none, not {})",
                               kLongestServerId, in_quotes(text)));
    }
  }
  if (reader.read("quic_config_id", server.quic_config_id, {.min = 0, .max = kHighestQuicConfig}) && text.empty() &&
      server.quic_config_id != 0) {
    reader.warning("quic_config_id", R"("quic_config_id" has no effect without "quic_server_id")");
  }
}

// A keyword, or the path of a file. A word without a slash or a dot is more likely a misspelt keyword than a file.
void read_output(TableReader& reader, std::span<const std::string_view> keywords, std::string& output) {
  std::string text;
  if (!reader.read("output", text)) return;
  if (std::ranges::contains(keywords, text)) {
    output = std::move(text);
  } else if (text.find_first_of("/.") != std::string::npos) {
    output = reader.absolute(text);
  } else {
    reader.error("output", std::format(R"("output" must be {}, or a file such as "access.log" or "./name", not {})",
                                       one_of(keywords), in_quotes(text)));
  }
}

bool is_redactable(std::string_view word) {
  constexpr std::size_t kLongest = 64;
  const auto fits = [](char c) { return c > ' ' && c < '\x7F' && c != '&' && c != '=' && c != '%'; };
  return !word.empty() && word.size() <= kLongest && std::ranges::all_of(word, fits);
}

void read_redact(TableReader& reader, std::vector<std::string>& words) {
  std::vector<std::string> given;
  const bool right = reader.strings("redact", [&](const std::string& word, const Location& where) {
    if (is_redactable(word)) {
      given.push_back(word);
    } else {
      reader.error(where, std::format(R"("redact": {} is no name of a query parameter: 1 to 64 characters of ASCII, )"
                                      R"(decoded, without "&", "=" and "%")",
                                      in_quotes(word)));
    }
  });
  if (right) words = std::move(given);
}

}  // namespace

void read_server(TableReader& reader, Server& server) {
  reader.read("workers", server.workers, {.min = 0, .max = kMostWorkers});
  read_admin(reader, server);
  read_admin_names(reader, server.admin_names);
  read_socket_path(reader, "control", server.control);
  read_socket_path(reader, "registrations", server.registrations);
  server.user_location = reader.location("user");
  reader.read("user", server.user);
  reader.read("drain_timeout", server.drain_timeout, {.min = milliseconds(0)});
  reader.read("drain_delay", server.drain_delay, {.min = milliseconds(0)});
  reader.read("watch", server.watch);
  server.secret_file.location = reader.location("secret_file");
  reader.read_path_or_none("secret_file", server.secret_file.path);
  read_quic_ids(reader, server);
}

void read_log(TableReader& reader, Log& log) {
  static constexpr std::array<std::string_view, 3> kOutputs{"stderr", "stdout", "journal"};
  static constexpr std::array<std::string_view, 3> kAccessOutputs{"stdout", "stderr", "off"};
  reader.read("level", log.level, kLevelNames);
  log.output_location = reader.location("output");
  read_output(reader, kOutputs, log.output);
  read_redact(reader, log.redact);
  reader.table("access", [&](TableReader& access) {
    log.access.output_location = access.location("output");
    read_output(access, kAccessOutputs, log.access.output);
    access.read("format", log.access.format, kFormatNames);
  });
}

}  // namespace gatehouse::config
