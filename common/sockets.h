// Making sockets: non-blocking, close-on-exec, with the options that a proxy wants. Any thread; errors say which
// address.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"

namespace gatehouse::sockets {

struct ListenOptions {
  bool reuse_port = true;  // each worker has a socket of its own
  int backlog = 4096;
  std::optional<mode_t> mode = {};  // of the file of a Unix socket, from its first moment; else by the umask
};

// TCP (dual-stack for ":PORT", v4 only where the machine has no IPv6) or Unix (a stale socket file is removed, a live
// one is not).
Result<Fd> listen(const Address& address, const ListenOptions& options = {});

// Bytes that bind_udp() asks for, each way; without CAP_NET_ADMIN the system's limits hold (net.core.rmem_max,
// wmem_max).
inline constexpr int kUdpBuffer = 4 * 1024 * 1024;

// UDP for QUIC: SO_REUSEPORT, large buffers, ECN and destination address reported, no fragmentation, GRO if the kernel
// has it.
Result<Fd> bind_udp(const Address& address);
// The same options, but for SO_REUSEPORT, for a socket that somebody else has bound.
Result<> set_up_udp(int fd);
bool shares_port(int fd);  // SO_REUSEPORT is set

// Starts a connect; the socket becomes writable when it is done or has failed (SO_ERROR).
Result<Fd> connect(const Address& address);
int take_error(int fd);  // SO_ERROR
// Of a connected Unix socket: the user who called listen() at the other end. Nothing if the system does not say, which
// of other sockets it never does.
std::optional<uid_t> user_at_other_end(int fd);
// Whether it was `user`; without one, anybody may listen there.
bool is_listened_at_by(int fd, std::optional<uid_t> user);

void set_no_delay(int fd);
void set_linger_reset(int fd);  // close() sends RST

}  // namespace gatehouse::sockets
