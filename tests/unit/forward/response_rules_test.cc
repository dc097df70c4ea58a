#include "proxy/forward/response_rules.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string names(const FieldList& fields) {
  std::string all;
  for (const Field field : fields) all += std::string(field.name) + " ";
  return all;
}

TEST(ResponseRulesTest, HopByHopAndNominatedFieldsAndThoseOfProxiesGo) {
  ResponseHead head;
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Server", "x"},
                                                                  {"Connection", "close, X-Internal"},
                                                                  {"Keep-Alive", "timeout=5"},
                                                                  {"X-Internal", "secret"},
                                                                  {"Upgrade", "h2c"},
                                                                  {"Trailer", "X-Sum"},
                                                                  {"Proxy-Authenticate", "Basic"},
                                                                  {"Proxy-Anything", "x"},
                                                                  {"Proximity", "near"},
                                                                  {"Location", "http://internal/x"},
                                                                  {"Set-Cookie", "a=1"},
                                                                  {"Set-Cookie", "b=2"}}) {
    head.fields.add(name, value);
  }
  apply_response_rules(head, Route{}, "");
  EXPECT_EQ(names(head.fields), "Server Proximity Location Set-Cookie Set-Cookie ");
  EXPECT_EQ(head.fields.find("Location"), "http://internal/x");
}

TEST(ResponseRulesTest, ProxyStatusIsAppendedTo) {
  ResponseHead head{.status = 502};
  head.fields.add("proxy-status", "inner; error=dns_error");
  apply_response_rules(head, Route{}, "");
  ASSERT_EQ(names(head.fields), "proxy-status Proxy-Status ");
  EXPECT_EQ(head.fields.at(0).value, "inner; error=dns_error");
  EXPECT_EQ(head.fields.at(1).value, "gatehouse; received-status=502");
}

TEST(ResponseRulesTest, EditsComeLast) {
  ResponseHead head;
  head.fields.add("Server", "x");
  head.fields.add("X-Powered-By", "y");
  Route route;
  route.response_headers = {.set = {{"Server", "z"}}, .add = {{"Vary", "Accept"}}, .remove = {"x-powered-by"}};
  apply_response_rules(head, route, "");
  EXPECT_EQ(names(head.fields), "Server Vary ");
  EXPECT_EQ(head.fields.find("Server"), "z");
}

TEST(ResponseRulesTest, InterimAnswersAreCleanedButNotEdited) {
  ResponseHead head{.status = 103};
  head.fields.add("Link", "</a>");
  head.fields.add("Connection", "X-Internal");
  head.fields.add("X-Internal", "secret");
  head.fields.add("x-reset-code", "8");
  apply_interim_response_rules(head);
  EXPECT_EQ(names(head.fields), "Link ");
}

}  // namespace
}  // namespace gatehouse
