#include "proxy/http/field_list.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/text.h"
#include "tests/support/h1_trace.h"

namespace gatehouse {
namespace {

using testing::text_of;

FieldList list_of(const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  FieldList list;
  for (const auto& [name, value] : fields) list.add(name, value);
  return list;
}

TEST(FieldName, EveryNameIsFoundInAnyCase) {
  for (int i = 1; i <= static_cast<int>(FieldName::kXRequestId); ++i) {
    const auto name = static_cast<FieldName>(i);
    const std::string canonical(canonical_text(name));
    EXPECT_EQ(text::lower(canonical), lower_text(name));
    std::string upper = canonical;
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    for (const std::string& spelling : {canonical, std::string(lower_text(name)), upper}) {
      EXPECT_EQ(field_name(spelling), name) << spelling;
      // One byte off is another name.
      for (std::size_t at = 0; at < spelling.size(); ++at) {
        std::string other = spelling;
        other[at] = '!';
        EXPECT_EQ(field_name(other), FieldName::kOther) << other;
      }
      EXPECT_EQ(field_name(spelling + "x"), FieldName::kOther);
      EXPECT_EQ(field_name(std::string_view(spelling).substr(1)), FieldName::kOther);
    }
  }
}

TEST(FieldName, HyphensAndUnderscoresAreNotTheSame) {
  EXPECT_EQ(field_name("content_length"), FieldName::kOther);
  EXPECT_EQ(field_name("content\rlength"),
            FieldName::kOther);  // differs from '-' by the bit that letters' cases differ in
  EXPECT_EQ(field_name(""), FieldName::kOther);
  EXPECT_EQ(field_name("x"), FieldName::kOther);
}

TEST(FieldList, KeepsOrderCaseAndDuplicates) {
  const FieldList list = list_of({{"B", "1"}, {"hOsT", "h"}, {"b", "2"}, {"E", ""}});
  EXPECT_EQ(text_of(list), "B: 1\nhOsT: h\nb: 2\nE: \n");
  EXPECT_EQ(list.size(), 4U);
  EXPECT_EQ(list.at(1).id, FieldName::kHost);
  EXPECT_EQ(list.find("B"), "1");
  EXPECT_EQ(list.find("HOST"), "h");
  EXPECT_EQ(list.find(FieldName::kHost), "h");
  EXPECT_EQ(list.find("e"), "");
  EXPECT_EQ(list.find("nothing"), std::nullopt);
  EXPECT_EQ(list.find(FieldName::kCookie), std::nullopt);
  EXPECT_EQ(list.section_size(), 4 * 32 + 2 + 5 + 2 + 1U);
}

TEST(FieldList, SetReplacesTheFirstAndRemovesTheOthers) {
  FieldList list = list_of({{"A", "1"}, {"x-thing", "2"}, {"B", "3"}, {"X-Thing", "4"}});
  list.set("X-THING", "a much longer value than before");
  EXPECT_EQ(text_of(list), "A: 1\nx-thing: a much longer value than before\nB: 3\n");
  list.set("x-thing", "s");
  EXPECT_EQ(text_of(list), "A: 1\nx-thing: s\nB: 3\n");
  list.set(FieldName::kDate, "now");
  EXPECT_EQ(text_of(list), "A: 1\nx-thing: s\nB: 3\nDate: now\n");
  EXPECT_EQ(list.section_size(), 4 * 32 + 2 + 8 + 2 + 7U);
}

TEST(FieldList, TakesValuesFromItself) {
  FieldList list = list_of({{"A", std::string(900, 'a')}, {"B", "b"}});
  for (int i = 0; i < 5; ++i) list.add("Copy", *list.find("A"));  // the block has to grow meanwhile
  EXPECT_EQ(list.find("copy"), std::string(900, 'a'));
  list.set("B", *list.find("A"));
  EXPECT_EQ(list.find("B"), std::string(900, 'a'));
  list.set("A", list.find("A")->substr(1));
  EXPECT_EQ(list.find("A"), std::string(899, 'a'));
}

TEST(FieldList, RemovesByNameAndByPredicate) {
  FieldList list = list_of({{"A", "1"}, {"Cookie", "2"}, {"a", "3"}, {"cookie", "4"}, {"B", "5"}});
  EXPECT_EQ(list.remove(FieldName::kCookie), 2U);
  EXPECT_EQ(list.remove("A"), 2U);
  EXPECT_EQ(list.remove("A"), 0U);
  EXPECT_EQ(text_of(list), "B: 5\n");
  EXPECT_EQ(list.section_size(), 34U);
  list.add("C", "6");
  list.add("D", "7");
  list.remove_if([](const Field& field) { return field.value != "6"; });
  EXPECT_EQ(text_of(list), "C: 6\n");
}

TEST(FieldList, MovedFromListsAreEmptyAndUsable) {
  FieldList list = list_of({{"A", "1"}});
  FieldList other(std::move(list));
  EXPECT_TRUE(list.empty());  // NOLINT(bugprone-use-after-move): that is the promise
  EXPECT_EQ(text_of(list), "");
  list.add("B", "2");
  EXPECT_EQ(text_of(list), "B: 2\n");
  list = std::move(other);
  EXPECT_EQ(text_of(list), "A: 1\n");
}

TEST(FieldList, CloneIsIndependent) {
  FieldList list = list_of({{"A", "1"}, {"Host", "h"}});
  FieldList copy = list.clone();
  list.set("A", "changed");
  EXPECT_EQ(text_of(copy), "A: 1\nHost: h\n");
  EXPECT_EQ(copy.find(FieldName::kHost), "h");
}

TEST(FieldList, AfterClearItFillsTheSameBlockAgain) {
  FieldList list;
  for (int i = 0; i < 100; ++i) list.add("Name-" + std::to_string(i), std::string(50, 'v'));
  const auto low = reinterpret_cast<std::uintptr_t>(list.at(99).name.data());
  const auto high = reinterpret_cast<std::uintptr_t>(list.at(0).name.data());
  for (int round = 0; round < 3; ++round) {
    list.clear();
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.section_size(), 0U);
    for (int i = 0; i < 100; ++i) list.add("Name-" + std::to_string(i), std::string(50, 'v'));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(list.at(99).name.data()), low);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(list.at(0).name.data()), high);
  }
}

