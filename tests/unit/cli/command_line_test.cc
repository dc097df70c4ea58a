// What users type: exit codes, the configuration that `proxy` stands for, and the certificate that it makes.
#include "proxy/cli/command_line.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/crypto/certificate_self_signed.h"
#include "common/crypto/certificate_store.h"
#include "common/fd.h"
#include "config/target_rules.h"
#include "config/to_toml.h"
#include "proxy/admin/admin_access.h"
#include "proxy/cli/proxy.h"
#include "proxy/cli/target.h"
#include "proxy/system/directories.h"
#include "tests/support/captured_command.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using testing_support::contents_of;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

// Directories of the test's own, whoever runs it.
class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    set("STATE_DIRECTORY", folder.path() / "state");
    set("RUNTIME_DIRECTORY", folder.path() / "run");
  }
  ~CliTest() override {
    unsetenv("STATE_DIRECTORY");
    unsetenv("RUNTIME_DIRECTORY");
  }
  static void set(const char* name, const std::filesystem::path& value) { setenv(name, value.c_str(), 1); }

  using Outcome = testing_support::CapturedCommand;
  static Outcome run(const std::vector<const char*>& words) { return testing_support::run_captured(words); }

  const TemporaryFolder folder;
};

TEST_F(CliTest, ABadCommandLineIsTwo) {
  for (const std::vector<const char*>& line :
       std::vector<std::vector<const char*>>{{},
                                             {"nonsense"},
                                             {"proxy"},
                                             {"run", "--nonsense"},
                                             {"proxy", "--to", "127.0.0.1:1", "--certificate", "x"},
                                             {"host"},
                                             {"host", "--"},
                                             {"host", "--instances", "0", "--", "sh"},
                                             {"host", "--transport", "tcp", "--", "sh"},
                                             {"app", "web"},
                                             {"app", "web", "restart"},
                                             {"app", "a b", "recycle"}}) {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_FALSE(outcome.err.empty());
  }
}

TEST_F(CliTest, HelpAndVersionAreFine) {
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* name : {"run", "check", "proxy", "host", "app", "reload", "drain", "stop", "status", "version"}) {
    EXPECT_NE(help.out.find(name), std::string::npos) << name;
  }
  const Outcome version = run({"version"});
  EXPECT_EQ(version.code, 0);
  for (const char* name : {"gatehouse ", "OpenSSL", "nghttp2", "ngtcp2", "nghttp3", "toml++"}) {
    EXPECT_NE(version.out.find(name), std::string::npos) << name;
  }
}

