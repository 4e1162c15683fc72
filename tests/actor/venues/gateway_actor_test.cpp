// The gateway's shell alone: a loop that the test turns, a log that commits when the test says so,
// a session and a transport that only note what is asked of them.
#include "actors/venues/gateway_actor.hpp"

#include <gtest/gtest.h>

#include "actors/venues/gateway_capnp.hpp"
#include "actors/venues/session_plan.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "tests/unit/replication/fake_log.hpp"

namespace holdfast::venues::testing {
namespace {

using replication::testing::FakeLog;

constexpr GroupId kGateway{1001}, kShard{1};
constexpr WallTime kStart{1'772'461'800'000'000'000};

/// The gateway's own Log over one that outlives it.
class LogOf final : public replication::Log {
 public:
  /// `standby`: who joins follows until the test makes it lead, by the client that is put there.
  LogOf(FakeLog& log, replication::LogClient** standby) : log_(log), standby_(standby) {}
  Result<> join(replication::LogClient& client, Index applied, Epoch seen) override {
    if (standby_ == nullptr) return Log::join(client, applied, seen);
    *standby_ = &client;
    return success();
  }
  void append(Index index, replication::ByteView entry) override { log_.append(index, entry); }
  void on_committed(std::function<void(Index)> callback) override {
    log_.on_committed(std::move(callback));
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    log_.on_failed(std::move(callback));
  }
  Durability durability() const override { return log_.durability(); }
  Result<std::optional<replication::Snapshot>> latest_snapshot() const override {
    return log_.latest_snapshot();
  }
  Result<> read(Index from,
                const std::function<Result<>(Index, replication::ByteView)>& visit) const override {
    return log_.read(from, visit);
  }
  Result<Epoch> raise_epoch(Epoch seen) override { return log_.raise_epoch(seen); }

 private:
  FakeLog& log_;
  replication::LogClient** standby_;
};

/// What the fakes saw and are told to do; outlives gateways.
struct Venue {
  TransportEvents events;
  std::vector<std::string> written;
  bool connected = false, closed = false, paused = false;
  int connects = 0;
  std::string throws;  // the session fails a CHECK with these words
  GatewayPort* port = nullptr;
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(Venue& venue) : venue_(venue) {}
  ~FakeTransport() override { venue_.connected = false; }
  void connect() override { venue_.connects += 1; }
  void send(std::shared_ptr<const std::string> bytes) override {
    if (venue_.connected) venue_.written.push_back(*bytes);
  }
  void flush() override {}
  void close(const std::string& why) override {
    venue_.closed = true;
    if (std::exchange(venue_.connected, false)) venue_.events.closed(why);
  }
  void pause(bool paused) override { venue_.paused = paused; }
  bool idle() const override { return !venue_.connected; }
  const TransportStats& stats() const override { return stats_; }

 private:
  Venue& venue_;
  TransportStats stats_;
};

/// A session whose messages are words: "logon 1", "W1".
class FakeSession final : public SessionDriver {
 public:
  FakeSession(GatewayPort& port, Venue& venue) : port_(port), venue_(venue) {}
  void link_up() override {
    port_.submit(command::LinkUp{});
    pump();
  }
  void link_lost(const std::string& why, bool heard) override {
    port_.submit(command::LinkLost{why, heard});
  }
  void receive(std::string_view) override {}
  void tick() override {}
  bool busy() const override { return false; }
  void pump() override {
    if (!venue_.throws.empty()) throw CheckFailed(std::exchange(venue_.throws, {}));
    for (;;) {
      const Action action = next_action(port_.state(), port_.now());
      command::Outbound out;
      out.number = port_.state().next_out;
      if (action.kind == ActionKind::kAdvance) {
        port_.submit(command::Advance{});
        continue;
      }
      if (action.kind == ActionKind::kBuildLogon) {
        out.type = 'A';
        out.bytes = words("logon");
        port_.submit(out);
        port_.submit(command::LogonComplete{});  // a venue that answers at once
      } else if (action.kind == ActionKind::kSendBarrier) {
        out.type = '1';
        out.barrier = true;
        out.bytes = words("barrier");
        port_.submit(out);
        port_.submit(command::BarrierAnswered{});
      } else if (action.kind == ActionKind::kSendRequest) {
        const VenueRequest& request = port_.state().waiting[action.index];
        out.kind = SentKind::kNew;
        out.order = request.order;
        out.wire = request.wire;
        out.bytes = words(request.wire.str());
        port_.submit(out);
      } else if (action.kind == ActionKind::kSendLogout) {
        out.type = '5';
        out.bytes = words("logout");
        port_.submit(out);
      } else {
        return;
      }
    }
  }
  const SessionStats& stats() const override { return stats_; }

