#include "config/reading/load.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/to_toml.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::make_certificate;
using testing_support::PemPair;
using testing_support::TemporaryFolder;
using testing_support::TestCertificate;

constexpr std::string_view kSmallest = R"([[listeners]]
address = ":8080"
[[routes]]
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:5000"]
)";

constexpr std::string_view kWithTls = R"([[listeners]]
address = ":8443"
tls.certificates = [{ certificate = "tls/cert.pem", private_key = "tls/key.pem" }]
[[routes]]
to = "app"
[upstreams.app]
endpoints = ["127.0.0.1:5000"]
)";

class LoadTest : public testing::Test {
 protected:
  // What load() says about a file with this text, without the folder's name.
  std::vector<std::string> said_about(std::string_view text) {
    return said_about_file(folder.write("gatehouse.toml", text));
  }
  std::vector<std::string> said_about_file(const std::string& file) {
    const Loaded loaded = load(file);
    EXPECT_EQ(loaded.config.has_value(), !has_errors(loaded.diagnostics));
    std::vector<std::string> lines;
    const std::string prefix = folder.path().string() + "/";
    for (const Diagnostic& diagnostic : loaded.diagnostics) {
      std::string line = diagnostic.to_string();
      for (auto at = line.find(prefix); at != std::string::npos; at = line.find(prefix)) line.erase(at, prefix.size());
      lines.push_back(line);
    }
    return lines;
  }
  void write_pair(const PemPair& pair) {
    folder.write("tls/cert.pem", pair.certificate);
    folder.write("tls/key.pem", pair.private_key);
  }

  TemporaryFolder folder;
};

TEST_F(LoadTest, TheSmallestFileGivesTheDefaults) {
  const std::string file = folder.write("gatehouse.toml", kSmallest);
  const Loaded loaded = load(file);
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(loaded.diagnostics, IsEmpty());
  const Config& config = *loaded.config;
  EXPECT_EQ(config.file, file);
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(config.listeners[0].protocols, (Protocols{.h1 = true}));
  EXPECT_EQ(config.listeners[0].address.to_string(), "[::]:8080");
  EXPECT_EQ(config.listeners[0].location.line, 1U);
  ASSERT_EQ(config.routes.size(), 1U);
  EXPECT_EQ(config.routes[0].path, "/");
  EXPECT_EQ(std::get<Forward>(config.routes[0].action).upstream, "app");
  ASSERT_EQ(config.upstreams.size(), 1U);
  EXPECT_EQ(config.upstreams[0].endpoints[0].location.line, 6U);
  EXPECT_EQ(config.upstreams[0].endpoints[0].location.column, 14U);
  EXPECT_EQ(config.server.admin->to_string(), "127.0.0.1:9180");
}

TEST_F(LoadTest, WhatCannotBeReadIsSaid) {
  EXPECT_THAT(said_about_file((folder.path() / "none.toml").string()),
              ElementsAre("none.toml: cannot read the file: No such file or directory"));
  std::filesystem::create_directory(folder.path() / "folder.toml");
  EXPECT_THAT(said_about_file((folder.path() / "folder.toml").string()),
              ElementsAre("folder.toml: this is a folder, not a file"));
}

TEST_F(LoadTest, AFileOfAHundredMebibytesIsRefused) {
  const std::string file = folder.write("large.toml", kSmallest);
  std::filesystem::resize_file(file, std::uintmax_t{100} * 1024 * 1024);
  EXPECT_THAT(said_about_file(file), ElementsAre("large.toml: larger than 64 MiB; this is no configuration"));
}

TEST_F(LoadTest, ByteOrderMarksAndLineEndsOfWindowsAreFine) {
  EXPECT_THAT(said_about("\xEF\xBB\xBF" + std::string(kSmallest)), IsEmpty());
  std::string windows;
  for (const char c : kSmallest) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_THAT(said_about(windows), IsEmpty());
  EXPECT_THAT(said_about("[sever]\r\n" + windows),
              ElementsAre("gatehouse.toml:1:2: unknown key \"sever\" at the top; did you mean \"server\"?"));
}

TEST_F(LoadTest, Utf16IsNamed) {
  for (const bool little : {true, false}) {
    std::string wide = little ? "\xFF\xFE" : "\xFE\xFF";
    for (const char c : kSmallest) wide += little ? std::string({c, '\0'}) : std::string({'\0', c});
    for (const std::string& text : {wide, wide.substr(2)}) {
      EXPECT_THAT(said_about(text), ElementsAre("gatehouse.toml: this looks like UTF-16; save the file as UTF-8"));
    }
  }
}

