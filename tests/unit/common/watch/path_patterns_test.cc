#include "common/watch/path_patterns.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

struct Row {
  std::string pattern;
  std::vector<std::string> concern;
  std::vector<std::string> do_not;
};

TEST(PathPatternsTest, WhatMayConcernAPattern) {
  const std::vector<Row> rows = {
      {"/srv/site",
       {"/srv/site", "/srv/site/", "/srv/site/app.py", "/srv/site/deep/app.py", "/srv/site/new/", "/srv/"},
       {"/srv/site2", "/srv", "/srv/site/.app.py.swp", "/srv/site/app.py~", "/srv/site/4913", "/srv/site/__pycache__/",
        "/srv/site/node_modules/x.js", "/srv/site/app.pyc", "/srv/site/web.log", "/srv/site/web.log.1", ""}},
      {"/srv/site/", {"/srv/site/app.py", "/srv/site/deep/"}, {"/srv/other"}},
      {"/srv/.env", {"/srv/.env"}, {"/srv/other.env", "/srv/.env.swp"}},
      {"/srv/site/*.py",
       {"/srv/site/app.py", "/srv/site/"},
       {"/srv/site/deep/app.py", "/srv/site/.app.py", "/srv/site/app.db"}},
      {"/srv/site/*.log", {"/srv/site/app.log"}, {"/srv/site/app.log.1"}},
      {"/srv/site/a?.[jt]s", {"/srv/site/ab.js", "/srv/site/ab.ts"}, {"/srv/site/abc.js", "/srv/site/ab.cs"}},
      {"/srv/site/*",
       {"/srv/site/Makefile"},
       {"/srv/site/app.log", "/srv/site/4913", "/srv/site/.git", "/srv/site/a/b"}},
      {"/srv/site/**/*.py",
       {"/srv/site/app.py", "/srv/site/a/b/app.py", "/srv/site/a/", "/srv/site/a/b/"},
       {"/srv/site/app.db", "/srv/site/a/app.db", "/srv/site/.git/app.py", "/srv/site/.git/", "/srv/site/a"}},
      {"/srv/site/**",
       {"/srv/site/app.db", "/srv/site/a/app.db", "/srv/site/a/"},
       {"/srv/site/a/app.log", "/srv/app.db"}},
      {"/srv/*/conf/a.toml",
       {"/srv/x/conf/a.toml", "/srv/x/conf/", "/srv/x/"},
       {"/srv/x/conf/b.toml", "/srv/x/a.toml"}},
      {"/srv/[app]/a.py", {"/srv/[app]/a.py", "/srv/p/a.py"}, {"/srv/app/a.py"}},
  };
  for (const Row& row : rows) {
    const PathPatterns patterns({row.pattern});
    for (const std::string& path : row.concern) EXPECT_TRUE(patterns.may_concern(path)) << row.pattern << " " << path;
    for (const std::string& path : row.do_not) EXPECT_FALSE(patterns.may_concern(path)) << row.pattern << " " << path;
  }
}

TEST(PathPatternsTest, WhatIsNeverMeantIsTheFileAndWhatRotationMakesOfIt) {
  const PathPatterns patterns({"/srv/site"}, {"/srv/site/out", ""});
  for (const char* path : {"/srv/site/out", "/srv/site/out.1", "/srv/site/out.12"}) {
    EXPECT_FALSE(patterns.may_concern(path)) << path;
  }
  for (const char* path : {"/srv/site/out.py", "/srv/site/outer"}) EXPECT_TRUE(patterns.may_concern(path)) << path;
}

}  // namespace
}  // namespace gatehouse
