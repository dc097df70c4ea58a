#include "common/crypto/tls_wire.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "common/log.h"

namespace gatehouse {

namespace {

// OpenSSL writes without asking in answer to what it reads (KeyUpdate, alerts). Who makes it do so endlessly and never
// reads is cut off here; what TlsStream writes stays well below.
constexpr std::size_t kMaxOutput = 256 * 1024;
constexpr std::size_t kMinReceive = 4 * 1024;

thread_local char receive_memory[TlsWire::kMaxReceive];

}  // namespace

const BIO_METHOD* TlsWire::method() {
  struct MethodDeleter {
    void operator()(BIO_METHOD* made) const { BIO_meth_free(made); }
  };
  static const std::unique_ptr<BIO_METHOD, MethodDeleter> kShared = [] {
    std::unique_ptr<BIO_METHOD, MethodDeleter> made(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse"));
    if (!made || BIO_meth_set_read_ex(made.get(), &TlsWire::on_read) != 1 ||
        BIO_meth_set_write_ex(made.get(), &TlsWire::on_write) != 1 ||
        BIO_meth_set_ctrl(made.get(), &TlsWire::on_control) != 1) {
      log::error("cannot set up TLS: OpenSSL is out of memory");
      std::abort();
    }
    return made;
  }();
  return kShared.get();
}

TlsWire::BioPtr TlsWire::make_bio() {
  BioPtr bio(BIO_new(method()));
  if (bio) {
    BIO_set_data(bio.get(), this);
    BIO_set_init(bio.get(), 1);
  }
  return bio;
}

void TlsWire::limit_receive(std::size_t bytes) {
  receive_limit_ = std::clamp(bytes, kMinReceive, kMaxReceive);
}

void TlsWire::keep_rest() {
  kept_.append(fresh_);
  fresh_ = {};
}

int TlsWire::on_read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
  BIO_clear_retry_flags(bio);
  auto& wire = *static_cast<TlsWire*>(BIO_get_data(bio));
  *count = 0;
  if (wire.exhausted()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *count = wire.take_input(into, size);
  if (*count == 0 && wire.receive()) *count = wire.take_input(into, size);
  wire.starved_ = *count == 0 && wire.input_status_ == IoStatus::kWouldBlock;
  if (wire.starved_) BIO_set_retry_read(bio);
  if (*count > 0) ++wire.reads_;
  return *count > 0 ? 1 : 0;
}

int TlsWire::on_write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
  BIO_clear_retry_flags(bio);
  auto& wire = *static_cast<TlsWire*>(BIO_get_data(bio));
  *count = 0;
  if (wire.output_.size() + size > kMaxOutput) return 0;
  wire.output_.append(std::string_view(from, size));
  wire.written_ += size;
  *count = size;
  return 1;
}

long TlsWire::on_control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  const auto& wire = *static_cast<const TlsWire*>(BIO_get_data(bio));
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;  // TlsStream sends when OpenSSL has returned
    case BIO_CTRL_EOF:
      return wire.input_status_ == IoStatus::kEof ? 1 : 0;
    default:
      return 0;
  }
}

std::size_t TlsWire::take_input(char* into, std::size_t size) {
  const std::string_view source = kept_.empty() ? fresh_ : kept_.front();
  const std::size_t count = std::min(size, source.size());
  if (count == 0) return 0;
  std::memcpy(into, source.data(), count);
  if (kept_.empty()) {
    fresh_.remove_prefix(count);
  } else {
    kept_.consume(count);
    if (kept_.empty()) kept_.clear();
  }
  return count;
}

// OpenSSL gives up after the five bytes of a record's head, so that this is a receive or two.
void TlsWire::note_plain_text() {
  if (fresh_.empty()) return;
  const bool plain = begun_ || (fresh_.front() >= 'A' && fresh_.front() <= 'Z');
  begun_ = true;
  if (plain) plain_text_.append(fresh_);
}

bool TlsWire::receive() {
  const IoResult result = socket_.read(receive_memory, receive_limit_);
  input_status_ = result.status;
  fresh_ = {receive_memory, result.bytes};
  if (!begun_ || !plain_text_.empty()) note_plain_text();
  return result.bytes > 0;
}

}  // namespace gatehouse
