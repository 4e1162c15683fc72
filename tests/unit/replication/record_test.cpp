#include "supervision/replication/protocol/record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "messages/limits.hpp"

namespace holdfast::replication {
namespace {

using testing::HasSubstr;

Incarnation incarnation(uint32_t member) {
  Incarnation one{.member = MemberId{member}, .data_dir = {}, .boot = {}};
  one.data_dir.bytes.fill(static_cast<uint8_t>(0xa0 + member));
  one.boot.bytes.fill(static_cast<uint8_t>(0x10 + member));
  return one;
}

/// Two sync members, of which the first leads, and a learner.
GroupRecord sound() {
  GroupRecord record;
  record.cluster = "demo-1";
  record.group = GroupId{1001};
  record.version = 12;
  record.epoch = Epoch{5};
  record.format = 2;
  record.leader = incarnation(1);
  record.in_sync = {incarnation(1), incarnation(2)};
  record.members = {
      {MemberId{1}, Role::kSync}, {MemberId{2}, Role::kSync}, {MemberId{3}, Role::kLearner}};
  return record;
}

std::string why_not(const std::function<void(GroupRecord&)>& change) {
  auto record = sound();
  change(record);
  const auto checked = check_record(record);
  return checked.ok() ? "sound" : checked.error().text;
}

TEST(Record, SurvivesItsText) {
  const auto record = sound();
  const auto decoded = decode_record(encode_record(record));
  ASSERT_TRUE(decoded.ok()) << decoded.error().text;
  EXPECT_EQ(decoded.value(), record);
  auto leaderless = record;
  leaderless.leader.reset();
  leaderless.version = UINT64_MAX;
  leaderless.epoch = Epoch{UINT64_MAX};
  EXPECT_EQ(decode_record(encode_record(leaderless)).value(), leaderless);
}

TEST(Record, IsTheSameTextForTheSameRecord) {
  EXPECT_EQ(encode_record(sound()), encode_record(sound()));
  EXPECT_THAT(encode_record(sound()), HasSubstr("\"version\": 12"));
  EXPECT_THAT(encode_record(sound()), HasSubstr("\"a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1\""));
}

TEST(Record, FitsItsLimitAtItsLargest) {
  auto record = sound();
  record.cluster.assign(limits::kNameBytes, 'c');
  record.members.clear();
  record.in_sync.clear();
  for (uint32_t m = 0; m < limits::kGroupMembersMax; ++m) {
    auto one = incarnation(1);
    one.member.value = UINT32_MAX - m;
    record.members.push_back({one.member, Role::kSync});
    record.in_sync.push_back(one);
  }
  record.leader = record.in_sync[0];
  record.version = UINT64_MAX;
  EXPECT_LT(encode_record(record).size(), limits::kArbiterRecordBytesMax);
}

TEST(Record, NamesTheRuleThatItBreaks) {
  EXPECT_EQ(why_not([](auto&) {}), "sound");
  EXPECT_THAT(why_not([](auto& r) { r.cluster = ""; }), HasSubstr("cluster"));
  EXPECT_THAT(why_not([](auto& r) { r.cluster = "a b"; }), HasSubstr("cluster"));
  EXPECT_THAT(why_not([](auto& r) { r.cluster.assign(33, 'x'); }), HasSubstr("cluster"));
  EXPECT_THAT(why_not([](auto& r) { r.group = {}; }), HasSubstr("group is 0"));
  EXPECT_THAT(why_not([](auto& r) { r.version = 0; }), HasSubstr("version is 0"));
  EXPECT_THAT(why_not([](auto& r) { r.format = 0; }), HasSubstr("format is 0"));
  EXPECT_THAT(why_not([](auto& r) { r.members.clear(); }), HasSubstr("members is empty"));
  EXPECT_THAT(why_not([](auto& r) { r.members[1].member = MemberId{1}; }),
              HasSubstr("member 1 twice"));
  EXPECT_THAT(why_not([](auto& r) { r.members[1].member = {}; }), HasSubstr("member 0"));
  EXPECT_THAT(why_not([](auto& r) { r.members.resize(limits::kGroupMembersMax + 1); }),
              HasSubstr("at most"));
  EXPECT_THAT(why_not([](auto& r) {
                for (auto& member : r.members) member.role = Role::kLearner;
              }),
              HasSubstr("no member is sync"));
  EXPECT_THAT(why_not([](auto& r) { r.in_sync.push_back(incarnation(4)); }),
              HasSubstr("not in members"));
  EXPECT_THAT(why_not([](auto& r) { r.in_sync.push_back(incarnation(2)); }),
              HasSubstr("member 2 twice"));
  EXPECT_THAT(why_not([](auto& r) { r.in_sync[1].data_dir = {}; }), HasSubstr("data_dir"));
  EXPECT_THAT(why_not([](auto& r) { r.in_sync[1].boot = {}; }), HasSubstr("boot"));
  EXPECT_THAT(why_not([](auto& r) { r.in_sync.push_back(incarnation(3)); }),
              HasSubstr("a learner that does not lead"));
  EXPECT_THAT(why_not([](auto& r) { r.leader = incarnation(3); }), HasSubstr("not in in_sync"));
  EXPECT_THAT(why_not([](auto& r) { r.leader->boot.bytes[0] ^= 1; }), HasSubstr("not in in_sync"));
  EXPECT_THAT(why_not([](auto& r) { r.epoch = {}; }), HasSubstr("epoch 0 has a leader"));
  EXPECT_THAT(why_not([](auto& r) {
                r.leader.reset();
                r.in_sync.clear();
              }),
              HasSubstr("in_sync is empty"));
}

TEST(Record, TakesAForcedLearnerAsLeader) {
  EXPECT_EQ(why_not([](auto& r) {
              r.in_sync = {incarnation(3)};
              r.leader = incarnation(3);
            }),
            "sound");
}

std::string why_no_step(const std::function<void(GroupRecord&)>& change) {
  auto next = sound();
  ++next.version;
  change(next);
  const auto checked = check_step(sound(), next);
  return checked.ok() ? "allowed" : checked.error().text;
}

TEST(RecordStep, AllowsWhatTheProtocolDoes) {
  EXPECT_EQ(why_no_step([](auto& r) { r.in_sync.pop_back(); }), "allowed");  // a shrink
  EXPECT_EQ(why_no_step([](auto& r) {                                        // a take-over
              ++r.epoch.value;
              r.leader = incarnation(2);
              r.in_sync = {incarnation(2)};
            }),
            "allowed");
  EXPECT_EQ(why_no_step([](auto& r) { r.leader.reset(); }), "allowed");  // a resignation
  EXPECT_EQ(why_no_step([](auto& r) { r.epoch.value += 7; }), "allowed");
}

TEST(RecordStep, NamesTheRuleThatItBreaks) {
  EXPECT_THAT(why_no_step([](auto& r) { --r.version; }), HasSubstr("version would go"));
  EXPECT_THAT(why_no_step([](auto& r) { ++r.version; }), HasSubstr("version would go"));
  EXPECT_THAT(why_no_step([](auto& r) { r.cluster = "demo-2"; }), HasSubstr("cluster"));
  EXPECT_THAT(why_no_step([](auto& r) { r.group = GroupId{1}; }), HasSubstr("group"));
  EXPECT_THAT(why_no_step([](auto& r) { --r.epoch.value; }), HasSubstr("epoch would fall"));
  EXPECT_THAT(why_no_step([](auto& r) { --r.format; }), HasSubstr("format would fall"));
  EXPECT_THAT(why_no_step([](auto& r) { r.leader = incarnation(2); }), HasSubstr("second leader"));
  EXPECT_THAT(why_no_step([](auto& r) { r.members.clear(); }), HasSubstr("members is empty"));
}

// ---- text from outside

std::string why_not_text(const std::string& from, const std::string& to) {
  auto text = encode_record(sound());
  const auto at = text.find(from);
  if (at == std::string::npos) return "no such place";
  text.replace(at, from.size(), to);
  const auto decoded = decode_record(text);
  if (decoded.ok()) return "taken";
  EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  return decoded.error().text;
}

TEST(RecordText, IsRefusedWithWhatIsWrong) {
  EXPECT_THAT(why_not_text("{", "["), HasSubstr("no JSON at byte"));
  EXPECT_THAT(why_not_text("\"version\": 12", "\"version\": -1"), HasSubstr("version is no whole"));
  EXPECT_THAT(why_not_text("\"version\": 12", "\"version\": 1.5"),
              HasSubstr("version is no whole"));
  EXPECT_THAT(why_not_text("\"version\": 12", "\"version\": 1e400"), HasSubstr("no JSON"));
  EXPECT_THAT(why_not_text("\"version\": 12", "\"version\": 99999999999999999999"),
              HasSubstr("version is no whole"));
  EXPECT_THAT(why_not_text("\"version\": 12", "\"version\": \"12\""), HasSubstr("version"));
  EXPECT_THAT(why_not_text("\"format\": 2", "\"format\": 65536"), HasSubstr("at most 65535"));
  EXPECT_THAT(why_not_text("\"version\": 12,", ""), HasSubstr("lacks \"version\""));
  EXPECT_THAT(why_not_text("\"version\": 12", "\"version\": 12, \"extra\": 1"),
              HasSubstr("unknown key \"extra\""));
  EXPECT_THAT(why_not_text("\"version\": 12", "\"version\": 12, \"version\": 13"),
              HasSubstr("\"version\" is there twice"));
  EXPECT_THAT(why_not_text("\"member\": 1", "\"member\": 1, \"member\": 2"),
              HasSubstr("\"member\" is there twice"));
  EXPECT_THAT(why_not_text("\"sync\"", "\"king\""), HasSubstr("members[0].role"));
  EXPECT_THAT(why_not_text("a1a1a1a1-", "a1a1a1a1+"), HasSubstr("no UUID"));
  EXPECT_THAT(why_not_text("\"demo-1\"", "7"), HasSubstr("cluster is no text"));
  EXPECT_THAT(why_not_text("\"demo-1\"", "\"\\u0000\""), HasSubstr("cluster"));
  EXPECT_THAT(why_not_text("\"members\": [", "\"members\": [1, "), HasSubstr("members[0]"));
}

TEST(RecordText, IsRefusedWhateverItIs) {
  const std::string whole = encode_record(sound());
  for (std::size_t size = 0; size + 2 < whole.size(); ++size)
    EXPECT_FALSE(decode_record(whole.substr(0, size)).ok()) << size;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x80);
    EXPECT_FALSE(decode_record(damaged).ok()) << at;
  }
  EXPECT_FALSE(decode_record(std::string(limits::kArbiterRecordBytesMax + 1, ' ')).ok());
  EXPECT_FALSE(decode_record(std::string(limits::kArbiterRecordBytesMax, '[')).ok());
}

