#include "tests/support/h2_raw_client.h"

#include <algorithm>
#include <utility>

namespace gatehouse::testing_support {

namespace {

constexpr std::size_t kFrameHead = 9;

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (const char byte : bytes.substr(at, size)) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

std::string h2_number(std::uint64_t value, std::size_t size) {
  std::string bytes;
  while (size-- > 0) bytes += static_cast<char>(value >> (8 * size) & 0xff);
  return bytes;
}

std::string h2_window_update(std::int32_t stream, std::uint32_t by) {
  return h2_frame(NGHTTP2_WINDOW_UPDATE, 0, stream, h2_number(by, 4));
}

std::string h2_reset(std::int32_t stream, std::uint32_t code) {
  return h2_frame(NGHTTP2_RST_STREAM, 0, stream, h2_number(code, 4));
}

std::string h2_setting(std::uint16_t setting, std::uint32_t value) {
  return h2_frame(NGHTTP2_SETTINGS, 0, 0, h2_number(setting, 2) + h2_number(value, 4));
}

std::string h2_literal(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  for (const std::string_view text : {name, value}) field.append(1, static_cast<char>(text.size())).append(text);
  return field;
}

H2RawClient::H2RawClient(FrontendWorld& world) : world_(world) {
  auto [client, server] = MemoryStream::make_pair(world.loop);
  stream_ = std::move(client);
  ClientTransport transport{.stream = std::move(server), .peer = Address::parse("192.0.2.7:4711").value()};
  world.context.connections.add(std::make_unique<H2Connection>(world.context, std::move(transport)));
}

H2RawClient::~H2RawClient() {
  stream_->set_user(nullptr);
}

void H2RawClient::greet() {
  send(std::string(kH2Preface) + h2_frame(NGHTTP2_SETTINGS, 0, 0, "") +
       h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
}

void H2RawClient::send(std::string_view bytes) {
  Buffer out(bytes);
  while (!out.empty() && stream_->write(out).status == IoStatus::kOk) receive();
  receive();
}

void H2RawClient::receive() {
  world_.settle();
  Buffer bytes;
  IoResult result;
  while (result.status == IoStatus::kOk) result = stream_->read(bytes, 64UL * 1024);
  if (result.status != IoStatus::kWouldBlock) closed_ = true;
  received_ += bytes.to_string();
  for (;;) {
    if (received_.size() < kFrameHead) return;
    const std::size_t size = number_at(received_, 0, 3);
    if (received_.size() < kFrameHead + size) return;
    frames_.push_back({.type = static_cast<std::uint8_t>(received_[3]),
                       .flags = static_cast<std::uint8_t>(received_[4]),
                       .stream = static_cast<std::int32_t>(number_at(received_, 5, 4)),
                       .payload = received_.substr(kFrameHead, size)});
    received_.erase(0, kFrameHead + size);
  }
}

std::optional<std::uint32_t> H2RawClient::reset(std::int32_t stream) const {
  for (const Frame& frame : frames_) {
    if (frame.type == NGHTTP2_RST_STREAM && frame.stream == stream) return number_at(frame.payload, 0, 4);
  }
  return std::nullopt;
}

std::optional<std::uint32_t> H2RawClient::goaway() const {
  for (const Frame& frame : frames_) {
    if (frame.type == NGHTTP2_GOAWAY) return number_at(frame.payload, 4, 4);
  }
  return std::nullopt;
}

std::size_t H2RawClient::count(std::uint8_t type) const {
  return static_cast<std::size_t>(std::ranges::count(frames_, type, &Frame::type));
}

bool H2RawClient::closed() {
  receive();
  return closed_;
}

}  // namespace gatehouse::testing_support
