// An order shard's actor with its real stages on one loop, a log whose commits come when the test
// says so, and an ingress and a gateway that only write down what they hear.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "actors/orders/shard/shard_actor.hpp"
#include "actors/risk/risk_actor.hpp"
#include "actors/routing/routing_actor.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"
#include "tests/unit/orders/shard_fixture.hpp"

namespace holdfast::orders::testing {

/// What survives every log: entries and the epoch.
struct Store {
  std::map<uint64_t, replication::Bytes> entries;
  uint64_t epoch = 0;
  bool automatic = true;  // commits at once, in a later turn
  int logs = 0;           // open now
  bool standby = false;   // who joins follows until the test makes it lead
  replication::LogClient* client = nullptr;
  std::function<void(Index)> committed;
  std::function<void(const Error&)> failed;

  void commit_all() {
    if (!entries.empty() && committed) committed({entries.rbegin()->first});
  }
};

class StoredLog final : public replication::Log {
 public:
  StoredLog(std::shared_ptr<Store> store, EventLoop& loop) : store_(std::move(store)), loop_(loop) {
    store_->logs += 1;
  }
  ~StoredLog() override {
    store_->logs -= 1;
    store_->committed = nullptr;
    store_->client = nullptr;
  }
  Result<> join(replication::LogClient& client, Index applied, Epoch seen) override {
    if (!store_->standby) return Log::join(client, applied, seen);
    store_->client = &client;
    return success();
  }
  void append(Index index, replication::ByteView entry) override {
    store_->entries[index.value] = {entry.begin(), entry.end()};
    if (store_->automatic)
      loop_.post([store = store_, index] {
        if (store->committed && store->entries.contains(index.value)) store->committed(index);
      });
  }
  void on_committed(std::function<void(Index)> callback) override {
    store_->committed = std::move(callback);
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    store_->failed = std::move(callback);
  }
  Durability durability() const override { return Durability::kMemory; }
  Result<std::optional<replication::Snapshot>> latest_snapshot() const override {
    return std::optional<replication::Snapshot>{};
  }
  Result<> read(Index from,
                const std::function<Result<>(Index, replication::ByteView)>& visit) const override {
    for (auto it = store_->entries.lower_bound(from.value); it != store_->entries.end(); ++it)
      if (auto visited = visit({it->first}, it->second); !visited) return visited;
    return success();
  }
  Result<Epoch> raise_epoch(Epoch seen) override {
    store_->epoch = std::max(store_->epoch, seen.value) + 1;
    return Epoch{store_->epoch};
  }

 private:
  std::shared_ptr<Store> store_;
  EventLoop& loop_;
};

/// What a client's side and a gateway heard.
struct Heard {
  std::vector<OrderReply> replies;
  std::vector<ReportsSubscribed> subscribed;
  std::vector<ExecutionReport> reports;
  std::vector<OrderQueryReply> views;
  std::vector<VenueRequest> requests;  // in order of delivery, repeats too
  std::vector<uint64_t> sequences;     // of requests
  OutboxSeq acknowledged;              // of what we sent
  std::vector<GroupLeads> leads;
  std::vector<OrdersPageAnswer> pages;
  std::vector<OrderHistoryAnswer> histories;
  std::vector<ShardViewAnswer> shards;
  std::vector<ShardCommandDone> done;
  std::vector<LeafPage> leaves;
  int errors = 0;
};

/// Sends on a test's behalf and writes down every answer.
struct SendTo {
  ActorHandle to;
  Message what;
};

class Listener final : public LoopActor {
 public:
  Listener(ActorConfig& config, Heard& heard) : LoopActor(config), heard_(heard) {}
  Behavior make_behavior() override {
    return {
        [this](const SendTo& order) {
          if (order.to) send(order.to, order.what);
        },
        [this](const OrderReplyBatch& b) {
          heard_.replies.insert(heard_.replies.end(), b->begin(), b->end());
        },
        [this](const ReportsSubscribed& s) { heard_.subscribed.push_back(s); },
        [this](const ReportsForSession& r) {
          heard_.reports.insert(heard_.reports.end(), r.reports->begin(), r.reports->end());
        },
        [this](const OrderQueryReply& r) { heard_.views.push_back(r); },
        [this](const VenueRequestDelivery& d) {
          for (std::size_t i = 0; i < d->items.size(); ++i) {
            heard_.requests.push_back(d->items[i]);
            heard_.sequences.push_back(d->first.value + i);
          }
          heard_.acknowledged = std::max(heard_.acknowledged, d->acknowledged);
        },
        [this](const GroupLeads& l) { heard_.leads.push_back(l); },
        [this](const OrdersPageAnswer& p) { heard_.pages.push_back(p); },
        [this](const OrderHistoryAnswer& h) { heard_.histories.push_back(h); },
        [this](const ShardViewAnswer& v) { heard_.shards.push_back(v); },
        [this](const ShardCommandDone& d) { heard_.done.push_back(d); },
        [this](const LeafPage& l) { heard_.leaves.push_back(l); },
        [this](const ActorError&) { heard_.errors += 1; },
    };
  }

