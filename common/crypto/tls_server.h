// A server that we speak TLS to: by which name it is asked for, and the session that the next connection to it resumes.
// Shared by all connections to one endpoint; any thread (a mutex, taken as connections are made and when a ticket
// comes). It outlives the connections.
//
// A session is good for an hour from when the certificate was last verified, however often it was resumed: after that
// the chain is looked at anew.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "common/clock.h"
#include "common/crypto/tls_client.h"
#include "common/crypto/tls_stream.h"

namespace gatehouse {

// Why there is no TLS with a server.
enum class TlsFailure : std::uint8_t {
  // Nobody who is trusted has signed its certificate.
  kUntrusted,
  // Its certificate, or one of the chain, is not valid now.
  kExpired,
  // Its certificate is for another name.
  kWrongName,
  // It refused, by an alert.
  kAlert,
  // It closed, or what it said is no TLS that we speak.
  kProtocol,
};

class TlsServer {
 public:
  // `name`: a DNS name or an IP address, for SNI (names only) and in the certificate, unless the client's options say
  // otherwise. `client` is not null.
  TlsServer(std::shared_ptr<const TlsClient> client, const std::string& name);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  const TlsClient& client() const { return *client_; }
  const std::string& name() const { return name_; }

  // Returns the beginning of a connection, to be given to a TlsStream, with the session if there is one. Null: no
  // memory.
  TlsStream::SslPtr new_ssl();
  // Why handshake() has failed. The next connection does not resume.
  TlsFailure note_failure(const TlsStream& stream);
  // The same in a few words, for the log.
  static std::string reason(const TlsStream& stream);
  // After kBroken from read(): whether it was the server, saying that our certificate does not do, or that there is
  // none. In TLS 1.3 it says so when the handshake is over for us, and before it reads what we have sent.
  static bool refused_us(const TlsStream& stream);

 private:
  friend class TlsClient;
  struct SessionDeleter {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  using SessionPtr = std::unique_ptr<SSL_SESSION, SessionDeleter>;

  static int on_session(SSL* ssl, SSL_SESSION* session);
  SessionPtr session();
  bool set_name(SSL* ssl) const;

  const std::shared_ptr<const TlsClient> client_;
  const std::string name_;
  std::mutex mutex_;
  SessionPtr session_;
  // When the certificate was, with whose handshake the session began.
  MonotonicTime verified_{};
};

}  // namespace gatehouse
