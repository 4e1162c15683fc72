#include "actors/venues/drop_copy/drop_copy.hpp"

#include <gtest/gtest.h>

#include "actors/venues/drop_copy/drop_copy_link.hpp"
#include "tests/unit/venues/core_fixture.hpp"

namespace holdfast::venues::testing {
namespace {

using Kind = VenueReportKind;
constexpr WallTime kNoon{1'000'000'000};
constexpr Duration kPatience = Duration::seconds(2);

VenueReport execution(const std::string& id, Kind kind = Kind::kFill) {
  VenueReport report;
  report.kind = kind;
  report.exec_id = ExecId(id);
  report.trade_date = 20260302;
  report.wire = "A1";
  return report;
}

TEST(DropCopyMatcher, WhatTheSessionToldIsNoNewsWhicheverComesFirst) {
  DropCopyMatcher matcher;
  matcher.reported(execution("E1"));
  matcher.copied(execution("E1"), kNoon);
  matcher.copied(execution("E2"), kNoon);
  matcher.reported(execution("E2"));
  EXPECT_TRUE(matcher.overdue(kNoon).empty());
  EXPECT_EQ(matcher.received(), 2u);
  EXPECT_EQ(matcher.matched(), 2u);
  EXPECT_EQ(matcher.held(), 0u);
}

TEST(DropCopyMatcher, MoneyThatTheSessionDoesNotTellIsNewsInTime) {
  DropCopyMatcher matcher;
  matcher.copied(execution("E1"), kNoon + kPatience);
  EXPECT_TRUE(matcher.overdue(kNoon).empty());
  const auto news = matcher.overdue(kNoon + kPatience);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].exec_id, ExecId("E1"));
  EXPECT_TRUE(matcher.overdue(kNoon + kPatience).empty()) << "once";
  matcher.copied(execution("E2", Kind::kAccepted), kNoon);
  EXPECT_TRUE(matcher.overdue(kNoon + kPatience).empty()) << "not money";
}

TEST(DropCopyMatcher, KeysHoldTradeDateAndSide) {
  DropCopyMatcher matcher;
  matcher.reported(execution("E1"));
  VenueReport other = execution("E1");
  other.side = Side::kSell;
  matcher.copied(other, kNoon);
  VenueReport later = execution("E1");
  later.trade_date += 1;
  matcher.copied(later, kNoon);
  EXPECT_EQ(matcher.overdue(kNoon).size(), 2u);
}

TEST(DropCopyMatcher, WhatIsWantedIsTakenOutOnceAndLookedAtAgainOnlyWhenAsked) {
  DropCopyMatcher matcher;
  matcher.copied(execution("E1", Kind::kAccepted), kNoon);
  const auto all = [](const VenueReport&) { return true; };
  EXPECT_TRUE(matcher.take([](const VenueReport&) { return false; }, true).empty());
  EXPECT_TRUE(matcher.take(all, false).empty());
  EXPECT_EQ(matcher.take(all, true).size(), 1u);
  EXPECT_EQ(matcher.held(), 0u);
  matcher.copied(execution("E2"), kNoon);
  EXPECT_EQ(matcher.take(all, false).size(), 1u) << "it came since";
}

TEST(DropCopyMatcher, IsBounded) {
  DropCopyMatcher matcher;
  for (std::size_t i = 0; i < limits::kDropCopiesHeldMax + 100; ++i)
    matcher.copied(execution("E" + std::to_string(i)), kNoon);
  EXPECT_EQ(matcher.held(), limits::kDropCopiesHeldMax);
}

// ---- the link, on fakes

struct FakeSession final : DropCopySession {
  FakeSession(DropCopyPort to, uint32_t out, uint32_t in)
      : port(std::move(to)), number_out(out), number_in(in) {}
  void link_up() override {
    on = true;
    number_out += 1;
    port.send(std::make_shared<const std::string>("logon"));
  }
  void link_lost() override { on = false; }
  void receive(std::string_view) override {
    number_in += 1;
    port.copied(copy);
  }
  void tick() override {}
  bool logged_on() const override { return on; }
  uint32_t next_out() const override { return number_out; }
  uint32_t next_in() const override { return number_in; }
  DropCopyPort port;
  uint32_t number_out, number_in;
  bool on = false;
  VenueReport copy;
};

struct FakeTransport final : Transport {
  explicit FakeTransport(TransportEvents to) : events(std::move(to)) {}
  void connect() override { open = true; }
  void send(std::shared_ptr<const std::string> bytes) override { sent.push_back(*bytes); }
  void flush() override {}
  void close(const std::string& why) override {
    open = false;
    events.closed(why);
  }
  void pause(bool) override {}
  bool idle() const override { return !open; }
  const TransportStats& stats() const override { return counts; }
  TransportEvents events;
  TransportStats counts;
  bool open = false;
  std::vector<std::string> sent;
};

class DropCopyLinkTest : public Core, protected GatewayPort, protected FdWatcher {
 protected:
  DropCopyLinkTest() {
    open();
    DropCopySetup setup;
    setup.make_session = [this](DropCopyPort port, uint32_t out,
                                uint32_t in) -> Result<std::unique_ptr<DropCopySession>> {
      auto made = std::make_unique<FakeSession>(std::move(port), out, in);
      session = made.get();
      return std::unique_ptr<DropCopySession>(std::move(made));
    };
    setup.make_transport = [this](FdWatcher&,
                                  TransportEvents events) -> Result<std::unique_ptr<Transport>> {
      auto made = std::make_unique<FakeTransport>(std::move(events));
      transport = made.get();
      return std::unique_ptr<Transport>(std::move(made));
    };
    setup.patience = kPatience;
    link.reset(new DropCopyLink(std::move(setup), *this, *this));
  }
  ~DropCopyLinkTest() override { link.reset(); }
  const GatewayState& state() const override { return Core::state; }
  void submit(const GatewayCommand& command) override {
    for (const auto& reserved : only<effect::DropCopyReserved>(run(command)))
      committed = std::max(committed, reserved.next_out);
  }
  WallTime now() const override { return Core::now; }
  void watch_fd(int, uint32_t, FdWatcher::Callback) override {}
  void rewatch_fd(int, uint32_t) override {}
  void unwatch_fd(int) override {}
  void tick(Duration by = Duration::milliseconds(10)) {
    advance(by);
    link->tick();
  }
  void hear(const VenueReport& copy) {
    session->copy = copy;
    transport->events.received(frame("FIX.4.4", "35=8\00134=1\001"));
  }

