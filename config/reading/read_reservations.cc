#include <format>
#include <string>

#include "config/quoting.h"
#include "config/reading/sections.h"

namespace gatehouse::config {

namespace {

void read_prefix(TableReader& reader, Reservation& reservation) {
  std::string text;
  if (!reader.read("prefix", text)) {
    if (!reader.has("prefix")) {
      reader.need({"prefix"}, reader.location(),
                  "a reservation needs a prefix, such as prefix = \"https://shop.example.com/orders/\"");
    }
    return;
  }
  auto prefix = UrlPrefix::parse(text);
  if (!prefix) {
    return reader.error("prefix", std::format("\"prefix\": {} is none: {}", in_quotes(text), prefix.error().message));
  }
  if (prefix->is_whole_port() && !reservation.whole_port) {
    return reader.error("prefix", std::format("\"prefix\": {} is all that comes to port {}, whatever its host; "
                                              "write a path, or whole_port = true if that is meant",
                                              in_quotes(text), prefix->port));
  }
  reservation.prefix = *std::move(prefix);
}

}  // namespace

void read_reservation(TableReader& reader, Reservation& reservation) {
  reservation.location = reader.location();
  reader.read("whole_port", reservation.whole_port);
  read_prefix(reader, reservation);
  const bool by_user = reader.read("user", reservation.user);
  const bool by_group = reader.read("group", reservation.group);
  reservation.owner_location = reader.location(by_group ? "group" : "user");
  if (by_user && by_group) {
    reader.error("group", "a reservation is for a \"user\" or for a \"group\", not for both");
  } else if (!reader.has("user") && !reader.has("group")) {
    reader.need({"user", "group"}, reader.location(), "a reservation needs a \"user\" or a \"group\"");
  } else if (reservation.user.empty() && reservation.group.empty() && (by_user || by_group)) {
    reader.error(by_group ? "group" : "user", "the owner of a reservation has a name");
  }
}

}  // namespace gatehouse::config
