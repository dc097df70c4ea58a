#include "proxy/forward/early_hints.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Fields = std::vector<std::pair<std::string, std::string>>;

RequestHead page(const std::string& target = "/", const Fields& fields = {{"accept", "text/html,*/*"}}) {
  RequestHead head{.protocol = Protocol::kH2, .secure = true, .method = "GET", .authority = "a", .target = target};
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return head;
}

ResponseHead good(const Fields& fields = {{"link", "</a.css>; rel=preload"}}) {
  ResponseHead head;
  head.fields.add("Cache-Control", "max-age=60, public");
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return head;
}

class EarlyHintsTest : public ::testing::Test {
 protected:
  std::vector<std::string> of(const RequestHead& request) {
    std::vector<std::string> links;
    const auto head = hints.of(request, now);
    if (head) {
      EXPECT_EQ(head->status, 103);
      for (const Field field : head->fields) links.emplace_back(field.value);
    }
    return links;
  }
  void learn(const RequestHead& request, const ResponseHead& response) { hints.learn(request, response, now); }

  EarlyHints hints;
  MonotonicTime now{std::chrono::seconds(1)};
};

TEST_F(EarlyHintsTest, WhatAResponseHasTaughtIsToldTheNextClient) {
  EXPECT_THAT(of(page()), IsEmpty());
  learn(page(), good({{"Link", "</a.css>; rel=preload; as=style, </next>; rel=next"},
                      {"link", "<https://cdn.example>; rel=\"preconnect\", </m.js>; rel=modulepreload"}}));
  EXPECT_THAT(of(page()), ElementsAre("</a.css>; rel=preload; as=style", "<https://cdn.example>; rel=\"preconnect\"",
                                      "</m.js>; rel=modulepreload"));
  RequestHead h3 = page();
  h3.protocol = Protocol::kH3;
  EXPECT_THAT(of(h3), testing::SizeIs(3));
}

TEST_F(EarlyHintsTest, EachUrlIsAnother) {
  learn(page(), good());
  EXPECT_THAT(of(page("/?x")), IsEmpty());
  RequestHead other = page();
  other.authority = "b";
  EXPECT_THAT(of(other), IsEmpty());
  RequestHead clear = page();
  clear.secure = false;
  EXPECT_THAT(of(clear), IsEmpty());
}

TEST_F(EarlyHintsTest, OnlyPagesOfH2AndH3AreHinted) {
  learn(page(), good());
  EXPECT_THAT(of(page("/", {})), IsEmpty());
  EXPECT_THAT(of(page("/", {{"accept", "image/*"}})), IsEmpty());
  EXPECT_THAT(of(page("/", {{"accept", "text/html"}, {"sec-fetch-mode", "cors"}})), IsEmpty());
  EXPECT_FALSE(of(page("/", {{"sec-fetch-mode", "navigate"}})).empty());
  EXPECT_FALSE(of(page("/", {{"accept", "text/html"}, {"cookie", "a=b"}})).empty());
  RequestHead head = page();
  head.method = "HEAD";
  EXPECT_THAT(of(head), IsEmpty());
  for (const Protocol protocol : {Protocol::kH10, Protocol::kH1}) {
    RequestHead old = page();
    old.protocol = protocol;
    EXPECT_THAT(of(old), IsEmpty());
  }
}

TEST_F(EarlyHintsTest, PersonalRequestsTeachNothing) {
  EXPECT_TRUE(EarlyHints::teaches(page()));
  EXPECT_FALSE(EarlyHints::teaches(page("/", {{"cookie", "a=b"}})));
  EXPECT_FALSE(EarlyHints::teaches(page("/", {{"authorization", "Basic x"}})));
  RequestHead post = page();
  post.method = "POST";
  EXPECT_FALSE(EarlyHints::teaches(post));
  RequestHead tunnel = page();
  tunnel.upgrade = "websocket";
  EXPECT_FALSE(EarlyHints::teaches(tunnel));
}

TEST_F(EarlyHintsTest, PersonalResponsesTeachNothing) {
  const auto responses = [] {
    std::vector<ResponseHead> all;
    ResponseHead silent;
    silent.fields.add("Link", "</a.css>; rel=preload");
    all.push_back(std::move(silent));
    ResponseHead other = good();
    other.status = 404;
    all.push_back(std::move(other));
    for (const auto& [name, value] : Fields{{"Set-Cookie", "a=b"},
                                            {"Cache-Control", "private"},
                                            {"Cache-Control", "no-cache, No-Store"},
                                            {"Vary", "Accept-Encoding, Cookie"},
                                            {"Vary", "*"}}) {
      ResponseHead head = good();
      head.fields.add(name, value);
      all.push_back(std::move(head));
    }
    return all;
  }();
  for (const ResponseHead& response : responses) {
    learn(page(), response);
    EXPECT_EQ(hints.size(), 0U) << response.fields.at(response.fields.size() - 1).value;
  }
  learn(page(), good({{"Link", "</a.css>; rel=preload"}, {"Vary", "accept-encoding"}}));
  EXPECT_EQ(hints.size(), 1U);
}

TEST_F(EarlyHintsTest, TheLastResponseCounts) {
  learn(page(), good());
  learn(page(), good({{"Link", "</b.css>; rel=preload"}}));
  EXPECT_THAT(of(page()), ElementsAre("</b.css>; rel=preload"));
  learn(page(), good({}));
  EXPECT_THAT(of(page()), IsEmpty());
  EXPECT_EQ(hints.size(), 0U);
  EXPECT_EQ(hints.bytes(), 0U);
}

TEST_F(EarlyHintsTest, EntriesExpire) {
  learn(page(), good());
  now += EarlyHints::kLifetime - std::chrono::seconds(1);
  EXPECT_FALSE(of(page()).empty());
  now += std::chrono::seconds(1);
  EXPECT_THAT(of(page()), IsEmpty());
  EXPECT_EQ(hints.size(), 0U);
}

TEST_F(EarlyHintsTest, TheLeastUsedGoFirst) {
  for (std::size_t i = 0; i < EarlyHints::kMostEntries; ++i) learn(page("/" + std::to_string(i)), good());
  EXPECT_FALSE(of(page("/0")).empty());
  learn(page("/new"), good());
  EXPECT_EQ(hints.size(), EarlyHints::kMostEntries);
  EXPECT_FALSE(of(page("/0")).empty());
  EXPECT_THAT(of(page("/1")), IsEmpty());
}

TEST_F(EarlyHintsTest, BytesAreBoundedToo) {
  const std::string link = "</" + std::string(3000, 'a') + ">; rel=preload";
  for (int i = 0; i < 1000; ++i) learn(page("/" + std::to_string(i)), good({{"Link", link}, {"Link", link}}));
  EXPECT_LE(hints.bytes(), EarlyHints::kMostBytes);
  EXPECT_GT(hints.size(), 300U);
  EXPECT_THAT(of(page("/999")), ElementsAre(link)) << "and no more than 4 KiB of links for one";
}

}  // namespace
}  // namespace gatehouse