  FakeSession* session = nullptr;
  FakeTransport* transport = nullptr;
  uint32_t committed = 0;
  std::unique_ptr<DropCopyLink> link;
};

TEST_F(DropCopyLinkTest, NothingGoesOutBeforeItsNumbersAreCommitted) {
  ASSERT_TRUE(link->start().ok());
  tick();
  EXPECT_FALSE(transport->open);
  link->reserved(committed);
  tick();
  EXPECT_TRUE(transport->open);
  transport->events.connected();
  EXPECT_EQ(transport->sent.size(), 1u);
  EXPECT_GT(Core::state.copy_out, session->next_out());
}

TEST_F(DropCopyLinkTest, ASuccessorGoesOnAboveWhatWasReservedAndFromWhatWasSaved) {
  ASSERT_TRUE(link->start().ok());
  link->reserved(committed);
  tick();
  transport->events.connected();
  hear(execution("E1"));
  tick(Duration::seconds(1));
  EXPECT_EQ(Core::state.copy_in, 2u);
  const uint32_t reserved = Core::state.copy_out;
  ASSERT_TRUE(link->start().ok());
  EXPECT_EQ(session->next_out(), reserved);
  EXPECT_EQ(session->next_in(), 2u);
}

TEST_F(DropCopyLinkTest, AnOrderThatIsUnknownIsSettledByACopyThatCameBefore) {
  ASSERT_TRUE(link->start().ok());
  link->reserved(committed);
  tick();
  transport->events.connected();
  deliver({order("A1", 1)}, 1);
  pump();
  hear(execution("E1", Kind::kAccepted));
  EXPECT_EQ(Core::state.reconciliation.counters().copies_used, 0u) << "the session will tell it";
  advance(rules.resend_age);
  advance(Duration::milliseconds(1));
  run(command::ResendAsked{1, 0});
  tick();
  EXPECT_TRUE(Core::state.unknown.empty());
  EXPECT_EQ(Core::state.reconciliation.counters().by_drop_copy, 1u);
}

TEST_F(DropCopyLinkTest, AFillThatTheSessionDoesNotTellIsTakenAfterItsPatience) {
  ASSERT_TRUE(link->start().ok());
  link->reserved(committed);
  tick();
  transport->events.connected();
  deliver({order("A1", 1)}, 1);
  pump();
  report(Kind::kAccepted, "A1");
  hear(execution("E1"));
  hear(execution("E2"));
  link->reported(execution("E1"));
  tick(kPatience - Duration::milliseconds(50));
  EXPECT_EQ(Core::state.reconciliation.counters().copies_used, 0u);
  tick(Duration::milliseconds(100));
  EXPECT_EQ(Core::state.reconciliation.counters().copies_used, 1u);
  const auto& outbox = Core::state.outboxes.at(kShard);
  EXPECT_EQ(outbox.at(outbox.last()).exec_id, ExecId("E2"));
}

TEST_F(DropCopyLinkTest, TriesAgainWhenItIsCut) {
  ASSERT_TRUE(link->start().ok());
  link->reserved(committed);
  tick();
  transport->close("cut");
  EXPECT_FALSE(link->view().connected);
  EXPECT_EQ(link->view().last_error, "cut");
  tick();
  EXPECT_FALSE(transport->open) << "not at once";
  for (int i = 0; i < 30 && !transport->open; ++i) tick();
  EXPECT_TRUE(transport->open);
}

}  // namespace
}  // namespace holdfast::venues::testing
