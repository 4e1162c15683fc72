// Teaching the precedents beside whoever tells of a remedy's end: nobody waits for the disk, what
// was told is written in order, and a store that can't keep up is told no more.
#include <gtest/gtest.h>

#include <future>

#include "nodes/node/healing/advisor_linux.hpp"

namespace holdfast::node {
namespace {

/// A store whose disk stands still until the test lets it go on.
class StuckStore final : public precedents::Precedents {
 public:
  std::vector<precedents::Match> find(const precedents::Signature&, std::size_t) const override {
    return {{{7, 900'000}, FaultClass::kSlowDisk, 800'000, {}}};
  }
  Result<> learn(const Incident& incident, ActionKind, RemedyOutcome, WallTime) override {
    if (learned.empty()) entered.set_value();
    disk.wait();
    learned.push_back(incident.number);
    if (incident.number == 2) return Error{ErrorCode::kIo, "no space"};
    return success();
  }
  Result<precedents::Precedent> get(uint64_t) const override { return precedents::Precedent{}; }
  std::vector<precedents::Precedent> list(FaultClass, std::size_t) const override { return {}; }
  std::size_t size() const override { return 1; }

  std::promise<void> entered, disk_works;
  std::shared_future<void> disk = disk_works.get_future().share();
  std::vector<uint64_t> learned;  // by the teaching thread; read when it has ended
};

TEST(LearningApart, NobodyWaitsForTheDiskAndAllIsWrittenInOrderInTheEnd) {
  auto store = std::make_shared<StuckStore>();
  std::vector<std::string> alarms;
  auto apart = learning_apart(store, [&](const std::string& line, bool alarm) {
    if (alarm) alarms.push_back(line);
  });
  const auto tell = [&](uint64_t number) {
    Incident incident;
    incident.number = number;
    return apart->learn(incident, ActionKind::kDrain, RemedyOutcome::kSucceeded, {});
  };
  ASSERT_TRUE(tell(1));
  store->entered.get_future().wait();
  uint64_t taken = 1;
  while (taken < 1'000 && tell(taken + 1)) taken += 1;
  EXPECT_EQ(taken, 257u) << "one is being written, 256 wait";
  EXPECT_EQ(tell(9'999).error().code, ErrorCode::kFull);
  EXPECT_EQ(apart->find({}, 3).size(), 1u) << "and it can be asked all the while";
  store->disk_works.set_value();
  apart.reset();
  ASSERT_EQ(store->learned.size(), taken);
  for (uint64_t i = 0; i < taken; ++i) EXPECT_EQ(store->learned[i], i + 1);
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_NE(alarms[0].find("no space"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::node
