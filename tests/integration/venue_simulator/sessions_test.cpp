// The FIX session as a counterparty lives it: numbers, gaps, resends, resets, refusals, and bytes
// that are no FIX at all.
#include <gtest/gtest.h>

#include "tests/integration/venue_simulator/running_venue.hpp"

namespace holdfast::exchange {
namespace {

TEST(VenueSession, NumbersGoOnOverConnections) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  int sequence = 0;
  {
    FixClient gate(venue.port(), "GATE");
    EXPECT_EQ(gate.logon().sequence(), 1);
    gate.new_order("A1", '1', "10", "100");
    EXPECT_EQ(gate.next().sequence(), 2);
    sequence = gate.sequence;
  }
  ASSERT_TRUE(control.reaches("logouts", 1));
  FixClient gate(venue.port(), "GATE");
  gate.sequence = sequence;
  EXPECT_EQ(gate.logon().sequence(), 3);
  gate.cancel("A2", "A1");
  EXPECT_EQ(gate.next().get(150), "4") << "the order lived on";
}

TEST(VenueSession, ReportsOfAnAbsentFirmComeByResend) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  FixClient seller(venue.port(), "SELLER");
  seller.logon();
  {
    FixClient buyer(venue.port(), "BUYER");
    buyer.logon();
    buyer.new_order("B1", '1', "10", "100");
    buyer.next();
  }
  ASSERT_TRUE(control.reaches("logouts", 1));
  seller.new_order("S1", '2', "10", "100");
  EXPECT_EQ(seller.drain().size(), 2u);
  FixClient buyer(venue.port(), "BUYER");
  buyer.sequence = 3;
  EXPECT_EQ(buyer.logon().sequence(), 4) << "number 3 is the fill";
  buyer.send("2", {{7, "3"}, {16, "0"}});
  const FixMessage fill = buyer.next();
  EXPECT_EQ(fill.sequence(), 3);
  EXPECT_EQ(fill.get(43), "Y");
  EXPECT_EQ(fill.get(150), "F");
  EXPECT_TRUE(fill.has(122));
  const FixMessage gap = buyer.next();
  EXPECT_EQ(gap.type(), "4");
  EXPECT_EQ(gap.get(123), "Y");
  EXPECT_EQ(gap.get(36), "5");
}

// More reports than the sockets' buffers hold, for a firm that doesn't read until all is sent; then
// all of it once more.
TEST(VenueSession, LongBacklogAndLongResendAreWhole) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  constexpr int kOrders = 40'000;
  int sequence = 0;
  {
    FixClient gate(venue.port(), "GATE");
    gate.logon();
    for (int i = 0; i < kOrders; ++i) gate.new_order("N" + std::to_string(i), '1', "1", "1");
    ASSERT_TRUE(control.reaches("accepted", kOrders));
    const auto said = gate.drain();
    ASSERT_EQ(said.size(), static_cast<std::size_t>(kOrders));
    EXPECT_EQ(said.back().get(11), "N" + std::to_string(kOrders - 1));
    sequence = gate.sequence;
  }
  ASSERT_TRUE(control.reaches("logouts", 1));
  FixClient gate(venue.port(), "GATE");
  gate.sequence = sequence;
  gate.logon();
  gate.send("2", {{7, "1"}, {16, "0"}});
  EXPECT_EQ(gate.next().type(), "4") << "the Logon is filled as a gap";
  for (int i = 0; i < kOrders; ++i) {
    const FixMessage again = gate.next();
    ASSERT_EQ(again.sequence(), i + 2);
    ASSERT_EQ(again.get(43), "Y");
    ASSERT_EQ(again.get(11), "N" + std::to_string(i));
  }
}

