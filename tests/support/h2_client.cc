#include "tests/support/h2_client.h"

#include <algorithm>
#include <array>

namespace gatehouse::testing_support {

namespace {

std::string text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv pair_of(const std::string& name, const std::string& value) {
  return {.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

std::string H2Response::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

std::string h2_frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload) {
  const auto byte = [](std::size_t value, unsigned shift) { return static_cast<char>(value >> shift & 0xff); };
  const auto id = static_cast<std::size_t>(stream);
  std::string frame = {byte(payload.size(), 16),
                       byte(payload.size(), 8),
                       byte(payload.size(), 0),
                       static_cast<char>(type),
                       static_cast<char>(flags),
                       byte(id, 24),
                       byte(id, 16),
                       byte(id, 8),
                       byte(id, 0)};
  return frame.append(payload);
}

struct H2Client::Callbacks {
  static H2Client& self(void* user) { return *static_cast<H2Client*>(user); }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    std::pair<std::string, std::string> field(text_of(name, name_size), text_of(value, value_size));
    if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
      Promise& promise = self(user).seen_.promises[frame->push_promise.promised_stream_id];
      promise.parent = frame->hd.stream_id;
      promise.fields.push_back(std::move(field));
      return 0;
    }
    H2Response& response = self(user).responses_[frame->hd.stream_id];
    if (field.first == ":status") {
      const int status = std::stoi(field.second);
      if (status < 200) {
        response.interims.push_back(status);
      } else {
        response.status = status;
      }
    } else if (frame->headers.cat == NGHTTP2_HCAT_HEADERS && response.status != 0 && response.data_frames > 0) {
      response.trailers.push_back(std::move(field));
    } else {
      response.fields.push_back(std::move(field));
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    self(user).responses_[id].body += text_of(data, size);
    auto& order = self(user).seen_.order;
    if (order.empty() || order.back().first != id) order.emplace_back(id, 0);
    order.back().second += size;
    if (self(user).options_.reads) nghttp2_session_consume(session, id, size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2Client& client = self(user);
    const std::int32_t id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_DATA) ++client.responses_[id].data_frames;
    if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      client.responses_[id].complete = true;
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM) client.responses_[id].reset = frame->rst_stream.error_code;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      client.goaways_.emplace_back(frame->goaway.last_stream_id, frame->goaway.error_code);
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) ++client.heard_.pings_acknowledged;
    if (frame->hd.type == NGHTTP2_ALTSVC) {
      const auto& said = *static_cast<const nghttp2_ext_altsvc*>(frame->ext.payload);
      client.heard_.alternatives.push_back({.stream = id,
                                            .origin = text_of(said.origin, said.origin_len),
                                            .value = text_of(said.field_value, said.field_value_len)});
    }
    if (frame->hd.type == NGHTTP2_SETTINGS) {
      for (std::size_t i = 0; i < frame->settings.niv; ++i) {
        client.seen_.settings[static_cast<std::uint16_t>(frame->settings.iv[i].settings_id)] =
            frame->settings.iv[i].value;
      }
    }
    return 0;
  }

  static nghttp2_ssize read_body(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t most,
                                 std::uint32_t* flags, nghttp2_data_source*, void* user) {
    std::string& body = self(user).bodies_[id];
    const std::size_t size = std::min(most, body.size());
    std::copy_n(body.data(), size, reinterpret_cast<char*>(into));
    body.erase(0, size);
    if (body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<nghttp2_ssize>(size);
  }
};

H2Client::H2Client(FrontendWorld& world, Options options) : world_(world), options_(options) {
  auto [client, server] = MemoryStream::make_pair(world.loop, options.room);
  stream_ = std::move(client);
  server_ = server.get();
  ClientTransport transport{.stream = std::move(server), .peer = Address::parse("192.0.2.7:4711").value()};
  if (options.secure) transport.tls = std::make_shared<TlsSummary>();
  world.context.connections.add(std::make_unique<H2Connection>(world.context, std::move(transport)));
  make_session();
  if (options.acknowledges_settings) exchange_bytes();
}

H2Client::~H2Client() {
  stream_->set_user(nullptr);
}

void H2Client::make_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  ASSERT_EQ(nghttp2_session_callbacks_new(&callbacks), 0);
  ASSERT_EQ(nghttp2_option_new(&option), 0);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_ALTSVC);
  // What our server must refuse has to be sent first.
  nghttp2_option_set_no_http_messaging(option, 1);
  // No state of ours in the server's table, so that any head may be replaced by another one.
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
  nghttp2_session* session = nullptr;
  ASSERT_EQ(nghttp2_session_client_new2(&session, callbacks, this, option), 0);
  session_.reset(session);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.window},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, options_.wants_pushes ? 1U : 0U},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.max_pushes},
  }};
  ASSERT_EQ(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()), 0);
}

