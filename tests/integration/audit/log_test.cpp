// The log on disk: appended, found again, torn by a crash, damaged.
#include "tests/integration/audit/audit_fixture.hpp"

#include <sys/stat.h>

#include <thread>

namespace holdfast::audit {
namespace {

using testing::HasSubstr;

class Log : public AuditFiles {};

TEST_F(Log, NumbersRecordsAndFindsThemAgain) {
  Hash root{};
  {
    auto log = open();
    EXPECT_EQ(log->state().appended, 0u);
    for (uint64_t n = 1; n <= 5; ++n) EXPECT_EQ(log->append(record(n)).value(), n);
    ASSERT_TRUE(log->flush());
    EXPECT_EQ(log->state().durable, 5u);
    EXPECT_EQ(log->state().signed_records, 5u);
    root = log->state().root;
  }
  auto log = open();
  EXPECT_EQ(log->state().durable, 5u);
  EXPECT_EQ(log->state().signed_records, 5u);
  EXPECT_EQ(log->state().root, root);
  EXPECT_EQ(log->append(record(6)).value(), 6u);
  ASSERT_TRUE(log->flush());
  const auto records = read_records(settings_.directory, 2, 100);
  ASSERT_TRUE(records) << records.error().text;
  ASSERT_EQ(records.value().size(), 5u);
  EXPECT_EQ(records.value().front().sequence, 2u);
  EXPECT_EQ(records.value().back().payload, "{\"n\":6}");
}

TEST_F(Log, FilesAreTheirOwnersAlone) {
  fill(1);
  const auto mode = [&](const std::string& file) {
    struct stat status {};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
    return status.st_mode & 0777;
  };
  EXPECT_EQ(mode(settings_.directory), 0700u);
  EXPECT_EQ(mode(log_file()), 0600u);
  EXPECT_EQ(mode(private_key_file(settings_.directory)), 0600u);
}

TEST_F(Log, TheEndOfALogIsSigned) {
  fill(7);
  const auto notes = read_checkpoints(checkpoints_file(settings_.directory));
  ASSERT_TRUE(notes);
  EXPECT_EQ(notes.value().back().checkpoint.size, 7u);
  EXPECT_EQ(notes.value().back().checkpoint.at, record(7).at);
}

TEST_F(Log, MembersWithTheSameRecordsHaveTheSameRoot) {
  fill(9);
  const auto bytes = slurp(log_file());
  settings_.directory = folder_ + "/other";
  settings_.name = "colo-b";
  fill(9, 2);
  EXPECT_EQ(slurp(log_file()), bytes);
}

TEST_F(Log, TheSameRecordAgainIsDoneAlready) {
  fill(3);
  auto log = open();
  auto second = record(2);
  second.sequence = 2;
  EXPECT_EQ(log->append(second).value(), 2u);
  second.payload = "{\"other\":1}";
  EXPECT_EQ(log->append(second).error().code, ErrorCode::kCorrupt);
  auto ahead = record(5);
  ahead.sequence = 5;
  EXPECT_EQ(log->append(ahead).error().code, ErrorCode::kConflict);
  ahead.sequence = 4;
  EXPECT_EQ(log->append(ahead).value(), 4u);
}

TEST_F(Log, WhatIsNoRecordIsRefused) {
  auto log = open();
  auto bad = record(1);
  bad.payload = "nothing";
  EXPECT_EQ(log->append(bad).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(log->append(record(1)).value(), 1u);
}

TEST_F(Log, OneProcessAtATime) {
  auto log = open();
  EXPECT_EQ(open_error(), ErrorCode::kConflict);
}

TEST_F(Log, ATornEndIsCutAndKeptBeside) {
  fill(4);
  const auto whole = slurp(log_file());
  spill(log_file(), whole + frame(encode(record(1))).substr(0, 20));
  {
    auto log = open();
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(log->state().torn_bytes, 20u);
    EXPECT_EQ(log->state().durable, 4u);
    EXPECT_EQ(log->append(record(5)).value(), 5u);
  }
  EXPECT_EQ(slurp(settings_.directory + "/torn-" + std::to_string(whole.size())).size(), 20u);
  EXPECT_EQ(slurp(log_file()).substr(0, whole.size()), whole);
  EXPECT_EQ(open()->state().durable, 5u);
}

TEST_F(Log, WhatWasSignedIsNeverCut) {
  fill(4);
  const auto whole = slurp(log_file());
  spill(log_file(), whole.substr(0, whole.size() - 3));
  EXPECT_EQ(open_error(), ErrorCode::kCorrupt);
  EXPECT_EQ(slurp(log_file()).size(), whole.size() - 3);
  auto flipped = whole;
  flipped[flipped.size() / 2] ^= 1;
  spill(log_file(), flipped);
  EXPECT_EQ(open_error(), ErrorCode::kCorrupt);
  EXPECT_EQ(slurp(log_file()), flipped);
  spill(log_file(), whole);
  EXPECT_NE(open(), nullptr);
}

TEST_F(Log, AHalfWrittenCheckpointIsForgotten) {
  fill(4, 2);
  const auto file = checkpoints_file(settings_.directory);
  const auto notes = slurp(file);
  spill(file, notes.substr(0, notes.size() - 30));
  {
    auto log = open();
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(log->state().signed_records, 2u);
  }
  EXPECT_EQ(read_checkpoints(file).value().back().checkpoint.size, 4u);
  auto flipped = slurp(file);
  flipped[100] ^= 1;
  spill(file, flipped);
  EXPECT_EQ(open_error(), ErrorCode::kCorrupt);
}

TEST_F(Log, AnotherLogsFolderIsRefused) {
  fill(2);
  settings_.origin = "holdfast/audit/other";
  EXPECT_EQ(open_error(), ErrorCode::kCorrupt);
}

TEST_F(Log, AnEmptyOrHalfMadeFileBeginsAnew) {
  fs::create_directory(settings_.directory);
  spill(log_file(), "HOLDF");
  fill(1);
  EXPECT_EQ(open()->state().durable, 1u);
}

TEST_F(Log, ManyRecordsFromManyThreadsAreAllThere) {
  constexpr uint64_t kEach = 500, kThreads = 4;
  {
    settings_.checkpoint_every = 100;
    auto log = open();
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (uint64_t n = 1; n <= kEach; ++n) EXPECT_TRUE(log->append(record(n)));
      });
    for (auto& thread : threads) thread.join();
  }
  auto log = open();
  EXPECT_EQ(log->state().durable, kEach * kThreads);
  EXPECT_EQ(log->state().signed_records, kEach * kThreads);
}

}  // namespace
}  // namespace holdfast::audit
