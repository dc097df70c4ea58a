// Options by environment: every flag of `proxy` and `host` has a variable, a flag beats it, and what is wrong with a
// value is told by the variable's name.
#include "proxy/cli/environment.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "tests/support/captured_command.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::StartsWith;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

using Variables = std::map<std::string, std::string>;

class CliEnvironmentTest : public ::testing::Test {
 protected:
  CliEnvironmentTest() { setenv("STATE_DIRECTORY", (folder.path() / "state").c_str(), 1); }
  ~CliEnvironmentTest() override {
    unsetenv("STATE_DIRECTORY");
    clear();
  }

  void set(const Variables& variables) {
    clear();
    for (const auto& [name, value] : variables) {
      setenv(name.c_str(), value.c_str(), 1);
      set_.push_back(name);
    }
  }
  void clear() {
    for (const std::string& name : set_) unsetenv(name.c_str());
    set_.clear();
  }

  using Outcome = testing_support::CapturedCommand;
  Outcome run(const Variables& variables, const std::vector<const char*>& words) {
    set(variables);
    return testing_support::run_captured(words);
  }
  void write_certificate() const {
    const auto pair = make_certificate();
    folder.write("c.pem", pair.certificate);
    folder.write("k.pem", pair.private_key);
  }
  // What the command would serve.
  config::Config shown(Variables variables, const std::vector<const char*>& words) {
    variables.emplace("GATEHOUSE_PRINT_CONFIG", "true");
    const Outcome outcome = run(variables, words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    config::Loaded loaded = config::parse(outcome.out, "/printed.toml");
    EXPECT_TRUE(loaded.config) << outcome.out << outcome.err;
    return loaded.config ? *std::move(loaded.config) : config::Config{};
  }
  static std::vector<std::string> addresses(const config::Config& config) {
    std::vector<std::string> texts;
    for (const config::Listener& listener : config.listeners) texts.push_back(listener.address.to_string());
    return texts;
  }

  const TemporaryFolder folder;

 private:
  std::vector<std::string> set_;
};

TEST_F(CliEnvironmentTest, AVariableHasTheNameOfItsOption) {
  EXPECT_EQ(variable_of("--to"), "GATEHOUSE_TO");
  EXPECT_EQ(variable_of("--private-key"), "GATEHOUSE_PRIVATE_KEY");
}

TEST_F(CliEnvironmentTest, EveryOptionOfProxyMayComeFromTheEnvironment) {
  write_certificate();
  const config::Config config = shown({{"GATEHOUSE_TO", "127.0.0.1:5000, http://127.0.0.1:5001/"},
                                       {"GATEHOUSE_LISTEN", ":9443\n127.0.0.1:9444,"},
                                       {"GATEHOUSE_CERTIFICATE", folder.path() / "c.pem"},
                                       {"GATEHOUSE_PRIVATE_KEY", folder.path() / "k.pem"},
                                       {"GATEHOUSE_HTTP", "127.0.0.1:9080"},
                                       {"GATEHOUSE_ALT_SVC", "443"},
                                       {"GATEHOUSE_ADMIN", " 127.0.0.1:9181 "},
                                       {"GATEHOUSE_CONTROL", "/tmp/control"}},
                                      {"proxy"});
  ASSERT_EQ(config.upstreams.size(), 1U);
  EXPECT_EQ(config.upstreams[0].endpoints.size(), 2U);
  EXPECT_THAT(addresses(config), ElementsAre("[::]:9443", "127.0.0.1:9444", "127.0.0.1:9080"));
  EXPECT_EQ(config.listeners[0].tls->certificates[0].certificate, folder.path() / "c.pem");
  EXPECT_EQ(config.listeners[0].tls->certificates[0].private_key, folder.path() / "k.pem");
  EXPECT_EQ(config.listeners[0].alt_svc.mode, config::AltSvcMode::kPort);
  EXPECT_EQ(config.listeners[0].alt_svc.port, 443);
  EXPECT_EQ(config.server.admin->to_string(), "127.0.0.1:9181");
  EXPECT_EQ(config.server.control, "/tmp/control");
}

TEST_F(CliEnvironmentTest, EveryOptionOfHostMayComeFromTheEnvironment) {
  const config::Config config = shown({{"GATEHOUSE_NAME", "shop"},
                                       {"GATEHOUSE_INSTANCES", "3"},
                                       {"GATEHOUSE_TRANSPORT", "socket"},
                                       {"GATEHOUSE_PROFILE", "aspnetcore"},
                                       {"GATEHOUSE_READY_PATH", "/healthz"},
                                       {"GATEHOUSE_ENV", "A=1,2\n\n  B=x y\n"},
                                       {"GATEHOUSE_DIRECTORY", folder.path()},
                                       {"GATEHOUSE_ADMIN", "off"}},
                                      {"host", "--", "sh", "app.sh"});
  ASSERT_EQ(config.apps.size(), 1U);
  const config::App& app = config.apps[0];
  EXPECT_EQ(app.name, "shop");
  EXPECT_EQ(app.instances, 3U);
  EXPECT_EQ(app.transport, AppTransport::kSocket);
  EXPECT_EQ(app.profile, AppProfile::kAspNetCore);
  EXPECT_EQ(app.ready_path, "/healthz");
  EXPECT_THAT(app.environment, ElementsAre(Pair("A", "1,2"), Pair("B", "x y")));
  EXPECT_EQ(app.directory, folder.path());
  EXPECT_FALSE(config.server.admin);
}

// A flag that is new and has no variable would not be shown here.
TEST_F(CliEnvironmentTest, TheHelpNamesAVariableForEveryOption) {
  for (const char* const command : {"proxy", "host"}) {
    const std::string help = run({}, {command, "--help"}).out;
    for (std::size_t at = help.find("\n  --"); at != std::string::npos; at = help.find("\n  --", at + 1)) {
      const std::string_view option = std::string_view(help).substr(at + 3, help.find_first_of(" \n", at + 3) - at - 3);
      EXPECT_THAT(help, HasSubstr("[" + variable_of(option) + "]"));
    }
    EXPECT_THAT(help, HasSubstr("[GATEHOUSE_LISTEN]"));
  }
}

TEST_F(CliEnvironmentTest, WhatIsTypedBeatsTheVariable) {
  const config::Config config =
      shown({{"GATEHOUSE_TO", "127.0.0.1:1"}, {"GATEHOUSE_LISTEN", "127.0.0.1:1,127.0.0.1:2"}, {"GATEHOUSE_HTTP", ""}},
            {"proxy", "--listen", "127.0.0.1:3"});
  EXPECT_THAT(addresses(config), ElementsAre("127.0.0.1:3"));
  EXPECT_EQ(run({{"GATEHOUSE_TO", "x"}, {"GATEHOUSE_TO_FILE", "y"}, {"GATEHOUSE_INSTANCES", "0"}},
                {"proxy", "--to", "127.0.0.1:1", "--print-config"})
                .code,
            0);
}

TEST_F(CliEnvironmentTest, AValueMayStandInAFile) {
  folder.write("to", "127.0.0.1:5000\nunix:/run/a,b.sock\n");
  folder.write("admin", "off\n");
  const config::Config config = shown(
      {{"GATEHOUSE_TO_FILE", folder.path() / "to"}, {"GATEHOUSE_ADMIN_FILE", folder.path() / "admin"}}, {"proxy"});
  EXPECT_EQ(config.upstreams[0].endpoints.size(), 3U);
  EXPECT_FALSE(config.server.admin);
}

// As a secret is mounted: nobody wants a file that holds the path of another.
TEST_F(CliEnvironmentTest, ASecretMayBeTheCertificateItself) {
  write_certificate();
  folder.write("path", (folder.path() / "c.pem").string() + "\n");
  for (const char* const certificate : {"c.pem", "path"}) {
    const config::Config config = shown({{"GATEHOUSE_TO", "127.0.0.1:1"},
                                         {"GATEHOUSE_CERTIFICATE_FILE", folder.path() / certificate},
                                         {"GATEHOUSE_PRIVATE_KEY_FILE", folder.path() / "k.pem"}},
                                        {"proxy"});
    EXPECT_EQ(config.listeners[0].tls->certificates[0].certificate, folder.path() / "c.pem");
    EXPECT_EQ(config.listeners[0].tls->certificates[0].private_key, folder.path() / "k.pem");
  }
}

TEST_F(CliEnvironmentTest, WhatIsWrongIsToldByTheVariable) {
  folder.write("empty", "\n");
  folder.write("bad", "a:b:c\n");
  const std::string path = folder.path();
  struct Row {
    Variables variables;
    std::vector<const char*> words;
    int code;
    std::string said;
  };
  for (const Row& row : std::vector<Row>{
           {{}, {"proxy"}, 2, "--to or GATEHOUSE_TO is required"},
           {{{"GATEHOUSE_TO", " "}}, {"proxy"}, 2, "--to or GATEHOUSE_TO is required"},
           {{{"GATEHOUSE_TO", ","}}, {"proxy"}, 2, "--to or GATEHOUSE_TO is required"},
           {{{"GATEHOUSE_TO", "x"}, {"GATEHOUSE_TO_FILE", "y"}},
            {"proxy"},
            2,
            "GATEHOUSE_TO and GATEHOUSE_TO_FILE are both"},
           {{{"GATEHOUSE_TO_FILE", path + "/none"}},
            {"proxy"},
            2,
            "GATEHOUSE_TO_FILE: cannot read " + path + "/none: No such"},
           {{{"GATEHOUSE_TO_FILE", path}}, {"proxy"}, 2, "GATEHOUSE_TO_FILE: cannot read " + path + ": Is a dir"},
           {{{"GATEHOUSE_TO_FILE", path + "/empty"}}, {"proxy"}, 2, "GATEHOUSE_TO_FILE: " + path + "/empty is empty"},
           {{{"GATEHOUSE_TO_FILE", path + "/bad"}}, {"proxy"}, 1, "GATEHOUSE_TO_FILE: "},
           {{{"GATEHOUSE_TO", "http://x/y"}},
            {"proxy"},
            1,
            "GATEHOUSE_TO: \"http://x/y\" is no endpoint: it has a path"},
           {{{"GATEHOUSE_LISTEN", "no"}}, {"proxy", "--to", "127.0.0.1:1"}, 1, "GATEHOUSE_LISTEN: \"no\""},
           {{{"GATEHOUSE_HTTP", "no"}}, {"proxy", "--to", "127.0.0.1:1"}, 1, "GATEHOUSE_HTTP: \"no\""},
           {{{"GATEHOUSE_ADMIN", "no"}}, {"proxy", "--to", "127.0.0.1:1"}, 1, "GATEHOUSE_ADMIN: \"no\""},
           {{{"GATEHOUSE_ALT_SVC", "0"}},
            {"proxy", "--to", "127.0.0.1:1"},
            1,
            "GATEHOUSE_ALT_SVC: \"0\" is not a port"},
           {{{"GATEHOUSE_CERTIFICATE", "/x"}},
            {"proxy", "--to", "127.0.0.1:1"},
            2,
            "GATEHOUSE_CERTIFICATE requires --private-key or GATEHOUSE_PRIVATE_KEY"},
           {{{"GATEHOUSE_PRINT_CONFIG", "perhaps"}}, {"proxy", "--to", "127.0.0.1:1"}, 2, "GATEHOUSE_PRINT_CONFIG"},
           {{{"GATEHOUSE_INSTANCES", "0"}}, {"host", "--", "sh"}, 2, "GATEHOUSE_INSTANCES: Value 0 not in range"},
           {{{"GATEHOUSE_TRANSPORT", "tcp"}}, {"host", "--", "sh"}, 2, "GATEHOUSE_TRANSPORT: tcp not in"},
           {{{"GATEHOUSE_ENV", "A"}}, {"host", "--", "sh"}, 1, "GATEHOUSE_ENV: \"A\" is not NAME=VALUE"},
           {{{"GATEHOUSE_NAME", "a b"}}, {"host", "--", "sh"}, 1, "GATEHOUSE_NAME: \"a b\" is no name"},
           {{{"GATEHOUSE_DIRECTORY", path + "/none"}}, {"host", "--", "sh"}, 1, "GATEHOUSE_DIRECTORY: "},
           {{{"GATEHOUSE_ADMIN_FILE", path + "/none"}}, {"healthcheck"}, 2, "GATEHOUSE_ADMIN_FILE: cannot read"},
       }) {
    const Outcome outcome = run(row.variables, row.words);
    EXPECT_EQ(outcome.code, row.code) << row.said;
    EXPECT_THAT(outcome.err, HasSubstr(row.said));
  }
}

TEST_F(CliEnvironmentTest, RunWithoutAFileServesWhatTheEnvironmentSays) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const config::Config config = shown({{"GATEHOUSE_TO", "127.0.0.1:5000"}, {"GATEHOUSE_LISTEN", ":9443"}}, {"run"});
  EXPECT_THAT(addresses(config), ElementsAre("[::]:9443"));

