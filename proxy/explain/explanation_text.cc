#include <format>
#include <string_view>

#include "proxy/explain/explanation.h"
#include "proxy/http/field_list.h"

namespace gatehouse {
namespace {

constexpr std::size_t kIndent = 15;
// What no dry run knows.
constexpr std::string_view kWhileItWorks = "  (while HTTP/3 works there, which `gatehouse status` tells)";

// "title          text", and what belongs to the same title below it, without it.
class Page {
 public:
  void line(std::string_view title, std::string_view text) {
    text_ += std::format("{:<{}}{}\n", title == last_ ? "" : title, kIndent, text);
    last_ = title;
  }
  void heading(std::string_view text) {
    text_ += std::format("\n{}\n", text);
    last_ = {};
  }
  void item(std::string_view text) { text_ += std::format("  {}\n", text); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view last_;
};

std::string at(std::string_view name, std::string_view where) {
  return where.empty() ? std::string(name) : std::format("{}  ({})", name, where);
}

void write_way_in(const Explanation& explanation, Page& page) {
  if (explanation.listener) {
    page.line("listener", at(explanation.listener->name, explanation.listener->where));
    page.line("listener", explanation.listener->why);
    for (const std::string& other : explanation.listener->others) page.line("listener", "not " + other);
  }
  if (explanation.certificate) {
    for (const std::string& file : explanation.certificate->files) page.line("certificate", file);
    page.line("certificate", explanation.certificate->why);
  }
  if (!explanation.decider.path.empty()) {
    page.line("decided by",
              std::format("host {}, path {}", explanation.decider.host.empty() ? "(none)" : explanation.decider.host,
                          explanation.decider.path));
  }
}

void write_route(const Explanation& explanation, Page& page) {
  for (const Explanation::Stripped& field : explanation.stripped) {
    page.line("strips", std::format("{}: {}", field.name, field.why));
  }
  if (!explanation.route) return;
  const Explanation::Route& route = *explanation.route;
  page.line("route", route.name.empty() ? "none" : at(route.name, route.where));
  page.line("route", route.why);
  for (const Explanation::OtherRoute& other : route.others) {
    page.line("route", std::format("not {}: {}", at(other.name, other.where), other.why));
  }
  if (!route.access.empty()) page.line("access", route.access);
  for (const std::string& rewrite : route.rewrites) page.line("rewrites", rewrite);
  if (!explanation.reserved.empty()) page.line("reserved", explanation.reserved);
}

void write_upstream(const Explanation& explanation, Page& page) {
  if (!explanation.upstream) return;
  const Explanation::Upstream& upstream = *explanation.upstream;
  const std::string_view title = upstream.app ? "app" : "upstream";
  page.line(title, at(upstream.name, upstream.where));
  if (upstream.endpoints.size() > 1) page.line(title, upstream.balance);
  for (const Explanation::Endpoint& endpoint : upstream.endpoints) {
    std::string text = endpoint.name;
    if (!endpoint.note.empty()) text += std::format(" ({})", endpoint.note);
    if (endpoint.name == upstream.chosen && upstream.endpoints.size() > 1) text += "  <- this one, while it is well";
    page.line("endpoints", text);
  }
  for (const auto& [name, value] : upstream.settings) page.line(name, value);
}

void write_heads(const Explanation& explanation, Page& page) {
  if (!explanation.endpoint_head.empty()) {
    page.heading("The endpoint gets");
    for (const std::string& line : explanation.endpoint_head) page.item(line);
  }
  if (!explanation.response) return;
  const Explanation::Response& response = *explanation.response;
  if (response.status == 0 && response.fields.empty() && response.removed.empty()) return;
  page.heading(response.status == 0 ? "The client gets the endpoint's answer, with" : "The client gets");
  if (response.status != 0) page.item(std::to_string(response.status));
  for (const std::string& name : response.removed) page.item(std::format("no {}", name));
  for (const auto& [name, value] : response.fields) {
    const bool depends = field_name(name) == FieldName::kAltSvc;
    page.item(std::format("{}: {}{}", name, value, depends ? kWhileItWorks : ""));
  }
}

void write_limits(const Explanation& explanation, Page& page) {
  if (explanation.limits.empty()) return;
  page.heading("What holds");
  for (const Explanation::Limit& limit : explanation.limits) {
    page.item(std::format("{:<23}{}{}", limit.name, limit.value, limit.by_route ? "  (of the route)" : ""));
  }
}

}  // namespace

std::string to_text(const Explanation& explanation) {
  const Explanation::Asked& asked = explanation.asked;
  Page page;
  page.line("request", asked.protocol.empty() ? std::format("{} {}", asked.method, asked.url)
                                              : std::format("{} {} over {}, from {}", asked.method, asked.url,
                                                            asked.protocol, asked.client));
  page.line("outcome", explanation.outcome);
  if (explanation.fault) page.line("outcome", explanation.fault->explanation);
  write_way_in(explanation, page);
  write_route(explanation, page);
  write_upstream(explanation, page);
  write_heads(explanation, page);
  write_limits(explanation, page);
  return page.take();
}

}  // namespace gatehouse
