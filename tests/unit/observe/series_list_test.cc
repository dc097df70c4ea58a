// Series are found again, bounded, and readable while they grow.
#include "proxy/observe/series_list.h"

#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "common/counter.h"

namespace gatehouse {
namespace {

TEST(SeriesListTest, TheSameLabelsAreTheSameSeries) {
  SeriesList<Counter> list;
  list.at({"a", "200"}).add(2);
  list.at({"a", "404"}).add();
  list.at({"a", "200"}).add();
  std::string seen;
  list.for_each([&seen](const auto& labels, const Counter& count) {
    seen += labels[0] + labels[1] + '=' + std::to_string(count.value()) + ' ';
  });
  EXPECT_EQ(seen, "a404=1 a200=3 ");
}

TEST(SeriesListTest, LabelsAreNotJoined) {
  SeriesList<Counter> list;
  EXPECT_NE(&list.at({"ab", "c"}), &list.at({"a", "bc"}));
}

TEST(SeriesListTest, PastItsBoundTheRestShareOneSeries) {
  SeriesList<Counter> list;
  for (std::size_t i = 0; i < SeriesList<Counter>::kMaxSeries; ++i) list.at({"x", std::to_string(i)}).add();
  list.at({"y", "1"}).add();
  list.at({"y", "2"}).add();
  list.at({"x", "7"}).add();
  std::size_t series = 0;
  std::uint64_t shared = 0;
  std::uint64_t seventh = 0;
  list.for_each([&](const auto& labels, const Counter& count) {
    ++series;
    if (labels[0] == "other" && labels[1] == "other") shared = count.value();
    if (labels[1] == "7") seventh = count.value();
  });
  EXPECT_EQ(series, SeriesList<Counter>::kMaxSeries + 1);
  EXPECT_EQ(shared, 2U);
  EXPECT_EQ(seventh, 2U);
}

TEST(SeriesListTest, AnotherThreadReadsWhileItGrows) {
  SeriesList<Counter> list;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    std::size_t most = 0;
    while (!done.load()) {
      std::size_t count = 0;
      list.for_each([&count](const auto& labels, const Counter& value) {
        EXPECT_FALSE(labels[0].empty());
        EXPECT_LE(value.value(), 1U);
        ++count;
      });
      EXPECT_GE(count, most) << "a list never shrinks";
      most = count;
    }
  });
  for (int i = 0; i < 2000; ++i) list.at({std::to_string(i)}).add();
  done = true;
  reader.join();
}

}  // namespace
}  // namespace gatehouse
