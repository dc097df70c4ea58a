#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/frontend_testing.h"

// Other protocols at the door of HTTP/1.

namespace gatehouse::testing_support {
namespace {

using testing::HasSubstr;

TEST(H1Strangers, ATlsHandshakeIsToldThatThereIsNoTlsHere) {
  FrontendWorld world;
  TextClient client(world);
  const std::string response =
      client.ask(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "GET / HTTP/1.1");
  EXPECT_EQ(status_line(response), "HTTP/1.1 400 Bad Request");
  EXPECT_THAT(response, HasSubstr("without TLS"));
  EXPECT_EQ(client.end(), IoStatus::kEof);
  EXPECT_EQ(world.ended.at(0).fault, Fault::kTlsOnCleartext);
}

TEST(H1Strangers, ThePrefaceOfHttp2IsNoRequest) {
  FrontendWorld world;
  TextClient client(world);
  const std::string response = client.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_EQ(status_line(response), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(client.end(), IoStatus::kEof);
  EXPECT_EQ(world.begun, 1);
  EXPECT_TRUE(world.live.empty());
}

}  // namespace
}  // namespace gatehouse::testing_support
