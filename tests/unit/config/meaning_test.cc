// What is allowed but hardly meant gets a warning, and what looks like it but is sensible gets none.
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "config/certificate_cover.h"
#include "config/reading/load.h"
#include "config/validate.h"
#include "tests/support/diagnostics_case.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::config {
namespace {

using testing_support::Context;
using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

const DiagnosticsCase kMeanings[] = {
    {.name = "AListenerMayHaveMoreConnectionsThanAll",
     .text = R"([[listeners]]
address = "127.0.0.1:1"
max_connections = 200
[limits]
max_connections = 100
)",
     .expected =
         R"(1:1: warning: "max_connections" of the listener is 200, but all listeners together may have 100 ([limits] max_connections)
)"},
    {.name = "AdminPagesBesideTheWorld",
     .text = R"([server]
admin = ":9180"
[[listeners]]
address = ":8443"
[listeners.tls]
certificates = [{ certificate = "c", private_key = "k" }]
)",
     .expected =
         R"(2:9: warning: "admin": metrics and status on [::]:9180 are for everybody who can reach it, as clients may; write "127.0.0.1:9180", or close it with a firewall
)"},
    {.name = "AdminPagesInAContainerBehindABalancerAreFine",
     .text = R"([server]
admin = ":9180"
[[listeners]]
address = ":8080"
)",
     .expected = ""},
    {.name = "StickyNeedsAChoice",
     .text = R"([upstreams.base]
endpoints = ["127.0.0.1:5000"]
sticky = { cookie = "gh" }
[[routes]]
to = "base"
[[routes]]
path = "/b"
to = "named"
[upstreams.named]
endpoints = ["shop.internal:80"]
sticky = { cookie = "gh" }
[[listeners]]
address = "127.0.0.1:1"
)",
     .expected =
         R"(1:1: warning: the upstream "base" has one endpoint: "sticky" sets a cookie and chooses nothing
)",
     .context = Context::kNothing},
    {.name = "AQueueThatNobodyEverJoins",
     .text = R"([upstreams.base]
endpoints = ["127.0.0.1:5000"]
queue_timeout = "5s"
[[routes]]
to = "base"
[[routes]]
path = "/b"
to = "limited"
[upstreams.limited]
endpoints = ["127.0.0.1:5001"]
queue_timeout = "5s"
max_requests = 10
[[routes]]
path = "/c"
to = "named"
[upstreams.named]
endpoints = ["shop.internal:80"]
queue = 5
[[listeners]]
address = "127.0.0.1:1"
)",
     .expected =
         R"(1:1: warning: requests wait for the upstream "base" only while descriptors are short: "queue" and "queue_timeout" need "max_requests"
)",
     .context = Context::kNothing},
    {.name = "ChecksThatTakeLongerThanTheirInterval",
     .text = R"([upstreams.base]
endpoints = ["127.0.0.1:5000"]
health = { path = "/h", interval = "1s", timeout = "2s" }
[[routes]]
to = "base"
[[listeners]]
address = "127.0.0.1:1"
)",
     .expected =
         R"(1:1: warning: the upstream "base": a health check may take 2s (timeout), but there is one every 1s (interval)
)",
     .context = Context::kNothing},
    {.name = "HeadsLargerThanKestrelTakes",
     .text = R"([apps.web]
command = ["dotnet", "Shop.dll"]
profile = "aspnetcore"
[[routes]]
to = "web"
[limits]
max_header_bytes = 65536
max_header_count = 101
max_target_bytes = 8193
[[listeners]]
address = "127.0.0.1:1"
)",
     .expected =
         R"(1:1: warning: [limits] max_header_bytes is 65536, but Kestrel takes 32768 unless told otherwise (Limits.MaxRequestHeadersTotalSize): the app "web" refuses what is larger
1:1: warning: [limits] max_header_count is 101, but Kestrel takes 100 unless told otherwise (Limits.MaxRequestHeaderCount): the app "web" refuses what is larger
1:1: warning: [limits] max_target_bytes is 8193, but Kestrel takes 8192 unless told otherwise (Limits.MaxRequestLineSize): the app "web" refuses what is larger
)",
     .context = Context::kNothing},
    {.name = "ConnectionsKeptForLongerThanTheAppDoes",
     .text = R"([apps.web]
command = ["/usr/bin/node", "app.js"]
pool = { idle_timeout = "90s" }
[[routes]]
to = "web"
[apps.fine]
command = ["node", "app.js"]
[[routes]]
path = "/f"
to = "fine"
[[listeners]]
address = "127.0.0.1:1"
)",
     .expected =
         R"(1:1: warning: the app "web" is kept connected for 90s (pool.idle_timeout), but Node.js closes idle connections after 5s unless told otherwise (server.keepAliveTimeout); stay below it
)",
     .context = Context::kNothing},
    {.name = "AStartThatNobodyWaitsFor",
     .text = R"([apps.web]
command = ["/bin/app"]
start_timeout = "1m"
queue_timeout = "10s"
[[routes]]
to = "web"
[apps.eager]
command = ["/bin/app"]
start = "eager"
start_timeout = "1m"
queue_timeout = "10s"
[[routes]]
path = "/e"
to = "eager"
[[listeners]]
address = "127.0.0.1:1"
)",
     .expected =
         R"(1:1: warning: the app "web" may take 1m to start (start_timeout), but the request that starts it waits 10s (queue_timeout)
)",
     .context = Context::kNothing},
};
INSTANTIATE_TEST_SUITE_P(Meanings, DiagnosticsTest, testing::ValuesIn(kMeanings), testing_support::name_of_case);

