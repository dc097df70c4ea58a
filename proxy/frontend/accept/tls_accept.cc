#include "proxy/frontend/accept/tls_accept.h"

#include <array>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/accept/early_stream.h"
#include "proxy/frontend/h1/h1_connection.h"
#include "proxy/frontend/h2/h2_connection.h"
#include "proxy/frontend/lingering_close.h"
#include "proxy/frontend/tls/client_verification.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "proxy/frontend/tls_summary.h"

namespace gatehouse {

namespace {

constinit log::Limited failed_handshakes("failed TLS handshakes");
constinit log::Limited refused_clients("TLS clients that were refused for their certificate");

std::string_view chosen_protocol(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

// The beginning of a request line, as far as it goes.
bool begins_like_http(std::string_view received) {
  constexpr std::size_t kLongestMethod = 32;
  const std::size_t method = received.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  if (method == std::string_view::npos) return !received.empty() && received.size() <= kLongestMethod;
  return method > 0 && method <= kLongestMethod && received[method] == ' ';
}

}  // namespace

HandshakeFailure handshake_failure(std::string_view reason) {
  struct Row {
    std::string_view part;
    HandshakeFailure failure;
  };
  // OpenSSL's texts; "callback failed" is the name check, the only callback that refuses.
  static constexpr std::array<Row, 10> kRows = {{
      {"eof", HandshakeFailure::kClosed},
      {"reset", HandshakeFailure::kClosed},
      {"no application protocol", HandshakeFailure::kAlpn},
      {"callback failed", HandshakeFailure::kUnknownName},
      {"no shared cipher", HandshakeFailure::kNoSharedCipher},
      {"unsupported protocol", HandshakeFailure::kVersion},
      {"version too low", HandshakeFailure::kVersion},
      {"peer did not return a certificate", HandshakeFailure::kNoCertificate},
      {"certificate verify failed", HandshakeFailure::kBadCertificate},
      {"out of memory", HandshakeFailure::kOther},
  }};
  for (const Row& row : kRows) {
    if (reason == row.part) return row.failure;
  }
  return HandshakeFailure::kProtocol;
}

TlsAccept::TlsAccept(ListenerContext& context, std::unique_ptr<TlsStream> stream, Address peer, ConnectionPermit permit)
    : context_(context),
      stream_(std::move(stream)),
      peer_(peer),
      permit_(std::move(permit)),
      contexts_(context.tls),
      progress_(context.loop, until_closed([this] { progress(); })),
      ends_(context.loop.now() + context.policy->connection.handshake_timeout),
      deadline_(context.loop, until_closed([this] { on_timeout(); })) {
  stream_->set_user(this);
  stream_->on_excess([&context, peer] { report_abuse(context, peer, Abuse::kTlsMessage); });
  deadline_.arm_at(ends_);
  progress_.wake();
}

void TlsAccept::came_by_proxy(std::shared_ptr<const ProxyHeaderNotes> notes, Duration spent) {
  proxied_ = std::move(notes);
  ends_ -= spent;
  deadline_.arm_at(ends_);
}

TlsAccept::~TlsAccept() {
  if (stream_) stream_->set_user(nullptr);
}

void TlsAccept::progress() {
  switch (stream_->handshake()) {
    case TlsStream::Handshake::kInProgress:
      return;
    case TlsStream::Handshake::kFailed:
      return on_failed();
    case TlsStream::Handshake::kEarlyData:
      return hand_on(true);
    case TlsStream::Handshake::kDone:
      return hand_on(false);
  }
}

void TlsAccept::on_failed() {
  const HandshakeFailure why = handshake_failure(stream_->failure_reason());
  if (why == HandshakeFailure::kNoCertificate || why == HandshakeFailure::kBadCertificate) return refuse(why);
  failed_handshakes.debug("TLS handshake with {} failed: {}", peer_.to_string(), stream_->failure_reason());
  if (Buffer received = stream_->take_plain_text(); begins_like_http(received.front()))
    return turn_away(std::move(received));
  fail(why);
}

// The alert that says so must arrive, though the client may be sending its first request by now.
void TlsAccept::refuse(HandshakeFailure why) {
  std::string reason = client_verification::refusal(stream_->ssl());
  if (reason.empty()) reason = "it has shown none";
  refused_clients.info("{} was refused on {} for its certificate: {}", peer_.to_string(), context_.policy->name,
                       reason);
  context_.counters.handshake_failures[static_cast<std::size_t>(why)].add();
  stream_->set_user(nullptr);
  LingeringClose::begin(context_, {.stream = stream_->take_socket(), .peer = peer_, .permit = std::move(permit_)}, {});
  close();
}

void TlsAccept::on_timeout() {
  fail(HandshakeFailure::kTimeout);
}

void count_handshake(ListenerContext& context, const SSL* ssl, Protocol protocol) {
  const std::size_t version = SSL_version(ssl) == TLS1_3_VERSION ? 1 : 0;
  const std::size_t resumed = SSL_session_reused(ssl) == 1 ? 1 : 0;
  context.counters.handshakes[version][static_cast<std::size_t>(protocol)][resumed].add();
}

void TlsAccept::hand_on(bool early) {
  const SSL* ssl = stream_->ssl();
  const bool h2 = chosen_protocol(ssl) == "h2";
  if (!h2 && !context_.speaks_h1) return fail(HandshakeFailure::kAlpn);
  const Protocol protocol = h2 ? Protocol::kH2 : Protocol::kH1;
  ClientTransport transport{.peer = peer_,
                            .tls = tls_summary(ssl),
                            .contexts = std::move(contexts_),
                            .permit = std::move(permit_),
                            .proxied = std::move(proxied_)};
  stream_->set_user(nullptr);
  if (early) {
    auto stream = std::make_unique<EarlyStream>(context_, std::move(stream_), protocol, ends_);
    transport.early = &stream->pending();
    transport.stream = std::move(stream);
  } else {
    count_handshake(context_, ssl, protocol);
    transport.stream = std::move(stream_);
  }
  if (h2) {
    context_.connections.add(std::make_unique<H2Connection>(context_, std::move(transport)));
  } else {
    context_.connections.add(std::make_unique<H1Connection>(context_, std::move(transport)));
  }
  close();
}

void TlsAccept::turn_away(Buffer received) {
  context_.counters.handshake_failures[static_cast<std::size_t>(HandshakeFailure::kPlainHttp)].add();
  ClientTransport transport{.stream = stream_->take_socket(),
                            .peer = peer_,
                            .permit = std::move(permit_),
                            .strayed = true,
                            .proxied = std::move(proxied_)};
  context_.connections.add(std::make_unique<H1Connection>(context_, std::move(transport), std::move(received)));
  close();
}

void TlsAccept::fail(HandshakeFailure why) {
  context_.counters.handshake_failures[static_cast<std::size_t>(why)].add();
  close();
}

void TlsAccept::close() {
  if (stream_) stream_->set_user(nullptr);
  context_.connections.close(*this);
}

}  // namespace gatehouse
