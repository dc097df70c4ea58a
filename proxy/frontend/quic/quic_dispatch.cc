#include "proxy/frontend/quic/quic_dispatch.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>
#include <utility>

#include <ngtcp2/ngtcp2_crypto.h>

#include "common/crypto/random.h"
#include "common/event_loop.h"
#include "proxy/frontend/client_admission.h"
#include "proxy/frontend/quic/quic_connection.h"

namespace gatehouse {

namespace {

constexpr std::size_t kMinInitial = 1200;     // RFC 9000 section 14.1
constexpr std::size_t kMinResetTrigger = 43;  // shorter ones may be resets themselves (RFC 9000 section 10.3.3)
constexpr std::size_t kResetSize = kMinResetTrigger - 1;
constexpr std::uint16_t kFirstClientPort = 1024;  // below: services that reflect, never QUIC clients
constexpr std::size_t kMaxReply = 1200;
constexpr std::chrono::milliseconds kBetweenWishes{100};  // that others make room
constexpr std::size_t kMostMadeRoomFor = 64;              // at once
constexpr std::uint8_t kLongHeader = 0x80;                // RFC 8999 section 5.1

// A burst for a restart with clients connected; then one for five packets that came, and never a flood.
constexpr TokenBucket::Rate kResetRate{.burst = 200, .per_second = 50};

std::uint16_t port_of(const UdpPath& path) {
  // sin_port and sin6_port lie at the same place.
  return ntohs(reinterpret_cast<const sockaddr_in*>(path.remote)->sin_port);
}

std::span<const std::uint8_t> bytes_of(const ngtcp2_cid& id) {
  return {id.data, id.datalen};
}

ngtcp2_cid cid_of(const QuicId& id) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, id.data.data(), id.size);
  return cid;
}

}  // namespace

std::uint64_t address_prefix(const UdpPath& path) {
  if (path.remote->sa_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(path.remote)->sin_addr.s_addr) >> 8;
  }
  const auto& bytes = reinterpret_cast<const sockaddr_in6*>(path.remote)->sin6_addr.s6_addr;
  std::uint64_t prefix = 0;
  if (IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(path.remote)->sin6_addr)) {
    for (int i = 12; i < 15; ++i) prefix = prefix << 8 | bytes[i];
    return prefix;
  }
  for (int i = 0; i < 7; ++i) prefix = prefix << 8 | bytes[i];
  return prefix | std::uint64_t{1} << 63;  // apart from those of IPv4
}

QuicDispatch::QuicDispatch(ListenerContext& context, QuicSocket& socket, QuicListener::Dependencies dependencies)
    : environment_{.context = context,
                   .socket = socket,
                   .tokens = QuicTokens(dependencies.secrets.of_listener(socket.local())),
                   .options = dependencies.options},
      group_(std::move(dependencies.group)),
      worker_(dependencies.worker),
      others_(std::move(dependencies.others)),
      ids_(0, QuicIdHash{random::secret()}),
      farewells_(context.loop, ids_.hash_function()),
      half_open_(
          {.total = environment_.options.max_half_open, .per_prefix = environment_.options.max_half_open_per_prefix}),
      resets_(kResetRate, context.loop.now()),
      room_{.maker = RoomMaker(context, [] {}), .ask = Timer(context.loop, [this] { ask_for_room(); })} {}

QuicDispatch::~QuicDispatch() {
  close_all();
}

void QuicDispatch::close_all() {
  accepting_ = false;
  std::unordered_set<QuicConnection*> connections;
  for (const auto& [id, connection] : ids_) connections.insert(connection);
  for (QuicConnection* connection : connections) connection->close_now();
  ids_.clear();
  waiting_.clear();
  farewells_.clear();
}

void QuicDispatch::receive(const UdpDatagram& datagram) {
  const auto id = read_id(datagram);
  if (!id || receive_if_known(datagram, *id) || hand_over(datagram, *id)) return;
  if (others_ && others_(datagram)) return;
  begin_or_drop(datagram, *id);
}

