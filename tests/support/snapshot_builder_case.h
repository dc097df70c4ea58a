// A snapshot builder with all that it needs, and configurations for it. A fixture, for the tests of snapshot_builder; one
// thread.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "common/crypto/certificate_store.h"
#include "common/event_loop.h"
#include "config/reading/load.h"
#include "proxy/runtime/snapshot_builder.h"
#include "proxy/runtime/upstream_settings.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::testing_support {

class SnapshotBuilderCase : public ::testing::Test {
 protected:
  SnapshotBuilderCase() {
    const PemPair pem = make_certificate();
    folder.write("cert.pem", pem.certificate);
    folder.write("key.pem", pem.private_key);
  }

  config::Config parse(const std::string& text) {
    const config::Loaded loaded =
        config::parse("[log.access]\noutput = \"off\"\n" + text, folder.path() / "gatehouse.toml");
    for (const auto& diagnostic : loaded.diagnostics) {
      EXPECT_EQ(diagnostic.severity, config::Severity::kWarning) << diagnostic.to_string();
    }
    return loaded.config.value_or(config::Config{});
  }

  Snapshot build(const std::string& text) {
    const config::Config config = parse(text);
    auto built = build(config, nullptr);
    EXPECT_TRUE(built.has_value());
    directory.configure(directory_spec(config, {}));
    return built ? *std::move(built) : Snapshot{};
  }

  // As a reload does it: first what takes files, then the rest. `current` is the caller's, and outlives the call.
  std::expected<TlsMaterial, TlsMaterial::Diagnostics> material(const config::Config& config, const Snapshot* current) {
    certificates.begin();
    return TlsMaterial::load(config, {.certificates = certificates,
                                      .ticket_keys = ticket_keys,
                                      .current = {std::shared_ptr<const void>(), current}});
  }
  std::expected<Snapshot, SnapshotBuilder::Diagnostics> build(const config::Config& config, const Snapshot* current) {
    auto tls = material(config, current);
    if (!tls) return std::unexpected(std::move(tls.error()));
    return builder.build(config, *std::move(tls), current);
  }

  const TemporaryFolder folder;
  CertificateStore certificates;
  const std::shared_ptr<TicketKeys> ticket_keys = std::make_shared<TicketKeys>();
  EventLoop loop;
  ControlMetrics counts;
  UpstreamDirectory directory{loop, counts, [] {}};
  SnapshotBuilder builder{1000, directory, "key"};
  const std::string https = R"(
[[listeners]]
address = "127.0.0.1:8443"
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
)";
  const std::string shop = R"(
[[routes]]
to = "shop"
[upstreams.shop]
endpoints = ["127.0.0.1:5000", "127.0.0.1:5001"]
)";
};

}  // namespace gatehouse::testing_support
