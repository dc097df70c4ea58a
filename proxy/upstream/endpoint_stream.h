// The bytes to and from an endpoint, over TCP, a Unix socket, or TLS on TCP, and the questions that only the socket can
// answer. What it wraps is decided once, by the Connector: without TLS each call is a branch and no more. Owned by its
// UpstreamConnection; one loop's thread.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "common/byte_stream.h"
#include "common/crypto/tls_stream.h"
#include "common/tcp_stream.h"

namespace gatehouse {

class EndpointStream {
 public:
  // Each is not null. Over TLS the handshake is done.
  explicit EndpointStream(std::unique_ptr<TcpStream> socket) : tcp_(std::move(socket)) {}
  explicit EndpointStream(std::unique_ptr<TlsStream> secured) : tls_(std::move(secured)) {}

  // For whoever reads.
  ByteStream& bytes() { return tcp_ ? static_cast<ByteStream&>(*tcp_) : *tls_; }
  void set_user(ByteStream::User* user) { bytes().set_user(user); }
  void shutdown_write() { bytes().shutdown_write(); }

  // As TcpStream::write(). Over TLS kOk may mean that only the first 64 KiB were taken, which is to be repeated; and
  // what was taken need not be in the socket as long as it says kWouldBlock.
  IoResult write(std::span<iovec> parts) { return tcp_ ? tcp_->write(parts) : encrypt(parts); }
  // What the next read would return, asked of the socket itself and not of the poller. kOk: there is data. Over TLS it
  // may be lost then.
  IoStatus peek() { return tcp_ ? tcp_->peek() : tls_->peek(); }

  // A request begins to be sent.
  void begin_request() {
    if (tls_) sent_before_ = tls_->written();
  }
  // Whether nothing of a request of which `taken` bytes were written has arrived at the other end, as TCP tells.
  bool nothing_acknowledged(std::uint64_t taken) const {
    return tcp_ ? tcp_->unacknowledged() >= taken : tls_->unacknowledged() >= tls_->written() - sent_before_;
  }
  // The errno of the first call that failed for good; 0: none has, or it is TLS.
  int last_error() const { return tcp_ ? tcp_->last_error() : 0; }
  // After kBroken: whether the endpoint has refused our certificate, and so read nothing of what we sent.
  bool refused_us() const;

 private:
  IoResult encrypt(std::span<const iovec> parts);

  // One of them is not null.
  std::unique_ptr<TcpStream> tcp_;
  std::unique_ptr<TlsStream> tls_;
  // Bytes on the socket, before the request that is under way.
  std::uint64_t sent_before_ = 0;
};

}  // namespace gatehouse
