// To whom a request may be handed, and which fields come along.
#include "proxy/forward/delegation.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/endpoint_testing.h"

namespace gatehouse::delegation {
namespace {

using Result = Delegation::Result;

// "a" may hand requests to all others, "b" to "a".
class DelegationTest : public ::testing::Test {
 protected:
  DelegationTest() {
    for (const char* name : {"a", "b", "c", "d", "e"}) {
      auto membership = std::make_shared<Membership>(name, testing_support::set_at({}), Membership::Hooks{});
      table.push_back(
          {.upstream = std::make_shared<Upstream>(name, std::move(membership), UpstreamOptions{}), .targets = {}});
    }
    for (std::size_t i = 1; i < table.size(); ++i) table[0].targets.push_back(&table[i]);
    table[1].targets.push_back(table.data());
  }

  const Upstream* at(std::size_t index) const { return table[index].upstream.get(); }

  std::vector<Delegator> table;
};

TEST_F(DelegationTest, GoesToWhomTheUpstreamLists) {
  const Decision decision = decide({.by = table[0], .wish = "c", .visited = {}});
  EXPECT_EQ(decision.result, Result::kHandedOver);
  EXPECT_EQ(decision.target, &table[2]);
}

TEST_F(DelegationTest, GoesToNobodyElse) {
  for (const char* wish : {"", "x", "C", "c ", "b, c", "a"}) {
    const Decision decision = decide({.by = table[0], .wish = wish, .visited = {}});
    EXPECT_EQ(decision.result, Result::kRefused) << wish;
    EXPECT_EQ(decision.target, nullptr) << wish;
  }
  EXPECT_EQ(decide({.by = table[1], .wish = "c", .visited = {}}).result, Result::kRefused);
}

TEST_F(DelegationTest, VisitsAnUpstreamOnce) {
  const Upstream* const before[] = {at(0)};
  EXPECT_EQ(decide({.by = table[1], .wish = "a", .visited = before}).result, Result::kLoop);
  EXPECT_EQ(decide({.by = table[1], .wish = "a", .visited = {}}).result, Result::kHandedOver);
}

TEST_F(DelegationTest, GoesThreeHopsAndNoFurther) {
  const Upstream* const two[] = {at(1), at(2)};
  EXPECT_EQ(decide({.by = table[0], .wish = "e", .visited = two}).result, Result::kHandedOver);
  const Upstream* const three[] = {at(1), at(2), at(3)};
  const Decision decision = decide({.by = table[0], .wish = "e", .visited = three});
  EXPECT_EQ(decision.result, Result::kLoop);
  EXPECT_EQ(decision.target, &table[4]);
}

TEST_F(DelegationTest, ComesTooLateOnceTheRequestIsTaken) {
  EXPECT_EQ(decide({.by = table[0], .wish = "c", .visited = {}, .taken = true}).result, Result::kLate);
  EXPECT_EQ(decide({.by = table[0], .wish = "x", .visited = {}, .taken = true}).result, Result::kRefused);
}

TEST(DelegationFaults, AreThoseOfTheResult) {
  EXPECT_EQ(fault_of(Result::kRefused), Fault::kDelegationRefused);
  EXPECT_EQ(fault_of(Result::kLoop), Fault::kDelegationLoop);
  EXPECT_EQ(fault_of(Result::kLate), Fault::kDelegationLate);
}

FieldList fields(std::initializer_list<std::pair<std::string_view, std::string_view>> all) {
  FieldList list;
  for (const auto& [name, value] : all) list.add(name, value);
  return list;
}

std::string text_of(const FieldList& list) {
  std::string text;
  for (const Field field : list) text.append(field.name).append("=").append(field.value).append(";");
  return text;
}

TEST(DelegationWish, IsTakenOutOfTheHead) {
  FieldList one = fields({{"X-Delegate-To", "orders"}, {"X-A", "1"}});
  EXPECT_EQ(take(one), "orders");
  EXPECT_EQ(text_of(one), "X-A=1;");
  FieldList two = fields({{"x-delegate-to", "orders"}, {"X-Delegate-To", "reports"}});
  EXPECT_EQ(take(two), "orders, reports");
  FieldList none = fields({{"X-A", "1"}});
  EXPECT_EQ(take(none), std::nullopt);
}

class DelegatedFieldsTest : public ::testing::Test {
 protected:
  // What becomes of a request with `X-T` of the client.
  std::string handed_on(FieldList response, const HeaderEdits& edits = {}) {
    FieldList request = fields({{"Accept", "*/*"}, {"X-T", "client"}});
    add_fields(request, response, client, edits);
    return text_of(request);
  }

