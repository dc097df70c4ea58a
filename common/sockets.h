// Making sockets: non-blocking, close-on-exec, with the options that a proxy wants. Any thread. Errors say which
// address, and have the errno as their code.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"

namespace gatehouse::sockets {

struct ListenOptions {
  // SO_REUSEPORT: several sockets share the address, one for each worker. It has no meaning for a Unix socket.
  bool reuse_port = true;
  int backlog = 4096;
  // Of the file of a Unix socket, from its first moment; without one the umask decides.
  std::optional<mode_t> mode = {};
};

// Listens on TCP (dual-stack for ":PORT", v4 only where the machine has no IPv6) or on a Unix socket (a socket file
// that nobody listens on is removed first; one that somebody listens on, or any other file, is an error).
Result<Fd> listen(const Address& address, const ListenOptions& options = {});

// Bytes that bind_udp() asks for, each way; without CAP_NET_ADMIN the system's limits hold (net.core.rmem_max,
// wmem_max).
inline constexpr int kUdpBuffer = 4 * 1024 * 1024;

// Binds UDP for QUIC: SO_REUSEPORT, large buffers, ECN and destination address reported, the don't-fragment bit set
// (RFC 9000 section 14), GRO if the kernel has it. Dual-stack as listen().
Result<Fd> bind_udp(const Address& address);
// Sets the same options, but for SO_REUSEPORT, on a socket that somebody else has bound.
Result<> set_up_udp(int fd);
// Whether SO_REUSEPORT is set.
bool shares_port(int fd);

// Starts a connect, with TCP_NODELAY. The socket becomes writable when it is done or has failed: take_error() says
// which. What fails at once is the error here, such as a Unix socket that nobody listens on or whose backlog is full
// (EAGAIN).
Result<Fd> connect(const Address& address);
// Returns and clears SO_ERROR: an errno, or 0.
int take_error(int fd);
// Whether somebody takes connections at this Unix socket. Waits while the line of those is full.
bool accepts(const Address& address);
// Returns the user who called listen() at the other end of a Unix socket that we have connected. Nothing if the system
// does not know, as for any socket that is no Unix socket.
std::optional<uid_t> user_at_other_end(int fd);
// Whether `user` listens at the other end. Without `user` anybody may, and the system is not asked.
bool is_listened_at_by(int fd, std::optional<uid_t> user);

// TCP_NODELAY. An error is not reported: without it data leaves late, but whole.
void set_no_delay(int fd);
// TCP_NOTSENT_LOWAT: the kernel takes no more than about so many bytes ahead of what it has sent; writable is who has
// less than half of it waiting. What is sent and not acknowledged does not count, so that it slows nobody down. An
// error is not reported: without it slow readers cost more memory.
void set_unsent_limit(int fd, int bytes);
// Makes close() send RST and drop what has not been sent.
void set_linger_reset(int fd);

}  // namespace gatehouse::sockets
