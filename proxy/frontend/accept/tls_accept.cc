#include "proxy/frontend/accept/tls_accept.h"

#include <array>
#include <utility>

#include "common/log_limit.h"
#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/h1/h1_connection.h"
#include "proxy/frontend/h2/h2_connection.h"
#include "proxy/frontend/tls/tls_contexts.h"

namespace gatehouse {

namespace {

constinit log::Limited failed_handshakes("failed TLS handshakes");

std::string_view chosen_protocol(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace

HandshakeFailure handshake_failure(std::string_view reason) {
  struct Row {
    std::string_view part;
    HandshakeFailure failure;
  };
  // OpenSSL's texts; "callback failed" is the name check, the only callback that refuses.
  static constexpr std::array<Row, 8> kRows = {{
      {"eof", HandshakeFailure::kClosed},
      {"reset", HandshakeFailure::kClosed},
      {"no application protocol", HandshakeFailure::kAlpn},
      {"callback failed", HandshakeFailure::kUnknownName},
      {"no shared cipher", HandshakeFailure::kNoSharedCipher},
      {"unsupported protocol", HandshakeFailure::kVersion},
      {"version too low", HandshakeFailure::kVersion},
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
      deadline_(context.loop, until_closed([this] { on_timeout(); })) {
  stream_->set_user(this);
  stream_->on_excess([&context, peer] { report_abuse(context, peer, Abuse::kTlsMessage); });
  deadline_.arm(context_.policy->connection.handshake_timeout);
  progress_.wake();
}

TlsAccept::~TlsAccept() {
  if (stream_) stream_->set_user(nullptr);
}

void TlsAccept::progress() {
  switch (stream_->handshake()) {
    case TlsStream::Handshake::kInProgress:
      return;
    case TlsStream::Handshake::kFailed:
      failed_handshakes.debug("TLS handshake with {} failed: {}", peer_.to_string(), stream_->failure_reason());
      return fail(handshake_failure(stream_->failure_reason()));
    case TlsStream::Handshake::kDone:
      return succeed();
  }
}

void TlsAccept::on_timeout() {
  fail(HandshakeFailure::kTimeout);
}

void TlsAccept::succeed() {
  SSL* ssl = stream_->ssl();
  const bool h2 = chosen_protocol(ssl) == "h2";
  if (!h2 && !context_.speaks_h1) return fail(HandshakeFailure::kAlpn);
  const auto protocol = static_cast<std::size_t>(h2 ? Protocol::kH2 : Protocol::kH1);
  const bool resumed = SSL_session_reused(ssl) == 1;
  const std::size_t version = SSL_version(ssl) == TLS1_3_VERSION ? 1 : 0;
  context_.counters.handshakes[version][protocol][resumed ? 1 : 0].add();
  ClientTransport transport{.peer = peer_,
                            .tls = std::make_shared<TlsSummary>(TlsSummary{.version = SSL_get_version(ssl),
                                                                           .cipher = SSL_get_cipher_name(ssl),
                                                                           .server_name = server_name_of(ssl),
                                                                           .resumed = resumed}),
                            .contexts = std::move(contexts_),
                            .permit = std::move(permit_)};
  stream_->set_user(nullptr);
  transport.stream = std::move(stream_);
  if (h2) {
    context_.connections.add(std::make_unique<H2Connection>(context_, std::move(transport)));
  } else {
    context_.connections.add(std::make_unique<H1Connection>(context_, std::move(transport)));
  }
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