TEST_F(CliTest, CheckSaysEverythingThatIsWrongWithItsPlace) {
  const std::string bad = folder.write("bad.toml", "[server]\nworkerz = 1\n[limits]\nmax_streams = \"x\"\n");
  const Outcome outcome = run({"check", bad.c_str()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("bad.toml:2:"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("bad.toml:4:"), std::string::npos) << outcome.err;
  EXPECT_EQ(run({"check", "/nonexistent/gatehouse.toml"}).code, 1);
}

TEST_F(CliTest, CheckIsFineWithAGoodFile) {
  const std::string good = folder.write("good.toml",
                                        "[[listeners]]\naddress = \"127.0.0.1:8080\"\n[[routes]]\nto = \"a\"\n"
                                        "[upstreams.a]\nendpoints = [\"127.0.0.1:5000\"]\n");
  const Outcome outcome = run({"check", good.c_str()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("valid"), std::string::npos);
}

TEST_F(CliTest, CommandsWithoutAServerFailAndSaySo) {
  for (const char* command : {"reload", "drain", "stop"}) {
    const Outcome outcome = run({command, "--control", "/nonexistent/control.sock"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.err.find("/nonexistent/control.sock"), std::string::npos);
  }
  EXPECT_EQ(run({"app", "web", "recycle", "--control", "/nonexistent/control.sock"}).code, 1);
  EXPECT_EQ(run({"status", "--admin", "unix:/nonexistent/admin.sock"}).code, 1);
}

TEST_F(CliTest, CommandsFindTheSocketThatABrokenFileNames) {
  const std::string broken = folder.write("broken.toml", "[server]\ncontrol = \"custom.sock\"\nworkerz = 1\n");
  EXPECT_EQ(find_control_socket({.file = broken}).value(), folder.path() / "custom.sock");
  EXPECT_EQ(find_control_socket({.file = broken, .control = "/other.sock"}).value(), "/other.sock");
  const std::string no_toml = folder.write("no.toml", "[server\n");
  const auto socket = find_control_socket({.file = no_toml});
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().message.find("no.toml"), std::string::npos);
  EXPECT_NE(socket.error().message.find("--control PATH"), std::string::npos);
}

TEST_F(CliTest, CommandsOfAnAppGoThroughTheControlSocket) {
  const std::string path = folder.path() / "control.sock";
  const auto address = Address::parse("unix:" + path);
  const Fd listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listening.get(), address->data(), address->length()), 0);
  ASSERT_EQ(listen(listening.get(), 1), 0);
  std::string heard;
  std::thread server([&] {
    const Fd connection(accept(listening.get(), nullptr, nullptr));
    for (char c = 0; recv(connection.get(), &c, 1, 0) == 1 && c != '\n';) heard += c;
    constexpr std::string_view kAnswer = "web: recycling\nok\n";
    EXPECT_EQ(send(connection.get(), kAnswer.data(), kAnswer.size(), 0), static_cast<ssize_t>(kAnswer.size()));
  });
  const Outcome outcome = run({"app", "web", "recycle", "--control", path.c_str()});
  server.join();
  EXPECT_EQ(heard, "app web recycle");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "web: recycling\n");
}

TEST_F(CliTest, PrintConfigIsAFileThatMeansTheSame) {
  const Outcome outcome = run({"proxy", "--to", "http://127.0.0.1:5000/", "--listen", "127.0.0.1:8443", "--http",
                               "127.0.0.1:8080", "--admin", "off", "--print-config"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const config::Loaded loaded = config::parse(outcome.out, "printed.toml");
  ASSERT_TRUE(loaded.config) << outcome.out;
  EXPECT_FALSE(loaded.config->server.admin);
  ASSERT_EQ(loaded.config->listeners.size(), 2U);
  EXPECT_TRUE(loaded.config->listeners[0].protocols.h3);
  EXPECT_FALSE(loaded.config->listeners[1].tls);
  EXPECT_EQ(config::endpoint_text(loaded.config->upstreams[0].endpoints[0]), "127.0.0.1:5000");
}

TEST(EndpointOfTest, TakesTheFormsThatPeopleType) {
  struct Row {
    const char* text;
    const char* address;  // null: refused
  };
  for (const Row& row : {Row{"127.0.0.1:5000", "127.0.0.1:5000"},
                         Row{"http://127.0.0.1:5000", "127.0.0.1:5000"},
                         Row{"http://127.0.0.1:5000/", "127.0.0.1:5000"},
                         Row{"localhost:5000", "localhost:5000"},
                         Row{"http://[::1]:80", "[::1]:80"},
                         Row{"http://[::1]", "[::1]:80"},
                         Row{"http://127.0.0.1", "127.0.0.1:80"},
                         Row{"unix:/run/app.sock", "unix:/run/app.sock"},
                         Row{"https://127.0.0.1:5000", "https://127.0.0.1:5000"},
                         Row{"https://api.internal/", "https://api.internal:443"},
                         Row{"https://localhost", "https://localhost:443"},
                         Row{"https://unix:/run/app.sock", nullptr},
                         Row{"ftp://a", nullptr},
                         Row{"https://a/b", nullptr},
                         Row{"http://127.0.0.1:5000/path", nullptr},
                         Row{"http://backend:8000", "backend:8000"},
                         Row{"backend", "backend:80"},
                         Row{"_http._tcp.shop.internal", "_http._tcp.shop.internal"},
                         Row{"http://a..b", nullptr},
                         Row{"127.0.0.1:0", nullptr},
                         Row{"", nullptr},
                         Row{"http://", nullptr}}) {
    const auto address = endpoint_of(row.text);
    ASSERT_EQ(address.has_value(), row.address != nullptr) << row.text;
    if (address) {
      EXPECT_EQ(config::endpoint_text(*address), row.address);
    }
  }
}

TEST_F(CliTest, EveryMistakeOfProxyIsNamedByItsOption) {
  CertificateStore certificates;
  const config::Loaded loaded = proxy_config(
      {.to = {"no where"}, .front = {.listen = {"nonsense"}, .http = "also", .admin = "neither"}}, certificates);
  EXPECT_FALSE(loaded.config);
  std::string text;
  for (const auto& diagnostic : loaded.diagnostics) text += diagnostic.to_string() + '\n';
  for (const char* option : {"--to", "--listen", "--http", "--admin"}) {
    EXPECT_NE(text.find(option), std::string::npos) << text;
  }
}

TEST_F(CliTest, ACertificateThatIsNamedIsUsed) {
  const auto pem = make_certificate();
  const std::string certificate = folder.write("c.pem", pem.certificate);
  const std::string key = folder.write("k.pem", pem.private_key);
  CertificateStore certificates;
  const config::Loaded loaded = proxy_config(
      {.to = {"127.0.0.1:1"}, .front = {.listen = {":8443"}, .certificate = certificate, .private_key = key}},
      certificates);
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->listeners[0].tls->certificates[0].certificate, certificate);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "state" / "localhost.pem"));
}

