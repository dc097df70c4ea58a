#include "config/web_config/web_config.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/web_config/windows_paths.h"
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
  EXPECT_EQ(app.rapid_fail.count, 4U);
  EXPECT_EQ(app.rapid_fail.window, 1min);
  EXPECT_EQ(app.output, AppOutput::kFile);
  EXPECT_EQ(app.output_path, path("logs/stdout.log"));
  EXPECT_TRUE(app.detailed_errors);
  EXPECT_EQ(result.response, 5min + 30s);
  EXPECT_THAT(app.recycle.on_change,
              ElementsAre(path("web.config"), path("*.dll"), path("*.deps.json"), path("*.runtimeconfig.json")));
  EXPECT_EQ(app.location.file, path("web.config"));
}

TEST_F(WebConfigTest, TheFileIsFoundHoweverItIsSpelt) {
  EXPECT_FALSE(has_web_config(folder.path()));
  EXPECT_FALSE(has_web_config(path("nowhere")));
  result = read_web_config(folder.path());
  ASSERT_EQ(result.diagnostics.size(), 1U);
  EXPECT_EQ(result.diagnostics[0].to_string(), path("web.config") + ": cannot be read");
  folder.write("Web.Config", "<configuration/>");
  EXPECT_TRUE(has_web_config(folder.path()));
  folder.write(
      "Web.Config",
      "<configuration><system.webServer><aspNetCore processPath='dotnet'/></system.webServer></configuration>");
  EXPECT_EQ(read_web_config(folder.path()).app->recycle.on_change.front(), path("Web.Config"));
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
              ElementsAre(HasSubstr(R"(web.config:3:59: warning: "forwardWindowsAuthToken" is not used)"),
                          HasSubstr(R"(web.config:3:90: warning: "other" is not used here)"),
                          HasSubstr("web.config:4:2: warning: <handlerSettings> is not used here")));
  EXPECT_THAT(said_about(R"(processPath="dotnet" forwardWindowsAuthToken="false")"), IsEmpty());
  EXPECT_THAT(read(R"(<configuration>
<appSettings><add key="a" value="b"/></appSettings>
<location path="admin"><system.webServer><modules/></system.webServer></location>
<system.webServer>
<modules/>
<aspNetCore processPath="dotnet"/>
</system.webServer></configuration>)"),
              ElementsAre("web.config:2:2: warning: <appSettings> is not used here",
                          "web.config:3:43: warning: <modules> is not used here: of \"/admin\" alone; what holds for a "
                          "part of the site is a route by hand",
                          "web.config:5:2: warning: <modules> is not used here"));
  EXPECT_TRUE(result.app);
}

