// The store of precedents on a real disk: what it keeps over restarts and kills, and what it does
// when what it finds is damaged.
#include "actors/agents/precedents/store_rocksdb.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace holdfast::precedents {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Incident incident(uint64_t number, FaultClass fault = FaultClass::kSlowDisk) {
  Incident out;
  out.number = number;
  out.cause = fault;
  Finding finding;
  finding.agent.domain = domain_of(fault);
  finding.fault = fault;
  finding.evidence.push_back(
      {telemetry::Metric::kFsyncLatency, {}, DetectorKind::kCusum, 90'000, 400, 4'000, {}, {}});
  out.findings.push_back(finding);
  return out;
}

Seed seed(uint64_t number, FaultClass fault, ActionKind action) {
  Seed out;
  out.number = number;
  out.fault = fault;
  out.symptoms = {{telemetry::Metric::kFsyncLatency, true}};
  out.action = action;
  out.note = "by experience";
  return out;
}

const std::vector<Seed> kSeeds = {seed(1, FaultClass::kSlowDisk, ActionKind::kMigrate),
                                  seed(2, FaultClass::kPacketLoss, ActionKind::kSwitchEndpoint)};

class PrecedentStore : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-precedents-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    settings_.directory = folder_ + "/precedents";
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<StoreRocksdb> open(const std::vector<Seed>& seeds = kSeeds) {
    auto opened = StoreRocksdb::open(settings_, seeds);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().text);
    if (!opened) return nullptr;
    rebuilt_ = opened.value().rebuilt;
    return std::move(opened.value().store);
  }

  std::string folder_, rebuilt_;
  StoreSettings settings_;
};

TEST_F(PrecedentStore, BeginsWithTheSeeds) {
  auto store = open();
  EXPECT_EQ(rebuilt_, "");
  EXPECT_EQ(store->size(), 2u);
  const auto matches = store->find(signature_of(incident(1)), 8);
  ASSERT_FALSE(matches.empty());
  EXPECT_EQ(matches.front().ref.incident, seed_number(1));
  EXPECT_EQ(matches.front().actions.front().action, ActionKind::kMigrate);
  EXPECT_EQ(store->get(seed_number(1)).value().note, "by experience");
}

TEST_F(PrecedentStore, LearnsAndRemembersOverARestart) {
  std::vector<Precedent> before;
  {
    auto store = open();
    ASSERT_TRUE(
        store->learn(incident(7), ActionKind::kDrain, RemedyOutcome::kRolledBack, WallTime{5})
            .ok());
    ASSERT_TRUE(
        store->learn(incident(7), ActionKind::kMigrate, RemedyOutcome::kSucceeded, WallTime{6})
            .ok());
    ASSERT_TRUE(store
                    ->learn(incident(8, FaultClass::kPacketLoss), ActionKind::kMigrate,
                            RemedyOutcome::kFailed, WallTime{7})
                    .ok());
    before = store->list(FaultClass::kNone, 100);
    ASSERT_EQ(before.size(), 4u);
    EXPECT_EQ(before.front().number, 8u) << "the latest first";
  }
  auto store = open();
  EXPECT_EQ(rebuilt_, "");
  EXPECT_EQ(store->list(FaultClass::kNone, 100), before);
  const auto seven = store->get(7).value();
  ASSERT_EQ(seven.actions.size(), 2u);
  EXPECT_EQ(seven.actions[0], (ActionRecord{ActionKind::kDrain, 0, 1, 0}));
  EXPECT_EQ(seven.actions[1], (ActionRecord{ActionKind::kMigrate, 1, 0, 0}));
  // The seed's record is clean and goes first; what was learned is more alike.
  const auto found = store->find(signature_of(incident(9)), 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].ref.incident, 7u);
  EXPECT_GT(found[1].ref.similarity_ppm, found[0].ref.similarity_ppm);
}