TEST(CertificateCover, AHostIsCoveredExactlyByAWildcardOrBelowOne) {
  CoveredNames names;
  for (const char* const name : {"shop.example", "*.example.org", "deep.sub.example.net"}) names.add(name);
  for (const char* const host : {"shop.example", "www.example.org", "*.example.org", "*.sub.example.net"}) {
    EXPECT_TRUE(names.cover(host)) << host;
  }
  for (const char* const host : {"www.shop.example", "example.org", "a.b.example.org", "*.shop.example", "other"}) {
    EXPECT_FALSE(names.cover(host)) << host;
  }
}

class CoverTest : public testing::Test {
 protected:
  CoverTest() {
    const auto pem = make_certificate({.names = {"shop.example"}});
    folder.write("cert.pem", pem.certificate);
    folder.write("key.pem", pem.private_key);
  }
  std::string said(const std::string& listeners) {
    const Loaded loaded = load(folder.write("g.toml", R"([[routes]]
hosts = ["shop.example", "other.example"]
respond = { status = 404 }
)" + listeners));
    std::string text;
    for (const Diagnostic& diagnostic : loaded.diagnostics) text += diagnostic.message + '\n';
    return text;
  }
  const TemporaryFolder folder;
  const std::string tls = R"([[listeners]]
address = ":8443"
[listeners.tls]
certificates = [{ certificate = "cert.pem", private_key = "key.pem" }]
)";
};

TEST_F(CoverTest, AHostThatNoCertificateIsForIsAWarning) {
  constexpr std::string_view kSaid =
      "no certificate is for the host \"other.example\", so that clients refuse the connection; add one to "
      "\"certificates\"\n";
  EXPECT_EQ(said(tls), kSaid);
  EXPECT_EQ(said(tls + "[[listeners]]\naddress = \":8080\"\nredirect_to_https = true\n"), kSaid);
}

TEST_F(CoverTest, AHostThatMayBeMeantForCleartextIsNone) {
  EXPECT_EQ(said(tls + "[[listeners]]\naddress = \":8080\"\n"), "");
}

std::string app_warnings(const TemporaryFolder& folder, const std::string& app) {
  const Loaded loaded =
      load(folder.write("g.toml", "[[listeners]]\naddress = \":1\"\n[[routes]]\nto = \"web\"\n" + app));
  std::string text;
  for (const Diagnostic& diagnostic : loaded.diagnostics) text += diagnostic.message + '\n';
  return text;
}

TEST(AppFiles, AScriptThatIsNotThereIsAWarning) {
  const TemporaryFolder folder;
  const std::string app = "[apps.web]\ncommand = [\"sh\", \"serve.sh\"]\n";
  EXPECT_EQ(app_warnings(folder, app), "the app \"web\" cannot start: there is no \"serve.sh\" in its directory \"" +
                                           folder.path().string() + "\"\n");
  folder.write("serve.sh", "");
  EXPECT_EQ(app_warnings(folder, app), "");
  EXPECT_EQ(app_warnings(folder, "[apps.web]\ncommand = [\"sh\", \"-c\", \"exec x.sh\"]\n"), "");
}

TEST(AppFiles, WatchingWhereThereIsNoFolderIsAWarning) {
  const TemporaryFolder folder;
  const std::string command = "[apps.web]\ncommand = [\"sh\", \"-c\", \"x\"]\n";
  EXPECT_EQ(app_warnings(folder, command + "recycle = { on_change = [\"yet-to-come\"] }\n"), "");
  EXPECT_EQ(app_warnings(folder, command + "recycle = { on_change = [\"no/such\"] }\n"),
            "the app \"web\" is not recycled for \"" + (folder.path() / "no/such").string() +
                "\" (on_change): there is no folder \"" + (folder.path() / "no").string() + "\"\n");
  folder.write("lib/deep/a.py", "");
  EXPECT_EQ(app_warnings(folder,
                         command + "recycle = { on_change = [\"lib\", \"lib/\", \".\", \"lib/**/*.py\", \"*/x\"] }\n"),
            "");
  EXPECT_NE(app_warnings(folder, command + "recycle = { on_change = [\"no/**/*.py\"] }\n"), "");
}

}  // namespace
}  // namespace gatehouse::config