bool QuicDispatch::receive_if_known(const UdpDatagram& datagram) {
  ngtcp2_version_cid ids;
  const std::size_t length = environment_.options.ids.length();
  const bool read = ngtcp2_pkt_decode_version_cid(&ids, datagram.bytes.data(), datagram.bytes.size(), length) == 0;
  return read && receive_if_known(datagram, {ids.dcid, ids.dcidlen});
}

void QuicDispatch::receive_unknown(const UdpDatagram& datagram) {
  const auto id = read_id(datagram);
  if (id && !hand_over(datagram, *id)) begin_or_drop(datagram, *id);
}

std::optional<std::span<const std::uint8_t>> QuicDispatch::read_id(const UdpDatagram& datagram) {
  ngtcp2_version_cid ids;
  const std::size_t length = environment_.options.ids.length();
  const int status = port_of(datagram.path) < kFirstClientPort
                         ? NGTCP2_ERR_INVALID_ARGUMENT
                         : ngtcp2_pkt_decode_version_cid(&ids, datagram.bytes.data(), datagram.bytes.size(), length);
  if (status == 0) return std::span<const std::uint8_t>(ids.dcid, ids.dcidlen);
  if (status == NGTCP2_ERR_VERSION_NEGOTIATION) {
    negotiate_version(datagram, ids);
  } else {
    drop();
  }
  return std::nullopt;
}

bool QuicDispatch::receive_if_known(const UdpDatagram& datagram, std::span<const std::uint8_t> id) {
  const QuicId key = QuicId::of(id);
  if (const auto known = ids_.find(key); known != ids_.end()) {
    known->second->receive(datagram, key);
    return true;
  }
  if (!farewells_.knows(key)) return false;
  repeat_farewell(datagram, key);
  return true;
}

void QuicDispatch::begin_or_drop(const UdpDatagram& datagram, std::span<const std::uint8_t> id) {
  if ((datagram.bytes[0] & kLongHeader) != 0) {
    unknown_long(datagram);
  } else {
    unknown_short(datagram, id);
  }
}

void QuicDispatch::repeat_farewell(const UdpDatagram& datagram, const QuicId& id) {
  const auto packet = farewells_.packet_for(id);
  if (packet.empty()) return drop();
  reply(datagram, packet);
}

bool QuicDispatch::hand_over(const UdpDatagram& datagram, std::span<const std::uint8_t> id) {
  if (!group_) return false;
  auto worker = environment_.options.ids.worker_of(id);
  if (!worker && (datagram.bytes[0] & kLongHeader) != 0) worker = group_->worker_for(id);
  if (!worker || *worker == worker_) return false;
  const auto forwarded = QuicGroup::forward(group_, *worker, datagram);
  if (forwarded == QuicGroup::Forwarded::kTooMuch) drop();
  return forwarded != QuicGroup::Forwarded::kNobodyThere;
}

void QuicDispatch::unknown_long(const UdpDatagram& datagram) {
  ngtcp2_pkt_hd head;
  if (datagram.bytes.size() < kMinInitial || ngtcp2_accept(&head, datagram.bytes.data(), datagram.bytes.size()) != 0) {
    return drop();
  }
  accept(datagram, head);
}

void QuicDispatch::unknown_short(const UdpDatagram& datagram, std::span<const std::uint8_t> id) {
  // Only what may have been ours is answered: never a guess, nothing that an attacker made up of whole cloth, and no
  // packet for another machine that went astray.
  if (datagram.bytes.size() < kMinResetTrigger || !environment_.options.ids.worker_of(id)) return drop();
  if (!resets_.take(environment_.context.loop.now())) return drop();
  reset(datagram, id);
}

