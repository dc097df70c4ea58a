#include "proxy/server/admin.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "common/event_loop.h"
#include "common/sockets.h"
#include "common/text.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/tcp_listener.h"
#include "proxy/http/exchange.h"
#include "proxy/server/inherited_sockets.h"

namespace gatehouse {
namespace {

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
    if (!admin_answers_to(request.host())) {
      return answer(403, "This address answers to IP addresses, localhost and this machine's name only.\n");
    }
    if (request.method != "GET" && request.method != "HEAD") return answer(405, "GET and HEAD only.\n");
    const std::string_view path = request.canonical_path();
    if (path == "/metrics") return answer(200, pages_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    if (path == "/healthz") return answer(200, "ok\n");
    if (path == "/readyz") return pages_.draining() ? answer(503, "draining\n") : answer(200, "ready\n");
    if (path == "/status") return answer(200, pages_.status());
    answer(404, "Try /metrics, /healthz, /readyz or /status.\n");
  }

 private:
  void answer(std::uint16_t status, std::string_view body, std::string_view type = "text/plain; charset=utf-8") {
    ResponseHead head{.status = status};
    head.fields.add(FieldName::kContentType, type);
    head.fields.add(FieldName::kCacheControl, "no-store");
    head.fields.add("X-Content-Type-Options", "nosniff");
    if (status == 405) head.fields.add("Allow", "GET, HEAD");
    exchange_.respond(std::move(head), body);
  }

  Exchange& exchange_;
  const Admin::Pages& pages_;
};

std::shared_ptr<const ListenerPolicy> admin_policy(const Address& address) {
  ListenerPolicy policy;
  policy.name = "admin";
  policy.public_port = address.port();
  policy.exchange.max_request_body = 0;
  return std::make_shared<const ListenerPolicy>(std::move(policy));
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return text::lower(name.data());
}

}  // namespace

bool admin_answers_to(std::string_view host) {
  if (host.empty() || host == "localhost") return true;
  const std::string literal =
      host.find(':') == std::string_view::npos ? std::string(host) : '[' + std::string(host) + ']';
  if (const auto address = Address::parse(literal + ":80"); address && !address->is_unix()) return true;
  const std::string machine = machine_name();
  return !machine.empty() && host == machine;
}

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
  auto socket = sockets::listen(address, {.reuse_port = false, .backlog = 64});
  if (!socket) return std::unexpected(socket.error());
  Address bound = address;
  if (!address.is_unix()) {
    bound.set_port(Address::local_of(socket->get()).port());
  } else if (const std::string path = address.host().substr(std::string_view("unix:").size());
             chmod(path.c_str(), 0660) != 0) {
    return system_failure("cannot protect " + path, errno);
  }
  auto site = std::make_unique<Site>(loop, bound, std::move(pages));
  if (address.is_unix()) site->file = address.host().substr(std::string_view("unix:").size());
  site->listener = std::make_unique<TcpListener>(site->context, *std::move(socket));
  return std::make_unique<Admin>(std::move(site));
}

Admin::Admin(std::unique_ptr<Site> site) : site_(std::move(site)) {}

Admin::~Admin() {
  if (!site_->file.empty()) unlink(site_->file.c_str());
}

const Address& Admin::address() const {
  return site_->address;
}

}  // namespace gatehouse