TEST(SelfSignedTest, IsKeptAndMadeAgainWhenItIsAboutToExpire) {
  const TemporaryFolder folder;
  const auto files = self_signed::ensure(folder.path());
  ASSERT_TRUE(files) << files.error().message;
  CertificateStore store;
  const auto certificate = store.certificate({.certificate = files->certificate, .private_key = files->private_key});
  ASSERT_TRUE(certificate) << certificate.error().message;
  EXPECT_TRUE((*certificate)->covers("localhost"));
  const auto left = (*certificate)->not_after() - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::days(390));
  EXPECT_LE(left, std::chrono::days(398));
  struct stat status{};
  ASSERT_EQ(stat(files->private_key.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);

  const std::string before = contents_of(files->certificate);
  ASSERT_TRUE(self_signed::ensure(folder.path()));
  EXPECT_EQ(contents_of(files->certificate), before);

  const auto expiring = make_certificate({.valid_for = std::chrono::days(20)});
  folder.write("localhost.pem", expiring.certificate);
  folder.write("localhost-key.pem", expiring.private_key);
  ASSERT_TRUE(self_signed::ensure(folder.path()));
  EXPECT_NE(contents_of(files->certificate), expiring.certificate);
}

TEST_F(CliTest, ControlSocketsGoByTheFileHoweverItIsSpelt) {
  folder.write("gatehouse.toml", "");
  const std::string file = folder.path() / "gatehouse.toml";
  const auto plain = directories::control_socket(file);
  const auto roundabout = directories::control_socket(folder.path() / "run" / ".." / "gatehouse.toml");
  const auto other = directories::control_socket(folder.path() / "other.toml");
  ASSERT_TRUE(plain && roundabout && other);
  EXPECT_EQ(*plain, *roundabout);
  EXPECT_NE(*plain, *other);
  EXPECT_EQ(plain->parent_path(), folder.path() / "run");
}

TEST(AdminTest, AnswersOnlyToNamesThatNoForeignPageCanUse) {
  for (const char* host : {"127.0.0.1", "192.0.2.1", "::1", "localhost", ""}) {
    EXPECT_TRUE(admin_serves_host(host, {})) << host;
  }
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "localhos", "*"}) {
    EXPECT_FALSE(admin_serves_host(host, {})) << host;
  }
}

}  // namespace
}  // namespace gatehouse
