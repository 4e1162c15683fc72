// What every arbiter guarantees, whatever stands behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "messages/limits.hpp"
#include "tests/conformance/arbiter/engines.hpp"

namespace holdfast::tests {
namespace {

using namespace replication;
using testing::HasSubstr;

constexpr GroupId kGroup{7};

class ArbiterRules : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "etcd")
      engine_ = std::make_unique<EtcdEngine>();
    else
      engine_ = std::make_unique<EmbeddedEngine>();
    client_ = engine_->client();
  }
  Client& client() { return *client_; }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Client> client_;
};

INSTANTIATE_TEST_SUITE_P(, ArbiterRules, testing::Values("embedded", "etcd"),
                         [](const auto& name) { return std::string(name.param); });

TEST_P(ArbiterRules, ReadsNothingWhereNothingIs) {
  const auto answer = client().read(kGroup);
  ASSERT_TRUE(answer.ok()) << answer.error().text;
  EXPECT_FALSE(answer.value().has_value());
}

TEST_P(ArbiterRules, CreatesOnlyWhereNothingIs) {
  const auto first = first_record(kGroup);
  ASSERT_EQ(client().cas(first).outcome, CasOutcome::kWon);
  EXPECT_EQ(client().read(kGroup).value(), first);
  auto other = first;
  other.format = 2;
  const auto again = client().cas(other);
  EXPECT_EQ(again.outcome, CasOutcome::kLost);
  EXPECT_EQ(again.current, first);
}

TEST_P(ArbiterRules, ReplacesOnlyTheExpectedVersion) {
  const auto one = first_record(kGroup);
  const auto two = led_by(one, incarnation(1));
  const auto three = led_by(two, incarnation(2));
  ASSERT_EQ(client().cas(one).outcome, CasOutcome::kWon);
  ASSERT_EQ(client().cas(two).outcome, CasOutcome::kWon);
  const auto late = client().cas(led_by(one, incarnation(3)));  // expects 1
  EXPECT_EQ(late.outcome, CasOutcome::kLost);
  EXPECT_EQ(late.current, two);
  const auto early = client().cas(led_by(three, incarnation(3)));  // expects 3
  EXPECT_EQ(early.outcome, CasOutcome::kLost);
  EXPECT_EQ(early.current, two);
  EXPECT_EQ(client().cas(three).outcome, CasOutcome::kWon);
  EXPECT_EQ(client().read(kGroup).value(), three);
}

TEST_P(ArbiterRules, LosesWhereAVersionIsExpectedAndNothingIs) {
  const auto result = client().cas(led_by(first_record(kGroup), incarnation(1)));
  EXPECT_EQ(result.outcome, CasOutcome::kLost);
  EXPECT_FALSE(result.current.has_value());
}

TEST_P(ArbiterRules, ShowsEveryChangeToWhoeverReadsAfterIt) {
  const auto other = engine_->client();
  auto record = first_record(kGroup);
  ASSERT_EQ(client().cas(record).outcome, CasOutcome::kWon);
  for (int i = 0; i < 20; ++i) {
    record = led_by(record, incarnation(1 + static_cast<uint32_t>(i) % 3));
    auto& writer = i % 2 == 0 ? client() : *other;
    auto& reader = i % 2 == 0 ? *other : client();
    ASSERT_EQ(writer.cas(record).outcome, CasOutcome::kWon);
    ASSERT_EQ(reader.read(kGroup).value(), record);
  }
}

TEST_P(ArbiterRules, KeepsGroupsApart) {
  ASSERT_EQ(client().cas(first_record(GroupId{1})).outcome, CasOutcome::kWon);
  ASSERT_EQ(client().cas(first_record(GroupId{10})).outcome, CasOutcome::kWon);
  ASSERT_EQ(client().cas(led_by(first_record(GroupId{1}), incarnation(1))).outcome,
            CasOutcome::kWon);
  EXPECT_EQ(client().read(GroupId{10}).value(), first_record(GroupId{10}));
}

