// A configuration in force that serves nobody: its snapshot as a server would build it, with a fake endpoint for all
// the real ones, and one request sent through the exchange, the routes and the forwarder that serve. What comes out
// is what would happen; nothing is decided a second time. Opens no log, starts no app, resolves no name, touches no
// endpoint. Owned by explain(); main thread of a short-lived process, whose loop it owns.
//
//   Exchange --> make_responder --> Forwarder --> FakeEndpoint      all on loop_
//            <-- response head <--            <-- "200 OK"
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "config/config.h"
#include "proxy/discovery/upstream_directory.h"
#include "proxy/explain/explanation.h"
#include "proxy/explain/fake_endpoint.h"
#include "proxy/explain/question.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/snapshot_builder.h"

namespace gatehouse {

class CertificateStore;

// What happened to the request.
struct DryRunResult {
  // Host and path in their canonical form, by which routes are chosen, and the target as it was
  // sent. All empty where the head was refused before.
  std::string host, path, target;
  // Who asks, as far as it is believed.
  Address origin;
  // Of the request's fields.
  std::vector<Explanation::Stripped> stripped;
  // The answer is our own, for this reason.
  std::optional<Fault> fault;
  // To the client; nothing where the stream or the connection would be broken off.
  std::optional<ResponseHead> response;
  // Its name; empty where none was taken.
  std::string route;
  // As an endpoint gets it, without the empty line at its end; empty where none was asked.
  std::string endpoint_head;
  // As it was kept or made.
  std::string request_id;
  // The client sent none that could be kept.
  bool id_made = false;
  // Chosen by a key that the request has; empty where chance decides, or none was asked.
  std::string endpoint;
  // Of the upstream that was asked; empty where it has none.
  std::string sticky_cookie;
  // What all bodies of the route share, in bytes a second; 0: no limit.
  std::uint64_t bandwidth = 0;
  // Those that hold in the end: the listener's, and the route's over them.
  std::optional<ExchangeLimits> limits;
};

class DryRun {
 public:
  using Diagnostics = std::vector<config::Diagnostic>;

  // Puts the configuration in force, as far as one request needs it. The diagnostics say why it cannot be: a
  // certificate or key that cannot be read. REQUIRES: a configuration without errors.
  static std::expected<std::unique_ptr<DryRun>, Diagnostics> of(const config::Config& config,
                                                                CertificateStore& certificates);

  const Snapshot& snapshot() const { return snapshot_; }
  // Sends the request and runs the loop until the client's answer has begun or the exchange broke off. `client` is
  // whose connection it comes by. The error: it did not come to an end within 5 s. REQUIRES: called once; `listener`
  // is of snapshot().
  Result<DryRunResult> run(const Question& question, const ListenerSnapshot& listener, ClientInfo client);

  // Use of().
  DryRun() = default;

 private:
  class ExchangeRun;

  // Give each upstream its fake endpoints: all of them where hashing chooses, so that it can be told which; else one,
  // since they look alike. An app whose offline file is there gets none.
  void add_endpoints(const config::Config& config);
  void add_endpoints(const config::Upstream& upstream);
  void add_endpoints(const config::App& app);
  // An endpoint with the name of the real one, and the address of ours.
  std::shared_ptr<Endpoint> fake_endpoint(Endpoint::Identity real) const;

  EventLoop loop_;
  ControlMetrics metrics_;
  UpstreamDirectory directory_{loop_, metrics_, [] {}};
  SnapshotBuilder builder_{1, directory_, "dry run"};
  Snapshot snapshot_;
  std::unique_ptr<FakeEndpoint> fake_endpoint_;
};

}  // namespace gatehouse
