#include "proxy/admin/admin.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "common/event_loop.h"
#include "common/sockets.h"
#include "proxy/admin/admin_access.h"
#include "proxy/admin/status_assets.h"
#include "proxy/admin/status_events.h"
#include "proxy/frontend/accept/tcp_listener.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/system/inherited_sockets.h"

namespace gatehouse {
namespace {

// Our own files and this address, nothing else; no text becomes markup or script.
constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

// Scrapes and probes are not traffic: neither counted nor logged.
class Unobserved final : public ExchangeObserver {
 public:
  void on_begin(const Exchange& /*exchange*/) override {}
  void on_end(const Exchange& /*exchange*/) override {}
};

class AdminResponder final : public Responder {
 public:
  AdminResponder(Exchange& exchange, const Admin::Pages& pages) : exchange_(exchange), pages_(pages) {}

  void start() override {
    const RequestHead& request = exchange_.request();
    if (const std::string_view refusal = admin_refusal(request, pages_.names()); !refusal.empty()) {
      return respond(403, refusal);
    }
    if (request.method != "GET" && request.method != "HEAD") return respond(405, "GET and HEAD only.\n");
    const std::string_view path = request.canonical_path();
    if (path == "/") return lead_to_status();
    if (path == "/metrics") return respond(200, pages_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    if (path == "/healthz") return respond(200, "ok\n");
    if (path == "/readyz") return ready();
    if (path == "/status.txt") return respond(200, pages_.status_table());
    if (path == "/status.json") return respond(200, pages_.status_json(), "application/json");
    if (path == "/status/events") return subscribe();
    if (path == "/status") return status();
    if (path.starts_with(kAssets)) return asset(path.substr(kAssets.size()));
    respond(404, "Try /status, /status.txt, /status.json, /metrics, /healthz or /readyz.\n");
  }

 private:
  static constexpr std::string_view kAssets = "/status/";

  void ready() {
    const std::string why_not = pages_.not_ready();
    why_not.empty() ? respond(200, "ready\n") : respond(503, why_not + '\n');
  }

  // A page for browsers; a table for people with `curl`.
  void status() {
    const auto accept = exchange_.request().fields.find(FieldName::kAccept);
    if (accept && accept->contains("text/html")) return asset("page.html");
    respond(200, pages_.status_table());
  }

  void asset(std::string_view name) {
    const auto assets = status_assets();
    const auto found = std::ranges::find(assets, name, &StatusAsset::name);
    if (found == assets.end()) return respond(404, "There is no such file.\n");
    respond(200, found->bytes, type_of(name));
  }

  static std::string_view type_of(std::string_view name) {
    if (name.ends_with(".html")) return "text/html; charset=utf-8";
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    return "image/svg+xml";
  }

  void subscribe() {
    if (exchange_.request().is_head()) return respond(200, {}, "text/event-stream; charset=utf-8");
    if (pages_.events->full()) return respond(503, "Too many listen already.\n");
    subscription_.emplace(*pages_.events, exchange_, pages_.status_json());
  }

  void lead_to_status() {
    ResponseHead head{.status = 307};
    head.fields.add(FieldName::kLocation, "/status");
    respond(std::move(head), "See /status.\n");
  }

  void respond(std::uint16_t status, std::string_view body, std::string_view type = "text/plain; charset=utf-8") {
    respond(ResponseHead{.status = status}, body, type);
  }

  void respond(ResponseHead head, std::string_view body, std::string_view type = "text/plain; charset=utf-8") {
    head.fields.add(FieldName::kContentType, type);
    head.fields.add(FieldName::kCacheControl, "no-store");
    head.fields.add("X-Content-Type-Options", "nosniff");
    head.fields.add("Cross-Origin-Resource-Policy", "same-origin");
    head.fields.add("Content-Security-Policy", kContentPolicy);
    head.fields.add("Referrer-Policy", "no-referrer");
    head.fields.add("Vary", "Accept");
    if (head.status == 405) head.fields.add("Allow", "GET, HEAD");
    exchange_.respond(std::move(head), body);
  }

  Exchange& exchange_;
  const Admin::Pages& pages_;
  std::optional<StatusEvents::Subscription> subscription_;
};

std::shared_ptr<const ListenerPolicy> admin_policy(const Address& address) {
  ListenerPolicy policy;
  policy.name = "admin";
  policy.public_port = address.port();
  policy.exchange.max_request_body = 0;
  return std::make_shared<const ListenerPolicy>(std::move(policy));
}

}  // namespace

struct Admin::Site {
  Site(EventLoop& loop, const Address& bound, Pages with)
      : address(bound),
        pages(std::move(with)),
        exchanges{.loop = loop,
                  .observer = observer,
                  .make_responder = [this](Exchange& exchange) -> std::unique_ptr<Responder> {
                    return std::make_unique<AdminResponder>(exchange, pages);
                  }},
        context{.loop = loop,
                .exchanges = exchanges,
                .policy = admin_policy(bound),
                .tls = nullptr,
                .counters = counters,
                .connections = ConnectionList(loop),
                .budget = std::make_shared<ConnectionBudget>(kMaxConnections)} {}

  static constexpr std::uint64_t kMaxConnections = 64;

  const Address address;
  const Pages pages;
  std::string file;  // of a Unix socket that we made, to be removed
  Unobserved observer;
  ExchangeContext exchanges;
  ListenerCounters counters;
  ListenerContext context;
  std::unique_ptr<TcpListener> listener;
};

Result<std::unique_ptr<Admin>> Admin::open(EventLoop& loop, const Address& address, Pages pages,
                                           const InheritedSockets& inherited) {
  std::vector<Fd> handed_over = inherited.copies(address, InheritedSockets::Kind::kStream);
  if (!handed_over.empty()) {
    auto site = std::make_unique<Site>(loop, address, std::move(pages));
    site->listener = std::make_unique<TcpListener>(site->context, std::move(handed_over.front()));
    return std::make_unique<Admin>(std::move(site));
  }
  auto socket = sockets::listen(address, {.reuse_port = false, .backlog = 64, .mode = 0660});
  if (!socket) return std::unexpected(socket.error());
  Address bound = address;
  if (!address.is_unix()) bound.set_port(Address::local_of(socket->get()).port());
  auto site = std::make_unique<Site>(loop, bound, std::move(pages));
  if (address.is_unix()) site->file = address.path();
  site->listener = std::make_unique<TcpListener>(site->context, *std::move(socket));
  return std::make_unique<Admin>(std::move(site));
}

Admin::Admin(std::unique_ptr<Site> site) : site_(std::move(site)) {}

Admin::~Admin() {
  if (!site_->file.empty()) unlink(site_->file.c_str());
}

// What is retired while others are destroyed is destroyed after them.
void Admin::retire(EventLoop& loop, std::unique_ptr<Admin> admin) {
  struct Last {
    EventLoop& loop;
    std::unique_ptr<Admin> admin;
    ~Last() { loop.retire(std::move(admin)); }
  };
  if (admin) loop.retire(std::make_unique<Last>(loop, std::move(admin)));
}

const Address& Admin::address() const {
  return site_->address;
}

}  // namespace gatehouse
