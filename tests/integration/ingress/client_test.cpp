// The client library against a real server on a real socket.
#include "actors/ingress/client/client_capnp.hpp"

#include <gtest/gtest.h>

#include "tests/integration/ingress/node_fixture.hpp"

namespace holdfast::ingress::tests {
namespace {

using client::Answer;
using client::Client;
using client::ClientOptions;
using client::ClientState;
using client::Loop;

ClientOptions options_for(const Node& node) {
  ClientOptions options;
  options.address = node.address();
  options.client_id = "tester";
  options.credential = node.credential();
  return options;
}

NewOrder order(const std::string& id, const char* account = "A") {
  NewOrder o;
  o.account = Account(account);
  o.client_order_id = ClientOrderId(id);
  o.symbol = Symbol("AAPL");
  o.price = Price::whole(10);
  o.quantity = Quantity::whole(5);
  return o;
}

/// Polls until `done`, or fails after a time that only a hang reaches.
template <typename F>
testing::AssertionResult poll_until(Loop& loop, F done) {
  const MonoTime until = loop.now() + Duration::seconds(240);
  while (!done()) {
    if (loop.now() > until) return testing::AssertionFailure() << "not within four minutes";
    loop.poll(Duration::milliseconds(5));
  }
  return testing::AssertionSuccess();
}

class IngressClient : public testing::Test {
 protected:
  std::unique_ptr<Client> connect(const Node& node) { return connect(options_for(node)); }
  std::unique_ptr<Client> connect(const ClientOptions& options) {
    auto made = Client::connect(loop, options);
    EXPECT_TRUE(made.ok());
    const auto open = made.value()->wait_open(Duration::seconds(240));
    EXPECT_TRUE(open.ok()) << open.error().text;
    return std::move(made).value();
  }
  Loop loop;
};

TEST_F(IngressClient, HearsTheOutcomeOfEveryKindOfRequest) {
  Node node(quick_settings());
  auto client = connect(node);
  EXPECT_EQ(client->accounts().size(), 3u);
  EXPECT_EQ(client->durability(), Durability::kMemory);
  std::vector<Answer> answers;
  const auto keep = [&](const Answer& answer) { answers.push_back(answer); };
  client->submit(order("o1"), keep);
  client->submit(CancelOrder{Account("A"), ClientOrderId("c1"), ClientOrderId("o1"), {}}, keep);
  client->submit(ReplaceOrder{Account("A"),
                              ClientOrderId("r1"),
                              ClientOrderId("o1"),
                              Price::whole(1),
                              Quantity::whole(2),
                              {}},
                 keep);
  client->submit(MassCancel{Account("A"), ClientOrderId("m1"), {}, {}}, keep);
  client->submit(order("bad-1"), keep);
  ASSERT_TRUE(poll_until(loop, [&] { return answers.size() == 5; }));
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(answers[i].reply.accepted) << i;
    EXPECT_EQ(answers[i].reply.order.value, static_cast<uint64_t>(i + 1));
  }
  EXPECT_FALSE(answers[4].reply.accepted);
  EXPECT_EQ(answers[4].reply.reason, Reason::kMaxOrderQuantity);
  EXPECT_EQ(answers[4].reply.text.view(), "quantity 10 above the limit 9");
}

TEST_F(IngressClient, RequestsAloneAreAnsweredToo) {
  Node node(quick_settings());
  auto options = options_for(node);
  options.batch_max = 1;
  auto client = connect(options);
  std::size_t accepted = 0;
  const auto count = [&](const Answer& answer) { accepted += answer.reply.accepted ? 1 : 0; };
  client->submit(order("o1"), count);
  client->submit(CancelOrder{Account("A"), ClientOrderId("c1"), ClientOrderId("o1"), {}}, count);
  client->submit(ReplaceOrder{Account("A"),
                              ClientOrderId("r1"),
                              ClientOrderId("o1"),
                              Price::whole(1),
                              Quantity::whole(2),
                              {}},
                 count);
  client->submit(MassCancel{Account("A"), ClientOrderId("m1"), {}, {}}, count);
  ASSERT_TRUE(poll_until(loop, [&] { return accepted == 4; }));
  EXPECT_EQ(client->stats().batches, 0u);
}

TEST_F(IngressClient, ManyClientsOnManyShardsAreAllAnswered) {
  auto settings = quick_settings();
  settings.shards = 3;
  Node node(settings);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect(node));
  std::size_t answered = 0;
  const char* accounts[] = {"A", "B", "C"};
  for (int i = 0; i < 50; ++i)
    for (std::size_t c = 0; c < clients.size(); ++c)
      clients[c]->submit(order("o" + std::to_string(i) + "-" + std::to_string(c), accounts[i % 3]),
                         [&](const Answer& a) { answered += a.reply.accepted ? 1 : 0; });
  ASSERT_TRUE(poll_until(loop, [&] { return answered == 1'000; }));
  const auto stats = node.stats();
  EXPECT_EQ(stats.sessions.sessions, 20u);
  EXPECT_EQ(stats.sessions.requests, 1'000u);
  EXPECT_EQ(stats.sessions.in_flight, 0u);
  EXPECT_EQ(stats.shards_up, 3u);
}

TEST_F(IngressClient, TheRequestsOfOneTurnReachAShardAsOneBatch) {
  Node node(quick_settings());
  auto client = connect(node);
  std::size_t answered = 0;
  for (int i = 0; i < 64; ++i)
    client->submit(order("o" + std::to_string(i)), [&](const Answer&) { ++answered; });
  ASSERT_TRUE(poll_until(loop, [&] { return answered == 64; }));
  EXPECT_EQ(node.memory().batches, 1u);
  EXPECT_EQ(client->stats().batches, 1u);
}

TEST_F(IngressClient, ADuplicateHearsTheFirstOutcomeAndIsNoSecondOrder) {
  Node node(quick_settings());
  auto client = connect(node);
  std::vector<Answer> answers;
  for (int i = 0; i < 2; ++i)
    client->submit(order("same"), [&](const Answer& a) { answers.push_back(a); });
  ASSERT_TRUE(poll_until(loop, [&] { return answers.size() == 2; }));
  EXPECT_FALSE(answers[0].reply.duplicate);
  EXPECT_TRUE(answers[1].reply.duplicate);
  EXPECT_EQ(answers[0].reply.order, answers[1].reply.order);
  EXPECT_EQ(node.memory().orders, 1u);
}

TEST_F(IngressClient, OutrunningTheCreditsIsToldAtOnce) {
  auto settings = quick_settings();
  settings.credits = 4;
  Node node(settings);
  node.memory().silent = true;
  auto options = options_for(node);
  options.respect_credits = false;
  options.batch_max = 1;
  auto client = connect(options);
  std::vector<Answer> answers;
  for (int i = 0; i < 6; ++i)
    client->submit(order("o" + std::to_string(i)), [&](const Answer& a) { answers.push_back(a); });
  ASSERT_TRUE(poll_until(loop, [&] { return answers.size() == 2; }));
  for (const auto& answer : answers) EXPECT_EQ(answer.reply.reason, Reason::kOutOfCredits);
  EXPECT_EQ(node.stats().sessions.refused_credits, 2u);
  EXPECT_EQ(node.stats().sessions.in_flight, 4u);
}

TEST_F(IngressClient, ABatchAboveTheCreditsIsRefusedWhole) {
  auto settings = quick_settings();
  settings.credits = 4;
  Node node(settings);
  auto options = options_for(node);
  options.respect_credits = false;
  auto client = connect(options);
  std::vector<Answer> answers;
  for (int i = 0; i < 5; ++i)
    client->submit(order("o" + std::to_string(i)), [&](const Answer& a) { answers.push_back(a); });
  ASSERT_TRUE(poll_until(loop, [&] { return answers.size() == 5; }));
  for (const auto& answer : answers) EXPECT_EQ(answer.reply.reason, Reason::kOutOfCredits);
  EXPECT_EQ(node.memory().orders, 0u);
}

TEST_F(IngressClient, WithinItsCreditsAClientIsNeverRefused) {
  auto settings = quick_settings();
  settings.credits = 4;
  Node node(settings);
  auto client = connect(node);
  std::size_t accepted = 0;
  for (int i = 0; i < 200; ++i)
    client->submit(order("o" + std::to_string(i)),
                   [&](const Answer& a) { accepted += a.reply.accepted ? 1 : 0; });
  ASSERT_TRUE(poll_until(loop, [&] { return accepted == 200; }));
  EXPECT_EQ(node.stats().sessions.refused_credits, 0u);
}

TEST_F(IngressClient, AQueryFindsAnOrderOrSaysThatThereIsNone) {
  Node node(quick_settings());
  auto client = connect(node);
  int answered = 0;
  client->submit(order("o1"), [&](const Answer&) { ++answered; });
  client->query(Account("A"), ClientOrderId("o1"), [&](const Result<OrderView>& view) {
    ++answered;
    ASSERT_TRUE(view.ok()) << view.error().text;
    EXPECT_EQ(view.value().order.value, 1u);
  });
  client->query(Account("A"), ClientOrderId("o2"), [&](const Result<OrderView>& view) {
    ++answered;
    ASSERT_FALSE(view.ok());
    EXPECT_EQ(view.error().code, ErrorCode::kNotFound);
  });
  client->query(Account("Z"), ClientOrderId("o2"), [&](const Result<OrderView>& view) {
    ++answered;
    ASSERT_FALSE(view.ok());
    EXPECT_EQ(view.error().code, ErrorCode::kDenied);
  });
  ASSERT_TRUE(poll_until(loop, [&] { return answered == 4; }));
}

TEST_F(IngressClient, AnAccountOfSomebodyElseIsNotPermitted) {
  Node node(quick_settings());
  auto client = connect(node);
  std::vector<Answer> answers;
  client->submit(order("o1", "Z"), [&](const Answer& a) { answers.push_back(a); });
  bool refused = false;
  client->subscribe(
      Account("Z"), {1}, [](auto) { FAIL() << "reports of a foreign account"; }, {},
      [&](const Account&, Reason reason, const std::string&) {
        refused = true;
        EXPECT_EQ(reason, Reason::kNotPermitted);
      });
  ASSERT_TRUE(poll_until(loop, [&] { return answers.size() == 1 && refused; }));
  EXPECT_EQ(answers[0].reply.reason, Reason::kNotPermitted);
  EXPECT_EQ(node.stats().sessions.refused_permission, 2u);
}

TEST_F(IngressClient, AWrongCredentialIsRefusedForGood) {
  Node node(quick_settings());
  std::set<std::string> texts;
  for (const char* id : {"tester", "nobody"}) {
    auto options = options_for(node);
    options.client_id = id;
    options.credential = make_credential();
    auto made = Client::connect(loop, options);
    ASSERT_TRUE(made.ok());
    const auto open = made.value()->wait_open(Duration::seconds(240));
    ASSERT_FALSE(open.ok());
    EXPECT_EQ(open.error().code, ErrorCode::kDenied);
    EXPECT_EQ(made.value()->state(), ClientState::kRefused);
    texts.insert(open.error().text);
    bool answered = false;
    made.value()->submit(order("o"), [&](const Answer& a) {
      answered = true;
      EXPECT_EQ(a.reply.reason, Reason::kNotPermitted);
    });
    ASSERT_TRUE(poll_until(loop, [&] { return answered; }));
  }
  EXPECT_EQ(texts.size(), 1u) << "the words tell which of the two was wrong";
  EXPECT_EQ(node.stats().connections.denied, 2u);
}

TEST_F(IngressClient, ReportsComeInOrderWithoutGaps) {
  Node node(quick_settings());
  auto client = connect(node);
  node.emit(Account("A"), 3'000);
  uint64_t next = 1;
  client->subscribe(Account("A"), {1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports) EXPECT_EQ(r.sequence.value, next++);
  });
  ASSERT_TRUE(poll_until(loop, [&] { return next == 3'001; }));
  client->submit(order("o1"), {});
  ASSERT_TRUE(poll_until(loop, [&] { return next == 3'002; }));
  EXPECT_EQ(client->last_report(Account("A")).value, 3'001u);
  client->unsubscribe(Account("A"));
  ASSERT_TRUE(poll_until(loop, [&] { return node.stats().sessions.subscriptions == 0; }));
}

TEST_F(IngressClient, AReaderOfTheFarPastIsFedInPortions) {
  auto settings = quick_settings();
  settings.report_backlog_max = 2'000;
  Node node(settings);
  auto client = connect(node);
  node.emit(Account("A"), 50'000);
  uint64_t next = 1;
  client->subscribe(Account("A"), {1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports) EXPECT_EQ(r.sequence.value, next++);
  });
  ASSERT_TRUE(poll_until(loop, [&] { return next == 50'001; }));
  EXPECT_EQ(node.stats().sessions.subscribers_cut_off, 0u);
}

TEST_F(IngressClient, SubscribingAgainStartsOver) {
  Node node(quick_settings());
  auto client = connect(node);
  node.emit(Account("A"), 10);
  uint64_t first = 0, second = 0;
  client->subscribe(Account("A"), {1}, [&](auto reports) { first += reports.size(); });
  ASSERT_TRUE(poll_until(loop, [&] { return first == 10; }));
  client->subscribe(Account("A"), {6}, [&](auto reports) { second += reports.size(); });
  ASSERT_TRUE(poll_until(loop, [&] { return second == 5; }));
  node.emit(Account("A"), 2);
  ASSERT_TRUE(poll_until(loop, [&] { return second == 7; }));
  EXPECT_EQ(first, 10u);
}

TEST_F(IngressClient, ACutConnectionLosesAndDoublesNothing) {
  Node node(quick_settings());
  auto client = connect(node);
  uint64_t next = 1;
  client->subscribe(Account("A"), {1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports) EXPECT_EQ(r.sequence.value, next++);
  });
  std::size_t answered = 0, made = 0;
  for (int round = 0; round < 40; ++round) {
    ASSERT_TRUE(poll_until(loop, [&] { return client->state() == ClientState::kOpen; }));
    ASSERT_TRUE(poll_until(loop, [&] { return round % 8 != 7 || next == made + 1; }));
    for (int i = 0; i < 25; ++i)
      client->submit(order("o" + std::to_string(made++)), [&](const Answer& a) {
        EXPECT_TRUE(a.reply.accepted);
        ++answered;
      });
    // At another moment each round: before sending, in the middle of it, after some answers.
    for (int polls = round % 4; polls > 0; --polls) loop.poll();
    client->cut();
  }
  ASSERT_TRUE(poll_until(loop, [&] { return answered == made && next == made + 1; }));
  EXPECT_EQ(node.memory().orders, made);
  EXPECT_GT(client->stats().connects, 1u);
  EXPECT_GT(client->stats().subscriptions_resumed, 0u);
}

TEST_F(IngressClient, AnAnswerToASessionThatIsGoneIsDropped) {
  Node node(quick_settings());
  node.memory().silent = true;
  auto client = connect(node);
  bool answered = false;
  client->submit(order("o1"), [&](const Answer& a) {
    answered = true;
    EXPECT_TRUE(a.reply.accepted);
    EXPECT_TRUE(a.reply.duplicate);
  });
  ASSERT_TRUE(poll_until(loop, [&] { return node.stats().sessions.in_flight == 1; }));
  client->cut();
  {
    const std::lock_guard lock(node.memory().mutex);
    node.memory().silent = false;
  }
  ASSERT_TRUE(poll_until(loop, [&] { return answered; }));
  EXPECT_EQ(node.memory().orders, 1u);
  EXPECT_EQ(node.stats().sessions.sessions, 1u);
}

TEST_F(IngressClient, ARestartedShardIsAskedAgain) {
  Node node(quick_settings());
  auto client = connect(node);
  uint64_t next = 1;
  client->subscribe(Account("A"), {1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports) EXPECT_EQ(r.sequence.value, next++);
  });
  std::size_t answered = 0;
  const auto count = [&](const Answer& a) { answered += a.reply.accepted ? 1 : 0; };
  client->submit(order("before"), count);
  ASSERT_TRUE(poll_until(loop, [&] { return answered == 1 && next == 2; }));
  {
    const std::lock_guard lock(node.memory().mutex);
    node.memory().silent = true;
  }
  client->submit(order("meanwhile"), count);
  ASSERT_TRUE(poll_until(loop, [&] {
    const std::lock_guard lock(node.memory().mutex);
    return node.memory().orders == 2;
  }));
  node.kill_shard();
  ASSERT_TRUE(poll_until(loop, [&] { return node.stats().shards_up == 0; }));
  client->submit(order("down"), count);
  ASSERT_TRUE(poll_until(loop, [&] { return node.stats().sessions.refused_not_serving > 0; }));
  {
    const std::lock_guard lock(node.memory().mutex);
    node.memory().silent = false;
  }
  node.start_shard();
  ASSERT_TRUE(poll_until(loop, [&] { return answered == 3 && next == 4; }));
  EXPECT_EQ(node.memory().orders, 3u);
}

TEST_F(IngressClient, ARestartedIngressIsFoundAgainAndNothingIsMissed) {
  Node node(quick_settings());
  auto client = connect(node);
  std::size_t answered = 0, made = 0;
  uint64_t next = 1;
  client->subscribe(Account("A"), {1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports) EXPECT_EQ(r.sequence.value, next++);
  });
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 20; ++i)
      client->submit(order("o" + std::to_string(made++)), [&](const Answer&) { ++answered; });
    for (int polls = round; polls > 0; --polls) loop.poll();
    node.restart_ingress();
  }
  ASSERT_TRUE(poll_until(loop, [&] { return answered == made && next == made + 1; }));
  EXPECT_EQ(node.memory().orders, made);
}

TEST_F(IngressClient, StoppedIntakeIsWaitedOut) {
  Node node(quick_settings());
  auto client = connect(node);
  node.stop_intake(true);
  std::size_t answered = 0;
  client->submit(order("o1"), [&](const Answer& a) { answered += a.reply.accepted ? 1 : 0; });
  ASSERT_TRUE(poll_until(loop, [&] { return node.stats().sessions.refused_not_serving > 0; }));
  EXPECT_EQ(answered, 0u);
  node.stop_intake(false);
  ASSERT_TRUE(poll_until(loop, [&] { return answered == 1; }));
}

TEST_F(IngressClient, LoggingOutEndsTheSessionAndAnswersWhatIsOpen) {
  Node node(quick_settings());
  node.memory().silent = true;
  auto client = connect(node);
  std::vector<Answer> answers;
  client->submit(order("o1"), [&](const Answer& a) { answers.push_back(a); });
  ASSERT_TRUE(poll_until(loop, [&] { return node.stats().sessions.in_flight == 1; }));
  client->logout();
  ASSERT_TRUE(poll_until(loop, [&] {
    return answers.size() == 1 && node.stats().sessions.sessions == 0 &&
           node.stats().connections.connections == 0;
  }));
  EXPECT_EQ(answers[0].reply.reason, Reason::kNotServing);
  EXPECT_EQ(client->state(), ClientState::kClosed);
}

TEST_F(IngressClient, AUnixSocketServesAsWell) {
  auto settings = quick_settings();
  settings.listen =
      "unix:" + testing::TempDir() + "holdfast-ingress-" + std::to_string(::getpid()) + ".sock";
  Node node(settings);
  auto client = connect(node);
  bool answered = false;
  client->submit(order("o1"), [&](const Answer&) { answered = true; });
  ASSERT_TRUE(poll_until(loop, [&] { return answered; }));
}

TEST_F(IngressClient, WaitsForANodeThatIsNotThereYet) {
  auto options = ClientOptions{};
  options.address = "127.0.0.1:1";  // reserved: nobody listens
  options.client_id = "tester";
  options.credential = make_credential();
  auto made = Client::connect(loop, options);
  ASSERT_TRUE(made.ok());
  const auto open = made.value()->wait_open(Duration::milliseconds(50));
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(made.value()->state(), ClientState::kConnecting);
}

TEST_F(IngressClient, BadOptionsAreRefusedInWords) {
  ClientOptions options;
  options.client_id = "tester";
  options.credential = make_credential();
  for (const char* address : {"", "nowhere", "127.0.0.1:99999", "127.0.0.1:x", ":7", "unix:"}) {
    options.address = address;
    const auto made = Client::connect(loop, options);
    ASSERT_FALSE(made.ok()) << address;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
  options.address = "127.0.0.1:7001";
  options.credential = "short";
  EXPECT_FALSE(Client::connect(loop, options).ok());
  options.credential = make_credential();
  options.client_id = "";
  EXPECT_FALSE(Client::connect(loop, options).ok());
}

TEST_F(IngressClient, MoreRequestsThanItMayHoldAreRefused) {
  Node node(quick_settings());
  node.memory().silent = true;
  auto options = options_for(node);
  options.requests_max = 3;
  auto client = connect(options);
  std::vector<Answer> answers;
  for (int i = 0; i < 5; ++i)
    client->submit(order("o" + std::to_string(i)), [&](const Answer& a) { answers.push_back(a); });
  ASSERT_TRUE(poll_until(loop, [&] { return answers.size() == 2; }));
  for (const auto& answer : answers) EXPECT_EQ(answer.reply.reason, Reason::kFull);
}

TEST_F(IngressClient, WorkPostedByAnotherThreadRunsOnTheLoop) {
  Node node(quick_settings());
  std::unique_ptr<Client> client;
  std::atomic<int> answered{0};
  std::thread thread([&] {
    Loop own;
    auto made = Client::connect(own, options_for(node));
    client = std::move(made).value();
    // Both ways into the loop, from a thread that is not its own.
    std::thread other([&] {
      own.post([&] {
        client->submit(order("posted"), [&](const Answer&) {
          ++answered;
          own.stop();
        });
      });
    });
    own.run();
    other.join();
    client.reset();
  });
  thread.join();
  EXPECT_EQ(answered, 1);
}

}  // namespace
}  // namespace holdfast::ingress::tests
