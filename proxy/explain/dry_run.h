// A configuration in force that serves nobody: its snapshot as a server would build it, with a fake endpoint for all
// the real ones, and one request sent through the exchange, the routes and the forwarder that serve. What comes out is
// what would happen; nothing is decided a second time. Opens no log, starts no app, resolves no name, touches no
// endpoint. Main thread of a short-lived process; owns its loop.
#pragma once

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
#include "proxy/http/exchange.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/snapshot_builder.h"

namespace gatehouse {

// What happened to the request.
struct DryRunResult {
  std::string host, path, target;               // canonical, and as it is forwarded; empty: refused before
  std::vector<Explanation::Stripped> stripped;  // of the request's fields
  std::optional<Fault> fault;                   // the answer is our own, for this reason
  std::optional<ResponseHead> response;         // to the client; nothing: the stream or connection would be broken off
  std::string route;                            // its name; empty: none was taken
  std::string endpoint_head;                    // as an endpoint gets it; empty: none was asked
  std::string request_id;                       // as it was kept or made
  bool id_made = false;                         // the client sent none that could be kept
  std::string endpoint;                         // chosen by a key that the request has; empty: by chance, or none
  std::string sticky_cookie;                    // of the upstream that was asked; empty: none
  std::optional<ExchangeLimits> limits;         // that hold in the end
};

class DryRun {
 public:
  using Diagnostics = std::vector<config::Diagnostic>;

  static std::expected<std::unique_ptr<DryRun>, Diagnostics> of(const config::Config& config);

  const Snapshot& snapshot() const { return snapshot_; }
  // Once. `client`: whose connection it is.
  Result<DryRunResult> run(const Question& question, const ListenerSnapshot& listener, ClientInfo client);

  DryRun() = default;  // use of()

 private:
  class ExchangeRun;

  void add_endpoints(const config::Config& config);
  void add_endpoints(const config::Upstream& upstream);
  void add_endpoints(const config::App& app);
  std::shared_ptr<Endpoint> fake_endpoint(Endpoint::Identity real) const;

  EventLoop loop_;
  ControlMetrics metrics_;
  UpstreamDirectory directory_{loop_, metrics_, [] {}};
  SnapshotBuilder builder_{1, directory_, "rehearsal"};
  Snapshot snapshot_;
  std::unique_ptr<FakeEndpoint> fake_endpoint_;
};

}  // namespace gatehouse
