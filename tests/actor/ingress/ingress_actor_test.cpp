// The ingress actor on a hot loop that the test turns by hand, with a fake network side and shards.
#include "actors/ingress/ingress_actor.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"

namespace holdfast::ingress {
namespace {

/// What the fake network side left behind for the test.
struct Network {
  Ingress* ingress = nullptr;
  FrontFailed failed;
  int made = 0, alive = 0;
  std::string refuse;  // the next one can't listen, with these words
};

struct FakeFront final : Front {
  explicit FakeFront(Network& n) : network(n) { network.alive += 1; }
  ~FakeFront() override { network.alive -= 1; }
  uint16_t port() const override { return 4242; }
  FrontCounters counters() const override { return {.accepted = 7}; }
  Network& network;
};

struct FakeClient final : ClientLink {
  void on_reply(uint64_t, const OrderReply& reply, uint32_t) override { replies.push_back(reply); }
  void on_view(uint64_t, const OrderQueryReply& view, uint32_t) override { views.push_back(view); }
  void on_subscribed(const Account&, const Subscribed& answer) override {
    subscribed.push_back(answer);
  }
  void on_reports(const Account&, std::span<const ExecutionReport* const> list) override {
    for (const auto* r : list) sequences.push_back(r->sequence.value);
  }
  void on_ended(const Account&, Reason, const std::string&, ReportSeq) override {}
  void on_not_leading(const std::string& leader) override { led_to.push_back(leader); }
  std::vector<std::string> led_to;
  std::vector<OrderReply> replies;
  std::vector<OrderQueryReply> views;
  std::vector<Subscribed> subscribed;
  std::vector<uint64_t> sequences;
};

/// What a fake shard was sent.
struct Seen {
  std::vector<OrderRequest> requests;
  std::size_t batches = 0, queries = 0, unsubscribed = 0;
  std::vector<SubscribeReports> subscribes;
  bool answer = true;
};

class IngressActorTest : public testing::Test {
 protected:
  IngressActorTest() {
    setup.settings.shards = 1;
    ClientEntry entry;
    entry.id = ClientId("one");
    entry.accounts = {Account("A")};
    setup.settings.clients.push_back(entry);
    setup.find_shard = [this](uint32_t) { return shard; };
    setup.make_front = [this](EventLoop&, Ingress& ingress,
                              FrontFailed failed) -> Result<std::unique_ptr<Front>> {
      network.made += 1;
      if (!network.refuse.empty()) return Error{ErrorCode::kUnavailable, network.refuse};
      network.ingress = &ingress;
      network.failed = std::move(failed);
      return std::unique_ptr<Front>(std::make_unique<FakeFront>(network));
    };
    setup.on_listening = [this](uint16_t port) { heard_port = port; };
  }
  ~IngressActorTest() override { loop.close(); }

  ActorHandle spawn_shard() {
    return spawn_function_on(system.get(), loop, [this](LoopActor* self) -> Behavior {
      return {
          [this, self](const OrderRequestBatch& batch) {
            seen.batches += 1;
            auto replies = std::make_shared<std::vector<OrderReply>>();
            for (const auto& request : *batch) {
              seen.requests.push_back(request);
              OrderReply reply;
              reply.ticket = request.ticket;
              reply.accepted = true;
              replies->push_back(reply);
            }
            if (seen.answer)
              self->send(caf::actor_cast<ActorHandle>(self->current_sender()),
                         OrderReplyBatch(replies));
          },
          [this, self](const OrderQuery& query) {
            seen.queries += 1;
            OrderQueryReply reply;
            reply.ticket = query.ticket;
            auto promise =
                self->make_response_promise();  // the shard answers when it has committed
            self->defer([promise, reply]() mutable { promise.deliver(reply); });
            return promise;
          },
          [this, self](const SubscribeReports& subscribe) {
            seen.subscribes.push_back(subscribe);
            if (shard_is_deaf) return;
            const auto ingress = caf::actor_cast<ActorHandle>(self->current_sender());
            self->send(ingress, ReportsSubscribed{subscribe.session, subscribe.account, {1}, {1}});
            std::vector<ExecutionReport> list(1);
            list[0].sequence = subscribe.from;
            self->send(ingress, ReportsForSession{
                                    subscribe.session, subscribe.account,
                                    std::make_shared<const std::vector<ExecutionReport>>(list)});
          },
          [this](const UnsubscribeReports&) { seen.unsubscribed += 1; },
      };
    });
  }
  void start() {
    shard = spawn_shard();
    ingress = spawn_on<IngressActor>(system.get(), loop, setup);
    watch(ingress);
    ASSERT_TRUE(turn_until([&] { return network.made > 0; }));
  }
  /// Keeps the words with which an actor ends.
  void watch(const ActorHandle& actor) {
    watcher = spawn_function_on(system.get(), loop, [this, actor](LoopActor* self) -> Behavior {
      self->set_down_handler([this](DownMessage& down) {
        ended = explain_exit(down.reason);
        down_heard = true;
      });
      monitor_exit(self, actor);
      return {[](int) {}};
    });
  }
  template <typename F>
  testing::AssertionResult turn_until(F done) {
    const MonoTime limit = loop.now() + Duration::seconds(240);
    while (!done()) {
      if (loop.now() > limit) return testing::AssertionFailure() << "not within four minutes";
      pollfd p{loop.fd(), POLLIN, 0};
      ::poll(&p, 1, 5);
      loop.turn();
    }
    return testing::AssertionSuccess();
  }
  NewOrder order(const char* id) {
    NewOrder o;
    o.account = Account("A");
    o.client_order_id = ClientOrderId(id);
    return o;
  }
  /// Runs `call` on the loop, as the network side would.
  void on_loop(std::function<void()> call) { loop.enter(call); }

