#include "tests/flow/h2_flow_client.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <gtest/gtest.h>

#include "tests/flow/front.h"

namespace gatehouse::flow {

namespace {

constexpr std::int32_t kConnectionWindow = 16 << 20;

std::vector<nghttp2_nv> pairs(const Fields& fields) {
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : fields) {
    // nghttp2 takes pointers to non-const and does not write through them.
    out.push_back({.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                   .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                   .namelen = name.size(),
                   .valuelen = value.size(),
                   .flags = NGHTTP2_NV_FLAG_NONE});
  }
  return out;
}

std::string text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// What nghttp2 calls; the session's user data is the Connection, a stream's is its Turn.
struct H2FlowClient::Callbacks {
  static Turn* turn(nghttp2_session* session, std::int32_t id) {
    return static_cast<Turn*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
                       void* /*user*/) {
    Turn* const t = turn(session, frame->hd.stream_id);
    if (t == nullptr) return 0;
    const std::string key = text(name, name_size);
    if (key == ":status") {
      if (t->response.status != 0) t->response.interim.push_back(t->response.status);
      t->response.status = std::atoi(text(value, value_size).c_str());
      t->response.fields.clear();
    } else {
      (t->final_head ? t->response.trailers : t->response.fields).emplace_back(key, text(value, value_size));
    }
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY) static_cast<Connection*>(user)->going_away = true;
    Turn* const t = turn(session, frame->hd.stream_id);
    if (t == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && t->response.status >= 200) t->final_head = true;
    const bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) t->end_of_response = true;
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t /*flags*/, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void* /*user*/) {
    nghttp2_session_consume_connection(session, size);
    Turn* const t = turn(session, id);
    if (t == nullptr) return 0;
    t->response.body.append(reinterpret_cast<const char*>(bytes), size);
    if (t->held) {
      t->withheld += size;
    } else {
      nghttp2_session_consume_stream(session, id, size);
    }
    return 0;
  }

  static int on_close(nghttp2_session* /*session*/, std::int32_t id, std::uint32_t code, void* user) {
    Turn* const t = turn(static_cast<Connection*>(user)->session.get(), id);
    if (t == nullptr) return 0;
    t->response.end = t->end_of_response && code == NGHTTP2_NO_ERROR ? End::kClean : End::kBroken;
    t->response.code = code;
    t->response.stopped = t->response.end == End::kClean && (!t->finished || t->sent < t->body.size());
    return 0;
  }

  static nghttp2_ssize next_data(nghttp2_session* session, std::int32_t id, std::uint8_t* bytes, std::size_t room,
                                 std::uint32_t* flags, nghttp2_data_source* source, void* /*user*/) {
    Turn& t = *static_cast<Turn*>(source->ptr);
    const std::size_t size = std::min(room, t.body.size() - t.sent);
    if (size == 0 && !t.finished) return NGHTTP2_ERR_DEFERRED;
    std::copy_n(t.body.data() + t.sent, size, bytes);
    t.sent += size;
    if (!t.finished || t.sent < t.body.size()) return static_cast<nghttp2_ssize>(size);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!t.trailers.empty()) {
      const auto fields = pairs(t.trailers);
      EXPECT_EQ(nghttp2_submit_trailer(session, id, fields.data(), fields.size()), 0);
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return static_cast<nghttp2_ssize>(size);
  }

  static nghttp2_session* make_session(Connection& connection) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new2(&session, callbacks, &connection, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return session;
  }
};

H2FlowClient::Connection& H2FlowClient::current_connection() {
  if (!connections_.empty() && usable(connections_.back())) return connections_.back();
  Connection& c = connections_.emplace_back();
  c.stream = front_.connect(Protocol::kH2);
  c.session.reset(Callbacks::make_session(c));
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Front::kStreamRoom}}};
  EXPECT_EQ(nghttp2_submit_settings(c.session.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size()), 0);
  EXPECT_EQ(nghttp2_session_set_local_window_size(c.session.get(), NGHTTP2_FLAG_NONE, 0, kConnectionWindow), 0);
  return c;
}

