#include "proxy/frontend/accept/clear_accept.h"

#include <algorithm>
#include <utility>

#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/h1/h1_connection.h"
#include "proxy/frontend/h2/h2_connection.h"

namespace gatehouse {

namespace {

// As much of the preface (RFC 9113 section 3.4) as no HTTP/1 request can begin with.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n";
constexpr std::size_t kReadSize = 16 * 1024;

// As far as it goes. A client may send its preface in pieces, and each may lie in a run of its own.
bool begins_like_preface(const Buffer& received) {
  std::string_view expected = kPreface;
  bool alike = true;
  received.for_each([&](std::string_view run) {
    const std::size_t count = std::min(run.size(), expected.size());
    alike = alike && run.substr(0, count) == expected.substr(0, count);
    expected.remove_prefix(count);
  });
  return alike;
}

}  // namespace

void ClearAccept::begin(ListenerContext& context, ClientTransport transport) {
  if (!context.speaks_h2) {
    context.connections.add(std::make_unique<H1Connection>(context, std::move(transport)));
  } else if (!context.speaks_h1) {
    context.connections.add(std::make_unique<H2Connection>(context, std::move(transport)));
  } else {
    context.connections.add(std::make_unique<ClearAccept>(context, std::move(transport)));
  }
}

ClearAccept::ClearAccept(ListenerContext& context, ClientTransport transport)
    : context_(context),
      transport_(std::move(transport)),
      look_(context.loop, until_closed([this] { look(); })),
      deadline_(context.loop, until_closed([this] { on_timeout(); })) {
  transport_.stream->set_user(this);
  deadline_.arm(context_.policy->connection.idle_timeout);
  look_.wake();
}

ClearAccept::~ClearAccept() {
  if (transport_.stream) transport_.stream->set_user(nullptr);
}

void ClearAccept::look() {
  const bool first = received_.empty();
  IoResult result;
  while (result.status == IoStatus::kOk && received_.size() < kPreface.size()) {
    result = transport_.stream->read(received_, kReadSize);
  }
  if (!begins_like_preface(received_)) return become(Protocol::kH1);
  if (received_.size() >= kPreface.size()) return become(Protocol::kH2);
  if (result.status != IoStatus::kWouldBlock) return close();
  if (!first || received_.empty()) return;
  deadline_.arm(context_.policy->connection.header_timeout);
  context_.connections.touch(*this);
}

// Of a client that has begun a preface.
void ClearAccept::on_timeout() {
  if (!received_.empty()) report_abuse(context_, transport_.peer, Abuse::kUnfinishedHead);
  close();
}

void ClearAccept::become(Protocol protocol) {
  transport_.stream->set_user(nullptr);
  if (protocol == Protocol::kH2) {
    context_.connections.add(std::make_unique<H2Connection>(context_, std::move(transport_), std::move(received_)));
  } else {
    context_.connections.add(std::make_unique<H1Connection>(context_, std::move(transport_), std::move(received_)));
  }
  close();
}

void ClearAccept::drain() {
  if (received_.empty()) deadline_.arm(kOnlyRequestGrace);
}

void ClearAccept::close() {
  if (transport_.stream) transport_.stream->set_user(nullptr);
  context_.connections.close(*this);
}

}  // namespace gatehouse