  folder.write("gatehouse.toml", "nonsense = 1\n");
  const Outcome with_file = run({{"GATEHOUSE_TO", "127.0.0.1:5000"}}, {"run"});
  EXPECT_EQ(with_file.code, 1);
  EXPECT_THAT(with_file.err, HasSubstr("GATEHOUSE_TO is not used: gatehouse.toml is there"));
  EXPECT_THAT(with_file.err, HasSubstr("gatehouse.toml:1:1: "));
  std::filesystem::current_path(before);
}

TEST_F(CliEnvironmentTest, AKeyInAVariableIsRefusedAndNotShown) {
  const Outcome outcome = run({{"GATEHOUSE_TO", "127.0.0.1:1"},
                               {"GATEHOUSE_CERTIFICATE", "/x"},
                               {"GATEHOUSE_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0"}},
                              {"proxy"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, StartsWith("gatehouse: GATEHOUSE_PRIVATE_KEY is not the path of a file"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("c2VjcmV0")));
}

TEST_F(CliEnvironmentTest, AVariableThatNobodyReadsIsDoubtedOnlyIfItIsNearlyRight) {
  const auto doubts = [&](const Variables& variables) {
    return run(variables, {"proxy", "--to", "127.0.0.1:1", "--print-config"}).err;
  };
  EXPECT_THAT(doubts({{"GATEHOUSE_LISTNE", ":1"}}),
              HasSubstr("GATEHOUSE_LISTNE is not used; is GATEHOUSE_LISTEN meant?"));
  EXPECT_THAT(doubts({{"GATEHOUSE_PRIVAT_KEY_FILE", "x"}}), HasSubstr("is GATEHOUSE_PRIVATE_KEY_FILE meant?"));
  EXPECT_THAT(doubts({{"GATEHOUSE_INSTANCE", "3"}}), HasSubstr("is GATEHOUSE_INSTANCES meant?"));
  EXPECT_THAT(doubts({{"GATEHOUSE_INSTANCE", "17.1"},  // what hosted apps find
                      {"GATEHOUSE_INSTANCES", "0"},    // of `host`
                      {"GATEHOUSE_TOOLCHAIN", "private"},
                      {"GATEHOUSE_BINARY", "x"},
                      {"GATEHOUSE_BUILD_DIR", "x"},
                      {"GATEHOUSE_PORT", "tcp://10.0.0.1:80"},  // container links and Kubernetes
                      {"GATEHOUSE_PORT_443_TCP", "tcp://10.0.0.1:80"},
                      {"GATEHOUSE_SERVICE_HOST", "10.0.0.1"}}),
              IsEmpty());
}

}  // namespace
}  // namespace gatehouse