TEST(FieldList, HoldsNamesAndValuesLongerThan64KiB) {
  FieldList list;
  const std::string name(70'000, 'n');
  const std::string value(5'000'000, 'v');
  list.add(name, value);
  list.add("A", "1");
  EXPECT_EQ(list.at(0).name, name);
  EXPECT_EQ(list.at(0).value, value);
  EXPECT_EQ(list.find("A"), "1");
}

TEST(FieldList, KnowsWithoutALookWhatItCannotHave) {
  FieldList list;
  EXPECT_FALSE(list.may_have(FieldName::kOther));
  list.add("Via", "1.1 a");
  list.add("x-other", "b");
  EXPECT_TRUE(list.may_have(FieldName::kVia));
  EXPECT_TRUE(list.may_have(FieldName::kHost, FieldName::kOther));
  EXPECT_FALSE(list.may_have(FieldName::kHost, FieldName::kTe));
  EXPECT_TRUE(list.clone().may_have(FieldName::kVia));
  const FieldList moved = std::move(list);
  EXPECT_TRUE(moved.may_have(FieldName::kVia));
}

TEST(FieldList, RemovesFieldsOfSeveralNamesAtOnce) {
  FieldList list;
  for (const char* const name : {"TE", "x-other", "Host", "te", "Via"}) list.add(name, "1");
  list.remove_any(FieldName::kTe, FieldName::kVia, FieldName::kDate);
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(list.at(0).name, "x-other");
  EXPECT_EQ(list.at(1).name, "Host");
  EXPECT_EQ(list.section_size(), 7U + 1 + 32 + 4 + 1 + 32);
  list.clear();
  EXPECT_FALSE(list.may_have(FieldName::kOther, FieldName::kHost));
}

}  // namespace
}  // namespace gatehouse
