#include <algorithm>
#include <cstdint>
#include <format>
#include <set>
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
#include "config/route_rules.h"
#include "config/target_rules.h"
#include "config/toml_writer.h"
#include "config/upstream_tls.h"

namespace gatehouse::config {

namespace {

constexpr std::uint32_t kGreatestWeight = 1000;

Diagnostic below_a_path(const EndpointBelow& below, const std::string& text, const Location& where) {
  const std::string rewrite = below.path + "{path}";
  const bool possible = check_rewrite(rewrite).has_value();
  Diagnostic diagnostic{
      .location = where,
      .message = std::format("{} is no endpoint: it has a path; write {}", in_quotes(text), in_quotes(below.endpoint))};
  if (!possible) return diagnostic;
  diagnostic.message += std::format(", and rewrite = {} in the routes that lead here", in_quotes(rewrite));
  diagnostic.remedy =
      std::format("# in the upstream:\nendpoints = [{}]\n# in the [[routes]] that lead to it:\nrewrite = {}\n",
                  literal(below.endpoint), literal(rewrite));
  return diagnostic;
}

struct Endpoints {
  std::vector<Endpoint>& list;
  std::set<std::string> seen{};
};

// False if it is none.
bool add_endpoint(TableReader& reader, const std::string& text, const Location& where, Endpoints& endpoints) {
  auto endpoint = parse_endpoint_url(text);
  if (!endpoint) {
    const auto below = split_endpoint(text);
    reader.error(below ? below_a_path(*below, text, where)
                       : Diagnostic{.location = where, .message = endpoint.error().message});
    return false;
  }
  if (!endpoints.seen.insert(endpoint_text(endpoint->at)).second) {
    reader.error(where, std::format("the endpoint {} is listed twice", in_quotes(text)));
    return false;
  }
  endpoint->location = where;
  endpoints.list.push_back(*std::move(endpoint));
  return true;
}

void read_endpoint_table(TableReader& element, Endpoints& endpoints) {
  std::string text;
  std::uint32_t weight = 1;
  const bool has_address = element.read("address", text);
  element.read("weight", weight, {.min = 1, .max = kGreatestWeight});
  if (!has_address) {
    if (!element.has("address")) element.need({"address"}, element.location(), "an endpoint needs an \"address\"");
  } else if (add_endpoint(element, text, element.location("address"), endpoints)) {
    endpoints.list.back().weight = weight;
  }
}

void read_endpoints(TableReader& reader, Upstream& upstream) {
  Endpoints endpoints{.list = upstream.endpoints};
  const bool given = reader.strings_or_tables(
      "endpoints",
      [&](const std::string& text, const Location& where) { add_endpoint(reader, text, where, endpoints); },
      [&](TableReader& element) { read_endpoint_table(element, endpoints); });
  if (given ? reader.is_empty_array("endpoints") : !reader.has("endpoints")) {
    reader.need({"endpoints"}, reader.location("endpoints"),
                std::format(R"(the upstream {} needs endpoints, such as endpoints = ["127.0.0.1:5000"])",
                            in_quotes(upstream.name)));
  }
}

// A name of DNS or an IP address.
bool is_server_name(const std::string& name) {
  return is_host_name(name) || (name.contains(':') && Address::parse(std::format("[{}]:1", name)));
}

void read_tls(TableReader& reader, UpstreamTls& tls) {
  tls.location = reader.location();
  reader.read_path_or_none("ca", tls.ca);
  if (reader.read("server_name", tls.server_name)) tls.server_name = text::lower(tls.server_name);
  if (!tls.server_name.empty() && !is_server_name(tls.server_name)) {
    reader.error("server_name",
                 std::format("\"server_name\": {} is neither a name nor an IP address", in_quotes(tls.server_name)));
  }
  reader.read("san", tls.san);
  reader.read_path_or_none("certificate", tls.certificate);
  reader.read_path_or_none("private_key", tls.private_key);
  reader.read("insecure", tls.insecure);
  if (tls.certificate.empty() != tls.private_key.empty()) {
    const std::string_view there = tls.certificate.empty() ? "private_key" : "certificate";
    const std::string_view missing = tls.certificate.empty() ? "certificate" : "private_key";
    reader.error(there, std::format("{} needs {} beside it", in_quotes(there), in_quotes(missing)));
  }
  for (const auto& [key, value] : {std::pair("ca", &tls.ca), std::pair("san", &tls.san)}) {
    if (tls.insecure && !value->empty()) {
      reader.error(key, std::format("{} has no meaning with insecure = true: nothing is verified", in_quotes(key)));
    }
  }
}

// A key that does nothing would hide that everything is sent in the clear.
void check_tls(TableReader& reader, const Upstream& upstream) {
  const UpstreamTls& tls = upstream.tls;
  if (tls.location.line != 0 && !has_tls(upstream) && !upstream.endpoints.empty()) {
    reader.error(tls.location, std::format("[upstreams.{}.tls] is for endpoints such as \"https://api.internal:8443\"; "
                                           "this upstream has none",
                                           upstream.name));
  }
  const bool named = !tls.server_name.empty() || !tls.san.empty() || tls.insecure;
  for (const Endpoint& endpoint : upstream.endpoints) {
    if (endpoint.tls_host.starts_with('_') && !named) {
      reader.error(endpoint.location,
                   std::format("{} does not say which name its certificates have; add server_name to "
                               "[upstreams.{}.tls]",
                               in_quotes(endpoint_text(endpoint)), upstream.name));
    }
  }
}

}  // namespace

void read_upstream(const std::string& name, TableReader& reader, Upstream& upstream) {
  upstream.name = name;
  upstream.location = reader.location();
  if (!is_target_name(name)) {
    reader.error(reader.location(),
                 std::format("{} is no name for an upstream; use at most 64 letters, digits, \"-\", \"_\" and \".\"",
                             in_quotes(name)));
  }
  read_endpoints(reader, upstream);
  reader.table("tls", [&](TableReader& table) { read_tls(table, upstream.tls); });
  check_tls(reader, upstream);
  reader.read("proxy_protocol", upstream.balancing.proxy_protocol, kSendProxyProtocolNames);
  read_balancing(reader, upstream.balancing);
}

}  // namespace gatehouse::config