TEST_F(PrecedentStore, WhatIsNoRecordChangesNothing) {
  auto store = open();
  for (const auto outcome :
       {RemedyOutcome::kOpen, RemedyOutcome::kDenied, RemedyOutcome::kNotNeeded})
    EXPECT_TRUE(store->learn(incident(7), ActionKind::kDrain, outcome, WallTime{5}).ok());
  EXPECT_EQ(store->size(), 2u);
  EXPECT_EQ(
      store->learn(incident(0), ActionKind::kDrain, RemedyOutcome::kSucceeded, {}).error().code,
      ErrorCode::kInvalid);
  EXPECT_EQ(
      store->learn(incident(seed_number(1)), ActionKind::kDrain, RemedyOutcome::kSucceeded, {})
          .error()
          .code,
      ErrorCode::kInvalid);
  Incident unknown;
  unknown.number = 3;
  EXPECT_EQ(store->learn(unknown, ActionKind::kDrain, RemedyOutcome::kSucceeded, {}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(store->get(3).error().code, ErrorCode::kNotFound);
}

TEST_F(PrecedentStore, IsBounded) {
  settings_.index.learned_max = 5;
  {
    auto store = open();
    for (uint64_t number = 1; number <= 12; ++number)
      ASSERT_TRUE(store
                      ->learn(incident(number), ActionKind::kDrain, RemedyOutcome::kSucceeded,
                              WallTime{static_cast<int64_t>(number)})
                      .ok());
    EXPECT_EQ(store->size(), 7u);
    EXPECT_FALSE(store->get(7).ok());
    EXPECT_TRUE(store->get(8).ok());
  }
  settings_.index.learned_max = 3;
  EXPECT_EQ(open()->size(), 5u);
}

TEST_F(PrecedentStore, FollowsTheSeedsOfTheConfiguration) {
  open();
  auto changed = kSeeds;
  changed[0].action = ActionKind::kDrain;
  changed[1] = seed(3, FaultClass::kHttpSlow, ActionKind::kSwitchEndpoint);
  {
    auto store = open(changed);
    EXPECT_EQ(store->size(), 2u);
    EXPECT_EQ(store->get(seed_number(1)).value().actions.front().action, ActionKind::kDrain);
    EXPECT_FALSE(store->get(seed_number(2)).ok());
  }
  EXPECT_EQ(open({})->size(), 0u);
  auto twice = kSeeds;
  twice[1].number = 1;
  const auto refused = StoreRocksdb::open(settings_, twice);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
}

TEST_F(PrecedentStore, OnlyOneProcessHasIt) {
  auto store = open();
  const auto second = StoreRocksdb::open(settings_, kSeeds);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict) << second.error().text;
  EXPECT_EQ(store->size(), 2u);
}

TEST_F(PrecedentStore, AFolderThatCannotBeUsedIsAnError) {
  std::ofstream(folder_ + "/file") << "x";
  settings_.directory = folder_ + "/file/precedents";
  const auto refused = StoreRocksdb::open(settings_, kSeeds);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

// What was acknowledged is there after a kill, and what was not leaves nothing half done.
TEST_F(PrecedentStore, SurvivesAKill) {
  for (int round = 0; round < 3; ++round) {
    int told[2];
    ASSERT_EQ(pipe(told), 0);
    const auto first = static_cast<uint64_t>(round) * 1'000'000 + 1;
    const pid_t child = fork();
    if (child == 0) {
      dup2(told[1], STDOUT_FILENO);
      execl(WRITER_BINARY, WRITER_BINARY, settings_.directory.c_str(),
            std::to_string(first).c_str(), nullptr);
      _exit(127);
    }
    close(told[1]);
    uint64_t last = 0, name = 0;
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(read(told[0], &name, sizeof name), static_cast<ssize_t>(sizeof name));
      last = name;
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(told[0], &name, sizeof name) == static_cast<ssize_t>(sizeof name)) last = name;
    close(told[0]);
    auto store = open({});
    ASSERT_NE(store, nullptr);
    EXPECT_EQ(rebuilt_, "");
    for (auto each = first; each <= last; ++each) ASSERT_TRUE(store->get(each).ok()) << each;
  }
}

std::vector<fs::path> files_of(const std::string& folder, const std::string& ending) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().string().ends_with(ending) && entry.file_size() > 0)
      out.push_back(entry.path());
  return out;
}

TEST_F(PrecedentStore, DamageIsToldKeptAsideAndBegunAgainFromTheSeeds) {
  {
    auto store = open();
    for (uint64_t number = 1; number <= 50; ++number)
      ASSERT_TRUE(
          store->learn(incident(number), ActionKind::kDrain, RemedyOutcome::kSucceeded, WallTime{1})
              .ok());
  }
  open();  // a second start writes its tables out
  const auto tables = files_of(settings_.directory, ".sst");
  ASSERT_FALSE(tables.empty());
  for (const auto& path : tables) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(10);
    file << "damaged by a test, several bytes long";
  }
  auto store = open();
  ASSERT_NE(store, nullptr);
  EXPECT_THAT(rebuilt_, testing::AllOf(HasSubstr("damaged"), HasSubstr("begins again"),
                                       HasSubstr(settings_.directory + ".damaged")));
  EXPECT_EQ(store->size(), 2u);
  EXPECT_TRUE(fs::exists(settings_.directory + ".damaged"));
  store.reset();
  open();
  EXPECT_EQ(rebuilt_, "");
}

TEST_F(PrecedentStore, AMissingFileIsDamageToo) {
  {
    auto store = open();
    ASSERT_TRUE(
        store->learn(incident(1), ActionKind::kDrain, RemedyOutcome::kSucceeded, WallTime{1}).ok());
  }
  open();
  for (const auto& path : files_of(settings_.directory, ".sst")) fs::remove(path);
  auto store = open();
  ASSERT_NE(store, nullptr);
  EXPECT_NE(rebuilt_, "");
  EXPECT_EQ(store->size(), 2u);
}

}  // namespace
}  // namespace holdfast::precedents
