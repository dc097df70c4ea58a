#include <algorithm>
#include <cstddef>
#include <format>
#include <string>
#include <string_view>
#include <vector>

#include "config/names.h"
#include "config/quoting.h"
#include "config/reading/sections.h"
#include "config/route_rules.h"
#include "config/target_rules.h"

namespace gatehouse::config {

namespace {

// A word, or a word with the name of a header or cookie behind it.
void read_hash_on(TableReader& reader, Balancing& balancing) {
  std::string text;
  if (!reader.read("hash_on", text)) return;
  const std::size_t colon = text.find(':');
  const std::string word = text.substr(0, colon == std::string::npos ? colon : colon + 1);
  const auto* const found = std::ranges::find(kHashOnNames.texts, word);
  if (found == kHashOnNames.texts.end()) {
    reader.error("hash_on",
                 std::format(R"("hash_on" must be "client_ip", "path", "header:NAME" or "cookie:NAME", not {})",
                             in_quotes(text)));
    return;
  }
  const std::string name = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (colon != std::string::npos && !is_token(name)) {
    reader.error("hash_on",
                 std::format("\"hash_on\": {} is no name of a header or cookie; write it behind the colon, as in {}",
                             in_quotes(name), in_quotes(word + "X-Tenant")));
    return;
  }
  balancing.hash_on = kHashOnNames.values[static_cast<std::size_t>(found - kHashOnNames.texts.begin())];
  balancing.hash_name = name;
  // What is the default anyway misleads nobody.
  if (balancing.balance != Balance::kHash && balancing.hash_on != HashOn::kClientAddress) {
    reader.warning("hash_on", R"("hash_on" has no effect without balance = "hash")");
  }
}

void read_sticky(TableReader& reader, std::string& cookie) {
  std::string name;
  if (!reader.read("cookie", name)) return;
  if (!name.empty() && !is_token(name)) {
    reader.error("cookie", std::format("\"cookie\": {} is no name of a cookie; use letters, digits, \"-\" and \"_\"",
                                       in_quotes(name)));
    return;
  }
  cookie = name;
}

// Whether there is such a name is known once all files are read.
void read_delegates(TableReader& reader, std::vector<Forward>& delegates) {
  reader.strings("delegate_to", [&](const std::string& name, const Location& where) {
    if (std::ranges::contains(delegates, name, &Forward::upstream)) {
      reader.error(where, std::format("\"delegate_to\": {} is listed twice", in_quotes(name)));
      return;
    }
    delegates.push_back({.upstream = name, .location = where});
  });
}

void read_send_file(TableReader& reader, SendFile& send_file) {
  const auto folder = [&](const std::string& text, const Location& where) -> std::optional<std::string> {
    std::string path = text.empty() ? text : reader.absolute(text);
    while (path.ends_with('/')) path.pop_back();
    if (!path.empty()) return path;
    reader.error(where, std::format("\"send_file\": {} is no folder below which files may be sent", in_quotes(text)));
    return std::nullopt;
  };
  const auto read_folder = [&](const std::string& text, const Location& where) {
    if (auto path = folder(text, where)) send_file.folders.push_back(*std::move(path));
  };
  reader.strings_or_tables("send_file", read_folder, [&](TableReader& table) {
    SendFile::Place place;
    if (table.read("prefix", place.prefix) && !(place.prefix.starts_with('/') && place.prefix.ends_with('/'))) {
      table.error("prefix",
                  std::format(R"("prefix" is what X-Accel-Redirect begins with, from slash to slash, such as )"
                              R"("/protected/"; not {})",
                              in_quotes(place.prefix)));
    }
    std::string text;
    if (table.read("folder", text)) {
      if (auto path = folder(text, table.location("folder"))) place.folder = *std::move(path);
    }
    for (const std::string_view key : {"prefix", "folder"}) {
      if (!table.has(key))
        table.need({key}, table.location(), std::format("a place of \"send_file\" needs {}", in_quotes(key)));
    }
    send_file.places.push_back(std::move(place));
  });
}

}  // namespace

void read_balancing(TableReader& reader, Balancing& balancing) {
  reader.read("balance", balancing.balance, kBalanceNames);
  read_hash_on(reader, balancing);
  reader.read("max_requests", balancing.max_requests);
  reader.read("queue", balancing.queue);
  reader.read("queue_timeout", balancing.queue_timeout);
  reader.read("when_all_unhealthy", balancing.when_all_unhealthy, kWhenAllUnhealthyNames);
  reader.read("via", balancing.via, kViaNames);
  reader.read("tolerance", balancing.tolerance, kToleranceNames);
  read_delegates(reader, balancing.delegate_to);
  read_send_file(reader, balancing.send_file);
  reader.table("pool", [&](TableReader& pool) {
    pool.read("idle_timeout", balancing.pool.idle_timeout);
    pool.read("max_idle", balancing.pool.max_idle);
  });
  reader.table("health", [&](TableReader& health) { read_health(health, balancing); });
  reader.table("outlier", [&](TableReader& outlier) { read_outlier(outlier, balancing.outlier); });
  reader.table("sticky", [&](TableReader& sticky) { read_sticky(sticky, balancing.sticky_cookie); });
}

}  // namespace gatehouse::config