TEST_F(LoadTest, BytesThatAreNoUtf8AreAnError) {
  const auto said = said_about("[server]\nadmin = \"\xFF\"\n");
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("gatehouse.toml:2:"));
  EXPECT_THAT(said[0], HasSubstr("utf-8"));
}

TEST_F(LoadTest, AFileThatEveryoneMayWriteGivesAWarning) {
  const std::string file = folder.write("gatehouse.toml", kSmallest);
  std::filesystem::permissions(file, std::filesystem::perms::others_write, std::filesystem::perm_options::add);
  EXPECT_THAT(said_about_file(file),
              ElementsAre("gatehouse.toml: warning: every user of this machine can change this file; use chmod o-w"));
  EXPECT_TRUE(load(file).config);
}

TEST_F(LoadTest, PathsAreRelativeToTheFile) {
  write_pair(make_certificate());
  EXPECT_THAT(said_about(kWithTls), IsEmpty());
  const Loaded loaded = load((folder.path() / "gatehouse.toml").string());
  EXPECT_EQ(loaded.config->listeners[0].tls->certificates[0].certificate, (folder.path() / "tls/cert.pem").string());
  EXPECT_EQ(loaded.config->listeners[0].protocols, (Protocols{.h1 = true, .h2 = true, .h3 = true}));
}

TEST_F(LoadTest, AKeyThatBelongsToAnotherCertificateIsAnError) {
  write_pair({.certificate = make_certificate().certificate, .private_key = make_certificate().private_key});
  const auto said = said_about(kWithTls);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("gatehouse.toml:3:21: "));
  EXPECT_THAT(said[0], HasSubstr("private key does not belong to the certificate"));
  EXPECT_THAT(said[0], HasSubstr("tls/cert.pem"));
}

TEST_F(LoadTest, CertificatesThatCannotBeUsedAreErrorsThatNameTheFile) {
  const PemPair good = make_certificate({.key = TestCertificate::Key::kRsa});
  const auto one_error = [&](std::string_view file) {
    const auto said = said_about(kWithTls);
    ASSERT_EQ(said.size(), 1U) << file;
    EXPECT_THAT(said[0], HasSubstr("gatehouse.toml:3:21: "));
    EXPECT_THAT(said[0], HasSubstr(file));
    EXPECT_THAT(said[0], testing::Not(HasSubstr("warning")));
  };
  one_error("tls/cert.pem");  // missing
  for (const std::string& broken : {std::string(), std::string("not PEM"), good.private_key,
                                    good.certificate.substr(0, good.certificate.size() / 2)}) {
    write_pair({.certificate = broken, .private_key = good.private_key});
    one_error("tls/cert.pem");
    write_pair(
        {.certificate = good.certificate, .private_key = broken == good.private_key ? good.certificate : broken});
    one_error("tls/key.pem");
  }
  write_pair(good);
  EXPECT_THAT(said_about(kWithTls), IsEmpty());
}

TEST_F(LoadTest, AnExpiredCertificateIsAWarning) {
  write_pair(make_certificate({.valid_for = -24h}));
  auto said = said_about(kWithTls);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("gatehouse.toml:3:21: warning: the certificate in \"tls/cert.pem\" expired on 20"));
  write_pair(make_certificate({.valid_for = 24h}));
  said = said_about(kWithTls);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("tls/cert.pem\" expires on 20"));
}

TEST_F(LoadTest, AShortLivedCertificateIsNoWarningUntilItsLastThird) {
  write_pair(make_certificate({.valid_for = 24h * 4, .age = 24h * 2}));
  EXPECT_THAT(said_about(kWithTls), IsEmpty());
  write_pair(make_certificate({.valid_for = 24h, .age = 24h * 5}));
  EXPECT_THAT(said_about(kWithTls), ElementsAre(HasSubstr("tls/cert.pem\" expires on 20")));
}

TEST_F(LoadTest, APrivateKeyThatEveryoneMayReadIsAWarning) {
  write_pair(make_certificate());
  std::filesystem::permissions(folder.path() / "tls/key.pem", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(said_about(kWithTls),
              ElementsAre("gatehouse.toml:3:21: warning: every user of this machine can read or write the private key "
                          "\"tls/key.pem\"; use chmod 600"));
}

TEST_F(LoadTest, MoreConnectionsThanFileDescriptorsIsAWarning) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto said = said_about(std::string(kSmallest) + "[limits]\nmax_connections = 1000000000000\n");
  if (limit.rlim_max == RLIM_INFINITY) {
    EXPECT_THAT(said, IsEmpty());
  } else {
    EXPECT_THAT(said, ElementsAre("gatehouse.toml:8:19: warning: \"max_connections\" is 1000000000000, but with the " +
                                  std::to_string(limit.rlim_max) + " file descriptors allowed (ulimit -n) about " +
                                  std::to_string((limit.rlim_max - 256) / 2) + " can be served"));
  }
}