 private:
  FixBytes words(const std::string& what) {
    return std::make_shared<const std::string>(what + " " + std::to_string(port_.state().next_out));
  }
  GatewayPort& port_;
  Venue& venue_;
  SessionStats stats_;
};

struct ShardEars {
  std::vector<VenueReport> reports;
  std::vector<GroupLeads> leads;
  OutboxSeq acknowledged;
  VenueSessionState state = VenueSessionState::kDown;
};

class GatewayActorTest : public ::testing::Test {
 protected:
  GatewayActorTest() {
    rules.venue = "TEST";
    shard = spawn_function_on(system, loop, [ears = ears](LoopActor*) {
      return Behavior{
          [ears](const VenueReportDelivery& delivery) {
            ears->acknowledged = std::max(ears->acknowledged, delivery->acknowledged);
            for (const auto& report : delivery->items) ears->reports.push_back(report);
          },
          [ears](const GroupLeads& leads) { ears->leads.push_back(leads); },
          [ears](const VenueStatus& status) { ears->state = status.state; },
      };
    });
  }
  ~GatewayActorTest() override {
    gateway = nullptr;
    shard = nullptr;
    loop.close();
  }

  void start() {
    GatewayActorSetup setup;
    setup.tick = tick;
    setup.group = kGateway;
    setup.rules = rules;
    setup.make_log = [this] { return std::make_unique<LogOf>(log, standby ? &client : nullptr); };
    setup.codec = std::make_shared<GatewayCodec>();
    setup.make_session = [this](GatewayPort& port) -> Result<std::unique_ptr<SessionDriver>> {
      venue.port = &port;
      return std::unique_ptr<SessionDriver>(std::make_unique<FakeSession>(port, venue));
    };
    setup.make_transport = [this](FdWatcher&,
                                  TransportEvents events) -> Result<std::unique_ptr<Transport>> {
      venue.events = std::move(events);
      return std::unique_ptr<Transport>(std::make_unique<FakeTransport>(venue));
    };
    setup.wall = [this] { return wall; };
    setup.shards = {kShard};
    setup.find_shard = [this](GroupId) { return shard; };
    gateway = spawn_on<GatewayActor>(system, loop, setup);
    turn();
  }
  void turn() {
    loop.turn();
    loop.turn();
  }
  void commit() {
    loop.enter([this] {
      if (!log.entries.empty()) log.commit_all();
    });
    turn();
  }
  /// The transport came up; the fake session logs on and passes its barrier at once.
  void connect() {
    loop.enter([this] {
      venue.connected = true;
      venue.closed = false;
      venue.events.connected();
    });
    turn();
  }
  VenueRequest order(uint64_t number) {
    VenueRequest request;
    request.order = {number};
    request.wire = WireOrderId("W" + std::to_string(number));
    request.symbol = "AAPL";
    request.quantity = Quantity::whole(1);
    request.price = Price::whole(1);
    request.intake = wall;
    return request;
  }
  void deliver(std::vector<VenueRequest> items, uint64_t first) {
    auto delivery = std::make_shared<Delivery<VenueRequest>>();
    delivery->from = kShard;
    delivery->to = kGateway;
    delivery->epoch = {1};
    delivery->first = {first};
    delivery->items = std::move(items);
    anon_send(gateway, VenueRequestDelivery(std::move(delivery)));
    turn();
  }
  /// The error that the gateway ended with, or "" while it lives.
  std::string ended() {
    ScopedActor self{system.get()};
    self->monitor(gateway);
    std::string words;
    self->receive([&](const DownMessage& down) { words = describe(down.reason); },
                  caf::after(std::chrono::seconds(0)) >> [] {});
    return words;
  }