TEST_F(WebConfigTest, EveryMistakeIsSaidWithItsPlace) {
  EXPECT_THAT(
      said_about("processPath=\"dotnet\"\n startupTimeLimit=\"-\" shutdownTimeLimit=\"-1\"\n rapidFailsPerMinute=\"x\""
                 " processesPerApplication=\"101\"\n requestTimeout=\"5\" disableStartUpErrorPage=\"yes\"",
                 "<environmentVariables><environmentVariable name=\"\" value=\"\"/><remove/></environmentVariables>"),
      ElementsAre(R"(web.config:4:2: "startupTimeLimit" must be from 0 to 3600, not "-")",
                  R"(web.config:4:23: "shutdownTimeLimit" must be from 0 to 600, not "-1")",
                  R"(web.config:5:2: "rapidFailsPerMinute" must be from 0 to 100, not "x")",
                  R"(web.config:5:26: "processesPerApplication" must be from 1 to 100, not "101")",
                  R"(web.config:6:2: "requestTimeout" must be a time such as "00:02:00" of at most 8760 h, not "5")",
                  R"(web.config:6:21: "disableStartUpErrorPage" must be "true" or "false", not "yes")",
                  HasSubstr("an environment variable cannot have the name \"\""),
                  HasSubstr("warning: <remove> is not used here")));
  for (const std::string time :
       {"366.00:00:00", "1.24:00:00", "00:60:00", "00:02", "00:02:00:00", "0:2:-1", "", "::"}) {
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

TEST_F(WebConfigTest, VariablesOfTheModuleAreWhatStandsForThemHere) {
  EXPECT_THAT(said_about(R"(processPath="python3" arguments="serve.py %ASPNETCORE_PORT%")",
                         R"(<environmentVariables><environmentVariable name="SERVER_PORT" value="%HTTP_PLATFORM_PORT%"/>
</environmentVariables>)"),
              IsEmpty());
  EXPECT_THAT(result.app->command, ElementsAre("python3", "serve.py", "{port}"));
  EXPECT_THAT(result.app->environment, ElementsAre(Pair("SERVER_PORT", "{port}")));
  EXPECT_THAT(said_about(R"(processPath="%GATEHOUSE_NO_SUCH%\dotnet\dotnet.exe" arguments=".\Shop.dll")"),
              ElementsAre(HasSubstr(R"("processPath": the "dotnet" in PATH is used)")));
  EXPECT_THAT(result.app->command, ElementsAre("dotnet", "./Shop.dll"));
  EXPECT_THAT(
      said_about(R"(processPath="%GATEHOUSE_NO_SUCH%\bin\sh.exe" arguments="-c &quot;%HOME%\site\wwwroot\run&quot;")"),
      ElementsAre(HasSubstr(R"("processPath": the "sh" in PATH is used)")));
  EXPECT_THAT(result.app->command, ElementsAre("sh", "-c", "./run"));
}

TEST_F(WebConfigTest, AnyProcessBehindHttpPlatformIsAnApp) {
  EXPECT_THAT(read(R"(<configuration><system.webServer><handlers/>
<httpPlatform processPath="sh" arguments="run" processesPerApplication="2" startupTimeLimit="60"/>
</system.webServer></configuration>)"),
              IsEmpty());
  EXPECT_THAT(result.app->command, ElementsAre("sh", "run"));
  EXPECT_EQ(result.app->profile, AppProfile::kGeneric);
  EXPECT_EQ(result.app->instances, 2U);
  EXPECT_THAT(result.app->recycle.on_change, ElementsAre(path("web.config")));
}

TEST_F(WebConfigTest, ZeroIsNoLimitAndTimesMayHaveDays) {
  EXPECT_THAT(
      said_about(R"(processPath="dotnet" startupTimeLimit="0" shutdownTimeLimit="0" requestTimeout="00:00:00")"),
      ElementsAre(HasSubstr("\"startupTimeLimit\" of 0 would end every start: 3600 is taken")));
  EXPECT_EQ(result.app->start_timeout, 3600s);
  EXPECT_EQ(result.app->stop_timeout, 0s);
  EXPECT_EQ(result.response, 8760h);
  // Of failures it is none that is let pass.
  EXPECT_THAT(said_about(R"(processPath="dotnet" rapidFailsPerMinute="0")"), IsEmpty());
  EXPECT_EQ(result.app->rapid_fail.count, 1U);
  EXPECT_THAT(said_about(R"(processPath="dotnet" requestTimeout="1.02:03:04")"), IsEmpty());
  EXPECT_EQ(result.response, 26h + 3min + 4s);
}

TEST_F(WebConfigTest, VariablesThatDifferInCaseAreTwoHere) {
  EXPECT_THAT(
      said_about(R"(processPath="dotnet")",
                 R"(<recycleOnFileChange><file path=".\appsettings.json"/><file path="C:\x"/></recycleOnFileChange>
<environmentVariables><clear/><environmentVariable name="A" value="1"/><environmentVariable name="a" value="2"/>
<environmentVariable name="A" value="3"/></environmentVariables>)"),
      ElementsAre(HasSubstr(R"(<file> is not used here: "C:\\x" is a path of another machine)"),
                  HasSubstr(R"("A" and "a" are one environment variable on Windows, and two here)"),
                  HasSubstr("the environment variable A is there twice; the last one counts")));
  EXPECT_THAT(result.app->environment, ElementsAre(Pair("A", "3"), Pair("a", "2")));
  EXPECT_EQ(result.app->recycle.on_change.back(), path("appsettings.json"));
}

TEST_F(WebConfigTest, WhatHoldsForTheSiteIsTaken) {
  const auto said_of_site = [&](const std::string& elements) {
    return read("<configuration><system.webServer>\n" + elements +
                "\n<aspNetCore processPath=\"dotnet\"/></system.webServer></configuration>");
  };
  EXPECT_THAT(said_of_site("<security><requestFiltering><requestLimits maxAllowedContentLength=\"100\" maxUrl=\"5\"/>"
                           "<hiddenSegments/></requestFiltering><access/></security>"),
              ElementsAre(HasSubstr("warning: \"maxUrl\" is not used here: [limits] has"),
                          HasSubstr("<hiddenSegments> is not used here"), HasSubstr("<access> is not used here")));
  EXPECT_EQ(result.max_request_body, 100U);
  EXPECT_THAT(said_of_site("<security><requestFiltering><requestLimits maxAllowedContentLength=\"-1\"/>"
                           "</requestFiltering></security>"),
              ElementsAre(HasSubstr("\"maxAllowedContentLength\" must be a number of bytes, not \"-1\"")));
  EXPECT_THAT(
      said_of_site(
          "<httpProtocol><customHeaders><clear/><remove name=\"X-Powered-By\"/><add name=\"X-A\" value=\"1\"/>"
          "<add name=\"x-a\" value=\"2\"/><add name=\"Connection\" value=\"x\"/></customHeaders></httpProtocol>"),
      ElementsAre(HasSubstr("<add> is not used here: the header \"x-a\" is there twice"),
                  HasSubstr("<add> is not used here: ")));
  EXPECT_THAT(result.response_headers.set, ElementsAre(Pair("X-A", "1")));
  EXPECT_THAT(result.response_headers.remove, ElementsAre("X-Powered-By"));
  EXPECT_THAT(
      said_of_site("<httpRedirect/><urlCompression/>"),
      ElementsAre(HasSubstr("<urlCompression> is not used here: files and compression are the application's own")));
  EXPECT_THAT(result.routes, IsEmpty());
  const auto rule = [](const std::string& input, const std::string& url) {
    return "<rewrite><rules><rule name=\"one\"><conditions><add input=\"" + input +
           "\" pattern=\"^OFF$\"/></conditions><action type=\"Redirect\" url=\"" + url +
           "\"/></rule></rules></rewrite>";
  };
  EXPECT_THAT(said_of_site(rule("{HTTPS}", "https://{HTTP_HOST}/{R:1}")), IsEmpty());
  EXPECT_TRUE(result.redirect_to_https);
  EXPECT_THAT(said_of_site(rule("{QUERY_STRING}", "https://{HTTP_HOST}/{R:1}")),
              ElementsAre(HasSubstr("<rule> is not used here: the rule \"one\"")));
  EXPECT_FALSE(result.redirect_to_https);
}

TEST_F(WebConfigTest, WhoMayComeIsTakenOrAnError) {
  const auto said_of = [&](const std::string& rules) {
    return read("<configuration><system.webServer>\n<security>" + rules +
                "</security><aspNetCore processPath=\"dotnet\"/></system.webServer></configuration>");
  };
  const auto texts = [](const std::vector<AddressRange>& ranges) {
    std::vector<std::string> out;
    for (const AddressRange& range : ranges) out.push_back(range.to_string());
    return out;
  };
  EXPECT_THAT(
      said_of(
          R"(<ipSecurity allowUnlisted="false"><clear/><add ipAddress="10.0.0.0" subnetMask="255.0.0.0" allowed="true"/>
<add ipAddress="192.0.2.7" allowed="true"/><add ipAddress="10.1.0.0" subnetMask="16"/></ipSecurity>)"),
      IsEmpty());
  EXPECT_THAT(texts(result.allow), ElementsAre("10.0.0.0/8", "192.0.2.7/32"));
  EXPECT_THAT(texts(result.deny), ElementsAre("10.1.0.0/16"));
  EXPECT_THAT(
      said_of(R"(<ipSecurity><add ipAddress="192.0.2.7"/><add ipAddress="192.0.2.8" allowed="true"/></ipSecurity>)"),
      ElementsAre(HasSubstr("<add> is not used here: who is not listed is allowed as well")));
  EXPECT_THAT(texts(result.allow), IsEmpty());
  EXPECT_THAT(texts(result.deny), ElementsAre("192.0.2.7/32"));
  EXPECT_THAT(said_of(R"(<ipSecurity allowUnlisted="false"/>)"), IsEmpty());
  EXPECT_THAT(texts(result.deny), ElementsAre("0.0.0.0/0", "::/0"));
  EXPECT_THAT(
      said_of(
          R"(<ipSecurity><add ipAddress="10.0.0.0" subnetMask="255.0.255.0"/><add domainName="x"/><remove/></ipSecurity>)"),
      ElementsAre(HasSubstr(R"(<add> of <ipSecurity>: "255.0.255.0" is no mask)"), HasSubstr("<add> of <ipSecurity>: "),
                  HasSubstr("<remove> of <ipSecurity>: ")));
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
  EXPECT_EQ(expand_percent("a%Aspnetcore_Port%b").value(), "a{port}b");
  ::unsetenv("GATEHOUSE_TEST_SET");
}

}  // namespace
}  // namespace gatehouse::config