TEST(Incarnation, SurvivesItsText) {
  EXPECT_EQ(parse_incarnation(to_text(incarnation(7))).value(), incarnation(7));
  for (const std::string& text :
       {std::string(), std::string("//"), to_text(incarnation(0)), "x" + to_text(incarnation(1)),
        to_text(incarnation(1)) + "0", "99999999999" + to_text(incarnation(1)).substr(1)})
    EXPECT_FALSE(parse_incarnation(text).ok()) << text;
  Incarnation blank = incarnation(1);
  blank.boot = {};
  EXPECT_FALSE(parse_incarnation(to_text(blank)).ok());
}

TEST(Uuid, TakesUpperCaseAndRefusesTheRest) {
  const auto uuid = parse_uuid("0123ABCD-0000-0000-0000-00000000abcd");
  ASSERT_TRUE(uuid.ok());
  EXPECT_EQ(to_text(uuid.value()), "0123abcd-0000-0000-0000-00000000abcd");
  for (const char* text :
       {"", "0123abcd", "0123abcd-0000-0000-0000-00000000abc",
        "0123abcg-0000-0000-0000-00000000abcd", "0123abcd00000-0000-0000-00000000abcd"})
    EXPECT_FALSE(parse_uuid(text).ok()) << text;
}

}  // namespace
}  // namespace holdfast::replication
