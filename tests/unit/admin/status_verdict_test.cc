// What a person is told first: one reason for each cause, and where in the status it is.
#include <nlohmann/json.hpp>
#include <string>

#include <gtest/gtest.h>

#include "proxy/admin/status_json.h"

namespace gatehouse {
namespace {

using Ordered = nlohmann::ordered_json;

class StatusVerdict : public ::testing::Test {
 protected:
  static Ordered certificate(const std::string& file, std::int64_t left) {
    return {{"file", file},
            {"names", {"a.example"}},
            {"expires", "2026-02-03T00:00:00.000Z"},
            {"expires_in_seconds", left},
            {"renewal_due_in_seconds", left - 14 * 86'400}};
  }
  static Ordered route(const std::string& name, const std::string& to, double errors) {
    return {{"name", name}, {"to", to}, {"recent", {{"errors_per_second_1m", errors}}}};
  }
  static Ordered endpoint(const std::string& name, const std::string& state) {
    return {{"name", name}, {"state", state}, {"well", state == "available"}, {"why", "so it is"}};
  }
  void upstream(const Ordered& endpoints, int well, int waiting) {
    status["upstreams"].push_back({{"name", "shop"},
                                   {"kind", "listed"},
                                   {"endpoints", endpoints},
                                   {"endpoints_well", well},
                                   {"waiting", waiting},
                                   {"why", nullptr}});
  }
  Ordered reasons() const { return status_parts::verdict(status)["reasons"]; }

  Ordered status = {{"state", "serving"},
                    {"configuration", {{"last_reload", {{"success", true}}}}},
                    {"listeners", Ordered::array()},
                    {"traffic", {{"total", {{"requests_per_second", 100.0}, {"errors_per_second", 0.0}}}}},
                    {"routes", Ordered::array()},
                    {"upstreams", Ordered::array()},
                    {"apps", Ordered::array()}};
};

TEST_F(StatusVerdict, ACertificateOfSeveralListenersIsOneCause) {
  const Ordered two = {certificate("/a.pem", -5), certificate("/b.pem", 86'400), certificate("/c.pem", 90 * 86'400)};
  status["listeners"] = {{{"certificates", two}, {"refused", Ordered::array()}},
                         {{"certificates", two}, {"refused", Ordered::array()}}};
  ASSERT_EQ(reasons().size(), 2U);
  EXPECT_EQ(reasons()[0]["text"], "expired on 2026-02-03");
  EXPECT_EQ(reasons()[0]["about"], (Ordered{{"kind", "certificate"}, {"name", "/a.pem"}}));
  EXPECT_EQ(reasons()[1]["text"], "expires on 2026-02-03");
}

TEST_F(StatusVerdict, WhatIsWrongWithAnUpstreamIsOneCauseInTheRightNumber) {
  upstream(Ordered::array({endpoint("a", "available")}), 1, 1);
  ASSERT_EQ(reasons().size(), 1U);
  EXPECT_EQ(reasons()[0]["text"], "1 request waits for a place");
  status["upstreams"][0]["waiting"] = 2;
  status["upstreams"][0]["endpoints"] = {endpoint("a", "ejected"), endpoint("b", "draining")};
  ASSERT_EQ(reasons().size(), 1U);
  EXPECT_EQ(reasons()[0]["text"], "a is ejected: so it is; 2 requests wait for a place");
  EXPECT_EQ(reasons()[0]["level"], "warning");
  status["upstreams"][0]["endpoints_well"] = 0;
  EXPECT_EQ(reasons()[0]["level"], "critical");
}

TEST_F(StatusVerdict, ErrorsAreToldOfTheRouteThatHasMostOfThem) {
  status["traffic"]["total"]["errors_per_second"] = 30.0;
  EXPECT_EQ(reasons().at(0)["about"], (Ordered{{"kind", "traffic"}, {"name", nullptr}}));
  status["routes"] = {route("*/a", "shop", 1), route("*/b", "cart", 5), route("*/c", "cart", 1)};
  EXPECT_EQ(reasons().at(0)["about"], (Ordered{{"kind", "route"}, {"name", "*/b"}}));
  EXPECT_EQ(reasons().at(0)["text"], "30% of the requests are answered with an error, most of them there");
  status["routes"][0]["recent"]["errors_per_second_1m"] = 5.0;
  EXPECT_EQ(reasons().at(0)["about"]["kind"], "traffic") << "no route has most of them";
}

TEST_F(StatusVerdict, ErrorsOfAnUpstreamThatIsACauseAreNoCauseOfTheirOwn) {
  status["traffic"]["total"]["errors_per_second"] = 30.0;
  status["routes"] = Ordered::array({route("*/a", "shop", 5)});
  EXPECT_EQ(reasons().at(0)["subject"], "route */a");
  upstream(Ordered::array({endpoint("a", "failing")}), 0, 0);
  ASSERT_EQ(reasons().size(), 1U);
  EXPECT_EQ(reasons()[0]["subject"], "upstream shop");
}

}  // namespace
}  // namespace gatehouse
