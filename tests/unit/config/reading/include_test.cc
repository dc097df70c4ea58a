// One configuration in several files.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "config/to_toml.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::make_certificate;
using testing_support::TemporaryFolder;

constexpr std::string_view kMain = "include = [\"conf.d/*.toml\"]\n[[listeners]]\naddress = \":8080\"\n";

std::string site(const std::string& name) {
  return "[[routes]]\nhosts = [\"" + name + ".example\"]\nto = \"" + name + "\"\n[upstreams." + name +
         "]\nendpoints = [\"127.0.0.1:5000\"]\n";
}

class IncludeTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  // What load() says of the main file, without the folder's name.
  std::vector<std::string> said() {
    loaded = load(path("main.toml"));
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
  std::vector<std::string> said_about(std::string_view main) {
    folder.write("main.toml", main);
    return said();
  }
  // Of all routes, where they lead.
  std::vector<std::string> targets() const {
    std::vector<std::string> all;
    for (const Route& route : loaded.config->routes) all.push_back(std::get<Forward>(route.action).upstream);
    return all;
  }

  const TemporaryFolder folder;
  Loaded loaded;
};

TEST_F(IncludeTest, WhatAPatternMatchesIsReadInTheOrderOfItsNames) {
  folder.write("conf.d/b.toml", site("b"));
  folder.write("conf.d/a.toml", site("a"));
  folder.write("conf.d/.hidden.toml", "nonsense");
  folder.write("conf.d/c.toml~", "nonsense");
  EXPECT_THAT(said_about(kMain), IsEmpty());
  EXPECT_THAT(targets(), ElementsAre("a", "b"));
  EXPECT_EQ(loaded.config->upstreams[1].location.file, path("conf.d/b.toml"));
  EXPECT_EQ(loaded.config->file, path("main.toml"));
  std::vector<std::string> files;
  for (const Sources::File& file : loaded.sources.files) files.push_back(file.name);
  EXPECT_THAT(files, ElementsAre(path("main.toml"), path("conf.d/a.toml"), path("conf.d/b.toml")));
  EXPECT_THAT(loaded.sources.patterns, ElementsAre(path("conf.d/*.toml")));
  const Loaded again = parse(to_toml(*loaded.config), "printed.toml");
  ASSERT_TRUE(again.config) << "the whole is printed";
  EXPECT_EQ(to_toml(*again.config), to_toml(*loaded.config));
}

TEST_F(IncludeTest, APatternMayMatchNothingButAFileMustBeThere) {
  fs::create_directory(path("conf.d"));
  EXPECT_THAT(said_about(std::string(kMain) + site("a")), IsEmpty());
  EXPECT_THAT(said_about("include = [\"none/*.toml\"]\n[[listeners]]\naddress = \":8080\"\n" + site("a")),
              ElementsAre("main.toml:1:12: warning: \"include\": there is no folder \"none\""));
  EXPECT_THAT(said_about("include = [\"a.toml\"]\n"),
              ElementsAre("main.toml:1:12: \"include\": \"a.toml\": cannot read the file: No such file or directory"));
}

TEST_F(IncludeTest, FilesMayIncludeOthersRelativeToThemselves) {
  folder.write("sites/all.toml", "include = [\"*/site.toml\"]\n");
  folder.write("sites/a/site.toml", site("a") + "[apps.web]\ncommand = [\"sh\"]\nenvironment_file = \"web.env\"\n" +
                                        "[[routes]]\nto = \"web\"\n");
  folder.write("sites/a/web.env", "A=1\n");
  folder.write("sites/b/site.toml", site("b"));
  EXPECT_THAT(said_about("include = [\"sites/all.toml\"]\n[[listeners]]\naddress = \":8080\"\n"), IsEmpty());
  EXPECT_THAT(targets(), ElementsAre("a", "web", "b"));
  EXPECT_EQ(loaded.config->apps[0].environment_file, path("sites/a/web.env"));
  EXPECT_EQ(loaded.config->apps[0].directory, path("sites/a"));
}