QuicDispatch::Validation QuicDispatch::validate(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head) const {
  const auto& [context, socket, tokens, options] = environment_;
  const std::span<const std::uint8_t> token(head.token, head.tokenlen);
  const WallTime now = context.loop.wall_now();
  if (token.empty()) return {};
  if (QuicTokens::is_retry_token(token)) {
    const QuicTokens::Claim claim{.token = token, .version = head.version, .dcid = &head.dcid};
    const auto original = tokens.verify_retry(datagram.path, claim, options.retry_token_lifetime, now);
    if (!original) return {.refused = true};
    return {.proven = true, .type = NGTCP2_TOKEN_TYPE_RETRY, .original_dcid = *original};
  }
  if (tokens.verify_new_token(datagram.path, token, options.new_token_lifetime, now)) {
    return {.proven = true, .type = NGTCP2_TOKEN_TYPE_NEW_TOKEN};
  }
  if (!group_ || !group_->is_probe(token, now)) return {};
  // ngtcp2 is not told of the token: it would ask for it in the goodbye as well, where its clients leave it out.
  return {.probe = true};
}

void QuicDispatch::accept(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head) {
  ListenerContext& context = environment_.context;
  if (!accepting_ || context.draining) return refuse(datagram, head, NGTCP2_CONNECTION_REFUSED);
  const Validation validation = validate(datagram, head);
  if (validation.refused) return refuse(datagram, head, NGTCP2_INVALID_TOKEN);
  const std::uint64_t prefix = address_prefix(datagram.path);
  const Address client(datagram.path.remote, datagram.path.remote_length);
  ConnectionPermit permit;
  if (validation.probe) {
    // Whether there is room for clients, and what they may, is not what it asks.
  } else if (validation.proven) {
    permit = ConnectionPermit::request(context.budget);
    if (!permit) return no_room();
    if (!client_admission::admit(context, client, permit)) return refuse(datagram, head, NGTCP2_CONNECTION_REFUSED);
  } else if (must_prove_itself(prefix, client)) {
    return retry(datagram, head);
  }
  QuicConnection::Acceptance acceptance{.head = head,
                                        .token_type = validation.type,
                                        .original_dcid = validation.original_dcid,
                                        .prefix = prefix,
                                        .probe = validation.probe,
                                        .permit = std::move(permit)};
  auto made = QuicConnection::accept(*this, datagram, std::move(acceptance));
  if (!made) return drop();
  if (!validation.proven && !validation.probe) half_open_.began(prefix);
  QuicConnection& connection = *made;
  context.connections.add(std::move(made));
  connection.receive(datagram, QuicId::of(bytes_of(head.dcid)));
}

// Before it costs a handshake. It is counted, and let in, once its address is proven; whoever may find no room then
// proves it first, so that it can wait for some, and others be asked to go.
bool QuicDispatch::must_prove_itself(std::uint64_t prefix, const Address& client) {
  const ListenerContext& context = environment_.context;
  return half_open_.crowded(prefix, context.loop.now()) || client_admission::would_refuse(context, client) ||
         !ConnectionBudget::has_room_for_newcomer(context.budget);
}

// As a client of TCP waits in the backlog, one of QUIC whose address is proven comes again by itself with what is
// dropped here.
void QuicDispatch::no_room() {
  drop();
  if (room_.waiting++ == 0)
    room_.ask.arm_at(std::max(environment_.context.loop.now(), room_.asked_at + kBetweenWishes));
}

void QuicDispatch::ask_for_room() {
  room_.asked_at = environment_.context.loop.now();
  room_.maker.want(ConnectionRefusal::kLimit, std::min(std::exchange(room_.waiting, 0), kMostMadeRoomFor));
}

QuicId QuicDispatch::make_id() const {
  // With a long server id there is room for little chance.
  for (;;) {
    const QuicId id = environment_.options.ids.make(worker_);
    if (!ids_.contains(id)) return id;
  }
}

void QuicDispatch::add(const ngtcp2_cid& id, QuicConnection& connection) {
  ids_.insert_or_assign(QuicId::of(bytes_of(id)), &connection);
}

