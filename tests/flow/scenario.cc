#include "tests/flow/scenario.h"

#include <string>

namespace gatehouse::flow {

namespace {

class Case final : public ::testing::Test {
 public:
  Case(Row::Play play, Protocol protocol) : play_(std::move(play)), flow_(protocol) {}

  void TestBody() override {
    play_(flow_);
    if (!HasFatalFailure()) flow_.finish();
  }

 private:
  Row::Play play_;
  Flow flow_;
};

}  // namespace

Table::Table(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    for (const Protocol protocol : row.protocols) {
      const std::string name = std::string(row.name) + "/" + std::string(label(protocol));
      ::testing::RegisterTest("Scenarios/Flow", name.c_str(), nullptr, nullptr, row.where.file_name(),
                              static_cast<int>(row.where.line()),
                              [play = row.play, protocol]() -> ::testing::Test* { return new Case(play, protocol); });
    }
  }
}

}  // namespace gatehouse::flow