  SessionRules rules;
  Duration tick{1};  // at each turn
  WallTime wall = kStart;
  FakeLog log;
  bool standby = false;
  replication::LogClient* client = nullptr;  // of a standby
  Venue venue;
  std::shared_ptr<ShardEars> ears = std::make_shared<ShardEars>();
  ActorSystem system;
  HotLoop loop;
  ActorHandle shard, gateway;
};

TEST_F(GatewayActorTest, NothingLeavesBeforeItsCommit) {
  start();
  connect();
  EXPECT_TRUE(venue.written.empty()) << "a Logon left before it was committed";
  EXPECT_TRUE(ears->leads.empty()) << "it does not lead before its epoch is committed";
  deliver({order(1), order(2)}, 1);
  EXPECT_EQ(ears->acknowledged.value, 0u);
  EXPECT_TRUE(venue.written.empty());
  EXPECT_EQ(ears->state, VenueSessionState::kDown);
  commit();
  EXPECT_EQ(venue.written, (std::vector<std::string>{"logon 1", "barrier 2", "W1 3", "W2 4"}));
  EXPECT_EQ(ears->acknowledged.value, 2u);
  EXPECT_EQ(ears->leads.size(), 1u);
  EXPECT_EQ(ears->state, VenueSessionState::kOpen);
}

TEST_F(GatewayActorTest, WhoIsDeposedInTheTurnInWhichItLedEndsInGoodOrder) {
  standby = true;
  start();
  ASSERT_TRUE(client != nullptr);
  loop.enter([this] {
    client->lead({log.epoch.value + 1});
    client->deposed("another leads");
  });
  turn();
  EXPECT_NE(ended().find("deposed: another leads"), std::string::npos) << ended();
  EXPECT_EQ(venue.connects, 0);
  EXPECT_TRUE(ears->leads.empty());
}

TEST_F(GatewayActorTest, NeverCommittedMeansNeverSent) {
  start();
  commit();
  connect();
  commit();
  deliver({order(1)}, 1);
  const std::size_t entries = log.entries.size();
  // The process dies with the entry uncommitted, and the entry is lost.
  send_kill(gateway);
  turn();
  log.entries.erase(log.entries.begin()->first + entries - 1);
  EXPECT_EQ(venue.written.back(), "barrier 2");
  start();
  commit();
  connect();
  commit();
  ASSERT_EQ(ears->leads.back().cursor.value, 0u) << "the shard has to give it again";
  deliver({order(1)}, 1);
  commit();
  EXPECT_EQ(venue.written.back().substr(0, 3), "W1 ");
}

TEST_F(GatewayActorTest, AnAcknowledgementGoesWithTheNextReport) {
  tick = Duration::seconds(3'600);
  start();
  commit();
  connect();
  commit();
  deliver({order(1)}, 1);
  commit();
  EXPECT_EQ(ears->acknowledged.value, 0u) << "told alone it costs the shard an entry";
  loop.enter([this] {
    VenueReport report;
    report.wire = "W1";
    venue.port->submit(command::Inbound{1, 0, false, report});
  });
  commit();
  EXPECT_EQ(ears->reports.size(), 1u);
  EXPECT_EQ(ears->acknowledged.value, 1u);
}

TEST_F(GatewayActorTest, AnAcknowledgementThatNothingCarriesWaitsForATick) {
  start();
  commit();
  deliver({order(1)}, 1);
  commit();
  EXPECT_EQ(ears->acknowledged.value, 1u);
  EXPECT_TRUE(ears->reports.empty());
}

TEST_F(GatewayActorTest, ManyAcknowledgementsDoNotWait) {
  tick = Duration::seconds(3'600);
  start();
  commit();
  std::vector<VenueRequest> many;
  for (uint64_t n = 1; n <= limits::kOutboxInFlightMax / 4; ++n) many.push_back(order(n));
  deliver(std::move(many), 1);
  commit();
  EXPECT_EQ(ears->acknowledged.value, limits::kOutboxInFlightMax / 4);
}

TEST_F(GatewayActorTest, ATurnIsOneEntryWhateverItHolds) {
  start();
  commit();
  connect();
  commit();
  const std::size_t before = log.entries.size();
  std::vector<VenueRequest> many;
  for (uint64_t n = 1; n <= 100; ++n) many.push_back(order(n));
  deliver(std::move(many), 1);
  EXPECT_EQ(log.entries.size(), before + 1);
}

TEST_F(GatewayActorTest, BytesForAnEarlierConnectionAreDropped) {
  start();
  commit();
  connect();
  commit();
  deliver({order(1)}, 1);  // encoded for this connection, not committed
  loop.enter([this] {
    venue.connected = false;
    venue.events.closed("cut");
  });
  turn();
  venue.written.clear();
  connect();
  commit();
  for (const auto& bytes : venue.written) EXPECT_NE(bytes.substr(0, 2), "W1");
  ASSERT_FALSE(venue.written.empty());
  EXPECT_EQ(venue.written[0].substr(0, 5), "logon");
}

TEST_F(GatewayActorTest, AGapInADeliveryIsAskedForAgain) {
  start();
  commit();
  deliver({order(1)}, 1);
  commit();
  const std::size_t leads = ears->leads.size();
  deliver({order(3)}, 3);
  commit();
  ASSERT_EQ(ears->leads.size(), leads + 1);
  EXPECT_EQ(ears->leads.back().cursor.value, 1u);
}

TEST_F(GatewayActorTest, DiesWholeAtAFailedCheckAndIsRebuiltFromItsJournal) {
  start();
  commit();
  connect();
  commit();
  deliver({order(1)}, 1);
  commit();
  venue.throws = "a bug";
  deliver({order(2)}, 2);
  EXPECT_NE(ended().find("a bug"), std::string::npos);
  EXPECT_FALSE(venue.connected) << "its connection goes with it";
  start();
  commit();
  EXPECT_EQ(ears->leads.back().cursor.value, 1u) << "what was not journaled is asked for again";
  EXPECT_EQ(venue.port->state().next_out, 4u);
}

TEST_F(GatewayActorTest, EndsWhenItsJournalCanNotGoOn) {
  start();
  commit();
  loop.enter([this] { log.fail({ErrorCode::kFull, "disk full"}); });
  turn();
  EXPECT_NE(ended().find("disk full"), std::string::npos);
}

TEST_F(GatewayActorTest, SaysWhatIsWrongWithItsRules) {
  rules.wait_age = {};
  start();
  EXPECT_NE(ended().find("wait_age"), std::string::npos);
}

TEST_F(GatewayActorTest, DamageInTheJournalEndsItWithTheEntrysNumber) {
  start();
  commit();
  send_kill(gateway);
  turn();
  auto& entry = log.entries.rbegin()->second;
  entry[entry.size() / 2] ^= std::byte{1};
  start();
  EXPECT_NE(ended().find("entry " + std::to_string(log.entries.rbegin()->first)), std::string::npos)
      << ended();
}

TEST_F(GatewayActorTest, AKillSwitchIsAnsweredWhenItIsCommitted) {
  start();
  commit();
  ScopedActor self{system.get()};
  bool answered = false;
  auto asked = self->request(gateway, std::chrono::seconds(20), KillSwitch{});
  turn();
  const uint64_t entry = log.entries.rbegin()->first;
  commit();
  asked.receive(
      [&](const VenueKillApplied& applied) {
        answered = true;
        EXPECT_EQ(applied.index.value, entry);
      },
      [](const ActorError& error) { ADD_FAILURE() << describe(error); });
  EXPECT_TRUE(answered);
}

TEST_F(GatewayActorTest, ReportsAreGivenAgainToAShardThatLeadsAgain) {
  start();
  commit();
  connect();
  deliver({order(1)}, 1);
  commit();
  loop.enter([this] {
    VenueReport report;
    report.wire = "W1";
    venue.port->submit(command::Inbound{1, 0, false, report});
  });
  turn();
  commit();
  ASSERT_EQ(ears->reports.size(), 1u);
  anon_send(gateway, GroupLeads{kShard, {2}, {0}});
  turn();
  commit();
  ASSERT_EQ(ears->reports.size(), 2u);
  EXPECT_EQ(ears->reports[0], ears->reports[1]);
}

TEST_F(GatewayActorTest, StrangersAreIgnored) {
  start();
  commit();
  auto delivery = std::make_shared<Delivery<VenueRequest>>();
  delivery->from = {77};
  delivery->to = kGateway;
  delivery->epoch = {1};
  delivery->first = {1};
  delivery->items = {order(1)};
  anon_send(gateway, VenueRequestDelivery(std::move(delivery)));
  anon_send(gateway, GroupLeads{{77}, {9}, {9}});
  turn();
  commit();
  EXPECT_EQ(venue.port->state().counters.taken, 0u);
  EXPECT_FALSE(venue.port->state().inboxes.contains({77}));
}

}  // namespace
}  // namespace holdfast::venues::testing