TEST_F(IncludeTest, ACertificateIsRelativeToTheFileThatNamesIt) {
  const auto pem = make_certificate({.names = {"a.example"}});
  folder.write("tls/cert.pem", pem.certificate);
  folder.write("tls/key.pem", pem.private_key);
  folder.write("tls/listener.toml",
               "[[listeners]]\naddress = \":8443\"\n"
               "tls.certificates = [{ certificate = \"cert.pem\", private_key = \"key.pem\" }]\n");
  EXPECT_THAT(said_about("include = [\"tls/listener.toml\"]\n" + site("a")), IsEmpty());
  EXPECT_EQ(loaded.config->listeners[0].tls->certificates[0].certificate, path("tls/cert.pem"));
}

TEST_F(IncludeTest, EveryDiagnosticNamesItsFileAndCausesComeFileByFile) {
  folder.write("conf.d/a.toml", site("a") + "[[routes]]\nto = \"nobody\"\n");
  folder.write("conf.d/b.toml", "[[routes]]\nhosts = [\"a.example\"]\nto = \"a\"\nwrong = 1\n");
  EXPECT_THAT(said_about(std::string(kMain) + "[limits]\nmax_streems = 1\n"),
              ElementsAre("main.toml:5:1: unknown key \"max_streems\" in [limits]; did you mean \"max_streams\"?",
                          "conf.d/a.toml:7:6: there is no upstream or app \"nobody\"; add [upstreams.\"nobody\"] or "
                          "[apps.\"nobody\"]",
                          "conf.d/b.toml:1:1: unreachable route: the one in conf.d/a.toml:1:1 has the same host "
                          "(\"a.example\") and path (\"/\")",
                          "conf.d/b.toml:4:1: unknown key \"wrong\" in [[routes]]"));
}

TEST_F(IncludeTest, WhatOnlyOneFileMayHaveNamesBothPlaces) {
  folder.write("conf.d/a.toml", site("a") + "[log]\nlevel = \"debug\"\n[apps.b]\ncommand = [\"sh\"]\n");
  folder.write("conf.d/b.toml", site("b") + "[server]\nwatch = true\n[log.access]\noutput = \"off\"\n");
  folder.write("conf.d/c.toml", site("a"));
  EXPECT_THAT(
      said_about(std::string(kMain) + "[server]\n"),
      ElementsAre(
          "conf.d/a.toml:8:1: the app \"b\" has the name of the upstream in conf.d/b.toml:4:1; a route could not "
          "tell them apart",
          "conf.d/b.toml:6:1: [server] is in main.toml:4:1 already; all of it stands in one file",
          "conf.d/b.toml:8:1: [log] is in conf.d/a.toml:6:1 already; all of it stands in one file",
          HasSubstr("conf.d/c.toml:1:1: unreachable route"),
          "conf.d/c.toml:4:1: \"a\" is the name of one of [upstreams] in conf.d/a.toml:4:1 already; all files "
          "share their names"));
}

TEST_F(IncludeTest, AFileIsIncludedOnce) {
  folder.write("conf.d/a.toml", "include = [\"b.toml\"]\n" + site("a"));
  folder.write("conf.d/b.toml", "include = [\"a.toml\"]\n" + site("b"));
  EXPECT_THAT(said_about("include = [\"conf.d/a.toml\"]\n"),
              ElementsAre("conf.d/b.toml:1:12: \"include\": \"conf.d/a.toml\" is included twice, here and in "
                          "main.toml:1:12"));
  EXPECT_THAT(said_about("include = [\"*.toml\"]\n"),
              ElementsAre("main.toml:1:12: \"include\": \"main.toml\" is the file that all begins with, which would "
                          "include itself; put what it includes into a folder of its own, as in \"conf.d/*.toml\""));
  folder.write("conf.d/a.toml", site("a"));
  fs::create_symlink("a.toml", path("conf.d/z.toml"));
  fs::remove(path("conf.d/b.toml"));
  EXPECT_THAT(said_about(kMain),
              ElementsAre("main.toml:1:12: \"include\": \"conf.d/z.toml\" is the same file as \"conf.d/a.toml\", which "
                          "is included in line 1"));
}

TEST_F(IncludeTest, FilesIncludeEachOtherOnlySoDeep) {
  for (int i = 0; i < 9; ++i) {
    folder.write(std::to_string(i) + ".toml", "include = [\"" + std::to_string(i + 1) + ".toml\"]\n");
  }
  EXPECT_THAT(said_about("include = [\"0.toml\"]\n"),
              ElementsAre("7.toml:1:12: \"include\": files include each other 8 deep, which is as far as it may go"));
}