std::int32_t H2Client::ask(const H2Request& request) {
  const Fields pseudo = {{":method", request.method},
                         {":scheme", options_.secure ? "https" : "http"},
                         {":authority", "shop.example.com"},
                         {":path", request.path}};
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : pseudo) fields.push_back(pair_of(name, value));
  for (const auto& [name, value] : request.fields) fields.push_back(pair_of(name, value));
  std::int32_t id = -1;
  if (request.stays_open) {
    id = nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, -1, nullptr, fields.data(), fields.size(), nullptr);
  } else {
    const nghttp2_data_provider2 source{.source = {.ptr = nullptr}, .read_callback = Callbacks::read_body};
    id = nghttp2_submit_request2(session_.get(), nullptr, fields.data(), fields.size(),
                                 request.body ? &source : nullptr, nullptr);
    if (request.body) bodies_[id] = *request.body;
  }
  EXPECT_GT(id, 0);
  exchange_bytes();
  return id;
}

void H2Client::send_data(std::int32_t stream, std::string_view data, bool end) {
  constexpr std::size_t kFrame = 16384;
  std::string frames;
  do {
    const std::string_view piece = data.substr(0, kFrame);
    data.remove_prefix(piece.size());
    const bool last = end && data.empty();
    frames += h2_frame(NGHTTP2_DATA, last ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE, stream, piece);
  } while (!data.empty());
  send_raw(frames);
}

void H2Client::cancel(std::int32_t stream) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  exchange_bytes();
}

void H2Client::ping() {
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  exchange_bytes();
}

void H2Client::open_window(std::int32_t stream, std::int32_t by) {
  nghttp2_submit_window_update(session_.get(), NGHTTP2_FLAG_NONE, stream, by);
  exchange_bytes();
}

void H2Client::send_raw(std::string_view bytes) {
  send_pending();
  Buffer out(bytes);
  stream_->write(out);
  exchange_bytes();
}

std::int32_t H2Client::ask_raw(const Fields& head) {
  send_pending();
  const std::string method = ":method";
  const std::string value = "GET";
  const nghttp2_nv stand_in = pair_of(method, value);
  const std::int32_t id =
      nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_END_STREAM, -1, nullptr, &stand_in, 1, nullptr);
  mute_heads_ = true;
  send_pending();
  mute_heads_ = false;
  send_fields(id, head);
  return id;
}

void H2Client::send_trailers(std::int32_t stream, const Fields& trailers) {
  send_fields(stream, trailers);
}

void H2Client::send_fields(std::int32_t stream, const Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    // Literal without indexing, new name, no Huffman (RFC 7541 section 6.2.2); lengths below 127.
    block += '\0';
    block += static_cast<char>(name.size());
    block += name;
    block += static_cast<char>(value.size());
    block += value;
  }
  send_raw(h2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream, block));
}

void H2Client::send_pending() {
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const nghttp2_ssize size = nghttp2_session_mem_send2(session_.get(), &bytes);
    if (size <= 0) return;
    std::string_view text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    if (mute_heads_ && text.size() > 3 && text[3] == NGHTTP2_HEADERS) continue;
    if (!options_.acknowledges_settings && text == h2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "")) continue;
    Buffer out(text);
    stream_->write(out);
  }
}

void H2Client::receive() {
  Buffer bytes;
  IoResult result;
  while (result.status == IoStatus::kOk) result = stream_->read(bytes, 64UL * 1024);
  if (result.status != IoStatus::kWouldBlock) server_closed_ = true;
  const std::string text = bytes.to_string();
  nghttp2_session_mem_recv2(session_.get(), reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

void H2Client::exchange_bytes() {
  for (int i = 0; i < 4; ++i) {
    send_pending();
    world_.settle();
    receive();
  }
}

bool H2Client::server_closed() {
  exchange_bytes();
  return server_closed_;
}

}  // namespace gatehouse::testing_support