FlowClient::Stream H2FlowClient::begin(const Request& request) {
  Turn& t = turns_.emplace_back();
  t.connection = &current_connection();
  Fields head = {
      {":method", request.method}, {":scheme", "https"}, {":authority", request.authority}, {":path", request.target}};
  if (!request.upgrade.empty()) {
    head.front().second = "CONNECT";
    head.insert(head.begin() + 1, {":protocol", request.upgrade});
    head.emplace_back("sec-websocket-version", "13");
  }
  head.insert(head.end(), request.fields.begin(), request.fields.end());
  if (request.body.kind == BodyLength::Kind::kKnown) {
    head.emplace_back("content-length", std::to_string(request.body.bytes));
  }
  const bool has_body = request.body.kind != BodyLength::Kind::kNone || !request.upgrade.empty();
  t.finished = !has_body;
  const nghttp2_data_provider2 provider{.source = {.ptr = &t}, .read_callback = Callbacks::next_data};
  const auto fields = pairs(head);
  t.id = nghttp2_submit_request2(t.connection->session.get(), nullptr, fields.data(), fields.size(),
                                 has_body ? &provider : nullptr, &t);
  EXPECT_GT(t.id, 0);
  return turns_.size() - 1;
}

void H2FlowClient::send(Stream stream, std::string_view body) {
  Turn& t = turns_.at(stream);
  t.body += body;
  nghttp2_session_resume_data(t.connection->session.get(), t.id);
}

void H2FlowClient::finish(Stream stream, const Fields& trailers) {
  Turn& t = turns_.at(stream);
  t.finished = true;
  t.trailers = trailers;
  nghttp2_session_resume_data(t.connection->session.get(), t.id);
}

void H2FlowClient::reset(Stream stream) {
  const Turn& t = turns_.at(stream);
  nghttp2_submit_rst_stream(t.connection->session.get(), NGHTTP2_FLAG_NONE, t.id, NGHTTP2_CANCEL);
}

void H2FlowClient::read_on(Stream stream) {
  Turn& t = turns_.at(stream);
  t.held = false;
  t.connection->reading = true;
  nghttp2_session_consume_stream(t.connection->session.get(), t.id, std::exchange(t.withheld, 0));
}

void H2FlowClient::take(Stream stream, std::size_t bytes) {
  Connection& c = *turns_.at(stream).connection;
  c.reading = false;
  if (bytes > 0 && !c.ended) read(c, bytes);
}

void H2FlowClient::leave() {
  for (Connection& c : connections_) {
    if (!c.stream) continue;
    nghttp2_session_terminate_session(c.session.get(), NGHTTP2_NO_ERROR);
    write(c);
    c.stream.reset();
  }
}

std::size_t H2FlowClient::unsent(Stream stream) const {
  const Turn& t = turns_.at(stream);
  return t.body.size() - t.sent;
}

bool H2FlowClient::step() {
  bool moved = false;
  for (Connection& c : connections_) {
    if (!c.stream || c.ended) continue;
    moved = write(c) || moved;
    if (c.reading) moved = read(c) || moved;
  }
  return moved;
}

bool H2FlowClient::write(Connection& c) {
  bool moved = false;
  for (;;) {
    if (!c.out.empty() && c.stream->write(c.out).bytes > 0) moved = true;
    if (!c.out.empty()) return moved;
    const std::uint8_t* bytes = nullptr;
    const nghttp2_ssize size = nghttp2_session_mem_send2(c.session.get(), &bytes);
    if (size <= 0) return moved;
    c.out.append({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
}

IoResult H2FlowClient::read(Connection& c, std::size_t most) {
  Buffer in;
  const IoResult result = c.stream->read(in, most);
  in.for_each([&](std::string_view run) {
    EXPECT_EQ(nghttp2_session_mem_recv2(c.session.get(), reinterpret_cast<const std::uint8_t*>(run.data()), run.size()),
              static_cast<nghttp2_ssize>(run.size()));
  });
  return result;
}

bool H2FlowClient::read(Connection& c) {
  bool moved = false;
  for (;;) {
    const IoResult result = read(c, Front::kStreamRoom);
    moved = moved || result.bytes > 0;
    if (result.status == IoStatus::kWouldBlock) return moved;
    if (result.status == IoStatus::kOk) continue;
    on_connection_end(c);
    return moved;
  }
}

void H2FlowClient::on_connection_end(Connection& c) {
  c.ended = true;
  for (Turn& t : turns_) {
    if (t.connection == &c && t.response.end == End::kNone) t.response.end = End::kBroken;
  }
}

}  // namespace gatehouse::flow
