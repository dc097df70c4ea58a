#include "config/web_config.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/windows_paths.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing_support::TemporaryFolder;

class WebConfigTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  // What is said about <aspNetCore> with these attributes and content, without the folder's name.
  std::vector<std::string> said_about(const std::string& attributes, const std::string& content = "") {
    return read("<configuration>\n<system.webServer>\n<aspNetCore " + attributes + ">" + content +
                "</aspNetCore>\n</system.webServer>\n</configuration>\n");
  }
  std::vector<std::string> read(std::string_view text) {
    result = parse_web_config(text, folder.path().string());
    EXPECT_EQ(result.app.has_value(), !has_errors(result.diagnostics));
    std::vector<std::string> lines;
    for (const Diagnostic& diagnostic : result.diagnostics) {
      std::string line = diagnostic.to_string();
      const std::string prefix = folder.path().string() + "/";
      for (auto at = line.find(prefix); at != std::string::npos; at = line.find(prefix)) line.erase(at, prefix.size());
      lines.push_back(line);
    }
    return lines;
  }

  TemporaryFolder folder;
  WebConfig result;
};

TEST_F(WebConfigTest, APublishedApplicationIsRunAsItSays) {
  folder.write("Shop.dll", "");
  folder.write("web.config", R"(<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <location path="." inheritInChildApplications="false">
    <system.webServer>
      <handlers>
        <add name="aspNetCore" path="*" verb="*" modules="AspNetCoreModuleV2" resourceType="Unspecified" />
      </handlers>
      <aspNetCore processPath="dotnet" arguments=".\Shop.dll --title &quot;My shop&quot;" stdoutLogEnabled="true"
                  stdoutLogFile=".\logs\stdout" startupTimeLimit="30" shutdownTimeLimit="5" rapidFailsPerMinute="3"
                  processesPerApplication="2" requestTimeout="00:05:30" hostingModel="OutOfProcess">
        <environmentVariables>
          <environmentVariable name="ASPNETCORE_ENVIRONMENT" value="Production" />
          <environmentVariable name="Empty" value="" />
        </environmentVariables>
      </aspNetCore>
    </system.webServer>
  </location>
</configuration>
<!--ProjectGuid: 00000000-0000-0000-0000-000000000000-->
)");
  EXPECT_TRUE(has_web_config(folder.path()));
  result = read_web_config(folder.path());
  EXPECT_THAT(result.diagnostics, IsEmpty());
  ASSERT_TRUE(result.app);
  const App& app = *result.app;
  EXPECT_THAT(app.command, ElementsAre("dotnet", "./Shop.dll", "--title", "My shop"));
  EXPECT_EQ(app.directory, folder.path().string());
  EXPECT_THAT(app.environment, ElementsAre(Pair("ASPNETCORE_ENVIRONMENT", "Production"), Pair("Empty", "")));
  EXPECT_EQ(app.profile, AppProfile::kAspNetCore);
  EXPECT_EQ(app.start, AppStart::kEager);
  EXPECT_EQ(app.instances, 2U);
  EXPECT_EQ(app.start_timeout, 30s);
  EXPECT_EQ(app.stop_timeout, 5s);
  EXPECT_EQ(app.rapid_fail.count, 3U);
  EXPECT_EQ(app.rapid_fail.window, 1min);
  EXPECT_EQ(app.output, AppOutput::kFile);
  EXPECT_EQ(app.output_path, path("logs/stdout.log"));
  EXPECT_TRUE(app.detailed_errors);
  EXPECT_EQ(result.response, 5min + 30s);
}

TEST_F(WebConfigTest, TheFileIsFoundHoweverItIsSpelt) {
  EXPECT_FALSE(has_web_config(folder.path()));
  EXPECT_FALSE(has_web_config(path("nowhere")));
  result = read_web_config(folder.path());
  ASSERT_EQ(result.diagnostics.size(), 1U);
  EXPECT_EQ(result.diagnostics[0].to_string(), path("web.config") + ": cannot be read");
  folder.write("Web.Config", "<configuration/>");
  EXPECT_TRUE(has_web_config(folder.path()));
}

