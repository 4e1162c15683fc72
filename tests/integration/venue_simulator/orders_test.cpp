// Orders over real sockets: what a counterparty reads, and what the record says of it.
#include <gtest/gtest.h>

#include "tests/integration/venue_simulator/running_venue.hpp"

namespace holdfast::exchange {
namespace {

TEST(VenueOrders, OrderIsAcknowledgedAndRecordedBeforeTheReportLeaves) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  gate.new_order("A1", '1', "585.33", "100", {{1, "ACC"}, {526, "cl-1"}});
  const FixMessage report = gate.next();
  EXPECT_EQ(report.type(), "8");
  EXPECT_EQ(report.get(150), "0");
  EXPECT_EQ(report.get(39), "0");
  EXPECT_EQ(report.get(11), "A1");
  EXPECT_EQ(report.get(151), "100");
  EXPECT_EQ(report.get(1), "ACC");
  const auto record = venue.record();
  ASSERT_EQ(record.size(), 1u);
  for (const std::string expected :
       {"\"type\":\"accepted\"", "\"session\":\"GATE\"", "\"clordid\":\"A1\"",
        "\"client_order_id\":\"cl-1\"", "\"px\":\"585.33\"", "\"qty\":\"100\"", "\"possdup\":false",
        "\"seq\":2"})
    EXPECT_NE(record[0].find(expected), std::string::npos) << expected << " in " << record[0];
  EXPECT_NE(record[0].find("\"orderid\":\"" + report.get(37) + "\""), std::string::npos);
  EXPECT_NE(record[0].find("\"execid\":\"" + report.get(17) + "\""), std::string::npos);
}

TEST(VenueOrders, TwoFirmsTradeWithEachOther) {
  RunningVenue venue;
  FixClient buyer(venue.port(), "BUYER");
  FixClient seller(venue.port(), "SELLER");
  buyer.logon();
  seller.logon();
  buyer.new_order("B1", '1', "10.50", "100");
  EXPECT_EQ(buyer.next().get(150), "0");
  seller.new_order("S1", '2', "10.40", "40");
  EXPECT_EQ(seller.next().get(150), "0");
  const FixMessage sold = seller.next();
  EXPECT_EQ(sold.get(150), "F");
  EXPECT_EQ(sold.get(39), "2");
  EXPECT_EQ(sold.get(31), "10.5");
  EXPECT_EQ(sold.get(32), "40");
  const FixMessage bought = buyer.next();
  EXPECT_EQ(bought.get(39), "1");
  EXPECT_EQ(bought.get(14), "40");
  EXPECT_EQ(bought.get(151), "60");
  EXPECT_EQ(bought.get(6), "10.5");
  EXPECT_NE(bought.get(17), sold.get(17));
  EXPECT_EQ(venue.recorded("fill"), 2u);
}

TEST(VenueOrders, CancelReplaceStatusAndTheirRefusals) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  gate.send("G",
            {{11, "A2"}, {41, "A1"}, {55, "AAPL"}, {54, "1"}, {38, "80"}, {40, "2"}, {44, "11"}});
  gate.send("H", {{11, "A2"}, {55, "AAPL"}, {54, "1"}, {790, "Q1"}});
  gate.cancel("A3", "A1");
  gate.cancel("A4", "A2");
  gate.cancel("A5", "A2");
  gate.send("H", {{11, "none"}, {55, "AAPL"}, {54, "1"}});
  const auto said = gate.drain();
  ASSERT_EQ(said.size(), 7u);
  EXPECT_EQ(said[1].get(150), "5");
  EXPECT_EQ(said[1].get(41), "A1");
  EXPECT_EQ(said[2].get(150), "I");
  EXPECT_EQ(said[2].get(44), "11");
  EXPECT_EQ(said[2].get(790), "Q1");
  EXPECT_EQ(said[3].type(), "9");
  EXPECT_EQ(said[3].get(102), "1");
  EXPECT_EQ(said[3].get(434), "1");
  EXPECT_EQ(said[4].get(150), "4");
  EXPECT_EQ(said[4].get(41), "A2");
  EXPECT_EQ(said[5].get(102), "0");
  EXPECT_EQ(said[6].get(39), "8");
  EXPECT_EQ(said[6].get(103), "5");
  EXPECT_EQ(said[6].get(11), "none");
  EXPECT_EQ(venue.recorded("cancel_rejected"), 2u);
  EXPECT_EQ(venue.recorded("replaced"), 1u);
}