void QuicDispatch::remove(const ngtcp2_cid& id) {
  ids_.erase(QuicId::of(bytes_of(id)));
}

void QuicDispatch::handshake_succeeded() {
  if (group_) group_->handshakes().succeeded();
}

void QuicDispatch::handshake_failed(std::uint64_t prefix) {
  if (group_) group_->handshakes().failed(prefix, environment_.context.loop.now());
}

void QuicDispatch::wait_for_room(QuicConnection& connection) {
  waiting_.insert(&connection);
}

void QuicDispatch::stop_waiting(QuicConnection& connection) {
  waiting_.erase(&connection);
}

void QuicDispatch::socket_writable() {
  for (QuicConnection* connection : std::exchange(waiting_, {})) connection->wake_flush();
}

// RFC 9000 section 6.1: never for a small datagram, so that it cannot amplify.
void QuicDispatch::negotiate_version(const UdpDatagram& datagram, const ngtcp2_version_cid& ids) {
  if (datagram.bytes.size() < kMinInitial) return drop();
  std::array<std::uint8_t, 2> chance;
  random::fill_secure(chance);
  // A reserved version beside ours, so that nobody comes to rely on the list (RFC 9000 section 15).
  const std::uint32_t reserved = 0x0a0a0a0a | (chance[0] & 0xf0U) << 24;
  const std::array<std::uint32_t, 3> versions = {NGTCP2_PROTO_VER_V1, NGTCP2_PROTO_VER_V2, reserved};
  std::array<std::uint8_t, kMaxReply> packet;
  const auto size = ngtcp2_pkt_write_version_negotiation(packet.data(), packet.size(), chance[1], ids.scid, ids.scidlen,
                                                         ids.dcid, ids.dcidlen, versions.data(), versions.size());
  if (size > 0) reply(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

void QuicDispatch::retry(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head) {
  const ngtcp2_cid scid = cid_of(make_id());
  const auto token = environment_.tokens.retry_token(
      datagram.path, {.version = head.version, .retry_scid = &scid, .original_dcid = &head.dcid},
      environment_.context.loop.wall_now());
  std::array<std::uint8_t, kMaxReply> packet;
  const auto size = ngtcp2_crypto_write_retry(packet.data(), packet.size(), head.version, &head.scid, &scid, &head.dcid,
                                              token.data(), token.size());
  if (token.empty() || size <= 0) return drop();
  environment_.context.counters.retries_sent.add();
  reply(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

void QuicDispatch::refuse(const UdpDatagram& datagram, const ngtcp2_pkt_hd& head, std::uint64_t error) {
  std::array<std::uint8_t, kMaxReply> packet;
  const auto size = ngtcp2_crypto_write_connection_close(packet.data(), packet.size(), head.version, &head.scid,
                                                         &head.dcid, error, nullptr, 0);
  if (size > 0) reply(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

void QuicDispatch::reset(const UdpDatagram& datagram, std::span<const std::uint8_t> id) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, id.data(), id.size());
  ngtcp2_stateless_reset_token token;
  environment_.tokens.reset_token(token.data, cid);
  std::array<std::uint8_t, kResetSize - QuicTokens::kResetTokenSize> noise;
  random::fill_secure(noise);
  std::array<std::uint8_t, kResetSize> packet;
  const auto size = ngtcp2_pkt_write_stateless_reset2(packet.data(), packet.size(), &token, noise.data(), noise.size());
  if (size <= 0) return;
  environment_.context.counters.stateless_resets_sent.add();
  reply(datagram, std::span(packet).first(static_cast<std::size_t>(size)));
}

void QuicDispatch::reply(const UdpDatagram& to, std::span<const std::uint8_t> packet) {
  if (environment_.socket.blocked()) return drop();  // whoever waits for this will ask again
  environment_.socket.send({.path = to.path, .ecn = 0, .segment = packet.size(), .bytes = packet});
  environment_.context.counters.datagrams_sent.add();
}

}  // namespace gatehouse