TEST_F(WebConfigTest, AProgramForWindowsIsTheOneBesideIt) {
  EXPECT_THAT(said_about(R"(processPath=".\App.exe")"), IsEmpty());
  EXPECT_THAT(result.app->command, ElementsAre(path("App")));  // as nothing is there, what should be
  folder.write("App.dll", "");
  EXPECT_THAT(said_about(R"(processPath=".\App.exe" arguments="a")"),
              ElementsAre(R"(web.config:3:13: warning: "processPath": "App.dll" is run by dotnet: there is no "App")"));
  EXPECT_THAT(result.app->command, ElementsAre("dotnet", path("App.dll"), "a"));
  folder.write("App", "");
  EXPECT_THAT(said_about(R"(processPath="App.EXE" arguments="a")"), IsEmpty());
  EXPECT_THAT(result.app->command, ElementsAre(path("App"), "a"));
  EXPECT_THAT(said_about(R"(processPath="bin\..\App")"), IsEmpty());
  EXPECT_THAT(result.app->command, ElementsAre(path("App")));
}

TEST_F(WebConfigTest, DotnetIsTheOneOfThisMachine) {
  EXPECT_THAT(said_about(R"(processPath="C:\Program Files\dotnet\dotnet.exe" arguments=".\App.dll")"),
              ElementsAre(R"(web.config:3:13: warning: "processPath": the "dotnet" in PATH is used)"));
  EXPECT_THAT(result.app->command, ElementsAre("dotnet", "./App.dll"));
  EXPECT_THAT(said_about(R"(processPath="node" arguments="server.js C:\x \y")"), IsEmpty());
  EXPECT_THAT(result.app->command, ElementsAre("node", "server.js", "C:\\x", "\\y"));
}

TEST_F(WebConfigTest, ProgramsThatCannotBeHereAreErrors) {
  EXPECT_THAT(said_about(R"(arguments="x")"),
              ElementsAre(R"(web.config:3:2: <aspNetCore> needs processPath, such as "dotnet" or ".\App.exe")"));
  EXPECT_THAT(said_about(R"(processPath="C:\App\App.exe")"),
              ElementsAre(HasSubstr(R"(web.config:3:13: "processPath": "C:\\App\\App.exe" is no program here)")));
  EXPECT_THAT(said_about(R"(processPath="%LAUNCHER_PATH%" arguments="%LAUNCHER_ARGS%")"),
              ElementsAre(HasSubstr("%LAUNCHER_PATH% stands for what a development tool puts in")));
  EXPECT_THAT(said_about(R"(processPath="%GATEHOUSE_NO_SUCH%\x")"),
              ElementsAre(HasSubstr(R"(the environment variable "GATEHOUSE_NO_SUCH" is not set)")));
}

TEST_F(WebConfigTest, WhatHasNoMeaningHereIsSaid) {
  EXPECT_THAT(said_about(R"(processPath="dotnet" hostingModel="inprocess" forwardWindowsAuthToken="true" other="1")",
                         "\n<handlerSettings/>"),
              ElementsAre(HasSubstr(R"(web.config:3:34: warning: "hostingModel" is not used)"),
                          HasSubstr(R"(web.config:3:59: warning: "forwardWindowsAuthToken" is not used)"),
                          HasSubstr(R"(web.config:3:90: warning: "other" is not used here)"),
                          HasSubstr("web.config:4:2: warning: <handlerSettings> is not used here")));
  EXPECT_THAT(said_about(R"(processPath="dotnet" forwardWindowsAuthToken="false")"), IsEmpty());
  EXPECT_THAT(read(R"(<configuration>
<appSettings><add key="a" value="b"/></appSettings>
<location path="admin"><system.webServer/></location>
<system.webServer>
<rewrite/>
<aspNetCore processPath="dotnet"/>
</system.webServer></configuration>)"),
              ElementsAre("web.config:2:2: warning: <appSettings> is not used here",
                          "web.config:3:2: warning: <location> is not used here",
                          "web.config:5:2: warning: <rewrite> is not used here"));
  EXPECT_TRUE(result.app);
}

TEST_F(WebConfigTest, EveryMistakeIsSaidWithItsPlace) {
  EXPECT_THAT(
      said_about("processPath=\"dotnet\"\n startupTimeLimit=\"0\" shutdownTimeLimit=\"-1\"\n rapidFailsPerMinute=\"x\""
                 " processesPerApplication=\"101\"\n requestTimeout=\"5\" disableStartUpErrorPage=\"yes\"",
                 "<environmentVariables><environmentVariable name=\"\" value=\"\"/><remove/></environmentVariables>"),
      ElementsAre(R"(web.config:4:2: "startupTimeLimit" must be from 1 to 3600, not "0")",
                  R"(web.config:4:23: "shutdownTimeLimit" must be from 0 to 600, not "-1")",
                  R"(web.config:5:2: "rapidFailsPerMinute" must be from 0 to 100, not "x")",
                  R"(web.config:5:26: "processesPerApplication" must be from 1 to 100, not "101")",
                  R"(web.config:6:2: "requestTimeout" must be a time such as "00:02:00", not "5")",
                  R"(web.config:6:21: "disableStartUpErrorPage" must be "true" or "false", not "yes")",
                  HasSubstr("an environment variable cannot have the name \"\""),
                  HasSubstr("warning: <remove> is not used here")));
  for (const std::string time : {"00:00:00", "00:60:00", "00:02", "00:02:00:00", "0:2:-1", "", "::"}) {
    EXPECT_THAT(said_about("processPath=\"dotnet\" requestTimeout=\"" + time + "\""),
                ElementsAre(HasSubstr("\"requestTimeout\" must be a time")));
  }
}