TEST(VenueOrders, DuplicateClOrdIdIsRejectedAndWitnessed) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  gate.new_order("A1", '1', "10", "100");
  const auto said = gate.drain();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[1].get(39), "8");
  EXPECT_EQ(said[1].get(103), "6");
  EXPECT_EQ(venue.recorded("accepted"), 1u);
  EXPECT_EQ(venue.recorded("duplicate_clordid"), 1u);
}

TEST(VenueOrders, MalformedFieldsAreRejectedCountedAndHarmNobody) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  ControlClient control(venue.control_port());
  gate.logon();
  const FixFieldList whole = {{11, "A1"},  {55, "AAPL"}, {54, "1"},
                              {38, "100"}, {40, "2"},    {44, "10"}};
  struct Case {
    int tag;
    const char* value;  // nullptr: left out
    const char* answer;
    const char* reason;
  };
  const Case cases[] = {
      {11, nullptr, "j", "5"},
      {55, nullptr, "j", "5"},
      {38, nullptr, "j", "5"},
      {44, nullptr, "j", "5"},
      {38, "ten", "3", "6"},
      {44, "1e3", "3", "6"},
      {44, "0.000000001", "3", "6"},
      {38, "99999999999999", "3", "6"},
      {54, "x", "3", "5"},
      {54, "11", "3", "6"},
      {11, "0123456789012345678901234567890123456789X", "3", "5"},
      {40, "3", "8", "11"},
      {59, "6", "8", "11"},
      {54, "9", "8", "11"},
      {38, "-5", "8", "13"},
  };
  int answered = 0;
  for (const Case& c : cases) {
    FixFieldList body = whole;
    std::erase_if(body, [&c](const auto& field) { return field.first == c.tag; });
    if (c.value != nullptr) body.emplace_back(c.tag, c.value);
    if (c.tag != 11) body[0].second = "M" + std::to_string(answered);
    gate.send("D", body);
    const FixMessage answer = gate.next();
    EXPECT_EQ(answer.type(), c.answer) << c.tag << "=" << (c.value == nullptr ? "" : c.value);
    const int reason_tag = std::string(c.answer) == "j"   ? 380
                           : std::string(c.answer) == "3" ? 373
                                                          : 103;
    EXPECT_EQ(answer.get(reason_tag), c.reason)
        << c.tag << "=" << (c.value == nullptr ? "" : c.value);
    ++answered;
  }
  gate.send("ZZ", {});
  EXPECT_EQ(gate.next().get(380), "3");
  EXPECT_EQ(control.stat("malformed"), 12);
  EXPECT_EQ(control.stat("rejected"), 4);
  gate.new_order("GOOD", '1', "10", "1");
  EXPECT_EQ(gate.next().get(150), "0") << "the session goes on";
}

TEST(VenueOrders, MassStatusListsOpenOrders) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  gate.new_order("A2", '1', "11", "100");
  gate.drain();
  gate.send("AF", {{584, "M1"}, {585, "7"}});
  const auto said = gate.drain();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].get(911), "2");
  EXPECT_EQ(said[0].get(912), "N");
  EXPECT_EQ(said[1].get(912), "Y");
  EXPECT_EQ(said[1].get(584), "M1");
}

TEST(VenueOrders, EndOfDayExpiresDayOrders) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  ControlClient control(venue.control_port());
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  gate.new_order("A2", '1', "11", "100", {{59, "1"}});
  gate.drain();
  EXPECT_EQ(control.ask("end-day"), "{\"ok\":true,\"expired\":1}");
  const FixMessage report = gate.next();
  EXPECT_EQ(report.get(150), "C");
  EXPECT_EQ(report.get(11), "A1");
  EXPECT_EQ(venue.recorded("expired"), 1u);
}

// A burst in one segment: each order is answered once, in order, and all of them are in the record.
TEST(VenueOrders, PipelinedOrdersAreAllAnsweredInOrder) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  constexpr int kOrders = 5'000;
  std::string burst;
  for (int i = 0; i < kOrders; ++i)
    burst += gate.encode(
        "D",
        {{11, "N" + std::to_string(i)}, {55, "AAPL"}, {54, "1"}, {38, "1"}, {40, "2"}, {44, "1"}},
        gate.sequence++);
  gate.send_raw(burst);
  const auto said = gate.drain();
  ASSERT_EQ(said.size(), static_cast<std::size_t>(kOrders));
  for (int i = 0; i < kOrders; ++i) {
    EXPECT_EQ(said[static_cast<std::size_t>(i)].get(11), "N" + std::to_string(i));
    EXPECT_EQ(said[static_cast<std::size_t>(i)].sequence(), i + 2);
  }
  EXPECT_EQ(venue.recorded("accepted"), static_cast<std::size_t>(kOrders));
}

}  // namespace
}  // namespace holdfast::exchange
