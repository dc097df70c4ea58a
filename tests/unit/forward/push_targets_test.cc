#include "proxy/forward/push_targets.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct PushTargetsTest : ::testing::Test {
  std::vector<std::string> of(std::initializer_list<std::string_view> links) const {
    ResponseHead response;
    for (const std::string_view link : links) response.fields.add("Link", link);
    return push_targets(request, client, response);
  }

  RequestHead request{.protocol = Protocol::kH2,
                      .secure = true,
                      .method = "GET",
                      .authority = "shop.example.com:8443",
                      .target = "/page"};
  ClientInfo client{.protocol = Protocol::kH2};
};

TEST_F(PushTargetsTest, PreloadsOfTheOwnOriginArePushed) {
  EXPECT_THAT(of({"</a.css>; rel=preload; as=style, <https://Shop.Example.com:8443/b?x=1#part>; rel=\"x preload\"",
                  "</c>; rel=preload"}),
              ElementsAre("/a.css", "/b?x=1", "/c"));
}

TEST_F(PushTargetsTest, OthersAreNot) {
  EXPECT_THAT(of({"</a>; rel=preconnect, </b>; rel=preload; nopush, </c>, </d>; rel=preload; anchor=\"/x\"",
                  "<https://other.example/e>; rel=preload", "<//shop.example.com:8443/f>; rel=preload",
                  "<http://shop.example.com:8443/g>; rel=preload", "<https://shop.example.com/h>; rel=preload",
                  "<https://shop.example.com:84430/i>; rel=preload", "<relative>; rel=preload", "<>; rel=preload",
                  "<#part>; rel=preload"}),
              IsEmpty());
}

TEST_F(PushTargetsTest, EachOnceAndNotTooMany) {
  EXPECT_THAT(of({"</a>;rel=preload,</a>;rel=preload", "</a#b>;rel=preload"}), ElementsAre("/a"));
  std::string many;
  for (int i = 0; i < 30; ++i) many += "</" + std::to_string(i) + ">;rel=preload,";
  EXPECT_THAT(of({many}), SizeIs(10));
}

TEST_F(PushTargetsTest, OnlyGetOnH2) {
  request.method = "POST";
  EXPECT_THAT(of({"</a>; rel=preload"}), IsEmpty());
  request.method = "GET";
  for (const Protocol protocol : {Protocol::kH10, Protocol::kH1, Protocol::kH3}) {
    request.protocol = protocol;
    EXPECT_THAT(of({"</a>; rel=preload"}), IsEmpty());
  }
}

TEST_F(PushTargetsTest, NotWhereATrustedProxySpeaksForTheClient) {
  client.forwarded_for = std::make_shared<const Address>(Address::parse("198.51.100.7:1").value());
  EXPECT_THAT(of({"</a>; rel=preload"}), IsEmpty());
}

}  // namespace
}  // namespace gatehouse
