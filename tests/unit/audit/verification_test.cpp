// What was done to a log is found and named, also where whoever did it kept its form.
#include "supervision/orchestrator/audit/verification.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervision/orchestrator/audit/crypto_linux.hpp"

namespace holdfast::audit {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kRecords = 12;

std::string record(uint64_t sequence, const std::string& payload = "{}") {
  Record record;
  record.sequence = sequence;
  record.actor = "orchestrator@colo-a";
  record.payload = payload;
  return encode(record);
}
std::vector<std::string> log(uint64_t count = kRecords) {
  std::vector<std::string> out;
  for (uint64_t i = 1; i <= count; ++i) out.push_back(record(i));
  return out;
}
Checkpoint checkpoint_of(const std::vector<std::string>& records, uint64_t size) {
  Frontier frontier(sha256);
  for (uint64_t i = 0; i < size; ++i) frontier.append(leaf_hash(sha256, records[i]));
  return {"log", size, frontier.root(), {}};
}
// Against checkpoints of 4, 8 and all of the honest log.
Report verify(const std::vector<std::string>& records, const std::string& damage = "",
              std::size_t unfinished = 0) {
  const auto honest = log();
  Verification verification(sha256, {checkpoint_of(honest, kRecords), checkpoint_of(honest, 4),
                                     checkpoint_of(honest, 8)});
  uint64_t offset = 16;
  for (const auto& each : records) {
    verification.take(each, offset);
    offset += 8 + each.size();
  }
  return verification.finish(damage, offset, unfinished);
}

TEST(Verification, AnHonestLogIsClean) {
  const auto report = verify(log());
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.records, kRecords);
  EXPECT_EQ(report.signed_records, kRecords);
  EXPECT_EQ(report.checkpoints, 3u);
  EXPECT_EQ(report.root, checkpoint_of(log(), kRecords).root);
  // What came after the last checkpoint is nobody's word yet.
  const auto longer = verify(log(kRecords + 3));
  EXPECT_TRUE(longer.clean());
  EXPECT_EQ(longer.records, kRecords + 3);
  EXPECT_EQ(longer.signed_records, kRecords);
}

TEST(Verification, AChangedRecordIsBetweenTwoCheckpoints) {
  for (uint64_t changed = 1; changed <= kRecords; ++changed) {
    auto records = log();
    records[changed - 1] = record(changed, R"({"changed":true})");
    const auto report = verify(records);
    const auto first = changed <= 4 ? "1 to 4" : changed <= 8 ? "5 to 8" : "9 to 12";
    ASSERT_FALSE(report.clean()) << changed;
    EXPECT_THAT(report.problems.front(), HasSubstr(std::string("one of records ") + first));
  }
}

TEST(Verification, ARemovedRecordIsNamed) {
  for (uint64_t removed = 1; removed < kRecords; ++removed) {
    auto records = log();
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(removed) - 1);
    const auto report = verify(records);
    EXPECT_THAT(report.problems,
                Contains(HasSubstr("record " + std::to_string(removed) + " was removed or moved")));
  }
}

TEST(Verification, RemovedAndRenumberedIsFoundByTheRoot) {
  auto records = log();
  records.erase(records.begin() + 5);
  for (uint64_t i = 5; i < records.size(); ++i) records[i] = record(i + 1, R"({"n":1})");
  const auto report = verify(records);
  ASSERT_FALSE(report.clean());
  EXPECT_THAT(report.problems.front(), HasSubstr("one of records 5 to 8"));
}

TEST(Verification, ReorderedRecordsAreNamed) {
  auto records = log();
  std::swap(records[5], records[6]);
  const auto report = verify(records);
  EXPECT_THAT(report.problems, Contains(HasSubstr("after record 5 comes record 7")));
  EXPECT_THAT(report.problems, Contains(HasSubstr("after record 7 comes record 6")));
  EXPECT_THAT(report.problems, Contains(HasSubstr("one of records 5 to 8")));
}

TEST(Verification, InsertedAndRepeatedRecordsAreNamed) {
  auto records = log();
  records.insert(records.begin() + 6, records[2]);
  EXPECT_THAT(verify(records).problems,
              Contains(HasSubstr("after record 6 comes record 3 (at byte ")));
  records = log();
  records.insert(records.begin() + 6, records[5]);
  EXPECT_THAT(verify(records).problems, Contains(HasSubstr("a record was inserted, repeated")));
}

TEST(Verification, MissingRecordsBelowACheckpointAreNamed) {
  for (uint64_t left = 0; left < kRecords; ++left) {
    const auto report = verify(log(left));
    ASSERT_FALSE(report.clean()) << left;
    const auto missing = left + 1 == kRecords
                             ? "record 12 is missing"
                             : "records " + std::to_string(left + 1) + " to 12 are missing";
    EXPECT_THAT(report.problems.back(), HasSubstr(missing));
  }
}

TEST(Verification, DamageIsNamedAndEndsTheComparison) {
  const auto report = verify(log(5), "its checksum is not that of its bytes");
  EXPECT_THAT(report.problems.at(0), HasSubstr("record 6 (at byte "));
  EXPECT_THAT(report.problems.at(0), HasSubstr("is damaged: its checksum"));
  EXPECT_THAT(report.problems.at(1), HasSubstr("2 checkpoints, of up to 12 records"));
  EXPECT_EQ(report.signed_records, 4u);
}

TEST(Verification, ATornEndIsNotClean) {
  const auto report = verify(log(kRecords + 1), "", 17);
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("17 bytes are no whole record")));
}

TEST(Verification, BytesThatAreNoRecordAreNamed) {
  auto records = log();
  records[3] = "nonsense";
  const auto report = verify(records);
  EXPECT_THAT(report.problems.front(), HasSubstr("record 4 (at byte "));
  EXPECT_THAT(report.problems.front(), HasSubstr("no audit record"));
}

TEST(Verification, CheckpointsOfTwoLogsAreNamed) {
  auto other = checkpoint_of(log(), 4);
  other.origin = "another";
  Verification verification(sha256, {checkpoint_of(log(), 3), other});
  for (const auto& each : log()) verification.take(each, 0);
  EXPECT_THAT(verification.finish("", 0, 0).problems, ElementsAre(HasSubstr("of two logs")));
}

TEST(Verification, ACheckpointOfNothingHasTheRootOfNothing) {
  Verification good(sha256, {{"log", 0, empty_root(sha256), {}}});
  EXPECT_TRUE(good.finish("", 16, 0).clean());
  Verification bad(sha256, {{"log", 0, sha256("x"), {}}});
  EXPECT_FALSE(bad.finish("", 16, 0).clean());
}

TEST(Verification, OnlySoManyProblemsAreNamed) {
  std::vector<std::string> records;
  for (uint64_t i = 0; i < 100; ++i) records.push_back(record(1));
  const auto report = verify(records);
  EXPECT_EQ(report.problems.size(), kProblemsNamedMax);
  EXPECT_GT(report.problems_more, 50u);
}

TEST(Verification, TimesAreOfTheCalendar) {
  EXPECT_EQ(utc_text({1'795'185'000'123'000'000}), "2026-11-20 14:30:00.123 UTC");
  EXPECT_EQ(utc_text({0}), "1970-01-01 00:00:00.000 UTC");
  EXPECT_EQ(utc_text({-1}), "1969-12-31 23:59:59.999 UTC");
  EXPECT_EQ(utc_text({951'825'601'000'000'000}), "2000-02-29 12:00:01.000 UTC");
}

}  // namespace
}  // namespace holdfast::audit
