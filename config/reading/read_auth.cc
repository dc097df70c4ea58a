#include <algorithm>
#include <format>
#include <string>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "config/names.h"
#include "config/quoting.h"
#include "config/reading/sections.h"

namespace gatehouse::config {

namespace {

void read_schemes(TableReader& reader, Auth& auth) {
  const bool given = reader.strings("schemes", [&](const std::string& word, const Location& where) {
    const auto is_it = [&](std::string_view name) { return text::iequals(name, word); };
    const auto found = std::ranges::find_if(kAuthSchemeNames.texts, is_it);
    if (found == kAuthSchemeNames.texts.end()) {
      const std::string_view more =
          is_it("NTLM") ? "; NTLM is passed through to an endpoint by connection_auth, and never ended here" : "";
      return reader.error(where, std::format("\"schemes\": {} is none; it is {}{}", in_quotes(word),
                                             one_of(kAuthSchemeNames.texts), more));
    }
    bool& listed = auth.*kAuthSchemeNames.values[static_cast<std::size_t>(found - kAuthSchemeNames.texts.begin())];
    if (listed) reader.error(where, std::format("the scheme {} is listed twice", in_quotes(word)));
    listed = true;
  });
  if (!given)
    reader.need({"schemes"}, reader.location(), R"("auth" needs "schemes": ["Negotiate"], ["Basic"] or both)");
}

// What a scheme needs, and what nothing needs.
void read_file(TableReader& reader, std::string_view key, bool wanted, KeyFile& file) {
  const std::string_view scheme = key == "users" ? "Basic" : "Negotiate";
  file.location = reader.location(key);
  reader.read_path_or_none(key, file.path);
  if (wanted && !reader.has(key)) {
    reader.need({key}, reader.location(), std::format("{} needs {}", in_quotes(scheme), in_quotes(key)));
  } else if (wanted && file.path.empty()) {
    reader.error(key, std::format("{} needs {}, which is empty", in_quotes(scheme), in_quotes(key)));
  } else if (!wanted && !file.path.empty()) {
    reader.error(key, std::format("{} is for {}, which \"schemes\" does not list", in_quotes(key), in_quotes(scheme)));
  }
}

}  // namespace

void read_auth(TableReader& reader, Route& route) {
  reader.table("auth", [&](TableReader& table) {
    Auth auth{.location = table.location()};
    read_schemes(table, auth);
    read_file(table, "keytab", auth.negotiate, auth.keytab);
    read_file(table, "users", auth.basic, auth.users);
    table.read("anonymous", auth.anonymous);
    table.read("channel_binding", auth.channel_binding, kChannelBindingNames);
    if (auth.channel_binding != ChannelBinding::kOff && !auth.negotiate) {
      table.error("channel_binding", R"("channel_binding" is for "Negotiate", which "schemes" does not list)");
    }
    if (auth.negotiate || auth.basic) route.auth = std::move(auth);
  });
  if (route.auth && route.connection_auth) {
    reader.error("auth",
                 R"("auth" beside "connection_auth": who signs in here, or at the endpoint, is one of the two)");
  }
}

}  // namespace gatehouse::config