TEST_F(WebConfigTest, WhatIsNoXmlOrNoApplicationIsAnError) {
  EXPECT_THAT(read("<configuration>\n<system.webServer>\n</configuration>\n"),
              ElementsAre(HasSubstr("web.config:3:3: this is no XML: start-end tags mismatch")));
  EXPECT_THAT(read(""), ElementsAre(HasSubstr("web.config:1:1: this is no XML: ")));
  EXPECT_THAT(read("{}"), ElementsAre(HasSubstr("this is no XML: ")));
  EXPECT_THAT(read("<a b=c/>"), ElementsAre(HasSubstr("this is no XML: ")));
  EXPECT_THAT(read("<a b=\"c"), ElementsAre(HasSubstr("this is no XML: ")));
  EXPECT_THAT(read("<configuration><system.webServer/></configuration>"),
              ElementsAre(HasSubstr("web.config: there is no <aspNetCore> in <system.webServer>")));
  EXPECT_THAT(read("<other><aspNetCore processPath='x'/></other>"),
              ElementsAre(HasSubstr("web.config: there is no <aspNetCore>")));
  std::string deep = "<configuration>";
  for (int i = 0; i < 100'000; ++i) deep += "<location>";
  EXPECT_FALSE(read(deep).empty());
}

TEST_F(WebConfigTest, ALogFileThatCannotBeHereIsNoError) {
  EXPECT_THAT(said_about(R"(processPath="dotnet" stdoutLogEnabled="false" stdoutLogFile="\\?\%home%\LogFiles\out")"),
              IsEmpty());
  EXPECT_THAT(said_about(R"(processPath="dotnet" stdoutLogEnabled="true" stdoutLogFile="\\?\C:\LogFiles\out")"),
              ElementsAre(HasSubstr(R"(web.config:3:58: warning: "stdoutLogFile" is not used)")));
  EXPECT_EQ(result.app->output, AppOutput::kLog);
}

TEST(WindowsArguments, AreSplitAsWindowsDoes) {
  struct Row {
    std::string_view text;
    std::vector<std::string> words;
  };
  for (const Row& row : std::vector<Row>{{"", {}},
                                         {"  \t ", {}},
                                         {"a b\tc", {"a", "b", "c"}},
                                         {R"("a b" c)", {"a b", "c"}},
                                         {R"(a" b "c)", {"a b c"}},
                                         {R"("")", {""}},
                                         {R"(a "" b)", {"a", "", "b"}},
                                         {R"(.\App.dll C:\x\)", {R"(.\App.dll)", R"(C:\x\)"}},
                                         {R"(a\\b)", {R"(a\\b)"}},
                                         {R"(\"a\")", {R"("a")"}},
                                         {R"(a\\"b c")", {R"(a\b c)"}},
                                         {R"(a\\\"b c)", {R"(a\"b)", "c"}},
                                         {R"("a""b")", {R"(a"b)"}},
                                         {R"("C:\a b\\" c)", {R"(C:\a b\)", "c"}},
                                         {R"("open end)", {"open end"}}}) {
    EXPECT_EQ(split_windows_arguments(row.text), row.words) << row.text;
  }
}

TEST(WindowsArguments, VariablesAreThoseOfTheEnvironment) {
  ::setenv("GATEHOUSE_TEST_SET", "value", 1);
  EXPECT_EQ(expand_percent("a%GATEHOUSE_TEST_SET%b%GATEHOUSE_TEST_SET%").value(), "avaluebvalue");
  EXPECT_EQ(expand_percent("100% sure").value(), "100% sure");
  EXPECT_EQ(expand_percent("").value(), "");
  EXPECT_FALSE(expand_percent("%GATEHOUSE_NO_SUCH%"));
  ::unsetenv("GATEHOUSE_TEST_SET");
}

}  // namespace
}  // namespace gatehouse::config