TEST_P(ArbiterRules, RefusesProposalsThatMustNotStand) {
  const auto one = first_record(kGroup);
  const auto two = led_by(one, incarnation(1));
  ASSERT_EQ(client().cas(one).outcome, CasOutcome::kWon);
  ASSERT_EQ(client().cas(two).outcome, CasOutcome::kWon);

  auto foreign = led_by(two, incarnation(2));
  foreign.cluster = "another";
  auto inconsistent = led_by(two, incarnation(2));
  inconsistent.in_sync.erase(inconsistent.in_sync.begin() + 1);
  auto second_leader = led_by(two, incarnation(2));
  second_leader.epoch = two.epoch;
  auto older_epoch = led_by(two, incarnation(1));
  older_epoch.epoch = Epoch{0};
  older_epoch.leader.reset();
  auto skips = led_by(two, incarnation(2));
  skips.version = 9;

  const auto before = client()->stats();
  for (const auto& [proposed, why] : {std::pair{foreign, "cluster another"},
                                      {inconsistent, "not in in_sync"},
                                      {second_leader, "second leader"},
                                      {older_epoch, "epoch would fall"},
                                      {skips, "not one more"}}) {
    const auto result = client().cas(proposed, two.version);
    EXPECT_EQ(result.outcome, CasOutcome::kRefused) << why;
    EXPECT_THAT(result.error.text, HasSubstr(why));
  }
  EXPECT_EQ(client()->stats().refused, before.refused + 5);
  EXPECT_EQ(client().read(kGroup).value(), two);
}

TEST_P(ArbiterRules, RefusesWhatWasEditedInconsistently) {
  const auto good = led_by(first_record(kGroup), incarnation(1));
  std::string twice = encode_record(good);
  twice.insert(twice.find("\"epoch\""), "\"epoch\": 99,\n  ");
  std::string foreign_leader = encode_record(good);
  foreign_leader.replace(foreign_leader.find("\"member\": 1"), 11, "\"member\": 5");
  const std::string whole = encode_record(good);
  uint64_t seen = client()->stats().invalid_records;
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("\xff\xfe\x00 garbage", 11), twice,
        foreign_leader, whole.substr(0, whole.size() / 2), whole + "x",
        std::string(limits::kArbiterRecordBytesMax + 5, ' '), std::string(9'000, '[')}) {
    engine_->write_by_hand(kGroup, text);
    const auto answer = client().read(kGroup);
    ASSERT_FALSE(answer.ok()) << text;
    EXPECT_EQ(answer.error().code, ErrorCode::kCorrupt) << answer.error().text;
    const auto change = client().cas(led_by(good, incarnation(2)));
    EXPECT_EQ(change.outcome, CasOutcome::kRefused);
    EXPECT_EQ(change.error.code, ErrorCode::kCorrupt) << change.error.text;
    EXPECT_GE(client()->stats().invalid_records, seen + 2);
    seen = client()->stats().invalid_records;
  }
  engine_->write_by_hand(kGroup, encode_record(good));
  EXPECT_EQ(client().read(kGroup).value(), good);
  EXPECT_EQ(client().cas(led_by(good, incarnation(2))).outcome, CasOutcome::kWon);
}

TEST_P(ArbiterRules, TakesAnEditThatIsConsistent) {
  const auto good = led_by(first_record(kGroup), incarnation(1));
  ASSERT_EQ(client().cas(first_record(kGroup)).outcome, CasOutcome::kWon);
  ASSERT_EQ(client().cas(good).outcome, CasOutcome::kWon);
  // The same record, in other bytes: what was remembered of it no longer compares.
  engine_->write_by_hand(kGroup, "\n  " + encode_record(good));
  EXPECT_EQ(client().cas(led_by(good, incarnation(2))).outcome, CasOutcome::kWon);
}

TEST_P(ArbiterRules, RefusesRecordsOfOthers) {
  auto foreign = first_record(kGroup);
  foreign.cluster = "another";
  for (const auto& record : {foreign, first_record(GroupId{8})}) {
    engine_->write_by_hand(kGroup, encode_record(record));
    const auto answer = client().read(kGroup);
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::kDenied);
    EXPECT_THAT(answer.error().text, HasSubstr("not ours"));
    const auto change = client().cas(led_by(first_record(kGroup), incarnation(2)));
    EXPECT_EQ(change.outcome, CasOutcome::kRefused);
    EXPECT_EQ(change.error.code, ErrorCode::kDenied);
  }
  EXPECT_GE(client()->stats().foreign_records, 4u);
}

