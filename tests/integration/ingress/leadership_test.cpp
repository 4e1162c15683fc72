// A client of two nodes of which one leads and then the other.
#include <gtest/gtest.h>

#include "actors/ingress/client/client_capnp.hpp"
#include "tests/integration/ingress/node_fixture.hpp"

namespace holdfast::ingress::tests {
namespace {

using client::Answer;
using client::Client;
using client::ClientOptions;
using client::ClientState;
using client::Loop;

NewOrder order(const std::string& id) {
  NewOrder o;
  o.account = Account("A");
  o.client_order_id = ClientOrderId(id);
  o.symbol = Symbol("AAPL");
  o.price = Price::whole(10);
  o.quantity = Quantity::whole(5);
  return o;
}

/// Nodes a and b with one journal; a leads at first.
class TwoNodes : public testing::Test {
 protected:
  TwoNodes() { lead(a, b); }

  void lead(Node& leader, Node& other) {
    other.lead(0, false, leader.address());
    leader.lead(0, true, "");
  }
  std::unique_ptr<Client> connect(const std::string& addresses,
                                  std::vector<Account> only_for = {}) {
    ClientOptions options;
    options.address = addresses;
    options.client_id = "tester";
    options.credential = a.credential();
    options.only_for = std::move(only_for);
    auto made = Client::connect(loop, options);
    EXPECT_TRUE(made.ok());
    return std::move(made).value();
  }
  std::string both() const { return a.address() + "," + b.address(); }
  std::string both_b_first() const { return b.address() + "," + a.address(); }

  template <typename F>
  testing::AssertionResult poll_until(F done) {
    const MonoTime until = loop.now() + Duration::seconds(240);
    while (!done()) {
      if (loop.now() > until) return testing::AssertionFailure() << "not within four minutes";
      loop.poll(Duration::milliseconds(5));
    }
    return testing::AssertionSuccess();
  }

  Node a{quick_settings()};
  Node b{quick_settings(), a};
  Loop loop;
};

TEST_F(TwoNodes, AClientIsLedToTheLeaderWhereverItBegins) {
  auto client = connect(both_b_first());
  ASSERT_TRUE(client->wait_open(Duration::seconds(240)).ok());
  EXPECT_EQ(client->address(), a.address());
  EXPECT_GE(client->stats().led_elsewhere, 1u);
  EXPECT_GE(b.stats().connections.led_elsewhere, 1u);
  EXPECT_EQ(b.stats().sessions.sessions, 0u);
}

TEST_F(TwoNodes, ALoneNodeThatDoesNotLeadIsTriedAgainUntilItDoes) {
  auto client = connect(b.address());
  ASSERT_TRUE(poll_until([&] { return client->stats().led_elsewhere >= 3; }));
  EXPECT_EQ(client->state(), ClientState::kConnecting);
  lead(b, a);
  EXPECT_TRUE(client->wait_open(Duration::seconds(240)).ok());
}

TEST_F(TwoNodes, WhatIsUnansweredIsAskedAgainAtTheNewLeaderOnce) {
  auto client = connect(both());
  ASSERT_TRUE(client->wait_open(Duration::seconds(240)).ok());
  std::vector<uint64_t> seen;
  client->subscribe(Account("A"), {1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports) seen.push_back(r.sequence.value);
  });
  std::size_t answers = 0, refused = 0;
  const auto keep = [&](const Answer& answer) {
    answers += 1;
    refused += answer.reply.accepted ? 0 : 1;
  };
  constexpr std::size_t kOrders = 600;
  std::size_t sent = 0, changes = 0;
  while (sent < kOrders) {
    for (int i = 0; i < 20; ++i) client->submit(order("o" + std::to_string(sent++)), keep);
    loop.poll(Duration::milliseconds(1));
    if (sent % 120 != 0) continue;
    changes += 1;
    if (changes % 2 == 1)
      lead(b, a);
    else
      lead(a, b);
  }
  ASSERT_TRUE(poll_until([&] { return answers == kOrders && seen.size() == kOrders; }));
  EXPECT_EQ(refused, 0u);
  EXPECT_EQ(a.memory().orders, kOrders);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i + 1);
  ASSERT_TRUE(poll_until([&] { return client->address() == b.address(); }));
  EXPECT_GE(client->stats().subscriptions_resumed, 1u);
}

TEST_F(TwoNodes, ANodeThatSaysNothingIsLeftAndFoundAgain) {
  auto client = connect(both());
  ASSERT_TRUE(client->wait_open(Duration::seconds(240)).ok());
  {
    const std::lock_guard lock(a.memory().mutex);
    a.memory().silent = true;
  }
  bool answered = false;
  client->submit(order("o1"), [&](const Answer& answer) { answered = answer.reply.accepted; });
  ASSERT_TRUE(poll_until([&] { return client->stats().connects >= 2; }));
  {
    const std::lock_guard lock(a.memory().mutex);
    a.memory().silent = false;
  }
  ASSERT_TRUE(poll_until([&] { return answered; }));
  EXPECT_EQ(a.memory().orders, 1u);
}

TEST_F(TwoNodes, AnIngressThatStartsAgainKnowsWhoLeads) {
  b.restart_ingress();
  auto client = connect(both_b_first());
  ASSERT_TRUE(client->wait_open(Duration::seconds(240)).ok());
  EXPECT_EQ(client->address(), a.address());
}

TEST_F(TwoNodes, ASessionMayBeForSomeAccountsOnly) {
  auto client = connect(both(), {Account("B")});
  ASSERT_TRUE(client->wait_open(Duration::seconds(240)).ok());
  EXPECT_EQ(client->accounts(), std::vector<Account>{Account("B")});
  std::optional<Reason> reason;
  client->submit(order("o1"), [&](const Answer& answer) { reason = answer.reply.reason; });
  ASSERT_TRUE(poll_until([&] { return reason.has_value(); }));
  EXPECT_EQ(*reason, Reason::kNotPermitted);
  auto stranger = connect(both(), {Account("X")});
  EXPECT_EQ(stranger->wait_open(Duration::seconds(240)).error().code, ErrorCode::kDenied);
}

}  // namespace
}  // namespace holdfast::ingress::tests
