#include "proxy/files/file_reader.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace gatehouse {

namespace {

// What the pool reads at once: a whole pipe of it.
constexpr std::size_t kMostAtOnce = BodyPipe::kDefaultCapacity;
constexpr std::size_t kMostSlabs = kMostAtOnce / Buffer::kSlabSize;

}  // namespace

FileReader::FileReader(Exchange& exchange, const FileLane& lane, std::move_only_function<void(int)> failed)
    : exchange_(exchange),
      lane_(lane),
      failed_(std::move(failed)),
      waker_(exchange.loop(), [this] { pump(); }),
      question_(exchange.loop(), [this](Read read) { on_read(std::move(read)); }),
      patience_(exchange.loop(), [this] { fail(ETIMEDOUT); }) {}

FileReader::~FileReader() {
  exchange_.response_pipe().writer().set_waker(nullptr);
}

void FileReader::send(Fd file, std::deque<FilePiece> pieces) {
  file_ = std::make_shared<const Fd>(std::move(file));
  pieces_ = std::move(pieces);
  exchange_.response_pipe().writer().set_waker(&waker_);
  pump();
}

void FileReader::pump() {
  BodyWriter& writer = exchange_.response_pipe().writer();
  if (!file_ || writer.ended() || writer.abandoned() || question_.waits()) return;
  while (!pieces_.empty()) {
    if (!step()) return;
  }
  file_.reset();
  writer.finish();
}

bool FileReader::step() {
  BodyWriter& writer = exchange_.response_pipe().writer();
  FilePiece& piece = pieces_.front();
  if (!piece.text.empty()) {
    if (writer.room() == 0) return false;
    writer.write(Buffer(std::exchange(piece.text, {})));
  }
  if (piece.range.size == 0) {
    pieces_.pop_front();
    return true;
  }
  // A little room is not worth a system call.
  const std::size_t room = writer.room();
  const std::size_t wanted = std::min<std::uint64_t>(piece.range.size, Buffer::kSlabSize);
  if (room < wanted) return false;
  const std::size_t most = std::min<std::uint64_t>({piece.range.size, room, kMostAtOnce});
  switch (read_cached(most)) {
    case Cached::kSome:
      return true;
    case Cached::kNone:
      ask_pool(most);
      return false;
    case Cached::kFailed:
      return false;
  }
  return false;
}

FileReader::Cached FileReader::read_cached(std::size_t most) {
  std::array<Buffer, kMostSlabs> slabs;
  std::array<iovec, kMostSlabs> rooms{};
  std::size_t count = 0;
  for (std::size_t offered = 0; offered < most; ++count) {
    const std::span<char> room = slabs[count].prepare(std::min(most - offered, Buffer::kSlabSize));
    rooms[count] = {.iov_base = room.data(), .iov_len = std::min(room.size(), most - offered)};
    offered += rooms[count].iov_len;
  }
  const auto offset = static_cast<off_t>(pieces_.front().range.first);
  const ssize_t got = ::preadv2(file_->get(), rooms.data(), static_cast<int>(count), offset, RWF_NOWAIT);
  const int error = errno;
  Buffer bytes;
  std::size_t left = got > 0 ? static_cast<std::size_t>(got) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t filled = std::min(left, rooms[i].iov_len);
    slabs[i].commit(filled);
    left -= filled;
    if (filled > 0) bytes.append(std::move(slabs[i]));
  }
  if (got > 0) {
    exchange_.response_pipe().writer().write(std::move(bytes));
    advance(static_cast<std::uint64_t>(got));
    return Cached::kSome;
  }
  // EOPNOTSUPP: a file system that cannot say what is cached.
  if (got < 0 && (error == EAGAIN || error == EOPNOTSUPP || error == EINTR)) return Cached::kNone;
  fail(got < 0 ? error : 0);
  return Cached::kFailed;
}

void FileReader::ask_pool(std::size_t most) {
  patience_.arm(exchange_.limits().response_timeout);
  lane_.run(question_.ask([file = file_, most, offset = static_cast<off_t>(pieces_.front().range.first)] {
    Read read{.bytes = std::make_unique_for_overwrite<char[]>(most)};
    do {
      read.count = ::pread(file->get(), read.bytes.get(), most, offset);
      read.error = errno;
    } while (read.count < 0 && read.error == EINTR);
    return read;
  }));
}

void FileReader::on_read(Read read) {
  patience_.disarm();
  BodyWriter& writer = exchange_.response_pipe().writer();
  if (writer.ended() || writer.abandoned()) return;
  if (read.count <= 0) return fail(read.count < 0 ? read.error : 0);
  const auto count = static_cast<std::size_t>(read.count);
  writer.write(Buffer(std::string_view(read.bytes.get(), count)));
  advance(count);
  pump();
}

void FileReader::advance(std::uint64_t count) {
  ByteRange& range = pieces_.front().range;
  range.first += count;
  range.size -= count;
}

void FileReader::fail(int error) {
  question_.drop();
  patience_.disarm();
  file_.reset();
  failed_(error);
}

}  // namespace gatehouse