  ClientInfo client;
};

TEST_F(DelegatedFieldsTest, AreThoseThatAreNamed) {
  EXPECT_EQ(handed_on(fields({{"X-T", "app"}, {"X-U", "app"}})), "Accept=*/*;X-T=client;");
  EXPECT_EQ(handed_on(fields({{"X-T", "app"}, {"X-U", "app"}, {"X-Delegate-Headers", "x-t"}})), "Accept=*/*;x-t=app;");
  EXPECT_EQ(handed_on(fields({{"X-T", "app"}, {"X-U", "app"}, {"X-Delegate-Headers", " X-U ,,X-T,"}})),
            "Accept=*/*;X-U=app;X-T=app;");
}

TEST_F(DelegatedFieldsTest, TakeThePlaceOfTheClientsOwnEvenWhereThereAreNone) {
  EXPECT_EQ(handed_on(fields({{"X-Delegate-Headers", "X-T"}})), "Accept=*/*;");
}

TEST_F(DelegatedFieldsTest, AreNotWhatTheRouteSetsOrRemoves) {
  const FieldList response = fields({{"X-T", "app"}, {"X-U", "app"}, {"X-Delegate-Headers", "X-T, X-U"}});
  HeaderEdits edits;
  edits.set = {{"x_t", "route"}};
  edits.remove = {"X-U"};
  EXPECT_EQ(handed_on(response.clone(), edits), "Accept=*/*;X-T=client;");
}

TEST_F(DelegatedFieldsTest, AreNotWhatFramesIdentifiesOrVouches) {
  for (const std::string name : {"Content-Length",
                                 "Transfer-Encoding",
                                 "Content-Type",
                                 "Content-Encoding",
                                 "Host",
                                 "Connection",
                                 "Keep-Alive",
                                 "TE",
                                 "Trailer",
                                 "Upgrade",
                                 "Expect",
                                 "Proxy-Authorization",
                                 "Via",
                                 "Max-Forwards",
                                 "X-Request-Id",
                                 "X_Request_Id",
                                 "Early-Data",
                                 "X-Forwarded-For",
                                 "X_Forwarded_For",
                                 "Forwarded",
                                 "Client-Cert",
                                 "Remote-User",
                                 "X-Original-URL",
                                 "MS-ASPNETCORE-TOKEN",
                                 "X-Sendfile",
                                 "X-Delegate-To",
                                 "X-Reset-Code",
                                 "Sec-WebSocket-Key",
                                 "no token"}) {
    FieldList response;
    response.add(name, "app");
    response.add("X-Delegate-Headers", name);
    EXPECT_EQ(handed_on(std::move(response)), "Accept=*/*;X-T=client;") << name;
  }
}

TEST_F(DelegatedFieldsTest, AreNotWhatTheAnswersConnectionNames) {
  EXPECT_EQ(handed_on(fields({{"X-U", "app"}, {"Connection", "x-u"}, {"X-Delegate-Headers", "X-U"}})),
            "Accept=*/*;X-T=client;");
}

TEST_F(DelegatedFieldsTest, AreNotWhatTheListenerStrips) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->strip = {"X-Acme-*"};
  client.listener = policy;
  EXPECT_EQ(handed_on(fields({{"X-Acme-User", "app"}, {"X-Delegate-Headers", "X-Acme-User"}})),
            "Accept=*/*;X-T=client;");
}

}  // namespace
}  // namespace gatehouse::delegation
