#include "proxy/frontend/accept/proxy_accept.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <expected>
#include <memory>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "proxy/frontend/accept/begin_client.h"

namespace gatehouse {

namespace {

constinit log::Limited refused("connections without the PROXY header that their listener reads");

void note(ListenerContext& context, const Address& peer, ProxyHeaderFailure why) {
  context.counters.proxy_header_failures[static_cast<std::size_t>(why)].add();
  refused.info("closed a connection of {} to {} for its PROXY header: {}", peer.to_string(), context.policy->name,
               label(why));
}

}  // namespace

void ProxyAccept::begin(ListenerContext& context, Fd socket, const Address& peer, ConnectionPermit permit) {
  if (context.policy->trusts(peer)) {
    context.connections.add(std::make_unique<ProxyAccept>(context, std::move(socket), peer, std::move(permit)));
  } else if (context.policy->proxy_protocol == ProxyProtocol::kRequire) {
    note(context, peer, ProxyHeaderFailure::kUntrusted);
  } else {
    begin_client(context, {.socket = std::move(socket), .address = peer, .permit = std::move(permit)});
  }
}

ProxyAccept::ProxyAccept(ListenerContext& context, Fd socket, const Address& proxy, ConnectionPermit permit)
    : context_(context),
      socket_(std::move(socket)),
      proxy_(proxy),
      permit_(std::move(permit)),
      since_(context.loop.now()),
      look_(context.loop, until_closed([this] { look(); })),
      deadline_(context.loop, until_closed([this] { fail(ProxyHeaderFailure::kTimeout); })) {
  deadline_.arm(context_.policy->connection.handshake_timeout);
  watcher_.emplace(context.loop, socket_.get(), [this](IoEvents events) {
    ended_ = ended_ || events.closed;
    look_.wake();
  });
  look_.wake();
}

bool ProxyAccept::unread() const {
  char byte = 0;
  return socket_ && ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// Looks before it takes: what is behind the header, or is none, is for the client's connection to read.
void ProxyAccept::look() {
  std::array<char, proxy_header::kLongest> piece;
  while (true) {
    const ssize_t count = ::recv(socket_.get(), piece.data(), piece.size(), MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count <= 0) return received_.empty() ? close() : fail(ProxyHeaderFailure::kClosed);
    const std::size_t before = received_.size();
    received_.append(piece.data(), static_cast<std::size_t>(count));
    const auto header = proxy_header::read(received_);
    if (!header) return header.error() == ProxyHeaderFailure::kMissing ? without_header() : fail(header.error());
    if (*header) {
      take((*header)->size - before);
      return become(**header);
    }
    if (!proxy_header::begins(received_)) {
      received_.clear();
      return ended_ ? without_header() : void();
    }
    take(static_cast<std::size_t>(count));
  }
}

void ProxyAccept::without_header() {
  if (context_.policy->proxy_protocol == ProxyProtocol::kOptional) return become({});
  fail(ended_ ? ProxyHeaderFailure::kClosed : ProxyHeaderFailure::kMissing);
}

void ProxyAccept::take(std::size_t count) {
  std::array<char, proxy_header::kLongest> taken;
  while (count > 0) {
    const ssize_t got = ::recv(socket_.get(), taken.data(), std::min(count, taken.size()), MSG_DONTWAIT);
    if (got <= 0) return;
    count -= static_cast<std::size_t>(got);
  }
}

void ProxyAccept::become(proxy_header::Header header) {
  watcher_.reset();
  AcceptedClient client{.socket = std::move(socket_),
                        .address = header.source.value_or(proxy_),
                        .permit = std::move(permit_),
                        .spent = context_.loop.now() - since_};
  if (header.size > 0) {
    client.proxied =
        std::make_shared<const ProxyHeaderNotes>(ProxyHeaderNotes{.proxy = proxy_,
                                                                  .destination = header.destination,
                                                                  .authority = std::move(header.authority),
                                                                  .alpn = std::move(header.alpn),
                                                                  .unique_id = std::move(header.unique_id)});
  }
  begin_client(context_, std::move(client));
  close();
}

void ProxyAccept::fail(ProxyHeaderFailure why) {
  note(context_, proxy_, why);
  close();
}

void ProxyAccept::close() {
  watcher_.reset();
  socket_.reset();
  context_.connections.close(*this);
}

}  // namespace gatehouse
