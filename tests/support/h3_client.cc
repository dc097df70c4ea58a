#include "tests/support/h3_client.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstring>

#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_ossl.h>
#include <openssl/ssl.h>

#include "tests/support/h3_client_state.h"

namespace gatehouse::testing_support {

using State = H3ClientState;

std::string H3Client::Response::field(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
  return found == fields.end() ? std::string() : found->second;
}

H3Client::H3Client(Dependencies dependencies) : state_(std::make_unique<State>(std::move(dependencies))) {}

H3Client::~H3Client() = default;

void H3Client::receive(const UdpDatagram& datagram) {
  state_->inbox.push_back({.bytes = {datagram.bytes.begin(), datagram.bytes.end()},
                           .to = Address(datagram.path.remote, datagram.path.remote_length)});
}

bool H3Client::step() {
  bool moved = false;
  while (!state_->inbox.empty()) {
    const State::Incoming incoming = std::move(state_->inbox.front());
    state_->inbox.pop_front();
    state_->read(incoming);
    moved = true;
  }
  state_->run_timer();
  return state_->write() || moved;
}

bool H3Client::connected() const {
  return state_->confirmed && !state_->closed;
}

std::optional<H3Client::Closed> H3Client::closed() const {
  return state_->closed;
}

std::optional<std::int64_t> H3Client::goaway() const {
  return state_->goaway;
}

const std::vector<H3Client::Bytes>& H3Client::tokens() const {
  return state_->tokens;
}

std::int64_t H3Client::begin(const Fields& head, End end) {
  std::int64_t id = -1;
  if (ngtcp2_conn_open_bidi_stream(state_->conn.get(), &id, nullptr) != 0) return -1;
  auto& stream = state_->streams[id];
  stream.fin = end == End::kYes;
  const auto fields = State::pairs(head);
  const nghttp3_data_reader reader{.read_data = State::read_body};
  [[maybe_unused]] const int status = nghttp3_conn_submit_request(state_->http.get(), id, fields.data(), fields.size(),
                                                                  end == End::kYes ? nullptr : &reader, &stream);
  assert(status == 0);
  return id;
}

std::int64_t H3Client::get(const std::string& path) {
  return begin(
      {{":method", "GET"}, {":scheme", "https"}, {":authority", state_->dependencies.server_name}, {":path", path}});
}

void H3Client::send(std::int64_t stream, std::string_view body, End end) {
  auto& s = state_->streams.at(stream);
  s.pending.emplace_back(body);
  s.fin = end == End::kYes;
  nghttp3_conn_resume_stream(state_->http.get(), stream);
}

void H3Client::send_trailers(std::int64_t stream, const Fields& trailers) {
  auto& s = state_->streams.at(stream);
  s.trailers = trailers;
  s.fin = true;
  nghttp3_conn_resume_stream(state_->http.get(), stream);
}

void H3Client::reset(std::int64_t stream, std::uint64_t code) {
  nghttp3_conn_shutdown_stream_write(state_->http.get(), stream);
  ngtcp2_conn_shutdown_stream_write(state_->conn.get(), 0, stream, code);
}

void H3Client::stop(std::int64_t stream, std::uint64_t code) {
  nghttp3_conn_shutdown_stream_read(state_->http.get(), stream);
  ngtcp2_conn_shutdown_stream_read(state_->conn.get(), 0, stream, code);
}

void H3Client::hold(std::int64_t stream) {
  state_->streams.at(stream).held = true;
}

void H3Client::release(std::int64_t stream) {
  auto& s = state_->streams.at(stream);
  s.held = false;
  state_->credit(stream, std::exchange(s.withheld, 0));
}

void H3Client::take(std::int64_t stream, std::size_t bytes) {
  auto& s = state_->streams.at(stream);
  s.held = true;
  const std::size_t taken = std::min(bytes, s.withheld);
  s.withheld -= taken;
  if (taken > 0) state_->credit(stream, taken);
}

std::size_t H3Client::unsent(std::int64_t stream) const {
  const auto& s = state_->streams.at(stream);
  std::size_t bytes = 0;
  for (const std::string& piece : s.pending) bytes += piece.size();
  for (const std::string& piece : s.offered) bytes += piece.size();
  return bytes - std::min(bytes, s.acknowledged);
}

const H3Client::Response& H3Client::response(std::int64_t stream) const {
  return state_->streams.at(stream).response;
}

bool H3Client::raw_stream(std::span<const std::uint8_t> bytes, End end, bool uni) {
  std::int64_t id = -1;
  const int status = uni ? ngtcp2_conn_open_uni_stream(state_->conn.get(), &id, nullptr)
                         : ngtcp2_conn_open_bidi_stream(state_->conn.get(), &id, nullptr);
  if (status != 0) return false;
  state_->raw.push_back({.id = id, .bytes = {bytes.begin(), bytes.end()}, .fin = end == End::kYes});
  return true;
}

void H3Client::move_to(const Address& local) {
  state_->dependencies.local = local;
}

void H3Client::migrate_to(const Address& local) {
  state_->dependencies.local = local;
  const ngtcp2_path path = state_->path();
  [[maybe_unused]] const int status =
      ngtcp2_conn_initiate_immediate_migration(state_->conn.get(), &path, state_->now());
  assert(status == 0);
}

bool H3Client::update_key() {
  return ngtcp2_conn_initiate_key_update(state_->conn.get(), state_->now()) == 0;
}

void H3Client::close(std::uint64_t code) {
  state_->say_goodbye(code);
}

H3Client::Bytes H3Client::destination_id() const {
  const ngtcp2_cid* const id = ngtcp2_conn_get_dcid(state_->conn.get());
  return {id->data, id->data + id->datalen};
}

}  // namespace gatehouse::testing_support
