#include "proxy/forward/link_field.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> targets(std::string_view value) {
  std::vector<std::string> all;
  for (const Link& link : links_of(value)) all.emplace_back(link.target);
  return all;
}

TEST(LinkField, LinksHaveTargetsAndRelations) {
  const std::vector<Link> links =
      links_of(R"(</a.css>; rel=preload; as=style , <https://cdn.example/x,y>;REL="Preconnect dns-prefetch")");
  ASSERT_THAT(links, SizeIs(2));
  EXPECT_EQ(links[0].target, "/a.css");
  EXPECT_EQ(links[0].text, "</a.css>; rel=preload; as=style");
  EXPECT_TRUE(links[0].is("preload"));
  EXPECT_FALSE(links[0].is("pre"));
  EXPECT_EQ(links[1].target, "https://cdn.example/x,y");
  EXPECT_EQ(links[1].text, R"(<https://cdn.example/x,y>;REL="Preconnect dns-prefetch")");
  EXPECT_TRUE(links[1].is("preconnect"));
  EXPECT_TRUE(links[1].is("dns-prefetch"));
  EXPECT_FALSE(links[1].is("preload"));
}

TEST(LinkField, ParametersAreFoundInAnyForm) {
  const std::vector<Link> links =
      links_of("<a>;nopush,<b> ; rel = preload ; NoPush=1,<c>;anchor=\"#x\";rel=next;rel=preload");
  ASSERT_THAT(links, SizeIs(3));
  EXPECT_TRUE(links[0].nopush);
  EXPECT_EQ(links[0].relations, "");
  EXPECT_TRUE(links[1].nopush);
  EXPECT_TRUE(links[1].is("preload"));
  EXPECT_TRUE(links[2].anchored);
  EXPECT_EQ(links[2].relations, "next") << "the first counts (RFC 8288 section 3.3)";
}

TEST(LinkField, QuotesHideWhatIsInThem) {
  EXPECT_THAT(targets(R"(<a>; title="b, <c>; rel=\"preload\""; rel=x, <d>)"), ElementsAre("a", "d"));
  EXPECT_EQ(links_of(R"(<a>; title="; nopush"; rel=x)").at(0).nopush, false);
}

TEST(LinkField, ListsMayHaveEmptyMembers) {
  EXPECT_THAT(targets(", ,<a>,\t,<b>,"), ElementsAre("a", "b"));
  EXPECT_THAT(targets(""), IsEmpty());
  EXPECT_THAT(targets("<>; rel=preload"), ElementsAre(""));
  EXPECT_THAT(targets("<a>;;rel=x;"), ElementsAre("a"));
}

// What cannot be understood ends it, so that nothing in a quote without an end is taken for a link.
TEST(LinkField, WhatIsNoLinkEndsTheList) {
  EXPECT_THAT(targets("</a>, /b, </c>"), ElementsAre("/a"));
  EXPECT_THAT(targets("</a>, </b"), ElementsAre("/a"));
  EXPECT_THAT(targets("</a>, </b> rel=x, </c>"), ElementsAre("/a"));
  EXPECT_THAT(targets("</a>; title=\"x, </b>"), IsEmpty());
  EXPECT_THAT(targets("</a>; title=\"x\\"), IsEmpty());
  EXPECT_THAT(targets("</a>; title=\"x\" </b>"), IsEmpty());
}

TEST(LinkField, AnyBeginningOfALinkIsReadWithoutHarm) {
  const std::string whole = R"( , </a.css> ; rel = "preload x" ; as=style; t="\"," , <b>;nopush)";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    for (const Link& link : links_of(std::string_view(whole).substr(0, size))) {
      EXPECT_LE(link.text.size(), size);
    }
  }
}

}  // namespace
}  // namespace gatehouse
