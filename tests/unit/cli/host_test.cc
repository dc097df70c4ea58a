// `gatehouse host`: the configuration that a command, or a published folder, stands for.
#include "proxy/cli/host.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/certificate_store.h"
#include "config/to_toml.h"
#include "proxy/cli/command_line.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing_support::TemporaryFolder;

class CliHostTest : public ::testing::Test {
 protected:
  CliHostTest() { setenv("STATE_DIRECTORY", (folder.path() / "state").c_str(), 1); }
  ~CliHostTest() override { unsetenv("STATE_DIRECTORY"); }

  static std::string said(const config::Loaded& loaded) {
    std::string text;
    for (const auto& diagnostic : loaded.diagnostics) text += diagnostic.to_string() + '\n';
    return text;
  }

  static config::Loaded config_of(const HostOptions& options) {
    CertificateStore certificates;
    return host_config(options, certificates);
  }

  const TemporaryFolder folder;
};

TEST_F(CliHostTest, ACommandIsOneAppBehindOneRoute) {
  const config::Loaded loaded = config_of({.command = {"sh", "app.sh", "--port"}, .front = {.listen = {":8443"}}});
  ASSERT_TRUE(loaded.config) << said(loaded);
  EXPECT_THAT(said(loaded), testing::MatchesRegex("COMMAND: warning: [^\n]* there is no \"app.sh\" in [^\n]*\n"));
  ASSERT_EQ(loaded.config->apps.size(), 1U);
  const config::App& app = loaded.config->apps[0];
  EXPECT_EQ(app.name, "app");
  EXPECT_THAT(app.command, ElementsAre("sh", "app.sh", "--port"));
  EXPECT_EQ(app.directory, std::filesystem::current_path());
  EXPECT_EQ(app.start, AppStart::kEager);
  ASSERT_EQ(loaded.config->routes.size(), 1U);
  EXPECT_EQ(std::get<config::Forward>(loaded.config->routes[0].action).upstream, "app");
}

TEST_F(CliHostTest, OptionsAreThoseOfTheFile) {
  const config::Loaded loaded = config_of({.command = {"sh"},
                                           .name = "shop",
                                           .instances = 3,
                                           .transport = "socket",
                                           .profile = "aspnetcore",
                                           .ready_path = "/healthz",
                                           .environment = {"A=1", "B=x=y", "C="},
                                           .directory = folder.path().string() + "/",
                                           .front = {.listen = {":8443"}, .http = ":8080", .admin = "off"}});
  ASSERT_TRUE(loaded.config) << said(loaded);
  const config::App& app = loaded.config->apps[0];
  EXPECT_EQ(app.name, "shop");
  EXPECT_EQ(app.instances, 3U);
  EXPECT_EQ(app.transport, AppTransport::kSocket);
  EXPECT_EQ(app.profile, AppProfile::kAspNetCore);
  EXPECT_EQ(app.ready_path, "/healthz");
  EXPECT_THAT(app.environment, ElementsAre(Pair("A", "1"), Pair("B", "x=y"), Pair("C", "")));
  EXPECT_EQ(app.directory, folder.path().string());
  EXPECT_EQ(loaded.config->listeners.size(), 2U);
  EXPECT_FALSE(loaded.config->server.admin);
}

TEST_F(CliHostTest, EveryMistakeIsNamedByItsOption) {
  const config::Loaded loaded = config_of({.command = {"sh"},
                                           .name = "a b",
                                           .ready_path = "healthz",
                                           .environment = {"A", "=1"},
                                           .front = {.listen = {"nonsense"}}});
  EXPECT_FALSE(loaded.config);
  for (const char* mistake : {"--name: \"a b\" is no name", "--ready-path: \"healthz\" is no path",
                              "--env: \"A\" is not NAME=VALUE", "--env: \"=1\" is not NAME=VALUE", "--listen: "}) {
    EXPECT_THAT(said(loaded), HasSubstr(mistake));
  }
  EXPECT_THAT(said(config_of({.command = {"sh"}, .directory = "/nonexistent", .front = {.listen = {":8443"}}})),
              HasSubstr("--directory: the directory \"/nonexistent\""));
}

TEST_F(CliHostTest, ACommandThatIsToStartNowAndCannotIsAMistake) {
  folder.write("plain", "");
  const std::string plain = (folder.path() / "plain").string();
  for (const auto& [program, why] : {std::pair<std::string, std::string>{"no-such-command", "no program"},
                                     {"./no-such-command", "No such file"},
                                     {plain, "Permission denied"}}) {
    HostOptions options{.command = {program}, .name = "x", .front = {.listen = {":8443"}}};
    const config::Loaded shown = config_of(options);
    EXPECT_TRUE(shown.config) << said(shown);
    EXPECT_THAT(said(shown), HasSubstr("COMMAND: warning: the app \"x\" cannot start: "));
    options.starts_now = true;
    const config::Loaded started = config_of(options);
    EXPECT_FALSE(started.config);
    EXPECT_THAT(said(started), testing::MatchesRegex("COMMAND: the app \"x\" cannot start: [^\n]*\n"));
    EXPECT_THAT(said(started), HasSubstr(why));
    options.environment = {"PATH=" + folder.path().string()};
    folder.write("no-such-command", "");
    std::filesystem::permissions(folder.path() / "no-such-command", std::filesystem::perms::owner_all);
    if (program != "no-such-command") continue;
    EXPECT_TRUE(config_of(options).config) << "its own PATH counts";
  }
}

