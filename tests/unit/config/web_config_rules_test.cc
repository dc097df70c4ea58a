// The rules of <rewrite>, and <httpRedirect>, as routes.
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "config/web_config/web_config.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class WebConfigRulesTest : public testing::Test {
 protected:
  // Reads what stands beside the module; returns what is said of it.
  std::vector<std::string> read(const std::string& elements, const std::string& outside = "") {
    result =
        parse_web_config("<configuration><system.webServer>" + elements +
                             "<aspNetCore processPath=\"dotnet\"/></system.webServer>" + outside + "</configuration>",
                         folder.path().string());
    std::vector<std::string> said;
    for (const Diagnostic& diagnostic : result.diagnostics) said.push_back(diagnostic.message);
    return said;
  }
  std::vector<std::string> rules(const std::string& text) {
    return read("<rewrite><rules>" + text + "</rules></rewrite>");
  }
  // "hosts path -> what becomes of it", a text for each route.
  std::vector<std::string> routes() const {
    std::vector<std::string> out;
    for (const Route& route : result.routes) {
      std::string text;
      for (const std::string& host : route.hosts) text += host;
      text += route.path + (route.strip_prefix ? " strip" : "") + " -> ";
      if (const auto* const redirect = std::get_if<Redirect>(&route.action)) {
        text += std::to_string(redirect->status) + " " + redirect->target;
      } else {
        text += "app " + route.rewrite;
      }
      out.push_back(text);
    }
    return out;
  }

  testing_support::TemporaryFolder folder;
  WebConfig result;
};

