// An endpoint with two addresses, of which one is right: localhost.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace testing_support;

Address loopback(const std::string& host, std::uint16_t port) {
  return Address::parse(host + ":" + std::to_string(port)).value();
}

class LocalhostTest : public ForwardingTest {
 protected:
  void serve_localhost(std::uint16_t port) {
    served = std::make_shared<Endpoint>(Endpoint::Identity{.upstream = "shop",
                                                           .address = loopback("127.0.0.1", port),
                                                           .name = "localhost",
                                                           .other_address = loopback("[::1]", port)});
    upstream = upstream_with(set_with({{.endpoint = served}}));
    routes = routes_to(upstream);
  }
  // One request on a connection of its own.
  void ask(ScriptedEndpoint& at) {
    TestExchange e = exchange("GET");
    ScriptedConnection connection = world.accept(at);
    carry(e, connection, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(e.status(), 204);
    EXPECT_EQ(e->record().attempts, 1U);
  }

  std::shared_ptr<Endpoint> served;
};

TEST_F(LocalhostTest, WhoListensAtTheOtherAddressIsFoundAndAskedThereFirst) {
  ScriptedEndpoint six(loopback("[::1]", 0));
  const std::uint16_t port = six.address().port();
  serve_localhost(port);
  ask(six);
  EXPECT_EQ(served->address(), six.address());
  EXPECT_EQ(served->failures(), 0U) << "that nobody is at the one address is no failure";
  ask(six);
  six.stop_listening();
  ScriptedEndpoint four(loopback("127.0.0.1", port));
  ask(four);
  EXPECT_EQ(served->address(), four.address());
}

TEST_F(LocalhostTest, WhereNobodyListensAtEitherItIsRefused) {
  serve_localhost(refused_address().port());
  TestExchange e = exchange("GET");
  for (int i = 0; i < 100 && e.status() == 0; ++i) world.settle();
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().fault, Fault::kConnectRefused);
  EXPECT_EQ(served->failures(), 1U);
}

}  // namespace
}  // namespace gatehouse
