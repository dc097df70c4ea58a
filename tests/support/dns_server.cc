#include "tests/support/dns_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <gtest/gtest.h>

namespace gatehouse::testing_support {

namespace {

constexpr std::size_t kHeaderSize = 12;
constexpr std::uint16_t kIsResponse = 0x8580;  // QR, AA, RD, RA
constexpr std::uint16_t kIsTruncated = 0x0200;
constexpr int kAttempts = 20;

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

unsigned at16(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) << 8 | static_cast<unsigned char>(bytes[at + 1]);
}

std::string encoded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    out += static_cast<char>(dot);
    out += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out += '\0';
  return out;
}

std::string address_bytes(const Address& address) {
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.data());
    return {reinterpret_cast<const char*>(&v4->sin_addr), sizeof v4->sin_addr};
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.data());
  return {reinterpret_cast<const char*>(&v6->sin6_addr), sizeof v6->sin6_addr};
}

Address parsed(std::string_view host) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return Address::parse((v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":1").value();
}

std::string message(std::string_view query, std::size_t question_end, const DnsServer::Reply& reply, bool udp) {
  const bool cut = udp && reply.truncated;
  std::string out(query.substr(0, 2));
  put16(out, static_cast<unsigned>(kIsResponse | static_cast<unsigned>(reply.code) | (cut ? kIsTruncated : 0U)));
  put16(out, 1);
  put16(out, cut ? 0U : static_cast<unsigned>(reply.rows.size()));
  put32(out, 0);
  out += query.substr(kHeaderSize, question_end - kHeaderSize);
  if (cut) return out;
  for (const DnsRow& row : reply.rows) {
    out += encoded(row.name);
    put16(out, row.type);
    put16(out, 1);
    put32(out, row.ttl);
    put16(out, static_cast<unsigned>(row.data.size()));
    out += row.data;
  }
  return out;
}

Fd bound(int type, Address& address) {
  Fd socket(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::bind(socket.get(), address.data(), address.length()) != 0) return {};
  address = Address::local_of(socket.get());
  return socket;
}

}  // namespace

DnsRow row_a(std::string name, std::string_view address, std::uint32_t ttl) {
  const Address parsed_address = parsed(address);
  return {.name = std::move(name),
          .type = parsed_address.family() == AF_INET ? kTypeA : kTypeAaaa,
          .ttl = ttl,
          .data = address_bytes(parsed_address)};
}

DnsRow row_cname(std::string name, std::string_view target, std::uint32_t ttl) {
  return {.name = std::move(name), .type = kTypeCname, .ttl = ttl, .data = encoded(target)};
}

DnsRow row_srv(std::string name, const SrvTarget& target, std::uint32_t ttl) {
  DnsRow row{.name = std::move(name), .type = kTypeSrv, .ttl = ttl, .data = {}};
  put16(row.data, target.priority);
  put16(row.data, target.weight);
  put16(row.data, target.port);
  row.data += encoded(target.host);
  return row;
}

// The port that UDP got may be taken for TCP.
DnsServer::DnsServer() {
  for (int attempt = 0; attempt < kAttempts && !tcp_; ++attempt) {
    address_ = Address::parse("127.0.0.1:0").value();
    udp_ = bound(SOCK_DGRAM, address_);
    tcp_ = bound(SOCK_STREAM, address_);
  }
  if (!udp_ || !tcp_ || ::listen(tcp_.get(), 16) != 0) ADD_FAILURE() << "no port for a DNS server";
}

std::string DnsServer::address() const {
  return address_.to_string();
}

void DnsServer::set(const std::string& name, std::uint16_t type, Reply reply) {
  replies_[{name, type}] = std::move(reply);
}

void DnsServer::set_hosts(const std::string& name, const std::vector<std::string>& addresses, std::uint32_t ttl) {
  Reply v4;
  Reply v6;
  for (const std::string& address : addresses) {
    DnsRow row = row_a(name, address, ttl);
    (row.type == kTypeA ? v4 : v6).rows.push_back(std::move(row));
  }
  set(name, kTypeA, std::move(v4));
  set(name, kTypeAaaa, std::move(v6));
}

std::size_t DnsServer::asked(const std::string& name, std::uint16_t type) const {
  const auto found = asked_.find({name, type});
  return found == asked_.end() ? 0 : found->second;
}

DnsServer::Question DnsServer::question_of(std::string_view message) {
  Question question;
  std::size_t at = kHeaderSize;
  while (message[at] != '\0') {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(message[at]));
    if (!question.name.empty()) question.name += '.';
    for (const char c : message.substr(at + 1, length))
      question.name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    at += length + 1;
  }
  question.type = static_cast<std::uint16_t>(at16(message, at + 1));
  question.end = at + 5;
  return question;
}

DnsServer::Reply DnsServer::reply_to(const Question& question) {
  ++asked_[{question.name, question.type}];
  if (broken_ != Code::kGood) return {.rows = {}, .code = broken_};
  const auto found = replies_.find({question.name, question.type});
  return found == replies_.end() ? Reply{.rows = {}, .code = Code::kNoSuchName} : found->second;
}

void DnsServer::serve() {
  serve_udp();
  serve_tcp();
}

void DnsServer::serve_udp() {
  std::array<char, 4096> space;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  ssize_t count = 0;
  while ((count = ::recvfrom(udp_.get(), space.data(), space.size(), 0, reinterpret_cast<sockaddr*>(&peer), &length)) >
         0) {
    const std::string_view query(space.data(), static_cast<std::size_t>(count));
    const Question question = question_of(query);
    const Reply reply = reply_to(question);
    const auto send = [&](const std::string& response) {
      ::sendto(udp_.get(), response.data(), response.size(), 0, reinterpret_cast<const sockaddr*>(&peer), length);
    };
    if (reply.forged) {
      std::string forged = message(query, question.end, {.rows = {row_a(question.name, "127.6.6.6")}}, true);
      forged[1] = static_cast<char>(forged[1] ^ 0x55);
      send(forged);
    }
    if (!reply.silent) send(message(query, question.end, reply, true));
    length = sizeof peer;
  }
}

void DnsServer::serve_tcp() {
  while (true) {
    Fd socket(::accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) break;
    visitors_.push_back({.socket = std::move(socket), .received = {}});
  }
  for (Visitor& visitor : visitors_) {
    std::array<char, 4096> space;
    ssize_t count = 0;
    while ((count = ::recv(visitor.socket.get(), space.data(), space.size(), 0)) > 0)
      visitor.received.append(space.data(), static_cast<std::size_t>(count));
    while (visitor.received.size() >= 2 && visitor.received.size() >= 2 + at16(visitor.received, 0)) {
      const std::size_t size = at16(visitor.received, 0);
      const std::string query = visitor.received.substr(2, size);
      visitor.received.erase(0, 2 + size);
      ++tcp_questions_;
      const Question question = question_of(query);
      const std::string response = message(query, question.end, reply_to(question), false);
      std::string framed;
      put16(framed, static_cast<unsigned>(response.size()));
      framed += response;
      EXPECT_EQ(::send(visitor.socket.get(), framed.data(), framed.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(framed.size()));
    }
  }
}

}  // namespace gatehouse::testing_support
