#include "common/tcp_stream.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <span>
#include <utility>

#include "common/sockets.h"

namespace gatehouse {

namespace {

constexpr std::size_t kBulkSlabs = 4;              // slabs that one read fills at most
constexpr std::size_t kWorthwhileRoom = 4 * 1024;  // less room than this at the end of a buffer is not read into
constexpr std::size_t kMaxRuns = 64;               // entries of one gathering send

std::size_t size_of(std::span<const iovec> parts) {
  std::size_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  return size;
}

}  // namespace

TcpStream::TcpStream(EventLoop& loop, Fd socket)
    : socket_(std::move(socket)),
      watcher_(loop, socket_.get(), [this](IoEvents events) { on_ready(events); }),
      notifier_(loop, [this] { notify(); }) {
  in_.wanted = true;
}

TcpStream::~TcpStream() {
  if (abort_on_close_) sockets::set_linger_reset(socket_.get());
}

void TcpStream::set_user(User* user) {
  user_ = user;
  in_.wanted = true;
  out_.wanted = false;
  end_untold_ = user_ != nullptr && peer_closed_ && user_->follows_peer();
  if (user_ != nullptr && (edge_unseen_ || end_untold_)) notifier_.wake();
}

IoResult TcpStream::read(Buffer& into, std::size_t max) {
  assert(max > 0);
  if (!in_.ready && !in_.broken) return read_would_block();
  if (bulk_ && max > Buffer::kSlabSize) return read_bulk(into, max);
  const std::span<char> room = into.prepare(std::min(max, kWorthwhileRoom));
  const IoResult result = read(room.data(), std::min(room.size(), max));
  into.commit(result.bytes);
  return result;
}

// The last read filled all that it was given: several slabs at once.
IoResult TcpStream::read_bulk(Buffer& into, std::size_t max) {
  std::array<Buffer, kBulkSlabs> parts;
  std::array<iovec, kBulkSlabs> vectors{};
  std::size_t used = 0;
  for (std::size_t left = max; used < kBulkSlabs && left > 0; ++used) {
    const std::span<char> room = parts[used].prepare(Buffer::kSlabSize);
    vectors[used] = {.iov_base = room.data(), .iov_len = std::min(room.size(), left)};
    left -= vectors[used].iov_len;
  }
  const IoResult result = receive(std::span(vectors).first(used));
  std::size_t left = result.bytes;
  for (std::size_t i = 0; i < used; ++i) {
    const std::size_t count = std::min(left, vectors[i].iov_len);
    parts[i].commit(count);
    left -= count;
    if (count > 0) into.append(std::move(parts[i]));
  }
  return result;
}

IoResult TcpStream::read(char* into, std::size_t size) {
  iovec vector{.iov_base = into, .iov_len = size};
  return receive({&vector, 1});
}

IoResult TcpStream::receive(std::span<iovec> vectors) {
  edge_unseen_ = false;
  if (in_.broken) return {.status = IoStatus::kBroken};
  if (!in_.ready) return read_would_block();
  std::size_t asked = 0;
  for (const iovec& vector : vectors) asked += vector.iov_len;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(socket_.get(), &message, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return read_would_block();
    return break_reading(errno);
  }
  if (count == 0) {
    // After a reset that a send has already reported, the socket reads as ended; only after EPIPE there was a FIN
    // before.
    if (last_error_ != 0 && last_error_ != EPIPE) return break_reading(last_error_);
    return {.status = IoStatus::kEof};
  }
  const auto bytes = static_cast<std::size_t>(count);
  bulk_ = bytes == asked || bytes > Buffer::kSlabSize;
  // With a FIN seen, the edge is behind us: read on until the end.
  if (bytes < asked && !peer_closed_) in_.ready = false;
  return {.status = IoStatus::kOk, .bytes = bytes};
}

IoStatus TcpStream::peek() {
  edge_unseen_ = false;
  if (in_.broken) return IoStatus::kBroken;
  char byte = 0;
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), &byte, 1, MSG_PEEK);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return read_would_block().status;
  if (count < 0) return break_reading(errno).status;
  in_.ready = true;
  return count == 0 ? IoStatus::kEof : IoStatus::kOk;
}