// A file with one app, whose table this is.
std::string with_app(std::string_view app) {
  return "[[listeners]]\naddress = \":8080\"\n[[routes]]\nto = \"web\"\n[apps.web]\n" + std::string(app);
}

TEST_F(LoadTest, PathsOfAnAppAreRelativeToTheFileOrToItsDirectory) {
  const std::string program = folder.write("shop/bin/run", "#!/bin/sh\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  folder.write("shop.env", "A=1\n");
  EXPECT_THAT(said_about(with_app("command = [\"./shop/bin/run\", \"./x\"]\ndirectory = \"shop/\"\n"
                                  "environment_file = \"shop.env\"\noutput = \"file:out.log\"\n"
                                  "recycle.on_change = [\"bin\", \"../shop.env\"]\n")),
              IsEmpty());
  const App app = load((folder.path() / "gatehouse.toml").string()).config->apps[0];
  EXPECT_THAT(app.command, ElementsAre(program, "./x"));
  EXPECT_EQ(app.directory, (folder.path() / "shop").string());
  EXPECT_EQ(app.environment_file, (folder.path() / "shop.env").string());
  EXPECT_EQ(app.output_path, (folder.path() / "out.log").string());
  EXPECT_THAT(app.recycle.on_change,
              ElementsAre((folder.path() / "shop/bin").string(), (folder.path() / "shop.env").string()));
  EXPECT_EQ(app.offline_file, "app_offline.htm");
}

TEST_F(LoadTest, AnAppRunsWhereItsFileIs) {
  EXPECT_THAT(said_about(with_app("command = [\"sh\"]\n")), IsEmpty());
  EXPECT_EQ(load((folder.path() / "gatehouse.toml").string()).config->apps[0].directory, folder.path().string());
}

TEST_F(LoadTest, AProgramThatCannotBeStartedIsAWarning) {
  EXPECT_THAT(said_about(with_app("command = [\"gatehouse-no-such-program\"]\n")),
              ElementsAre("gatehouse.toml:6:11: warning: the app \"web\" cannot start: no program "
                          "\"gatehouse-no-such-program\" in PATH"));
  EXPECT_THAT(said_about(with_app("command = [\"bin/run\"]\n")),
              ElementsAre("gatehouse.toml:6:11: warning: the app \"web\" cannot start: \"bin/run\": No such file or "
                          "directory"));
  const std::string program = folder.write("run", "#!/bin/sh\n");
  EXPECT_THAT(said_about(with_app("command = [\"./run\"]\n")),
              ElementsAre("gatehouse.toml:6:11: warning: the app \"web\" cannot start: \"run\": Permission denied"));
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  EXPECT_THAT(said_about(with_app("command = [\"./run\"]\n")), IsEmpty());
  EXPECT_THAT(said_about(with_app("command = [\"run\"]\n")),
              ElementsAre("gatehouse.toml:6:11: warning: the app \"web\" cannot start: no program \"run\" in PATH; for "
                          "the one in its directory write its path, such as \"run\""));
  EXPECT_THAT(
      said_about(with_app("command = [\"run\"]\nenvironment.PATH = \"/nowhere:" + folder.path().string() + "\"\n")),
      IsEmpty());
}

TEST_F(LoadTest, WhatAnAppNeedsMustBeThere) {
  EXPECT_THAT(
      said_about(with_app("command = [\"sh\"]\ndirectory = \"nowhere\"\nenvironment_file = \"none.env\"\n"
                          "user = \"gatehouse-no-such-user\"\n")),
      ElementsAre("gatehouse.toml:7:13: the directory \"nowhere\" of the app \"web\" cannot be used: No such file "
                  "or directory",
                  "gatehouse.toml:8:20: the environment file \"none.env\" of the app \"web\" cannot be read: No "
                  "such file or directory",
                  "gatehouse.toml:9:8: there is no user \"gatehouse-no-such-user\""));
  folder.write("file", "");
  EXPECT_THAT(said_about(with_app("command = [\"sh\"]\ndirectory = \"file\"\n")),
              ElementsAre("gatehouse.toml:7:13: \"file\" is a file, not a directory"));
}

TEST_F(LoadTest, OnlyRootRunsAppsAsAnother) {
  const auto said = said_about(with_app("command = [\"sh\"]\nuser = \"nobody\"\n"));
  if (::geteuid() == 0) {
    EXPECT_THAT(said, IsEmpty());
  } else {
    EXPECT_THAT(said,
                ElementsAre("gatehouse.toml:7:8: only root can run the app \"web\" as \"nobody\"; run gatehouse as "
                            "root, or leave \"user\" out"));
  }
}

TEST_F(LoadTest, ALogNamedByAWordWithADotIsAFile) {
  EXPECT_THAT(said_about(std::string(kSmallest) + "[log]\noutput = \"gatehouse.log\"\naccess.output = \"./access\"\n"),
              IsEmpty());
  const Log log = load((folder.path() / "gatehouse.toml").string()).config->log;
  EXPECT_EQ(log.output, (folder.path() / "gatehouse.log").string());
  EXPECT_EQ(log.access.output, (folder.path() / "access").string());
}

TEST_F(LoadTest, ALogNeedsAFolder) {
  EXPECT_THAT(
      said_about(std::string(kSmallest) + "[log]\noutput = \"none/g.log\"\naccess.output = \"gatehouse.toml/a\"\n"),
      ElementsAre("gatehouse.toml:8:10: \"output\": there is no folder \"none\" for the log; make it (mkdir -p "
                  "none), or name a file elsewhere",
                  "gatehouse.toml:9:17: \"output\": there is no folder \"gatehouse.toml\" for the access log; "
                  "make it (mkdir -p gatehouse.toml), or name a file elsewhere"));
  std::filesystem::create_directory(folder.path() / "logs");
  EXPECT_THAT(said_about(std::string(kSmallest) + "[log]\noutput = \"./logs\"\n"),
              ElementsAre("gatehouse.toml:8:10: \"output\": \"logs\" is a folder; write \"logs/gatehouse.log\""));
  EXPECT_THAT(said_about(std::string(kSmallest) + "[log]\noutput = \"logs/g.log\"\n"), IsEmpty());
}

TEST_F(LoadTest, AFileThatIsBrokenStillTellsHowToReachTheProcess) {
  const auto control = [&](std::string_view text) { return control_socket_of(folder.write("gatehouse.toml", text)); };
  EXPECT_EQ(control("[server]\ncontrol = \"run/c\"\nworkerz = 1\n[nonsense]\n"), (folder.path() / "run/c").string());
  EXPECT_EQ(control(kSmallest), "");
  EXPECT_EQ(control("[server\ncontrol = \"/run/c\"\n"), std::nullopt);
  EXPECT_EQ(control_socket_of((folder.path() / "none.toml").string()), std::nullopt);
  const auto server = server_of(folder.write("gatehouse.toml", "[server]\nadmin = \"127.0.0.1:99\"\n[nonsense]\n"));
  ASSERT_TRUE(server.has_value() && server->admin.has_value());
  EXPECT_EQ(server->admin->port(), 99);
}

TEST_F(LoadTest, DiagnosticsComeInTheOrderOfTheFileWhoeverFoundThem) {
  EXPECT_THAT(
      said_about(
          "[limits]\nmax_streems = 1\n[[routes]]\nto = \"ap\"\n[upstreams.app]\nendpoints = [1]\n"
          "[[listeners]]\naddress = \":1\"\ntls.certificates = [{ certificate = \"c\", private_key = \"k\" }]\n"),
      ElementsAre(HasSubstr(":2:1: unknown key"), HasSubstr(":4:6: there is no upstream or app \"ap\""),
                  HasSubstr(":6:14: \"endpoints\" must be a string"), HasSubstr(":9:21: ")));
}

TEST(Parse, AThousandMistakesAreEnough) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "key" + std::to_string(i) + " = 1\n";
  const Loaded loaded = parse(text, "test.toml");
  ASSERT_EQ(loaded.diagnostics.size(), 1001U);
  EXPECT_FALSE(loaded.config);
}

TEST(Parse, DeepNestingIsAnErrorAndNoCrash) {
  for (const std::string_view open : {"[", "{a="}) {
    std::string text = "a = ";
    for (int i = 0; i < 100'000; ++i) text += open;
    EXPECT_FALSE(parse(text, "test.toml").config);
  }
  for (const std::string_view before : {"", "[", "[["}) {
    std::string text(before);
    for (int i = 0; i < 400'000; ++i) text += "a.";
    text += before.empty() ? "a = 1" : before == "[" ? "a]" : "a]]";
    EXPECT_FALSE(parse(text, "test.toml").config);
  }
}

}  // namespace
}  // namespace gatehouse::config
