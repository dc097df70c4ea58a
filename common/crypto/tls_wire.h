// What lies between OpenSSL and the socket: a BIO whose reads are served from one receive buffer of the thread and
// whose writes are gathered. Member of its TlsStream, which calls keep_rest() before it returns to anybody, because the
// thread's buffer then belongs to the next one.
#pragma once

#include <cstddef>
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

  static constexpr std::size_t kMaxReceive = 64 * 1024;
  // By OpenSSL, which needs two for a record: its head and the rest. What is to be read beyond it waits for the next
  // turn.
  static constexpr std::size_t kReadsPerTurn = 256;

  explicit TlsWire(TcpStream& socket) : socket_(socket) {}
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;

  BioPtr make_bio();  // refers to this object

  // One receive takes no more than about what the caller can use, so that little ciphertext is left over.
  void limit_receive(std::size_t bytes);
  // Ends a call into OpenSSL: what it has received but not read is kept for the next one.
  void keep_rest();
  // The reads of a turn are counted from here.
  void begin_turn() { reads_ = 0; }
  // There may be more to read, but not in this turn.
  bool exhausted() const { return reads_ >= kReadsPerTurn; }
  // The last read found nothing, and the socket will call.
  bool starved() const { return starved_; }

  IoStatus input_status() const { return input_status_; }  // of the last receive
  Buffer& output() { return output_; }                     // written by OpenSSL, not yet taken by the socket
  const Buffer& output() const { return output_; }

 private:
  static const BIO_METHOD* method();
  static int on_read(BIO* bio, char* into, std::size_t size, std::size_t* count);
  static int on_write(BIO* bio, const char* from, std::size_t size, std::size_t* count);
  static long on_control(BIO* bio, int command, long number, void* pointer);

  std::size_t take_input(char* into, std::size_t size);
  bool receive();

  TcpStream& socket_;
  std::string_view fresh_;  // of the thread's buffer; only during a call
  Buffer kept_;             // used up before anything more is received
  Buffer output_;
  IoStatus input_status_ = IoStatus::kOk;
  std::size_t reads_ = 0;
  bool starved_ = false;
  std::size_t receive_limit_ = kMaxReceive;
};

}  // namespace gatehouse