 private:
  Heard& heard_;
};

class ShardActorTest : public ::testing::Test {
 protected:
  ShardActorTest() {
    client = spawn_on<Listener>(system.get(), loop, heard);
    gateway = spawn_on<Listener>(system.get(), loop, heard_gateway);
    setup.group = kShardGroup;
    setup.make_log = [this]() -> Result<std::unique_ptr<replication::Log>> {
      return std::unique_ptr<replication::Log>(std::make_unique<StoredLog>(store, loop));
    };
    setup.wall = [this] {
      if (bomb && bomb()) throw CheckFailed("planted by the test");
      wall.ns += 1'000;
      return wall;
    };
    setup.find_risk = [this] { return risk; };
    setup.find_routing = [this] { return routing; };
    setup.find_gateway = [this](GroupId) { return gateway; };
    setup.reference.data = reference_data();
    setup.risk.limits = generous_limits();
    setup.check = Duration{1};  // at each turn
    setup.on_event = [this](std::string_view name, const std::string&, bool) {
      events[std::string(name)] += 1;
    };
  }
  ~ShardActorTest() override { loop.close(); }

  void start_stages() {
    risk = spawn_on<risk::RiskActor>(system.get(), loop);
    routing = spawn_on<routing::RoutingActor>(system.get(), loop);
  }
  void start() {
    shard = spawn_shard(system.get(), loop, setup);
    settle();
  }
  void start_all() {
    start_stages();
    start();
    open_venue();
    settle();
  }
  /// As a supervisor would, after it ended.
  void restart() {
    start();
    open_venue();
    settle();
  }
  void open_venue() { to_shard(VenueStatus{"XSIM", kVenueGroup, VenueSessionState::kOpen, 0}); }

  void settle() {
    for (int i = 0; i < 50; ++i) loop.turn();
  }
  /// Turns the loop until `condition` holds; the bound only ends a broken test.
  template <typename Condition>
  bool until(Condition condition) {
    const MonoTime end = loop.now() + Duration::seconds(20);
    while (!condition() && loop.now() < end) loop.turn();
    return condition();
  }
  bool shard_is_down() {
    return until([this] { return store->logs == 0; });
  }

  template <typename M>
  void to_shard(M message, bool from_gateway = false) {
    anon_send(from_gateway ? gateway : client, SendTo{shard, make_message(std::move(message))});
  }
  void ask(std::vector<decltype(OrderRequest::body)> bodies, Duration within = {}) {
    std::vector<OrderRequest> batch;
    for (auto& body : bodies) {
      OrderRequest r;
      r.ticket = {{7}, ++tickets};
      r.client = "C1";
      if (within.ns != 0) r.deadline = loop.now() + within;
      r.body = std::move(body);
      batch.push_back(std::move(r));
    }
    to_shard(OrderRequestBatch(std::make_shared<std::vector<OrderRequest>>(std::move(batch))));
  }
  void hear(std::vector<VenueReport> reports, uint64_t acknowledged = 0) {
    auto d = std::make_shared<Delivery<VenueReport>>();
    d->from = kVenueGroup;
    d->to = kShardGroup;
    d->epoch = {1};
    d->first = {venue_sequence + 1};
    d->acknowledged = {acknowledged};
    venue_sequence += reports.size();
    d->items = std::move(reports);
    to_shard(VenueReportDelivery(std::move(d)), true);
  }
  VenueReport report(const VenueRequest& request, VenueReportKind kind) {
    return words.from(request, kind);
  }

  std::shared_ptr<Store> store = std::make_shared<Store>();
  Heard heard, heard_gateway;
  std::map<std::string, int> events;
  std::function<bool()> bomb;
  WallTime wall{Duration::seconds(1'000).ns};
  uint64_t tickets = 0, venue_sequence = 0;
  Shard words{false};  // only for its vocabulary
  ShardSetup setup;
  ActorSystem system;
  HotLoop loop;
  ActorHandle client, gateway, risk, routing, shard;
};

}  // namespace holdfast::orders::testing

HOLDFAST_LOCAL_MESSAGE(holdfast::orders::testing::SendTo)
