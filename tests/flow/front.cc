#include "tests/flow/front.h"

#include <utility>

#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/h1/h1_connection.h"
#include "proxy/frontend/h2/h2_connection.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::flow {

using testing_support::H3Client;
using testing_support::MemoryStream;

namespace {

std::shared_ptr<const TlsContexts> tls() {
  static const auto kContexts = [] {
    const auto pem = testing_support::make_certificate({.names = {"shop.test", "probe.test"}});
    TlsOptions options;
    options.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()};
    return TlsContexts::make(options).value();
  }();
  return kContexts;
}

Address server_address() {
  return Address::parse("127.0.0.1:4433").value();
}

// Each connection from a port of its own, which is how datagrams find their client.
Address client_address() {
  static unsigned next = 0;
  return Address::parse(std::string(Front::kClientAddress) + ":" + std::to_string(20'000 + ++next % 20'000)).value();
}

}  // namespace

Front::Front(const Clock& clock, EventLoop& loop, ExchangeContext& exchanges,
             std::shared_ptr<const ListenerPolicy> policy)
    : clock_(clock),
      context_{.loop = loop,
               .exchanges = exchanges,
               .policy = std::move(policy),
               .tls = tls(),
               .counters = counters_,
               .connections = ConnectionList(loop),
               .speaks_h2 = true},
      quic_(std::make_unique<QuicListener>(
          context_, [this](const UdpDatagram& datagram) { to_clients(datagram); }, server_address(),
          QuicListener::Dependencies{.group = nullptr, .worker = 0, .secrets = QuicSecrets::random(), .options = {}})) {
}

Front::~Front() {
  context_.connections.close_all();
  context_.loop.turn(EventLoop::Wait::kNever);
  quic_.reset();
  context_.loop.turn(EventLoop::Wait::kNever);
}

std::unique_ptr<MemoryStream> Front::connect(Protocol protocol) {
  auto [client, server] = MemoryStream::make_pair(context_.loop, kStreamRoom);
  ClientTransport transport{.stream = std::move(server),
                            .peer = client_address(),
                            .tls = std::make_shared<TlsSummary>(TlsSummary{.version = "TLSv1.3"}),
                            .contexts = nullptr,
                            .permit = {}};
  if (protocol == Protocol::kH2) {
    context_.connections.add(std::make_unique<H2Connection>(context_, std::move(transport)));
  } else {
    context_.connections.add(std::make_unique<H1Connection>(context_, std::move(transport)));
  }
  return std::move(client);
}

std::shared_ptr<H3Client> Front::connect_quic() {
  auto client = std::make_shared<H3Client>(H3Client::Dependencies{
      .clock = clock_,
      .to_server = [this](const UdpDatagram& datagram) { quic_->receive(datagram); },
      .server_name = "shop.test",
      .local = client_address(),
      .server = server_address(),
      .stream_window = kStreamRoom,
  });
  quic_clients_.push_back(client);
  return client;
}

void Front::to_clients(const UdpDatagram& datagram) {
  for (const auto& each : quic_clients_) {
    if (const auto client = each.lock()) client->receive(datagram);
  }
}

void Front::drain() {
  context_.draining = true;
  quic_->drain();
  context_.connections.drain_all();
}

}  // namespace gatehouse::flow