TEST(VenueSession, GapIsAskedForAndWorkedOffInOrder) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  const FixFieldList cancel = {{11, "A2"}, {41, "A1"}, {55, "AAPL"}};
  gate.send("F", cancel, 3);
  const FixMessage request = gate.next();
  EXPECT_EQ(request.type(), "2");
  EXPECT_EQ(request.get(7), "2");
  gate.send("D", {{11, "A1"}, {55, "AAPL"}, {54, "1"}, {38, "5"}, {40, "2"}, {44, "1"}}, 2,
            {{43, "Y"}, {122, "20260101-00:00:00"}});
  const FixMessage accepted = gate.next();
  EXPECT_EQ(accepted.get(150), "0");
  EXPECT_EQ(gate.next().get(150), "4") << "the cancel waited for the order";
  const auto record = venue.record();
  ASSERT_EQ(record.size(), 2u);
  EXPECT_NE(record[0].find("\"possdup\":true,\"seq\":2"), std::string::npos) << record[0];
  EXPECT_NE(record[1].find("\"possdup\":false,\"seq\":3"), std::string::npos) << record[1];
}

TEST(VenueSession, RepeatOfAProcessedNumberIsIgnored) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  gate.next();
  gate.send("D", {{11, "A1"}, {55, "AAPL"}, {54, "1"}, {38, "100"}, {40, "2"}, {44, "10"}}, 2,
            {{43, "Y"}, {122, "20260101-00:00:00"}});
  EXPECT_TRUE(gate.drain().empty());
  EXPECT_EQ(control.stat("possible_duplicates"), 1);
  EXPECT_EQ(venue.record().size(), 1u);
}

TEST(VenueSession, NumberTooLowEndsTheSession) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  gate.next();
  gate.send("D", {{11, "A2"}, {55, "AAPL"}, {54, "1"}, {38, "100"}, {40, "2"}, {44, "10"}}, 2);
  const FixMessage logout = gate.next();
  EXPECT_EQ(logout.type(), "5");
  EXPECT_NE(logout.get(58).find("too low"), std::string::npos);
  EXPECT_TRUE(gate.closed());
  EXPECT_EQ(venue.record().size(), 1u);
}

TEST(VenueSession, ResetFlagStartsBothNumbersAnew) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  {
    FixClient gate(venue.port(), "GATE");
    gate.logon();
    gate.new_order("A1", '1', "10", "100");
    gate.next();
  }
  ASSERT_TRUE(control.reaches("logouts", 1));
  FixClient gate(venue.port(), "GATE");
  const FixMessage answer = gate.logon({{141, "Y"}});
  EXPECT_EQ(answer.sequence(), 1);
  EXPECT_EQ(answer.get(141), "Y");
  gate.new_order("A1", '1', "10", "100");
  EXPECT_EQ(gate.next().get(103), "6") << "a reset of numbers does not forget orders";
}

TEST(VenueSession, TestRequestIsAnsweredAndLogoutToo) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  gate.send("1", {{112, "hello"}});
  EXPECT_EQ(gate.next().get(112), "hello");
  gate.send("5", {});
  EXPECT_EQ(gate.next().type(), "5");
  EXPECT_TRUE(gate.closed());
}

TEST(VenueSession, SilentCounterpartyGetsHeartbeatsOrATestRequest) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  gate.send("A", {{98, "0"}, {108, "1"}});
  EXPECT_EQ(gate.next().type(), "A");
  EXPECT_EQ(gate.next_of("1").get(112), "TEST");
}

TEST(VenueSession, SecondLogonIsRefusedWhileTheFirstLives) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  FixClient first(venue.port(), "GATE");
  first.logon();
  FixClient second(venue.port(), "GATE");
  second.send("A", {{98, "0"}, {108, "30"}});
  EXPECT_TRUE(second.closed());
  EXPECT_EQ(control.stat("logons_refused"), 1);
  EXPECT_TRUE(first.drain().empty()) << "the first is unharmed";
}

TEST(VenueSession, SecondLogonTakesOverWhereThatIsAllowed) {
  VenueOptions options;
  options.exchange.replace_connection = true;
  RunningVenue venue(options);
  FixClient first(venue.port(), "GATE");
  first.logon();
  FixClient second(venue.port(), "GATE");
  second.sequence = first.sequence;
  EXPECT_EQ(second.logon().sequence(), 2);
  EXPECT_TRUE(first.closed());
}