TEST_F(IncludeTest, WhatIsNoFileIsNamed) {
  fs::create_directory(path("conf.d"));
  EXPECT_THAT(said_about("include = [\"conf.d\"]\n"),
              ElementsAre("main.toml:1:12: \"include\": \"conf.d\": this is a folder, not a file; write "
                          "\"conf.d/*.toml\" for all in it"));
  ASSERT_EQ(::mkfifo(path("conf.d/a.toml").c_str(), 0600), 0);
  EXPECT_THAT(said_about(kMain), ElementsAre("conf.d/a.toml: this is a pipe, not a file"));
  fs::remove(path("conf.d/a.toml"));
  fs::create_symlink("nowhere", path("conf.d/a.toml"));
  EXPECT_THAT(said_about(kMain), ElementsAre("conf.d/a.toml: cannot read the file: No such file or directory"));
}

TEST_F(IncludeTest, AFolderThatMayNotBeLookedIntoIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may look everywhere";
  fs::create_directory(path("conf.d"));
  fs::permissions(path("conf.d"), fs::perms::none);
  EXPECT_THAT(said_about(kMain),
              ElementsAre("main.toml:1:12: \"include\": cannot look into the folder \"conf.d\": Permission denied"));
  fs::permissions(path("conf.d"), fs::perms::owner_all);
}

TEST_F(IncludeTest, WhatABrokenFileWouldHaveHeldIsNotMissing) {
  folder.write("conf.d/a.toml", "[[routes]\n");
  folder.write("conf.d/b.toml", "[[routes]]\nto = \"of-a\"\nunknown = 1\n");
  EXPECT_THAT(said_about("include = [\"conf.d/*.toml\"]\n"),
              ElementsAre(HasSubstr("conf.d/a.toml:1:10: "), HasSubstr("conf.d/b.toml:3:1: unknown key")));
}

TEST_F(IncludeTest, WhoeverMayWriteIntoAFolderMayWriteTheConfiguration) {
  folder.write("conf.d/a.toml", site("a"));
  fs::permissions(path("conf.d"), fs::perms::others_write, fs::perm_options::add);
  fs::permissions(path("conf.d/a.toml"), fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(said_about(kMain),
              testing::UnorderedElementsAre(
                  "conf.d: warning: every user of this machine can put a file into this folder, from which files are "
                  "included; use chmod o-w",
                  "conf.d/a.toml: warning: every user of this machine can change this file; use chmod o-w"));
}

TEST_F(IncludeTest, AllFilesTogetherAreAtMost64MiB) {
  fs::resize_file(folder.write("conf.d/a.toml", site("a")), std::uintmax_t{64} * 1024 * 1024);
  EXPECT_THAT(said_about(kMain),
              ElementsAre("conf.d/a.toml: with it the files of the configuration are larger than 64 MiB together"));
}

TEST_F(IncludeTest, AFolderWhoseNameLooksLikeAPatternIsNone) {
  folder.write("[x]*/conf.d/a.toml", site("a"));
  folder.write("[x]*/main.toml", kMain);
  EXPECT_THAT(load(path("[x]*/main.toml")).diagnostics, IsEmpty());
}

TEST_F(IncludeTest, BelowATableItIsNoInclude) {
  EXPECT_THAT(
      said_about("[server]\ninclude = [\"a.toml\"]\n[[listeners]]\naddress = \":8080\"\n" + site("a")),
      ElementsAre("main.toml:2:1: unknown key \"include\" in [server]; write include = [\"conf.d/*.toml\"] above "
                  "all tables; here it belongs to this one"));
}

TEST_F(IncludeTest, CommandsFindTheServerInAnyFile) {
  folder.write("conf.d/a.toml", "[server]\ncontrol = \"run/c\"\n");
  folder.write("conf.d/b.toml", "broken\n");
  folder.write("main.toml", kMain);
  EXPECT_EQ(control_socket_of(path("main.toml")), path("conf.d/run/c"));
}

TEST(Parse, ATextThatIsInNoFileIncludesNone) {
  const Loaded loaded = parse("include = [\"a.toml\"]\n", "test.toml");
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_EQ(loaded.diagnostics[0].to_string(),
            "test.toml:1:12: \"include\": this configuration is in no file, and can include none");
}

}  // namespace
}  // namespace gatehouse::config
