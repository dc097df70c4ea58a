// The readings of a path, and that no server can make anything else of it: each of many models of a server reads random
// paths, and has to come to a route that path_readings() has been asked about.
#include "proxy/http/path_readings.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/text.h"
#include "proxy/http/target.h"

namespace gatehouse {
namespace {

using ::testing::UnorderedElementsAre;

std::set<std::string> readings(std::string_view path) {
  const auto all = target::path_readings(path);
  if (!all) return {std::string(rule(all.error()).label)};
  return {all->begin(), all->end()};
}

TEST(PathReadings, AreWhatServersMakeOfAPath) {
  EXPECT_THAT(readings("/a%20b"), UnorderedElementsAre("/a%20b"));
  EXPECT_THAT(readings("/%61"), UnorderedElementsAre("/a"));
  EXPECT_THAT(readings("/a%2fb"), UnorderedElementsAre("/a%2Fb", "/a/b"));
  EXPECT_THAT(readings("//a"), UnorderedElementsAre("//a", "/a"));
  EXPECT_THAT(readings("/x/..%2fadmin"), UnorderedElementsAre("/x/..%2Fadmin", "/x/../admin", "/admin"));
  EXPECT_THAT(readings("/x%5cy"), UnorderedElementsAre("/x%5Cy", "/x/y"));
  EXPECT_THAT(readings("/x%2541"), UnorderedElementsAre("/x%2541", "/xA"));
  EXPECT_THAT(readings("/x%c1%a1"), UnorderedElementsAre("/x%C1%A1", "/xa"));
  EXPECT_THAT(readings("/a%3bb"), UnorderedElementsAre("/a%3Bb", "/a"));
  EXPECT_THAT(readings("/a/..;x/b"), UnorderedElementsAre("/a/../b", "/b"));
  EXPECT_THAT(readings("/x/q//../../admin"),
              UnorderedElementsAre("/x/q//../../admin", "/x/q/../../admin", "/x/admin", "/admin"));
}

TEST(PathReadings, EndWhereThereAreTooManyOrOneIsNotSafe) {
  EXPECT_THAT(readings("/a%2500"), UnorderedElementsAre("unsafe_target"));
  EXPECT_THAT(readings("/a%c0%80"), UnorderedElementsAre("unsafe_target"));
  EXPECT_THAT(readings("/a%2f../.."), UnorderedElementsAre("unsafe_target"));
  std::string nested = "/a%";
  for (int i = 0; i < 100; ++i) nested += "25";
  EXPECT_THAT(readings(nested + "41"), UnorderedElementsAre("ambiguous_path"));
  EXPECT_THAT(readings("/" + std::string(40'000, 'a') + "//b%2fc"), ::testing::SizeIs(4)) << "long, but plain";
}

// --- models of servers ---

// A server: how often it decodes, and what it does before and behind that.
struct Server {
  int decodes = 0;
  bool overlong = false;
  bool backslash = false;
  bool drops_before = false;
  bool drops_behind = false;
  bool merges = false;
  bool dots = false;
  bool merges_last = false;
};

std::string once_decoded(std::string_view path, bool takes_overlong) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int byte = text::escaped_byte(path.substr(i));
    out += byte < 0 ? path[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
    const std::size_t size = out.size();
    if (!takes_overlong || size < 2) continue;
    const auto lead = static_cast<unsigned char>(out[size - 2]);
    const auto last = static_cast<unsigned char>(out[size - 1]);
    if ((lead != 0xc0 && lead != 0xc1) || (last & 0xc0U) != 0x80U) continue;
    out.resize(size - 2);
    out += static_cast<char>((lead & 1U) << 6U | (last & 0x3fU));
  }
  return out;
}

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t next = std::min(path.find('/', at + 1), path.size());
    out.emplace_back(path.substr(at + 1, next - at - 1));
    at = next;
  }
  return out;
}

// Nothing: it would lead above the root, which each server does with as it likes.
std::optional<std::vector<std::string>> as_read_by(const Server& server, std::string path) {
  const auto drop = [&] {
    std::string out;
    for (std::string segment : segments_of(path)) out += "/" + segment.substr(0, segment.find(';'));
    path = out;
  };
  if (server.drops_before) drop();
  for (int i = 0; i < server.decodes; ++i) path = once_decoded(path, server.overlong);
  if (server.backslash) std::ranges::replace(path, '\\', '/');
  if (server.drops_behind) drop();
  std::vector<std::string> segments = segments_of(path);
  const auto merge = [&] {
    if (segments.empty()) return;
    const bool directory = segments.back().empty();
    std::erase_if(segments, [](const std::string& each) { return each.empty(); });
    if (directory) segments.emplace_back();
  };
  if (server.merges) merge();
  if (server.dots) {
    std::vector<std::string> left;
    for (std::string& each : segments) {
      if (each == ".") continue;
      if (each != "..") {
        left.push_back(std::move(each));
      } else if (left.empty()) {
        return std::nullopt;
      } else {
        left.pop_back();
      }
    }
    segments = std::move(left);
  }
  if (server.merges_last) merge();
  return segments;
}

std::vector<Server> all_servers() {
  std::vector<Server> out;
  for (unsigned bits = 0; bits < 512; ++bits) {
    const auto bit = [bits](unsigned which) { return (bits >> which & 1U) != 0; };
    out.push_back({.decodes = static_cast<int>(bits & 3U),
                   .overlong = bit(2),
                   .backslash = bit(3),
                   .drops_before = bit(4),
                   .drops_behind = bit(5),
                   .merges = bit(6),
                   .dots = bit(7),
                   .merges_last = bit(8)});
  }
  return out;
}

// Names as text, parameters gone: so much of any server's reading says which route it is.
std::string route_of(const std::vector<std::string>& segments) {
  static const std::vector<std::vector<std::string>> kRoutes = {{"a"}, {"a", "b"}, {"b"}, {"A"}, {"a", "b", "c"}};
  std::size_t longest = 0;
  std::string found = "/";
  for (const auto& route : kRoutes) {
    bool fits = route.size() <= segments.size() && route.size() > longest;
    for (std::size_t i = 0; fits && i < route.size(); ++i) {
      fits = once_decoded(segments[i].substr(0, segments[i].find(';')), false) == route[i];
    }
    if (!fits) continue;
    longest = route.size();
    found.clear();
    for (const std::string& each : route) found += "/" + each;
  }
  return found;
}

std::string random_path(std::mt19937& random) {
  static constexpr std::array<std::string_view, 27> kPieces = {
      "/",   "/",   "/",  "a",  "b",     "c",     "A",   "..", ".",      "%2f", "%2F",    "%5c", "%2e", ";x",
      "%3b", "%25", "2f", "2e", "%252f", "%2561", "%61", "//", "%c0%af", "%41", "%c0%ae", "|",   "\xc3"};
  std::string path = "/";
  const auto pick = [&](std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(random); };
  for (std::size_t left = pick(10); left > 0; --left) path += kPieces[pick(kPieces.size() - 1)];
  return path;
}

TEST(PathReadings, NoServerComesToARouteThatWasNotAskedAbout) {
  std::mt19937 random(1);  // NOLINT: the same paths each time
  const std::vector<Server> servers = all_servers();
  std::size_t served = 0;
  for (int round = 0; round < 1200; ++round) {
    const std::string path = random_path(random);
    const auto settled = target::settle(path);
    if (!settled) continue;
    const std::string route = route_of(segments_of(settled->canonical));
    if (settled->ambiguous) {
      const auto all = target::path_readings(path);
      const auto fits = [&](const std::string& reading) { return route_of(segments_of(reading)) == route; };
      if (!all || !std::ranges::all_of(*all, fits)) continue;
    }
    ++served;
    EXPECT_EQ(route_of(segments_of(target::resolved_path(path).value())), route) << path;
    for (const Server& server : servers) {
      const auto read = as_read_by(server, path);
      ASSERT_TRUE(read) << path << " leads above the root";
      ASSERT_EQ(route_of(*read), route) << path << " decoded " << server.decodes << " times";
    }
  }
  EXPECT_GT(served, 100U);
}

}  // namespace
}  // namespace gatehouse
