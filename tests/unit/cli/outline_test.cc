// What completions and the manual page are written from.
#include "proxy/cli/outline.h"

#include <string>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(OutlineTest, OptionsHaveTheirValuesWhateverTheirNamesAre) {
  CLI::App app("a program", "program");
  app.set_help_flag();
  std::string text;
  bool flag = false;
  app.add_option("-s", text);
  app.add_option("-l,--long", text);
  app.add_flag("-f", flag);
  app.add_option("FILE", text);
  const CommandOutline outline = outline_of(app).front();
  ASSERT_EQ(outline.options.size(), 3U);
  EXPECT_EQ(outline.options[0].name + " " + outline.options[0].value, "-s TEXT");
  EXPECT_EQ(outline.options[1].name + " " + outline.options[1].value, "--long TEXT");
  EXPECT_EQ(outline.options[2].name + " " + outline.options[2].value, "-f ");
  ASSERT_EQ(outline.positionals.size(), 1U);
  EXPECT_EQ(outline.positionals[0].name + " " + outline.positionals[0].value, "FILE ");
}

TEST(OutlineTest, WhatIsBothAnOptionAndAPositionalArgumentIsListedAsBoth) {
  CLI::App app("a program", "program");
  app.set_help_flag();
  std::string text;
  app.add_option("FILE,-c,--config", text);
  const CommandOutline outline = outline_of(app).front();
  ASSERT_EQ(outline.options.size(), 1U);
  EXPECT_EQ(outline.options[0].name + " " + outline.options[0].value, "--config TEXT");
  ASSERT_EQ(outline.positionals.size(), 1U);
  EXPECT_EQ(outline.positionals[0].name + " " + outline.positionals[0].value, "FILE ");
}

}  // namespace
}  // namespace gatehouse