TEST_F(WebConfigRulesTest, APathWithAllBelowItIsARoute) {
  struct Row {
    std::string rule;
    std::string route;
  };
  const std::vector<Row> rows{
      {R"x(<rule><match url="^old/(.*)$"/><action type="Redirect" url="/new/{R:1}"/></rule>)x",
       "/old strip -> 301 /new{uri}"},
      {R"x(<rule><match url="^old/shop/(.*)"/><action type="Redirect" url="new/{R:1}" redirectType="Found"/></rule>)x",
       "/old/shop strip -> 302 /new{uri}"},
      {R"x(<rule patternSyntax="Wildcard"><match url="old/*"/>
          <action type="Redirect" url="https://new.example.com/{R:1}" redirectType="Temporary"/></rule>)x",
       "/old strip -> 307 https://new.example.com{uri}"},
      {R"x(<rule><match url="^old/.*"/><action type="Redirect" url="https://new.example.com/{R:0}"/></rule>)x",
       "/old -> 301 https://new.example.com{uri}"},
      {R"x(<rule><match url="^old/(.*)"/><action type="Redirect" url="https://{HTTP_HOST}/gone" redirectType="SeeOther"/></rule>)x",
       "/old strip -> 303 https://{host}/gone"},
      {R"x(<rule><match url="^api/v1\.0/(.*)$"/><action type="Rewrite" url="/v1/{R:1}"/></rule>)x",
       "/api/v1.0 strip -> app /v1{path}"},
      {R"x(<rule><match url="(.*)"/><action type="Rewrite" url="app/{R:1}"/></rule>)x", "/ -> app /app{path}"},
      {R"x(<rule><match url="(.*)"/><action type="Redirect" url="https://new.example.com{REQUEST_URI}"/></rule>)x",
       "/ -> 301 https://new.example.com{uri}"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    EXPECT_THAT(rules(row.rule), IsEmpty());
    EXPECT_THAT(routes(), ElementsAre(row.route));
    EXPECT_THAT(result.hosts, IsEmpty());
  }
}

TEST_F(WebConfigRulesTest, OneHostIsSentToAnother) {
  const auto rule = [](const std::string& condition) {
    return R"x(<rule><match url="(.*)"/><conditions><add input="{HTTP_HOST}" )x" + condition +
           R"x(/></conditions><action type="Redirect" url="https://www.example.com/{R:1}"/></rule>)x";
  };
  EXPECT_THAT(rules(rule(R"x(pattern="^Example\.com$")x")), IsEmpty());
  EXPECT_THAT(routes(), ElementsAre("example.com/ -> 301 https://www.example.com{uri}"));
  EXPECT_THAT(result.hosts, IsEmpty());
  EXPECT_THAT(rules(rule(R"x(pattern="^www.example.com$" negate="true")x")), IsEmpty());
  EXPECT_THAT(routes(), ElementsAre("/ -> 301 https://www.example.com{uri}"));
  EXPECT_THAT(result.hosts, ElementsAre("www.example.com"));
}

TEST_F(WebConfigRulesTest, WhatNoRouteCanSayIsNamed) {
  struct Row {
    std::string rule;
    std::string said;
  };
  const std::vector<Row> rows{
      {R"x(<rule name="a"><match url="^page$"/><action type="Redirect" url="/x"/></rule>)x",
       "the rule \"a\": its pattern is more than a path"},
      {R"x(<rule name="a"><match url="old/(.*)"/><action type="Redirect" url="/x/{R:1}"/></rule>)x",
       "its pattern is more than a path"},
      {R"x(<rule name="a"><match url="^([a-z]+)/(.*)"/><action type="Redirect" url="/x/{R:2}"/></rule>)x",
       "its pattern is more than a path"},
      {R"x(<rule name="a"><match url="^old/(.*)" negate="true"/><action type="Redirect" url="/x"/></rule>)x",
       "its pattern is more than a path"},
      {R"x(<rule name="a"><match url="^old/(.*)"/><conditions><add input="{QUERY_STRING}" pattern="a=1"/></conditions>
          <action type="Redirect" url="/x"/></rule>)x",
       "a condition is about more than one {HTTP_HOST}"},
      {R"x(<rule name="a"><match url="(.*)"/><action type="Redirect" url="/x/{R:1}"/></rule>)x",
       "it would redirect its own target again"},
      {R"x(<rule name="a"><match url="^old/(.*)"/><action type="Redirect" url="/x?id={R:1}"/></rule>)x", "{R:1}"},
      {R"x(<rule name="a"><match url="^old/(.*)"/><action type="Rewrite" url="http://10.0.0.1/{R:1}"/></rule>)x",
       "another server is an upstream, with a route to it"},
      {R"x(<rule name="a"><match url="^old/(.*)"/><action type="Rewrite" url="index.php"/></rule>)x",
       "this is for the application (UseRewriter)"},
      {R"x(<rule name="a"><match url="^old/(.*)"/><action type="AbortRequest"/></rule>)x",
       "this is for the application (UseRewriter)"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    EXPECT_THAT(rules(row.rule), ElementsAre(HasSubstr(row.said)));
    EXPECT_THAT(routes(), IsEmpty());
  }
  EXPECT_THAT(rules(R"x(<rule enabled="false"><match url="("/><action type="Redirect" url="/x"/></rule>)x"), IsEmpty());
}

TEST_F(WebConfigRulesTest, AFolderOrTheWholeSiteIsRedirected) {
  EXPECT_THAT(read(R"x(<httpRedirect enabled="true" destination="https://new.example.com/"/>)x"), IsEmpty());
  EXPECT_THAT(routes(), ElementsAre("/ -> 302 https://new.example.com{uri}"));
  const auto folder_redirected = [&](const std::string& attributes) {
    return read("", R"x(<location path="old/shop"><system.webServer><httpRedirect enabled="true" )x" + attributes +
                        "/></system.webServer></location>");
  };
  EXPECT_THAT(folder_redirected(R"x(destination="/new" httpResponseStatus="Permanent")x"), IsEmpty());
  EXPECT_THAT(routes(), ElementsAre("/old/shop strip -> 301 /new{uri}"));
  EXPECT_THAT(folder_redirected(R"x(destination="/new" exactDestination="true" httpResponseStatus="PermRedirect")x"),
              IsEmpty());
  EXPECT_THAT(routes(), ElementsAre("/old/shop -> 308 /new"));
  EXPECT_THAT(folder_redirected(R"x(destination="https://a.example$V$Q" exactDestination="true")x"), IsEmpty());
  EXPECT_THAT(routes(), ElementsAre("/old/shop -> 302 https://a.example{uri}"));
  EXPECT_THAT(folder_redirected(R"x(destination="/new/$Q" exactDestination="true")x"),
              ElementsAre(HasSubstr("has variables of IIS")));
  EXPECT_THAT(folder_redirected(R"x(destination="/new" childOnly="true")x"), ElementsAre(HasSubstr("childOnly")));
  EXPECT_THAT(read("", R"x(<location path="old"><system.webServer><httpErrors/></system.webServer></location>)x"),
              ElementsAre(HasSubstr("<httpErrors> is not used here: of \"/old\" alone")));
}

}  // namespace
}  // namespace gatehouse::config