TEST_F(CliHostTest, NamesComeFromWhatIsRun) {
  struct Row {
    std::vector<std::string> command;
    const char* name;
  };
  for (const Row& row : std::vector<Row>{{{"python3", "app.py"}, "app"},
                                         {{"/usr/bin/python3.13", "-u", "src/shop.py"}, "shop"},
                                         {{"dotnet", "./Shop.Web.dll"}, "Shop"},
                                         {{"java", "-jar", "target/shop-1.jar"}, "shop-1"},
                                         {{"python3", "-m"}, "python3"},
                                         {{"./bin/server", "x"}, "server"},
                                         {{"/"}, "app"},
                                         {{"b\u00fccher"}, "bcher"},
                                         {{".hidden"}, ".hidden"},
                                         {{}, "app"}}) {
    EXPECT_EQ(app_name_of(row.command), row.name);
  }
}

TEST_F(CliHostTest, APublishedFolderSaysHowItIsRun) {
  folder.write("shop/Shop.dll", "");
  folder.write("shop/web.config",
               R"(<configuration><system.webServer>
<aspNetCore processPath="sh" arguments=".\Shop.dll" hostingModel="inprocess" requestTimeout="00:05:00"/>
<security><requestFiltering><requestLimits maxAllowedContentLength="5000"/></requestFiltering></security>
<httpProtocol><customHeaders><add name="X-Frame-Options" value="DENY"/></customHeaders></httpProtocol>
<rewrite><rules><rule name="https"><match url=".*"/><conditions><add input="{HTTPS}" pattern="^OFF$"/></conditions>
<action type="Redirect" url="https://{HTTP_HOST}/{R:1}"/></rule></rules></rewrite>
</system.webServer></configuration>)");
  const config::Loaded loaded = config_of(
      {.command = {(folder.path() / "shop/").string()}, .front = {.listen = {":8443"}, .http = "127.0.0.1:8080"}});
  ASSERT_TRUE(loaded.config) << said(loaded);
  EXPECT_TRUE(loaded.config->server.watch);
  const config::App& app = loaded.config->apps[0];
  EXPECT_EQ(app.name, "Shop");
  EXPECT_THAT(app.command, ElementsAre("sh", "./Shop.dll"));
  EXPECT_EQ(app.directory, (folder.path() / "shop").string());
  EXPECT_EQ(app.profile, AppProfile::kAspNetCore);
  EXPECT_EQ(loaded.config->timeouts.response, std::chrono::minutes(5));
  EXPECT_EQ(loaded.config->limits.max_request_body, 5000U);
  EXPECT_THAT(loaded.config->routes[0].response_headers.set, ElementsAre(testing::Pair("X-Frame-Options", "DENY")));
  EXPECT_FALSE(loaded.config->listeners[0].redirect_to_https);
  EXPECT_TRUE(loaded.config->listeners[1].redirect_to_https);
}

TEST_F(CliHostTest, AFolderThatSaysNothingIsAnError) {
  EXPECT_THAT(said(config_of({.command = {folder.path().string()}, .front = {.listen = {":8443"}}})),
              HasSubstr("this folder has no web.config"));
  folder.write("web.config", "<configuration>");
  const config::Loaded broken = config_of({.command = {folder.path().string()}, .front = {.listen = {":8443"}}});
  EXPECT_FALSE(broken.config);
  EXPECT_THAT(said(broken), HasSubstr("web.config:1:15: this is no XML"));
}

TEST_F(CliHostTest, WhatStandsBehindTheMarkIsTheCommandWordForWord) {
  const std::vector<const char*> words{"gatehouse", "host", "--admin", "off",    "--env",    "A=1", "--print-config",
                                       "--",        "sh",   "-c",      "--name", "--listen", "{}",  "[a,b]",
                                       "",          "--",   "run",     "%%"};
  ::testing::internal::CaptureStdout();
  const int code = run_command_line(static_cast<int>(words.size()), words.data());
  std::fflush(stdout);
  const std::string printed = ::testing::internal::GetCapturedStdout();
  ASSERT_EQ(code, 0);
  const config::Loaded loaded = config::parse(printed, "/printed.toml");
  ASSERT_TRUE(loaded.config) << printed << said(loaded);
  ASSERT_EQ(loaded.config->apps.size(), 1U);
  EXPECT_THAT(loaded.config->apps[0].command,
              ElementsAre("sh", "-c", "--name", "--listen", "{}", "[a,b]", "", "--", "run", "%%"));
  EXPECT_THAT(loaded.config->apps[0].environment, ElementsAre(Pair("A", "1")));
  EXPECT_EQ(config::to_toml(*loaded.config), printed);
}

}  // namespace
}  // namespace gatehouse
