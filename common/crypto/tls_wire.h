// What lies between OpenSSL and the socket: a BIO whose reads are served from one receive buffer of the thread and
// whose writes are gathered. Member of its TlsStream, which calls keep_rest() before it returns to anybody, because the
// thread's buffer then belongs to the next one.
//
//   OpenSSL reads:   kept_, then fresh_ (in the thread's buffer), then one receive from the socket
//   keep_rest():     fresh_ --copied--> kept_
//   OpenSSL writes:  output_, which the TlsStream sends when OpenSSL has returned
//
// What OpenSSL writes of its own accord is bounded too: beyond 256 KiB of output a write fails, and with it the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <openssl/bio.h>

#include "common/buffer.h"
#include "common/tcp_stream.h"

namespace gatehouse {

class TlsWire {
 public:
  struct BioDeleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  using BioPtr = std::unique_ptr<BIO, BioDeleter>;

  // The size of the thread's buffer, and so of one receive.
  static constexpr std::size_t kMaxReceive = 64 * 1024;
  // Reads by OpenSSL, which needs two for a record: its head and the rest. Beyond them exhausted() holds, and OpenSSL
  // is told to try again, until begin_turn().
  static constexpr std::size_t kReadsPerTurn = 256;

  explicit TlsWire(TcpStream& socket) : socket_(socket) {}
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;

  // The BIO refers to this object, which must outlive it. Null if there is no memory.
  BioPtr make_bio();

  // Makes one receive take no more than about what the caller can use, so that little ciphertext is left over: `bytes`,
  // but at least 4 KiB and at most kMaxReceive.
  void limit_receive(std::size_t bytes);
  // Ends a call into OpenSSL: what it has received but not read is kept for the next one.
  void keep_rest();
  // The reads of a turn are counted from here.
  void begin_turn() { reads_ = 0; }
  // Whether the reads of this turn are used up; there may be more to read.
  bool exhausted() const { return reads_ >= kReadsPerTurn; }
  // Whether the last read found nothing, so that the socket will call.
  bool starved() const { return starved_; }
  // Whether the next read would find nothing; then too the socket will call.
  bool dry() { return kept_.empty() && fresh_.empty() && socket_.dry(); }

  // Of the last receive: kEof and kBroken tell why OpenSSL stopped.
  IoStatus input_status() const { return input_status_; }
  // All that has come, if the first byte was a capital letter, with which no TLS begins and most protocols of words do.
  Buffer& plain_text() { return plain_text_; }
  // Bytes that OpenSSL has written so far.
  std::uint64_t written() const { return written_; }
  // What OpenSSL has written and the socket has not taken yet.
  Buffer& output() { return output_; }
  const Buffer& output() const { return output_; }

 private:
  static const BIO_METHOD* method();
  static int on_read(BIO* bio, char* into, std::size_t size, std::size_t* count);
  static int on_write(BIO* bio, const char* from, std::size_t size, std::size_t* count);
  static long on_control(BIO* bio, int command, long number, void* pointer);

  std::size_t take_input(char* into, std::size_t size);
  bool receive();
  void note_plain_text();

  TcpStream& socket_;
  // In the thread's buffer; only during a call.
  std::string_view fresh_;
  // Used up before anything more is received.
  Buffer kept_;
  Buffer output_;
  Buffer plain_text_;
  IoStatus input_status_ = IoStatus::kOk;
  std::uint64_t written_ = 0;
  std::size_t reads_ = 0;
  bool starved_ = false;
  bool begun_ = false;
  std::size_t receive_limit_ = kMaxReceive;
};

}  // namespace gatehouse
