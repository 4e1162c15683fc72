// Cutting a stream into FIX messages, and writing reports.
#include "nodes/venue/fix_text.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace holdfast::exchange {
namespace {

constexpr std::size_t kMax = 4096;

std::string with_soh(std::string text) {
  for (char& c : text)
    if (c == '|') c = '\x01';
  return text;
}

std::string whole_message(const std::string& body) {
  const std::string soh_body = with_soh(body);
  std::string message = with_soh("8=FIX.4.4|9=" + std::to_string(soh_body.size()) + "|") + soh_body;
  unsigned sum = 0;
  for (const char c : message) sum += static_cast<unsigned char>(c);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", sum % 256);
  return message + trailer;
}

Frame::Kind kind_of(const std::string& text, std::size_t max = kMax) {
  return next_frame(with_soh(text), max).kind;
}

TEST(FixFrame, EveryPrefixOfAMessageIsIncomplete) {
  const std::string message = whole_message("35=0|34=2|49=A|56=B|");
  for (std::size_t n = 0; n < message.size(); ++n)
    EXPECT_EQ(next_frame(message.substr(0, n), kMax).kind, Frame::Kind::kIncomplete) << n;
  const Frame frame = next_frame(message + "8=FIX", kMax);
  EXPECT_EQ(frame.kind, Frame::Kind::kMessage);
  EXPECT_EQ(frame.bytes, message.size());
}

TEST(FixFrame, WhatCanNeverBecomeAMessageIsGarbage) {
  for (const char* text :
       {"GET / HTTP/1.1", "8=FOX", "x", "8=FIX.4.4.4.4.4.4.4.4.4", "8=FIX.4.4|35=A|",
        "8=FIX.4.4|9=|", "8=FIX.4.4|9=-5|", "8=FIX.4.4|9=1x|", "8=FIX.4.4|9=5|35=0|99=123|",
        "8=FIX.4.4|9=5|35=0|10=1a0|", "8=FIX.4.4|9=4|35=0|10=000|", "8=FIX.4.4|9=0000000000005|"})
    EXPECT_EQ(kind_of(text), Frame::Kind::kGarbage) << text;
}

TEST(FixFrame, LengthAboveTheLimitIsRefusedBeforeItsBytesCome) {
  EXPECT_EQ(kind_of("8=FIX.4.4|9=999999999"), Frame::Kind::kGarbage);
  EXPECT_EQ(kind_of("8=FIX.4.4|9=100|", 64), Frame::Kind::kGarbage);
  const std::string message = whole_message("35=0|");
  EXPECT_EQ(next_frame(message, message.size()).kind, Frame::Kind::kMessage);
  EXPECT_EQ(next_frame(message, message.size() - 1).kind, Frame::Kind::kGarbage);
}

TEST(FixFrame, NoBytesMakeItReadBeyondWhatItWasGiven) {
  std::mt19937 random(7);
  const std::string alphabet =
      "8=FIX.4\x01"
      "910,x";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 2 == 0 ? std::string{} : with_soh("8=FIX.4.4|9=");
    for (std::size_t n = random() % 40; n > 0; --n) text += alphabet[random() % alphabet.size()];
    const Frame frame = next_frame(text, 64);
    if (frame.kind == Frame::Kind::kMessage) {
      EXPECT_LE(frame.bytes, text.size());
    }
  }
}