  ActorSystem system;
  HotLoop loop;
  Network network;
  Seen seen;
  FakeClient client;
  IngressActorSetup setup;
  ActorHandle shard, ingress, watcher;
  ExitInfo ended;
  bool down_heard = false;
  uint16_t heard_port = 0;
  bool shard_is_deaf = false;
};

TEST_F(IngressActorTest, RoutesATurnsRequestsAsOneBatchAndTheirReplies) {
  start();
  EXPECT_EQ(heard_port, 4242);
  on_loop([&] {
    const auto session =
        network.ingress->open(network.ingress->settings().clients[0], client).value();
    for (const char* id : {"a", "b", "c"}) network.ingress->admit(session, order(id), loop.now());
    network.ingress->query(session, Account("A"), ClientOrderId("a"), loop.now());
    network.ingress->subscribe(session, Account("A"), {1});
  });
  ASSERT_TRUE(turn_until([&] {
    return client.replies.size() == 3 && client.views.size() == 1 && client.sequences.size() == 1;
  }));
  EXPECT_EQ(seen.batches, 1u);
  EXPECT_EQ(client.subscribed.size(), 1u);
}

TEST_F(IngressActorTest, AShardThatDiesIsFoundAgainAndSubscriptionsGoOn) {
  start();
  seen.answer = false;
  on_loop([&] {
    const auto session =
        network.ingress->open(network.ingress->settings().clients[0], client).value();
    network.ingress->admit(session, order("a"), loop.now());
    network.ingress->subscribe(session, Account("A"), {1});
  });
  ASSERT_TRUE(turn_until([&] { return seen.batches == 1 && client.sequences.size() == 1; }));
  send_kill(std::exchange(shard, nullptr));
  ASSERT_TRUE(turn_until([&] { return client.replies.size() == 1; }));
  EXPECT_EQ(client.replies[0].reason, Reason::kNotServing);
  shard = spawn_shard();
  ASSERT_TRUE(turn_until([&] { return seen.subscribes.size() == 2; }));
  EXPECT_EQ(seen.subscribes[1].from.value, 2u);
}

TEST_F(IngressActorTest, AShardThatIsNotThereYetIsWaitedFor) {
  ActorHandle late;
  setup.find_shard = [&](uint32_t) { return late; };
  start();
  Admission refused;
  SessionId session;
  on_loop([&] {
    session = network.ingress->open(network.ingress->settings().clients[0], client).value();
    refused = network.ingress->admit(session, order("a"), loop.now());
  });
  ASSERT_TRUE(refused.refused);
  EXPECT_EQ(refused.refused->reason, Reason::kNotServing);
  late = spawn_shard();
  bool admitted = false;
  ASSERT_TRUE(turn_until([&] {
    on_loop([&] { admitted = !network.ingress->admit(session, order("a"), loop.now()).refused; });
    return admitted;
  }));
}

TEST_F(IngressActorTest, AnswersForASilentShardByTheDeadline) {
  setup.settings.request_deadline = Duration::milliseconds(5);
  setup.settings.answer_deadline = Duration::milliseconds(10);
  start();
  seen.answer = false;
  on_loop([&] {
    const auto session =
        network.ingress->open(network.ingress->settings().clients[0], client).value();
    network.ingress->admit(session, order("a"), loop.now());
  });
  ASSERT_TRUE(turn_until([&] { return client.replies.size() == 1; }));
  EXPECT_EQ(client.replies[0].reason, Reason::kNotServing);
}

TEST_F(IngressActorTest, ThatCantListenEndsWithTheReason) {
  network.refuse = "the port is busy";
  start();
  ASSERT_TRUE(turn_until([&] { return down_heard; }));
  EXPECT_EQ(ended.kind, ExitKind::kError);
  EXPECT_NE(ended.text.find("the port is busy"), std::string::npos) << ended.text;
}

TEST_F(IngressActorTest, WithBadSettingsEndsWithTheReason) {
  setup.settings.credits = 0;
  shard = spawn_shard();
  ingress = spawn_on<IngressActor>(system.get(), loop, setup);
  watch(ingress);
  ASSERT_TRUE(turn_until([&] { return down_heard; }));
  EXPECT_NE(ended.text.find("credits"), std::string::npos) << ended.text;
  EXPECT_EQ(network.made, 0);
}

TEST_F(IngressActorTest, ABugInTheFrontEndsItAndClosesTheFront) {
  start();
  on_loop([&] { network.failed("CHECK failed: x"); });
  ASSERT_TRUE(turn_until([&] { return down_heard; }));
  EXPECT_EQ(ended.kind, ExitKind::kError);
  EXPECT_NE(ended.text.find("CHECK failed: x"), std::string::npos) << ended.text;
  EXPECT_EQ(network.alive, 0);
}

TEST_F(IngressActorTest, AskedToStopItClosesTheFront) {
  start();
  EXPECT_EQ(network.alive, 1);
  send_shutdown(ingress);
  ASSERT_TRUE(turn_until([&] { return down_heard; }));
  EXPECT_EQ(ended.kind, ExitKind::kShutdown);
  EXPECT_EQ(network.alive, 0);
}

TEST_F(IngressActorTest, SessionIdsGrowOverRestarts) {
  start();
  SessionId first, second;
  on_loop([&] {
    first = network.ingress->open(network.ingress->settings().clients[0], client).value();
  });
  send_kill(ingress);
  ASSERT_TRUE(turn_until([&] { return down_heard; }));
  ingress = spawn_on<IngressActor>(system.get(), loop, setup);
  ASSERT_TRUE(turn_until([&] { return network.made == 2; }));
  on_loop([&] {
    second = network.ingress->open(network.ingress->settings().clients[0], client).value();
  });
  EXPECT_GT(second, first);
}

TEST_F(IngressActorTest, ShowsItsCountsAndStopsIntake) {
  start();
  std::optional<IngressStats> stats;
  auto asker = spawn_function_on(system.get(), loop, [&](LoopActor* self) -> Behavior {
    return {[&, self](int) {
      request_within(self, ingress, {"stats", Duration::seconds(30)}, IngressStatsQuery{})
          .then([&](const IngressStats& s) { stats = s; },
                [](const ActorError& e) { ADD_FAILURE() << describe(e); });
    }};
  });
  anon_send(ingress, StopIntake{true});
  anon_send(asker, 1);
  ASSERT_TRUE(turn_until([&] { return stats.has_value(); }));
  EXPECT_EQ(stats->port, 4242);
  EXPECT_EQ(stats->connections.accepted, 7u);
  EXPECT_EQ(stats->shards, 1u);
  EXPECT_EQ(stats->shards_up, 1u);
  EXPECT_TRUE(stats->intake_stopped);
  on_loop([&] {
    const auto session =
        network.ingress->open(network.ingress->settings().clients[0], client).value();
    EXPECT_TRUE(network.ingress->admit(session, order("a"), loop.now()).refused);
  });
}

TEST_F(IngressActorTest, ASubscriptionThatARecoveringShardOverhearsIsAskedAgain) {
  setup.ask_every = Duration::milliseconds(2);
  start();
  shard_is_deaf = true;
  on_loop([&] {
    const auto session =
        network.ingress->open(network.ingress->settings().clients[0], client).value();
    network.ingress->subscribe(session, Account("A"), {1});
  });
  ASSERT_TRUE(turn_until([&] { return seen.subscribes.size() >= 2; }));
  EXPECT_TRUE(client.subscribed.empty());
  shard_is_deaf = false;
  ASSERT_TRUE(turn_until([&] { return client.sequences.size() == 1; }));
}

}  // namespace
}  // namespace holdfast::ingress
