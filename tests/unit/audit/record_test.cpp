// Records, their bytes and frames.
#include "supervision/orchestrator/audit/record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervision/orchestrator/audit/frame.hpp"
#include "tests/enumerators.hpp"

namespace holdfast::audit {
namespace {

using testing::HasSubstr;

Record record() {
  Record record;
  record.sequence = 7;
  record.at = {1'795'185'000'000'000'000};
  record.clock = ClockSource::kNtp;
  record.clock_bound_us = 250;
  record.kind = RecordKind::kProposal;
  record.incident = 3;
  record.actor = "advisor/model";
  record.payload = R"({"action":"migrate"})";
  return record;
}

TEST(AuditRecord, ReturnsAsItWas) {
  auto each = record();
  for (const auto [kind, name] : tests::enumerators<RecordKind>())
    for (const auto [clock, clock_name] : tests::enumerators<ClockSource>()) {
      each.kind = kind;
      each.clock = clock;
      each.clock_bound_us = clock == ClockSource::kUnknown ? std::nullopt : std::optional(9u);
      const auto again = decode(encode(each));
      ASSERT_TRUE(again) << name << clock_name << again.error().text;
      EXPECT_EQ(again.value(), each);
      EXPECT_NE(to_text(kind), "invalid") << name;
      EXPECT_NE(to_text(clock), "invalid") << clock_name;
    }
  EXPECT_EQ(tests::enumerators<RecordKind>().size(), kRecordKinds);
  EXPECT_EQ(tests::enumerators<ClockSource>().size(), kClockSources);
}

// Logs are kept for years and compared between members: these bytes never change.
TEST(AuditRecord, BytesAreFixed) {
  Record fixed;
  fixed.sequence = 1;
  fixed.at = {2};
  fixed.kind = RecordKind::kKillSwitch;
  fixed.actor = "a";
  using namespace std::string_literals;
  EXPECT_EQ(encode(fixed),
            "\x01"
            "\x01\0\0\0\0\0\0\0"
            "\x02\0\0\0\0\0\0\0"
            "\0"
            "\xff\xff\xff\xff\xff\xff\xff\xff"
            "\x0d"
            "\0\0\0\0\0\0\0\0"
            "\x01"
            "a"
            "\x02\0\0\0{}"s);
}

TEST(AuditRecord, AnyOtherBytesAreNone) {
  const auto bytes = encode(record());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_FALSE(decode(bytes + " "));
  // Whatever one byte becomes: refused, or another record with those very bytes.
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      auto spoilt = bytes;
      spoilt[at] = static_cast<char>(value);
      const auto decoded = decode(spoilt);
      if (decoded) {
        EXPECT_EQ(encode(decoded.value()), spoilt);
      }
    }
}

TEST(AuditRecord, SaysWhatIsWrongWithOne) {
  const auto wrong = [](auto spoil) {
    auto each = record();
    spoil(each);
    const auto valid = validate(each);
    return valid ? std::string() : valid.error().text;
  };
  EXPECT_EQ(wrong([](auto&) {}), "");
  EXPECT_THAT(wrong([](auto& r) { r.actor = ""; }), HasSubstr("actor"));
  EXPECT_THAT(wrong([](auto& r) { r.kind = RecordKind{0}; }), HasSubstr("kind"));
  EXPECT_THAT(wrong([](auto& r) { r.kind = RecordKind{kRecordKinds + 1}; }), HasSubstr("kind"));
  EXPECT_THAT(wrong([](auto& r) { r.clock = ClockSource{kClockSources}; }), HasSubstr("clock"));
  EXPECT_THAT(wrong([](auto& r) { r.payload = "[]"; }), HasSubstr("JSON object"));
  EXPECT_THAT(
      wrong([](auto& r) { r.payload = "{\"a\":\"" + std::string(kPayloadBytesMax, 'x') + "\"}"; }),
      HasSubstr("at most"));
}

TEST(AuditRecord, PayloadsAreJsonObjects) {
  for (const auto* good :
       {"{}", " { } ", R"({"a":1})", R"({"a":[1,-2.5e+3,true,false,null,"x\n\u00e4",{"b":[]}]})",
        R"({"a":0,"b":-0.1})"})
    EXPECT_TRUE(is_json_object(good)) << good;
  for (const auto* bad :
       {"", "[]", "1", "{", "}", "{} {}", R"({"a"})", R"({"a":})", R"({"a":1,})", R"({a:1})",
        R"({"a":01})", R"({"a":1.})", R"({"a":+1})", R"({"a":"\x"})", R"({"a":"\u12"})",
        "{\"a\":\"\n\"}", R"({"a":tru})", R"({"a":[1,]})", R"({"a":"b)"})
    EXPECT_FALSE(is_json_object(bad)) << bad;
  std::string deep = "{\"a\":";
  for (int i = 0; i < 31; ++i) deep += "[";
  for (int i = 0; i < 31; ++i) deep += "]";
  EXPECT_TRUE(is_json_object(deep + "}"));
  EXPECT_FALSE(is_json_object("{\"a\":" + std::string(100'000, '[')));
}

std::vector<std::string> scan(const std::string& bytes, std::size_t piece, FrameScanner& scanner) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    scanner.feed(std::string_view(bytes).substr(at, piece));
    while (const auto record = scanner.next()) found.emplace_back(*record);
  }
  return found;
}

TEST(AuditFrame, AreFoundInPiecesOfAnySize) {
  const std::vector<std::string> records = {"one", std::string(300, 'x'), "three"};
  auto bytes = std::string(kLogHeader);
  for (const auto& each : records) bytes += frame(each);
  for (const std::size_t piece : {1u, 7u, 8u, 64u, 1'000u}) {
    FrameScanner scanner;
    EXPECT_EQ(scan(bytes, piece, scanner), records) << piece;
    EXPECT_EQ(scanner.offset(), bytes.size());
    EXPECT_EQ(scanner.unfinished(), 0u);
    EXPECT_EQ(scanner.damage(), "");
  }
}

TEST(AuditFrame, EveryFlippedBitIsDamageOrAnUnfinishedEnd) {
  const std::vector<std::string> records = {"first record", "second record"};
  auto bytes = std::string(kLogHeader);
  for (const auto& each : records) bytes += frame(each);
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      auto spoilt = bytes;
      spoilt[at] = static_cast<char>(spoilt[at] ^ (1 << bit));
      FrameScanner scanner;
      const auto found = scan(spoilt, spoilt.size(), scanner);
      EXPECT_LT(found.size(), 2u) << at;
      EXPECT_TRUE(!scanner.damage().empty() || scanner.unfinished() > 0) << at;
    }
}

TEST(AuditFrame, ATornEndIsUnfinished) {
  const auto bytes = std::string(kLogHeader) + frame("one") + frame("two");
  const auto first = kLogHeader.size() + kFrameHeadBytes + 3;
  for (std::size_t size = first + 1; size < bytes.size(); ++size) {
    FrameScanner scanner;
    EXPECT_EQ(scan(bytes.substr(0, size), 1'000, scanner).size(), 1u);
    EXPECT_EQ(scanner.damage(), "");
    EXPECT_EQ(scanner.offset(), first);
    EXPECT_EQ(scanner.unfinished(), size - first);
  }
}

TEST(AuditFrame, AFileOfSomethingElseIsNone) {
  FrameScanner scanner;
  scanner.feed("not at all an audit log");
  EXPECT_FALSE(scanner.next());
  EXPECT_THAT(scanner.damage(), HasSubstr("does not begin"));
}

}  // namespace
}  // namespace holdfast::audit