TEST(Timestamp, IsUtcWithMilliseconds) {
  TimestampText text;
  EXPECT_EQ(text.of({0}), "19700101-00:00:00.000");
  EXPECT_EQ(text.of({951'825'599'999'999'999}), "20000229-11:59:59.999");
  EXPECT_EQ(text.of({1'795'199'984'732'734'927}), "20261120-18:39:44.732");
  EXPECT_EQ(text.of({1'795'199'984'001'000'000}), "20261120-18:39:44.001");
}

using FixFields = std::multimap<int, std::string>;

FixFields fields_of(const std::string& message) {
  FixFields fields;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t equals = message.find('=', at);
    const std::size_t end = message.find('\x01', at);
    fields.emplace(std::stoi(message.substr(at, equals - at)),
                   message.substr(equals + 1, end - equals - 1));
    at = end + 1;
  }
  return fields;
}

struct EncoderTest : testing::Test {
  EncoderTest() {
    header = {"VENUE", "GATE", 42, {1'795'199'984'732'734'927}};
    report.order = 7;
    report.execution = 9;
    report.client_order_id = "C1";
    report.symbol = "AAPL";
    report.limit = Price::from_units(58'533'000'000);
    report.total = report.leaves = Quantity::whole(100);
  }
  // What was encoded, checked to be framed and summed right.
  FixFields decoded(const std::string& message) {
    EXPECT_EQ(next_frame(message, kMax).bytes, message.size());
    EXPECT_EQ(message, whole_message(message.substr(message.find("35="),
                                                    message.rfind("10=") - message.find("35="))));
    return fields_of(message);
  }
  std::string field(const FixFields& fields, int tag) {
    EXPECT_LE(fields.count(tag), 1u) << tag;
    return fields.count(tag) == 0 ? "absent" : fields.find(tag)->second;
  }
  IdSpelling ids{WallTime{1'000'000'000}};
  ReportEncoder encoder{ids};
  FixHeader header;
  Report report;
};
using ReportEncoding = EncoderTest;

TEST_F(ReportEncoding, AcceptedOrderHasEveryRequiredField) {
  report.account = "ACC";
  report.secondary_order_id = "cl-1";
  const auto f = decoded(encoder.encode(header, report, false));
  const std::map<int, std::string> expected = {{35, "8"},
                                               {34, "42"},
                                               {49, "VENUE"},
                                               {56, "GATE"},
                                               {52, "20261120-18:39:44.732"},
                                               {1, "ACC"},
                                               {6, "0"},
                                               {11, "C1"},
                                               {14, "0"},
                                               {37, "Ors-7"},
                                               {17, "Ers-9"},
                                               {38, "100"},
                                               {39, "0"},
                                               {40, "2"},
                                               {44, "585.33"},
                                               {54, "1"},
                                               {55, "AAPL"},
                                               {59, "0"},
                                               {60, "20261120-18:39:44.732"},
                                               {150, "0"},
                                               {151, "100"},
                                               {526, "cl-1"}};
  for (const auto& [tag, value] : expected) EXPECT_EQ(field(f, tag), value) << tag;
  for (const int tag : {31, 32, 41, 58, 103, 584, 790, 797})
    EXPECT_EQ(field(f, tag), "absent") << tag;
}

TEST_F(ReportEncoding, FillHasItsLastAndItsAverage) {
  report.exec_type = 'F';
  report.trade = 3;
  report.last_price = Price::whole(585);
  report.last_quantity = Quantity::whole(60);
  report.average_price = Price::from_units(58'500'000'001);
  const auto f = decoded(encoder.encode(header, report, false));
  EXPECT_EQ(field(f, 31), "585");
  EXPECT_EQ(field(f, 32), "60");
  EXPECT_EQ(field(f, 6), "585.00000001");
}

TEST_F(ReportEncoding, CopyIsMarkedAndMarketHasNoPrice) {
  report.type = OrderType::kMarket;
  report.time_in_force = TimeInForce::kFillOrKill;
  const auto f = decoded(encoder.encode(header, report, true));
  EXPECT_EQ(field(f, 797), "Y");
  EXPECT_EQ(field(f, 40), "1");
  EXPECT_EQ(field(f, 44), "absent");
  EXPECT_EQ(field(f, 59), "4");
}

TEST_F(ReportEncoding, UnknownOrderIsNotDescribed) {
  Report unknown;
  unknown.kind = ReportKind::kStatus;
  unknown.exec_type = 'I';
  unknown.order_status = '8';
  unknown.reject_reason = RejectReason::kUnknownOrder;
  unknown.client_order_id = "C9";
  const auto f = decoded(encoder.encode(header, unknown, false));
  EXPECT_EQ(field(f, 37), "NONE");
  EXPECT_EQ(field(f, 11), "C9");
  EXPECT_EQ(field(f, 103), "5");
  EXPECT_EQ(field(f, 38), "absent");
  EXPECT_EQ(field(f, 55), "[N/A]");
}

TEST_F(ReportEncoding, RefusalNamesWhatItRefuses) {
  Refusal refusal;
  refusal.client_order_id = "C2";
  refusal.original_client_order_id = "C1";
  refusal.reason = RefusalReason::kUnknownOrder;
  refusal.of_replace = true;
  refusal.text = "why";
  const auto f = decoded(encoder.encode(header, refusal));
  const std::map<int, std::string> expected = {{35, "9"}, {11, "C2"}, {41, "C1"}, {37, "NONE"},
                                               {39, "8"}, {102, "1"}, {434, "2"}, {58, "why"}};
  for (const auto& [tag, value] : expected) EXPECT_EQ(field(f, tag), value) << tag;
}

TEST_F(ReportEncoding, RecordLineHasAllThatAWitnessNeeds) {
  report.trade = 3;
  report.kind = ReportKind::kFill;
  report.account = "AC\"C";
  report.secondary_order_id = "cl-1";
  report.last_price = Price::whole(585);
  report.last_quantity = Quantity::whole(60);
  report.cause.sequence = 5;
  report.cause.possible_duplicate = true;
  std::string line;
  append_record(line, {12}, "GATE", report, ids);
  EXPECT_EQ(
      line,
      R"({"t":12,"type":"fill","session":"GATE","clordid":"C1","orig_clordid":"",)"
      R"("client_order_id":"cl-1","account":"AC\"C","orderid":"Ors-7","execid":"Ers-9","trade":3,)"
      R"("symbol":"AAPL","side":"buy","ordtype":"limit","tif":"day","qty":"100","px":"585.33",)"
      R"("last_qty":"60","last_px":"585","cum":"0","leaves":"100","possdup":true,"seq":5})"
      "\n");
}

TEST_F(ReportEncoding, StatusIsNoFactToRecord) {
  report.kind = ReportKind::kStatus;
  std::string line;
  append_record(line, {12}, "GATE", report, ids);
  EXPECT_EQ(line, "");
}

TEST_F(ReportEncoding, RefusalIsRecordedWithItsReason) {
  Refusal refusal;
  refusal.client_order_id = "C2";
  refusal.original_client_order_id = "C1";
  refusal.reason = RefusalReason::kTooLate;
  refusal.order = 7;
  std::string line;
  append_record(line, {12}, "GATE", refusal, ids);
  EXPECT_EQ(
      line,
      R"({"t":12,"type":"cancel_rejected","session":"GATE","clordid":"C2","orig_clordid":"C1",)"
      R"("client_order_id":"","account":"","orderid":"Ors-7","symbol":"","of":"cancel","reason":0,)"
      R"("text":"","possdup":false,"seq":0})"
      "\n");
}

}  // namespace
}  // namespace holdfast::exchange