bool TcpStream::dry() {
  if (in_.ready || in_.broken) return false;
  in_.wanted = true;
  return true;
}

std::size_t TcpStream::unacknowledged() const {
  int bytes = 0;
  return ::ioctl(socket_.get(), SIOCOUTQ, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

IoResult TcpStream::read_would_block() {
  in_.ready = false;
  in_.wanted = true;
  return {.status = IoStatus::kWouldBlock};
}

IoResult TcpStream::break_reading(int error) {
  in_.broken = true;
  if (last_error_ == 0) last_error_ = error;
  return {.status = IoStatus::kBroken};
}

IoResult TcpStream::write(Buffer& from) {
  IoResult result;
  while (!out_.broken) {
    if (from.empty()) {
      out_.wanted = false;
      return result;
    }
    if (!out_.ready) {
      out_.wanted = true;
      result.status = IoStatus::kWouldBlock;
      return result;
    }
    std::array<iovec, kMaxRuns> vectors;
    const std::span<iovec> parts =
        std::span(vectors).first(static_cast<std::size_t>(from.iovecs(vectors.data(), kMaxRuns)));
    const std::size_t sent = send(parts, size_of(parts));
    from.consume(sent);
    result.bytes += sent;
  }
  result.status = IoStatus::kBroken;
  return result;
}

IoResult TcpStream::write(std::span<iovec> parts) {
  IoResult result;
  const std::size_t asked = size_of(parts);
  if (asked > 0 && !out_.broken && out_.ready) result.bytes = send(parts, asked);
  out_.wanted = result.bytes < asked && !out_.broken;
  if (out_.broken) {
    result.status = IoStatus::kBroken;
  } else if (out_.wanted) {
    result.status = IoStatus::kWouldBlock;
  }
  return result;
}

std::size_t TcpStream::send(std::span<iovec> parts, std::size_t asked) {
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    out_.ready = false;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      out_.broken = true;
      peer_closed_ = true;  // if its end has not been seen yet, it is on the way: no need to wait for the poller
      in_.ready = true;
      if (last_error_ == 0) last_error_ = errno;
    }
    return 0;
  }
  const auto count = static_cast<std::size_t>(sent);
  if (count < asked) out_.ready = false;
  return count;
}

void TcpStream::shutdown_write() {
  ::shutdown(socket_.get(), SHUT_WR);
}

bool TcpStream::unread() const {
  char byte = 0;
  return ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

IoStatus TcpStream::peer_status() const {
  if (in_.broken) return IoStatus::kBroken;
  pollfd socket{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&socket, 1, 0) <= 0) return IoStatus::kOk;
  return (socket.revents & (POLLERR | POLLHUP)) != 0 ? IoStatus::kBroken : IoStatus::kEof;
}

// Whether what has happened tells of an end that no read() will find for now. A broken connection shows as readable and
// writable, as a healthy one may.
bool TcpStream::ends_unread(IoEvents events) const {
  const bool ends = events.closed && !peer_closed_;
  const bool may_be_broken = !events.closed && events.readable && events.writable && !in_.wanted;
  if (!(ends || may_be_broken) || user_ == nullptr || !user_->follows_peer()) return false;
  return ends || peer_status() == IoStatus::kBroken;
}

void TcpStream::on_ready(IoEvents events) {
  if (ends_unread(events)) end_untold_ = true;
  if (events.closed) peer_closed_ = true;
  if (events.readable || events.closed) {
    in_.ready = true;
    edge_unseen_ = true;
  }
  if (events.writable) out_.ready = true;
  notify();
}

// One call a time, for the user may drop the stream in it; the others come from the waker.
void TcpStream::notify() {
  if (user_ == nullptr) return;
  const bool tell_writable = out_.wanted && out_.ready;
  if (in_.wanted && edge_unseen_) {
    in_.wanted = false;
    if (tell_writable || end_untold_) notifier_.wake();
    user_->on_readable();
  } else if (tell_writable) {
    out_.wanted = false;
    if (end_untold_) notifier_.wake();
    user_->on_writable();
  } else if (std::exchange(end_untold_, false)) {
    user_->on_peer_ended();
  }
}

}  // namespace gatehouse
