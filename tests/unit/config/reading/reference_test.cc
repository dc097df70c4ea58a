#include <filesystem>
#include <set>
#include <string>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "config/reading/schema.h"
#include "config/to_toml.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::config {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;
using testing_support::contents_of;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

// The tests run in the root of the tree.
const std::filesystem::path kReference = "config/reference.toml";
const std::filesystem::path kExamples = "config/examples";

std::string lines_of(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += diagnostic.to_string() + "\n";
  return out;
}

TEST(Reference, ListsEveryKeyThatIsReadAndNoOther) {
  const std::string text = contents_of(kReference);
  const Loaded loaded = parse(text, kReference);
  EXPECT_EQ(lines_of(loaded.diagnostics), "");  // an unknown key would be one
  EXPECT_EQ(used_keys(text), known_keys());
}

TEST(Reference, TheSchemaIsTheOneOfThePlan) {
  EXPECT_THAT(known_keys(), IsSupersetOf({"server.workers",
                                          "log.access.format",
                                          "listeners.address",
                                          "listeners.quic.congestion_control",
                                          "listeners.tls.certificates.private_key",
                                          "routes.hosts",
                                          "routes.respond.status",
                                          "routes.request_headers.set",
                                          "routes.limits.max_request_body",
                                          "routes.timeouts.response",
                                          "upstreams.NAME.endpoints.address",
                                          "upstreams.NAME.pool.max_idle",
                                          "upstreams.NAME.endpoints.weight",
                                          "upstreams.NAME.health.slow_start",
                                          "upstreams.NAME.outlier.eject_for",
                                          "upstreams.NAME.sticky.cookie",
                                          "upstreams.NAME.hash_on",
                                          "apps.NAME.command",
                                          "apps.NAME.recycle.on_change",
                                          "apps.NAME.rapid_fail.window",
                                          "apps.NAME.health.path",
                                          "apps.NAME.sticky.cookie",
                                          "apps.NAME.error_page",
                                          "limits.max_streams",
                                          "limits.max_handshakes_per_client",
                                          "timeouts.response_body"}));
}

TEST(Reference, ItsValuesAreTheDefaults) {
  const Loaded loaded = parse(contents_of(kReference), kReference);
  ASSERT_TRUE(loaded.config) << lines_of(loaded.diagnostics);
  // What is written is what differs from the defaults: only what has none, and the overrides of a route.
  EXPECT_THAT(
      used_keys(to_toml(*loaded.config)),
      ElementsAre("apps", "apps.NAME.command", "apps.NAME.directory", "apps.NAME.send_file",
                  "apps.NAME.send_file.folder", "apps.NAME.send_file.prefix", "listeners", "listeners.address",
                  "listeners.tls", "listeners.tls.certificates", "listeners.tls.certificates.certificate",
                  "listeners.tls.certificates.private_key", "reservations", "reservations.group", "reservations.prefix",
                  "reservations.user", "routes", "routes.files", "routes.limits", "routes.limits.bandwidth",
                  "routes.limits.max_request_body", "routes.limits.min_request_rate", "routes.limits.min_response_rate",
                  "routes.path", "routes.redirect", "routes.respond", "routes.respond.body", "routes.respond.status",
                  "routes.timeouts", "routes.timeouts.connect", "routes.timeouts.request_body",
                  "routes.timeouts.response", "routes.timeouts.response_body", "routes.timeouts.response_write",
                  "routes.timeouts.tunnel", "routes.to", "upstreams", "upstreams.NAME.endpoints",
                  "upstreams.NAME.send_file", "upstreams.NAME.send_file.folder", "upstreams.NAME.send_file.prefix"));
  Config global = *loaded.config;
  ASSERT_EQ(global.routes.size(), 6U);
  global.limits = limits_of(*loaded.config, global.routes[0]);
  global.timeouts = timeouts_of(*loaded.config, global.routes[0]);
  EXPECT_THAT(to_toml(global), testing::Not(testing::HasSubstr("\n[limits]")));
  EXPECT_THAT(to_toml(global), testing::Not(testing::HasSubstr("\n[timeouts]")));
  const auto& respond = std::get<Respond>(global.routes[2].action);
  EXPECT_EQ(respond.status, Respond{}.status);
  EXPECT_EQ(respond.body, Respond{}.body);
}

// As a user would: the file in a folder of its own, with the certificates that it names.
TEST(Examples, AllLoadWithoutADiagnostic) {
  std::set<std::string> seen;
  for (const auto& entry : std::filesystem::directory_iterator(kExamples)) {
    if (entry.path().extension() != ".toml") continue;
    seen.insert(entry.path().filename());
    const TemporaryFolder folder;
    const std::string file = folder.write(entry.path().filename(), contents_of(entry.path()));
    const Loaded parsed = parse(contents_of(file), file);
    ASSERT_TRUE(parsed.config) << lines_of(parsed.diagnostics);
    for (const Listener& listener : parsed.config->listeners) {
      if (!listener.tls) continue;
      for (const CertificateFiles& files : listener.tls->certificates) {
        std::vector<std::string> names;
        for (const Route& route : parsed.config->routes)
          names.insert(names.end(), route.hosts.begin(), route.hosts.end());
        const auto pair = names.empty() ? make_certificate() : make_certificate({.names = names});
        EXPECT_TRUE(files.certificate.starts_with(folder.path().string())) << files.certificate;
        folder.write(files.certificate, pair.certificate);
        folder.write(files.private_key, pair.private_key);
      }
    }
    for (const App& app : parsed.config->apps) {
      EXPECT_TRUE(app.directory.starts_with(folder.path().string())) << app.directory;
      std::filesystem::create_directories(app.directory);
      for (const std::string& word : app.command) {
        if (word.ends_with(".py") || word.ends_with(".js")) folder.write(app.directory + "/" + word, "");
      }
    }
    const Loaded loaded = load(file);
    EXPECT_TRUE(loaded.config);
    EXPECT_EQ(lines_of(loaded.diagnostics), "");
  }
  EXPECT_THAT(seen, ElementsAre("behind-load-balancer.toml", "blue-green.toml", "host-app.toml", "load-balanced.toml",
                                "minimal.toml", "multi-host.toml", "two-apps-by-host.toml", "two-apps-by-path.toml"));
}

}  // namespace
}  // namespace gatehouse::config