TEST(VenueSession, LogonsThatAreNotForUsAreClosedAndCounted) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  const auto refused = [&venue](const std::string& name, const std::string& target,
                                const std::string& version, const FixFieldList& body,
                                const char* type = "A") {
    FixClient client(venue.port(), name);
    client.target = target;
    client.version = version;
    client.send(type, body);
    return client.closed();
  };
  const FixFieldList good = {{98, "0"}, {108, "30"}};
  EXPECT_TRUE(refused("GATE", "ELSEWHERE", "FIX.4.4", good));
  EXPECT_TRUE(refused("GATE", "VENUE", "FIX.4.2", good));
  EXPECT_TRUE(refused("GATE", "VENUE", "FIX.4.4", good, "D"));
  EXPECT_TRUE(refused("GATE", "VENUE", "FIX.4.4", {{98, "0"}}));
  EXPECT_TRUE(refused("GATE", "VENUE", "FIX.4.4", {{98, "0"}, {108, "soon"}}));
  EXPECT_TRUE(refused("GATE", "VENUE", "FIX.4.4", {{98, "0"}, {108, "-1"}}));
  EXPECT_EQ(control.stat("garbage"), 6);
  EXPECT_TRUE(refused("../GATE", "VENUE", "FIX.4.4", good)) << "a CompID names files";
  EXPECT_EQ(control.stat("logons_refused"), 1);
}

TEST(VenueSession, GarbageOnThePortIsCutAndHarmsNobody) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  int n = 0;
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(70'000, 'x'), std::string(1, '\0'),
        std::string("8=FIX.4.4\x01"
                    "9=99999999\x01"),
        std::string("8=FIX.4.4\x01"
                    "9=5\x01"
                    "35=0\x01"
                    "99=123\x01"),
        std::string("8=FIX.4.4\x01"
                    "9=5\x01"
                    "35=0\x01"
                    "10=999\x01")}) {
    FixClient stranger(venue.port(), "STRANGER");
    stranger.send_raw(garbage);
    EXPECT_TRUE(stranger.closed());
    EXPECT_EQ(control.stat("garbage"), ++n);
  }
  EXPECT_TRUE(gate.drain().empty());
}

TEST(VenueSession, GarbledMessageIsIgnoredAndComesAgain) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  std::string garbled =
      gate.encode("D", {{11, "A1"}, {55, "AAPL"}, {54, "1"}, {38, "5"}, {40, "2"}, {44, "1"}}, 2);
  garbled[garbled.size() - 2] = garbled[garbled.size() - 2] == '0' ? '1' : '0';
  gate.send_raw(garbled);
  gate.send("1", {{112, "x"}}, 3);
  EXPECT_EQ(gate.next().type(), "2") << "number 2 is missing";
  EXPECT_EQ(control.stat("garbled"), 1);
  EXPECT_TRUE(venue.record().empty());
}

TEST(VenueSession, DropCopyHearsWhatItsFirmHears) {
  RunningVenue venue;
  FixClient gate(venue.port(), "GATE");
  FixClient other(venue.port(), "OTHER");
  gate.logon();
  other.logon();
  gate.new_order("A1", '1', "10", "100");
  gate.send("H", {{11, "A1"}, {55, "AAPL"}, {54, "1"}});
  const std::string first = gate.drain()[0].get(17);

  FixClient copy(venue.port(), "GATE-DROP");
  copy.logon();
  const FixMessage missed = copy.next();
  EXPECT_EQ(missed.get(17), first) << "also what was said before it came";
  EXPECT_EQ(missed.get(797), "Y");
  EXPECT_EQ(missed.get(56), "GATE-DROP");
  other.new_order("B1", '2', "10", "30");
  EXPECT_EQ(gate.next().get(150), "F");
  const FixMessage fill = copy.next();
  EXPECT_EQ(fill.get(150), "F");
  EXPECT_EQ(fill.get(14), "30");
  EXPECT_EQ(fill.get(797), "Y");
  EXPECT_TRUE(copy.drain().empty()) << "no statuses, and nothing of other firms";
  copy.new_order("X", '1', "10", "1");
  EXPECT_EQ(copy.next().type(), "j") << "it may only listen";
}

