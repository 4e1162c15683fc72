#include <gtest/gtest.h>

#include "supervision/replication/journal/snapshot_maker_linux.hpp"

namespace holdfast::replication {
namespace {

struct Made {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<GroupId, uint64_t>> list;
  void operator()(GroupId group, const Result<Index>& index) {
    std::lock_guard lock(mutex);
    list.emplace_back(group, index ? index.value().value : 0);
    changed.notify_all();
  }
  void wait(std::size_t n) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return list.size() >= n; });
  }
};

TEST(SnapshotMaker, MakesOneWhenEnoughEntriesCameAndNotBefore) {
  Made made;
  std::atomic<uint64_t> at{0};
  SnapshotMaker maker(100, std::ref(made));
  maker.add({1}, {0}, [&]() -> Result<Index> { return Index{at.load()}; });
  maker.committed({1}, {99});
  at = 100;
  maker.committed({1}, {100});
  made.wait(1);
  maker.committed({1}, {199});
  at = 205;
  maker.committed({1}, {205});
  made.wait(2);
  EXPECT_EQ(made.list[0].second, 100u);
  EXPECT_EQ(made.list[1].second, 205u);
}

TEST(SnapshotMaker, MakesOneWhenItIsDueHoweverFewEntriesCame) {
  Made made;
  SnapshotMaker maker(1000, std::ref(made));
  maker.add({1}, {0}, []() -> Result<Index> { return Index{5}; });
  maker.committed({1}, {4});
  maker.committed({1}, {5}, true);
  made.wait(1);
  EXPECT_EQ(made.list[0].second, 5u);
}

TEST(SnapshotMaker, MakeAllReturnsWhenAllAreMade) {
  Made made;
  SnapshotMaker maker(1000, std::ref(made));
  for (uint32_t group = 1; group <= 5; ++group)
    maker.add({group}, {0}, []() -> Result<Index> { return Index{7}; });
  maker.make_all();
  EXPECT_EQ(maker.made(), 5u);
}

TEST(SnapshotMaker, AFailureIsCountedAndDoesNotRepeatAtOnce) {
  Made made;
  SnapshotMaker maker(10, std::ref(made));
  maker.add({1}, {0}, []() -> Result<Index> { return Error{ErrorCode::kFull, "disk full"}; });
  maker.committed({1}, {10});
  made.wait(1);
  maker.make_all();  // asked for explicitly: tries again
  EXPECT_EQ(maker.failed(), 2u);
  EXPECT_EQ(maker.made(), 0u);
}

}  // namespace
}  // namespace holdfast::replication
