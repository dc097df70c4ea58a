// An HTTP/2 client of the tests that sends what it is told, byte by byte, and knows no rules: for what no library would
// send. It takes the server's frames apart and keeps what matters. Belongs to the test's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/frontend_testing.h"
#include "tests/support/h2_client.h"

namespace gatehouse::testing_support {

inline constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A number of `size` bytes, as it stands in frames.
std::string h2_number(std::uint64_t value, std::size_t size);
std::string h2_window_update(std::int32_t stream, std::uint32_t by);
std::string h2_reset(std::int32_t stream, std::uint32_t code = NGHTTP2_CANCEL);
std::string h2_setting(std::uint16_t setting, std::uint32_t value);
// A field as a literal that is not indexed, with a new name (RFC 7541 section 6.2.2). REQUIRES: both below 127 bytes
std::string h2_literal(std::string_view name, std::string_view value);

class H2RawClient {
 public:
  struct Frame {
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::int32_t stream = 0;
    std::string payload;
  };

  explicit H2RawClient(FrontendWorld& world);
  ~H2RawClient();
  H2RawClient(const H2RawClient&) = delete;
  H2RawClient& operator=(const H2RawClient&) = delete;

  // The preface, our SETTINGS, and the acknowledgement of the server's.
  void greet();
  void send(std::string_view bytes);
  // What becomes of it without more bytes.
  void receive();

  // All frames of the server, in order.
  const std::vector<Frame>& frames() const { return frames_; }
  std::optional<std::uint32_t> reset(std::int32_t stream) const;
  std::optional<std::uint32_t> goaway() const;
  std::size_t count(std::uint8_t type) const;
  // The server has closed the connection.
  bool closed();
  MemoryStream& stream() { return *stream_; }

 private:
  FrontendWorld& world_;
  std::unique_ptr<MemoryStream> stream_;
  std::string received_;
  std::vector<Frame> frames_;
  bool closed_ = false;
};

}  // namespace gatehouse::testing_support