TEST(VenueSession, DropCopyGetsWhatItMissedByResend) {
  RunningVenue venue;
  ControlClient control(venue.control_port());
  FixClient gate(venue.port(), "GATE");
  gate.logon();
  {
    FixClient copy(venue.port(), "GATE-DROP");
    copy.logon();
  }
  ASSERT_TRUE(control.reaches("logouts", 1));
  gate.new_order("A1", '1', "10", "100");
  gate.next();
  FixClient copy(venue.port(), "GATE-DROP");
  copy.sequence = 2;
  EXPECT_EQ(copy.logon().sequence(), 3);
  copy.send("2", {{7, "2"}, {16, "0"}});
  const FixMessage missed = copy.next();
  EXPECT_EQ(missed.get(43), "Y");
  EXPECT_EQ(missed.get(797), "Y");
  EXPECT_EQ(missed.get(11), "A1");
}

TEST(VenueSession, DayOrdersAreCancelledWhenTheSessionStaysAway) {
  VenueOptions options;
  options.exchange.cancel_on_disconnect = Duration::milliseconds(50);
  RunningVenue venue(options);
  FixClient copy(venue.port(), "GATE-DROP");
  {
    FixClient gate(venue.port(), "GATE");
    gate.logon();
    copy.logon();
    gate.new_order("A1", '1', "10", "100");
    gate.new_order("A2", '1', "10", "100", {{59, "1"}});
    gate.drain();
  }
  EXPECT_EQ(copy.next().get(150), "0");
  EXPECT_EQ(copy.next().get(150), "0");
  const FixMessage cancelled = copy.next();
  EXPECT_EQ(cancelled.get(150), "4");
  EXPECT_EQ(cancelled.get(11), "A1");
  EXPECT_EQ(venue.recorded("cancelled"), 1u) << "the GTC order stays";
}

TEST(VenueSession, ReturnWithinTheGraceKeepsDayOrders) {
  VenueOptions options;
  options.exchange.cancel_on_disconnect = Duration::seconds(3600);
  RunningVenue venue(options);
  ControlClient control(venue.control_port());
  {
    FixClient gate(venue.port(), "GATE");
    gate.logon();
    gate.new_order("A1", '1', "10", "100");
    gate.next();
  }
  ASSERT_TRUE(control.reaches("logouts", 1));
  FixClient gate(venue.port(), "GATE");
  gate.sequence = 3;
  gate.logon();
  EXPECT_TRUE(gate.drain().empty());
  EXPECT_EQ(control.stat("open_orders"), 1);
}

TEST(VenueSession, FileStoreCarriesTheSessionOverARestart) {
  TemporaryFolder folder;
  VenueOptions options;
  options.exchange.store_directory = folder.path + "/store";
  options.record_path = folder.path + "/record.jsonl";
  {
    RunningVenue venue(options);
    FixClient gate(venue.port(), "GATE");
    FixClient copy(venue.port(), "GATE-DROP");
    gate.logon();
    copy.logon();
    gate.new_order("A1", '1', "10", "100");
    EXPECT_EQ(gate.next().sequence(), 2);
    EXPECT_EQ(copy.next().sequence(), 2);
    venue.stop();
    EXPECT_EQ(gate.next().type(), "5") << "stopping logs out";
  }
  RunningVenue venue(options);
  FixClient gate(venue.port(), "GATE");
  gate.sequence = 3;
  EXPECT_EQ(gate.logon().sequence(), 4);
  gate.send("2", {{7, "2"}, {16, "2"}});
  const FixMessage again = gate.next();
  EXPECT_EQ(again.get(11), "A1");
  EXPECT_EQ(again.get(43), "Y");
  gate.new_order("A2", '1', "10", "100");
  EXPECT_EQ(gate.next().get(150), "0");
  EXPECT_EQ(venue.recorded("accepted"), 2u) << "the record is appended to";
  FixClient copy(venue.port(), "GATE-DROP");
  copy.sequence = 2;
  EXPECT_EQ(copy.logon().sequence(), 5) << "4 is the copy made before it came back";
}

}  // namespace
}  // namespace holdfast::exchange
