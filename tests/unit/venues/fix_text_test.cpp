#include "actors/venues/fix/fix_text.hpp"

#include <gtest/gtest.h>

namespace holdfast::venues {
namespace {

std::string heartbeat(int number) {
  return frame("FIX.4.4",
               "35=0\x01"
               "34=" +
                   std::to_string(number) +
                   "\x01"
                   "49=A\x01"
                   "56=B\x01");
}
std::vector<std::string> all(FixFramer& framer) {
  std::vector<std::string> messages;
  while (const auto message = framer.next()) messages.emplace_back(*message);
  return messages;
}

TEST(FixFramer, CutsMessagesHoweverTheBytesCome) {
  const std::string stream = heartbeat(1) + heartbeat(2) + heartbeat(3);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    FixFramer framer;
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      framer.push(std::string_view(stream).substr(at, piece));
      for (auto& message : all(framer)) messages.push_back(message);
    }
    ASSERT_EQ(messages.size(), 3u) << "in pieces of " << piece;
    EXPECT_EQ(messages[1], heartbeat(2));
    EXPECT_EQ(framer.garbage(), 0u);
  }
}

TEST(FixFramer, SkipsAndCountsWhatIsNoMessage) {
  const std::string good = heartbeat(7);
  for (const std::string& bad :
       {std::string("x"), std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'),
        std::string("8=FIX"), std::string("8=FIX.4.4\x01"),
        std::string("8=FIX.4.4\x01"
                    "9=\x01"),
        std::string("8=FIX.4.4\x01"
                    "9=abc\x01"),
        std::string("8=FIX.4.4\x01"
                    "35=0\x01"),
        std::string("8=FIX.4.4\x01"
                    "9=99999999999\x01"),
        std::string("8=FIX.4.4\x01"
                    "9=0\x01"),
        std::string("8=FIX.4.4\x01"
                    "9=65537\x01"),
        std::string("8=FIX" + std::string(60, 'x')),
        std::string("8=FIX.4.4\x01"
                    "9=5\x01"
                    "35=0\x01"
                    "10=999\x01")}) {
    FixFramer framer;
    framer.push(bad + good);
    const auto messages = all(framer);
    ASSERT_EQ(messages.size(), 1u) << bad;
    EXPECT_EQ(messages[0], good);
    EXPECT_GE(framer.garbage(), 1u) << bad;
  }
}

TEST(FixFramer, AWrongChecksumIsGarbage) {
  std::string message = heartbeat(1);
  message[message.size() - 2] = message[message.size() - 2] == '0' ? '1' : '0';
  FixFramer framer;
  framer.push(message + heartbeat(2));
  EXPECT_EQ(all(framer), std::vector<std::string>{heartbeat(2)});
}

TEST(FixFramer, HoldsNoMoreThanItsBuffer) {
  FixFramer framer;
  const std::string start =
      "8=FIX.4.4\x01"
      "9=60000\x01";
  framer.push(start);
  for (int i = 0; i < 100; ++i) framer.push(std::string(limits::kFixReceiveBufferBytes, 'x'));
  EXPECT_GT(framer.garbage(), 0u);
  (void)all(framer);
  framer.clear();
  framer.push(heartbeat(1));
  EXPECT_EQ(all(framer).size(), 1u);
}

TEST(FixHeader, SaysTypeNumberAndFlags) {
  const auto header = header_of(
      "8=FIX.4.4\x01"
      "9=1\x01"
      "35=A\x01"
      "34=17\x01"
      "43=Y\x01"
      "141=Y\x01"
      "10=0\x01");
  EXPECT_EQ(header.type, "A");
  EXPECT_EQ(header.number, 17u);
  EXPECT_TRUE(header.possible_duplicate);
  EXPECT_TRUE(header.reset);
  EXPECT_EQ(header_of("").number, 0u);
  EXPECT_EQ(header_of("34=x\x01").number, 0u);
  EXPECT_EQ(header_of("34=99999999999\x01").number, 0u);
}

TEST(FixField, IsFoundByItsWholeTag) {
  EXPECT_EQ(field_of("134=9\x01"
                     "34=5\x01",
                     34),
            "5");
  EXPECT_EQ(field_of("134=9\x01", 34), std::nullopt);
}

TEST(FixTime, ThereAndBack) {
  for (const char* text : {"19700101-00:00:00.000", "20000229-23:59:59.999",
                           "20260302-14:30:00.001", "21000228-12:00:00.500"}) {
    const auto time = parse_utc_timestamp(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(utc_timestamp(time.value()), text);
  }
  EXPECT_EQ(parse_utc_timestamp("20260302-14:30:00").value().ns, 1'772'461'800'000'000'000);
  EXPECT_EQ(parse_utc_timestamp("20260302-14:30:00.000001").value().ns, 1'772'461'800'000'001'000);
  EXPECT_EQ(utc_date(parse_utc_timestamp("20261231-23:59:59").value()), 20261231u);
}

TEST(FixTime, RefusesWhatIsNone) {
  for (const char* text :
       {"", "20260302", "20260302 14:30:00", "20261302-14:30:00", "20260302-24:30:00",
        "20260302-14:60:00", "2026030a-14:30:00", "20260302-14:30:00.", "20260302-14:30:00,5",
        "20260302-14:30:00.0000000001"})
    EXPECT_FALSE(parse_utc_timestamp(text).ok()) << text;
}

TEST(FixFrame, HasRightLengthAndChecksum) {
  const std::string message = frame("FIX.4.4",
                                    "35=0\x01"
                                    "34=1\x01");
  EXPECT_EQ(message,
            "8=FIX.4.4\x01"
            "9=10\x01"
            "35=0\x01"
            "34=1\x01"
            "10=165\x01");
}

}  // namespace
}  // namespace holdfast::venues