// ---- many at once

TEST_P(ArbiterRules, HasOneWinnerAVersion) {
  constexpr uint64_t kVersions = 60;
  constexpr uint32_t kClients = 4;
  ASSERT_EQ(client().cas(first_record(kGroup)).outcome, CasOutcome::kWon);
  std::vector<std::map<uint64_t, GroupRecord>> won(kClients);
  std::vector<std::thread> threads;
  std::atomic<int> strange = 0;
  for (uint32_t c = 0; c < kClients; ++c) {
    threads.emplace_back([&, c] {
      const auto mine = engine_->client();
      auto current = mine->read(kGroup).value();
      while (current->version < kVersions) {
        const auto proposed = led_by(*current, incarnation(1 + c % 3));
        const auto result = mine->cas(proposed);
        if (result.outcome == CasOutcome::kWon) {
          won[c][proposed.version] = proposed;
          current = proposed;
        } else if (result.outcome == CasOutcome::kLost && result.current &&
                   result.current->version >= proposed.version) {
          current = result.current;
        } else {
          ++strange;
          current = mine->read(kGroup).value();
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(strange, 0);
  std::map<uint64_t, int> winners;
  for (const auto& one : won)
    for (const auto& [version, record] : one) ++winners[version];
  EXPECT_EQ(winners.size(), kVersions - 1);
  for (const auto& [version, count] : winners) EXPECT_EQ(count, 1) << version;
  const auto last = client().read(kGroup).value();
  EXPECT_EQ(last->version, kVersions);
  EXPECT_EQ(last->epoch.value, kVersions - 1);
}

TEST_P(ArbiterRules, AnswersManyCallsOfOneClientEachOnce) {
  constexpr int kCalls = 200;
  int read = 0, changed = 0, won = 0;
  const auto first = first_record(kGroup);
  for (int i = 0; i < kCalls; ++i) {
    client()->read(kGroup, [&](auto) { ++read; });
    client()->compare_and_set(first, 0, [&](CasResult result) {
      ++changed;
      won += result.outcome == CasOutcome::kWon;
    });
  }
  ASSERT_TRUE(client().loop().run_until([&] { return read == kCalls && changed == kCalls; }));
  EXPECT_EQ(won, 1);
  const auto stats = client()->stats();
  EXPECT_EQ(stats.calls_waiting, 0u);
  EXPECT_EQ(stats.won, 1u);
  EXPECT_EQ(stats.lost, kCalls - 1u);
  EXPECT_TRUE(stats.healthy);
  EXPECT_GT(stats.last_ok.ns, 0);
}

TEST_P(ArbiterRules, CanBeDestroyedWithCallsUnderWay) {
  for (int i = 0; i < 10; ++i) {
    const auto brief = engine_->client();
    (*brief)->watch(kGroup, [](const GroupRecord&) {});
    for (int k = 0; k < 20; ++k) {
      (*brief)->read(kGroup, [](auto) {});
      (*brief)->compare_and_set(first_record(kGroup), 0, [](auto) {});
    }
  }
  EXPECT_TRUE(client().read(kGroup).ok());
}

// ---- watches

TEST_P(ArbiterRules, WatchTellsWhatStandsAndWhatReplacesIt) {
  auto record = first_record(kGroup);
  ASSERT_EQ(client().cas(record).outcome, CasOutcome::kWon);
  const auto watcher = engine_->client();
  std::vector<GroupRecord> told;
  (*watcher)->watch(kGroup, [&](const GroupRecord& changed) { told.push_back(changed); });
  ASSERT_TRUE(watcher->loop().run_until([&] { return !told.empty(); }));
  EXPECT_EQ(told.back(), record);
  for (int i = 0; i < 30; ++i) {
    record = led_by(record, incarnation(1));
    ASSERT_EQ(client().cas(record).outcome, CasOutcome::kWon);
  }
  ASSERT_TRUE(watcher->loop().run_until([&] { return told.back() == record; }));
  for (std::size_t i = 1; i < told.size(); ++i) EXPECT_LT(told[i - 1].version, told[i].version);
}

TEST_P(ArbiterRules, WatchTellsOfARecordThatIsMadeLater) {
  std::optional<GroupRecord> told;
  client()->watch(kGroup, [&](const GroupRecord& changed) { told = changed; });
  ASSERT_FALSE(client().read(kGroup).value().has_value());
  ASSERT_EQ(client().cas(first_record(kGroup)).outcome, CasOutcome::kWon);
  ASSERT_TRUE(client().loop().run_until([&] { return told.has_value(); }));
  EXPECT_EQ(told, first_record(kGroup));
}

TEST_P(ArbiterRules, WatchLeavesOutWhatIsInconsistent) {
  std::vector<GroupRecord> told;
  client()->watch(kGroup, [&](const GroupRecord& changed) { told.push_back(changed); });
  const auto one = first_record(kGroup);
  ASSERT_EQ(client().cas(one).outcome, CasOutcome::kWon);
  ASSERT_TRUE(client().loop().run_until([&] { return told.size() == 1; }));
  const auto before = client()->stats().invalid_records;
  engine_->write_by_hand(kGroup, "not a record");
  // Counted by the watch itself: nobody reads.
  while (client()->stats().invalid_records == before)
    client().loop().run_until([] { return false; }, std::chrono::milliseconds(5));
  const auto two = led_by(one, incarnation(2));
  engine_->write_by_hand(kGroup, encode_record(two));
  ASSERT_TRUE(client().loop().run_until([&] { return told.size() == 2; }));
  EXPECT_EQ(told.back(), two);
}

TEST_P(ArbiterRules, SecondWatchReplacesTheFirstAndUnwatchEndsIt) {
  auto record = first_record(kGroup);
  ASSERT_EQ(client().cas(record).outcome, CasOutcome::kWon);
  int first = 0, second = 0;
  uint64_t version = 0;
  client()->watch(kGroup, [&](const GroupRecord&) { ++first; });
  ASSERT_TRUE(client().loop().run_until([&] { return first == 1; }));
  client()->watch(kGroup, [&](const GroupRecord& changed) {
    ++second;
    version = changed.version;
  });
  ASSERT_TRUE(client().loop().run_until([&] { return second == 1; }));
  record = led_by(record, incarnation(1));
  ASSERT_EQ(client().cas(record).outcome, CasOutcome::kWon);
  ASSERT_TRUE(client().loop().run_until([&] { return version == record.version; }));
  EXPECT_EQ(first, 1);
  client()->unwatch(kGroup);
  // A change that another watch has heard of would have been told to this one as well.
  const auto other = engine_->client();
  (*other)->watch(kGroup, [&](const GroupRecord& changed) { version = changed.version; });
  record = led_by(record, incarnation(2));
  ASSERT_EQ(client().cas(record).outcome, CasOutcome::kWon);
  ASSERT_TRUE(other->loop().run_until([&] { return version == record.version; }));
  ASSERT_TRUE(client().read(kGroup).ok());
  EXPECT_EQ(second, 2);
}

}  // namespace
}  // namespace holdfast::tests
