// Which files an app may name.
#include "proxy/files/send_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

SendFile rules(SendFile::Options options) {
  return {std::move(options), FileLane::of(std::make_shared<FilePool>())};
}

using Name = SendFile::Name;

TEST(SendFile, APathIsTakenAsItIs) {
  const SendFile rule = rules({.folders = {"/srv/a", "/srv/b"}, .places = {}, .user = ""});
  EXPECT_EQ(rule.sent("/srv/b/x%20y.txt"), (Name{.folder = "/srv/b", .below = "x%20y.txt"}));
  EXPECT_EQ(rule.sent("/srv/a/../b"), (Name{.folder = "/srv/a", .below = "../b"}));  // which opens nothing
  for (const char* path : {"", "x", "/srv/a", "/srv/a/", "/srv/ab/x", "/etc/passwd", "srv/a/x"}) {
    EXPECT_EQ(rule.sent(path), std::nullopt) << path;
  }
  EXPECT_EQ(rule.redirected("/srv/a/x"), std::nullopt);
}

TEST(SendFile, AUriIsDecodedOnce) {
  const SendFile rule = rules({.folders = {}, .places = {{.prefix = "/in side/", .folder = "/srv/a"}}, .user = ""});
  EXPECT_EQ(rule.redirected("/in%20side/x%2520y?z=%zz"), (Name{.folder = "/srv/a", .below = "x%20y"}));
  for (const char* uri : {"", "@name", "/in%20side", "/in%20side/", "/other/x", "/in%20side/x%", "/in%20side/%00"}) {
    EXPECT_EQ(rule.redirected(uri), std::nullopt) << uri;
  }
  EXPECT_EQ(rule.sent("/srv/a/x"), std::nullopt);
}

TEST(SendFile, AnAppIsToldHowToNameFiles) {
  FieldList fields;
  rules({.folders = {"/srv/a"}, .places = {{.prefix = "/x/", .folder = "/srv/x"}}, .user = ""}).announce(fields);
  EXPECT_EQ(fields.find("X-Sendfile-Type"), "X-Sendfile");
  EXPECT_EQ(fields.find("X-Accel-Mapping"), std::nullopt);
  rules({.folders = {},
         .places = {{.prefix = "/x/", .folder = "/srv/x"}, {.prefix = "/y/", .folder = "/srv/y"}},
         .user = ""})
      .announce(fields);
  EXPECT_EQ(fields.find("X-Sendfile-Type"), "X-Accel-Redirect");
  EXPECT_EQ(fields.find("X-Accel-Mapping"), "/srv/x/=/x/, /srv/y/=/y/");
}

TEST(SendFile, NothingButARegularFileBelowTheFolderIsOpened) {
  const testing_support::TemporaryFolder folder;
  folder.write("in/a.txt", "inside");
  folder.write("out.txt", "outside");
  std::filesystem::create_directory(folder.path() / "in/folder");
  std::filesystem::create_symlink("a.txt", folder.path() / "in/near");
  std::filesystem::create_symlink("../out.txt", folder.path() / "in/far");
  std::filesystem::create_symlink(folder.path() / "in/a.txt", folder.path() / "in/absolute");
  const std::string in = (folder.path() / "in").string();
  const SendFile rule = rules({.folders = {in}, .places = {}, .user = ""});
  const auto opened = [&](const char* below) { return rule.open({.folder = in, .below = below}); };
  const auto file = opened("a.txt");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size, 6U);
  EXPECT_TRUE(opened("near"));
  using Kind = OpenFailure::Kind;
  for (const char* below :
       {"far", "absolute", "../out.txt", "folder/../../out.txt", "/etc/passwd", "missing", "a.txt/x"}) {
    const auto none = opened(below);
    ASSERT_FALSE(none) << below;
    EXPECT_EQ(none.error().kind, Kind::kMissing) << below;
  }
  ASSERT_FALSE(opened("folder"));
  EXPECT_EQ(opened("folder").error().kind, Kind::kNotRegular);
}

}  // namespace
}  // namespace gatehouse
