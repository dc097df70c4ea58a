// A ByteStream without a socket: two ends in memory, each the other's peer, for codecs on a loop with a manual clock.
// It behaves as TcpStream does where a codec could tell: edge-triggered calls (from a waker, never inside the peer's
// call), bounded room, FIN, RST, and a reset for who is closed with bytes unread. Either end may be destroyed first.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "common/buffer.h"
#include "common/byte_stream.h"
#include "common/waker.h"

namespace gatehouse::testing_support {

class MemoryStream final : public ByteStream {
 public:
  static constexpr std::size_t kRoom = 256 * 1024;  // as a socket's two buffers together
  using Pair = std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>>;

  static Pair make_pair(EventLoop& loop, std::size_t room = kRoom);

  explicit MemoryStream(EventLoop& loop, std::size_t room = kRoom);
  ~MemoryStream() override;

  void set_user(User* user) override;
  IoResult read(Buffer& into, std::size_t max) override;
  IoResult write(Buffer& from) override;
  std::size_t unsent() const override { return 0; }
  void shutdown_write() override;
  bool unread() const override { return !in_.bytes.empty(); }
  IoStatus peer_status() const override;
  void abort_on_close() override { abort_on_close_ = true; }
  // The peer's kernel acknowledges what the peer reads.
  std::size_t unacknowledged() const override { return peer_ == nullptr ? 0 : peer_->in_.bytes.size(); }

  // What a test may know and change.
  void set_room(std::size_t bytes);                         // that the other end may have on its way to this one
  std::size_t waiting() const { return in_.bytes.size(); }  // arrived and not read
  bool peer_gone() const { return peer_ == nullptr; }
  bool was_reset() const { return in_.reset; }
  std::size_t reads() const { return counts_.reads; }  // calls that a socket would have made
  std::size_t writes() const { return counts_.writes; }
  // What the next write() takes at most; the rest would block until the loop's next turn.
  void limit_next_write(std::size_t bytes) { out_.next_limit = bytes; }

 private:
  struct In {
    Buffer bytes;
    bool ended = false;  // FIN
    bool reset = false;  // RST
    bool wanted = true;  // the user found nothing, and is to be called
    bool news = false;
    bool end_untold = false;  // to a user that follows the peer
  };
  struct Out {
    bool shut = false;
    bool wanted = false;  // a write() would have blocked
    std::size_t next_limit = static_cast<std::size_t>(-1);
  };
  struct Counts {
    std::size_t reads = 0;
    std::size_t writes = 0;
  };

  std::size_t room_at_peer() const;
  void arrive(Buffer bytes);
  void arrive_end(bool reset);
  void tell();
  void call_user();

  MemoryStream* peer_ = nullptr;
  std::size_t room_;
  In in_;
  Out out_;
  Counts counts_;
  bool abort_on_close_ = false;
  User* user_ = nullptr;
  Waker notifier_;
};

}  // namespace gatehouse::testing_support
