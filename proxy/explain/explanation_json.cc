#include <nlohmann/json.hpp>

#include "proxy/explain/explanation.h"

namespace gatehouse {
namespace {

using Json = nlohmann::ordered_json;

Json pairs(const std::vector<Explanation::Pair>& all) {
  Json out = Json::array();
  for (const auto& [name, value] : all) out.push_back({{"name", name}, {"value", value}});
  return out;
}

Json json_of(const std::vector<Explanation::Stripped>& fields) {
  Json out = Json::array();
  for (const Explanation::Stripped& field : fields) out.push_back({{"name", field.name}, {"why", field.why}});
  return out;
}

Json json_of(const Explanation::Route& route) {
  Json others = Json::array();
  for (const Explanation::OtherRoute& other : route.others) {
    others.push_back({{"name", other.name}, {"where", other.where}, {"why", other.why}});
  }
  Json out;
  out["name"] = route.name.empty() ? Json() : Json(route.name);
  out["where"] = route.where;
  out["why"] = route.why;
  out["access"] = route.access.empty() ? Json() : Json(route.access);
  out["others"] = others;
  return out;
}

Json json_of(const Explanation::Upstream& upstream) {
  Json endpoints = Json::array();
  for (const Explanation::Endpoint& endpoint : upstream.endpoints) {
    endpoints.push_back({{"name", endpoint.name}, {"note", endpoint.note}});
  }
  Json out;
  out["name"] = upstream.name;
  out["where"] = upstream.where;
  out["app"] = upstream.app;
  out["balance"] = upstream.balance;
  out["chosen"] = upstream.chosen.empty() ? Json() : Json(upstream.chosen);
  out["endpoints"] = endpoints;
  out["settings"] = pairs(upstream.settings);
  return out;
}

Json json_of(const Explanation::Response& response) {
  Json out;
  out["status"] = response.status == 0 ? Json() : Json(response.status);
  out["removed"] = response.removed;
  out["fields"] = pairs(response.fields);
  return out;
}

Json json_of(const std::vector<Explanation::Limit>& limits) {
  Json out = Json::array();
  for (const Explanation::Limit& limit : limits) {
    out.push_back({{"name", limit.name}, {"value", limit.value}, {"by_route", limit.by_route}});
  }
  return out;
}

}  // namespace

std::string to_json(const Explanation& explanation) {
  const Explanation::Asked& asked = explanation.asked;
  Json out;
  out["request"] = {
      {"method", asked.method}, {"url", asked.url}, {"protocol", asked.protocol}, {"client", asked.client}};
  out["served"] = explanation.served;
  out["outcome"] = explanation.outcome;
  out["fault"] = nullptr;
  if (const auto& fault = explanation.fault) {
    out["fault"] = {{"token", fault->label},
                    {"status", fault->status},
                    {"blame", fault->blame},
                    {"explanation", fault->explanation}};
  }
  out["listener"] = nullptr;
  if (const auto& listener = explanation.listener) {
    out["listener"] = {
        {"name", listener->name}, {"where", listener->where}, {"why", listener->why}, {"others", listener->others}};
  }
  out["certificate"] = nullptr;
  if (const auto& certificate = explanation.certificate) {
    out["certificate"] = {{"files", certificate->files}, {"why", certificate->why}};
  }
  out["host"] = explanation.decider.host;
  out["path"] = explanation.decider.path;
  out["stripped"] = json_of(explanation.stripped);
  out["route"] = explanation.route ? json_of(*explanation.route) : Json();
  out["reserved"] = explanation.reserved.empty() ? Json(nullptr) : Json(explanation.reserved);
  out["rewrites"] = explanation.route ? Json(explanation.route->rewrites) : Json::array();
  out["upstream"] = explanation.upstream ? json_of(*explanation.upstream) : Json();
  out["endpoint_request"] = explanation.endpoint_head;
  out["answer"] = explanation.response ? json_of(*explanation.response) : Json();
  out["limits"] = json_of(explanation.limits);
  // What users typed may be in no encoding at all.
  constexpr int kIndent = 2;
  return out.dump(kIndent, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace gatehouse
