#include <algorithm>
#include <array>
#include <cstddef>
#include <format>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/address.h"
#include "config/names.h"
#include "config/quoting.h"
#include "config/sections.h"

namespace gatehouse::config {

namespace {

constexpr unsigned kMostWorkers = 1024;
constexpr std::size_t kLongestSocketPath = 107;  // sun_path, with its end

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

void read_control(TableReader& reader, std::string& control) {
  std::string text;
  if (!reader.read("control", text)) return;
  if (!text.empty()) text = reader.absolute(text);
  if (text.size() > kLongestSocketPath) {
    reader.error("control", std::format("\"control\": the path of a socket has at most {} bytes, but {} has {}",
                                        kLongestSocketPath, in_quotes(text), text.size()));
    return;
  }
  control = std::move(text);
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

}  // namespace

void read_server(TableReader& reader, Server& server) {
  reader.read("workers", server.workers, {.min = 0, .max = kMostWorkers});
  read_admin(reader, server);
  read_control(reader, server.control);
  server.user_location = reader.location("user");
  reader.read("user", server.user);
  reader.read("drain_timeout", server.drain_timeout, {.min = milliseconds(0)});
}

void read_log(TableReader& reader, Log& log) {
  static constexpr std::array<std::string_view, 3> kOutputs{"stderr", "stdout", "journal"};
  static constexpr std::array<std::string_view, 3> kAccessOutputs{"stdout", "stderr", "off"};
  reader.read("level", log.level, kLevelNames);
  read_output(reader, kOutputs, log.output);
  reader.table("access", [&](TableReader& access) {
    read_output(access, kAccessOutputs, log.access.output);
    access.read("format", log.access.format, kFormatNames);
  });
}

}  // namespace gatehouse::config
