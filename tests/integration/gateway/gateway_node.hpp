// A node of one gateway and one probe shard on a hot loop of its own thread, with the real journal,
// the real session and the real socket.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <filesystem>
#include <future>
#include <thread>

#include "actors/venues/drop_copy/drop_copy_quickfix.hpp"
#include "actors/venues/gateway_actor.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "actors/venues/session_quickfix.hpp"
#include "actors/venues/transport_linux.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "tests/integration/gateway/probe_shard.hpp"
#include "tests/source_path.hpp"

namespace holdfast::venues::testing {

inline WallTime wall_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return {int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec};
}

class GatewayNode {
 public:
  explicit GatewayNode(uint16_t port, SessionRules rules = {}, bool drop_copy = false)
      : rules(rules), drop_copy_(drop_copy) {
    char name[] = "/tmp/holdfast-gateway-XXXXXX";
    directory_ = mkdtemp(name);
    if (this->rules.venue.empty()) this->rules.venue = "XSIM";
    port_ = port;
    auto journal = replication::JournalRocksdb::open({directory_});
    EXPECT_TRUE(journal.ok()) << (journal.ok() ? "" : journal.error().text);
    journal_ = std::move(journal).value();
    appender_ = std::make_unique<replication::JournalAppender>(
        *journal_, replication::JournalAppender::Hooks{
                       [this](std::function<void()> f) { loop_.defer(std::move(f)); },
                       [this](std::function<void()> f) { loop_.post(std::move(f)); }});
    thread_ = std::thread([this] { loop_.run(); });
    shard_ = spawn_on<ProbeShard>(system_, loop_, book);
    start();
  }
  ~GatewayNode() {
    loop_.stop();
    thread_.join();
    gateway = nullptr;
    shard_ = nullptr;
    loop_.close();
    appender_.reset();
    journal_.reset();
    std::filesystem::remove_all(directory_);
  }
  GatewayNode(const GatewayNode&) = delete;
  GatewayNode& operator=(const GatewayNode&) = delete;

  /// A (new) incarnation on the same journal, as a supervisor would make it.
  void start() {
    GatewayActorSetup setup;
    setup.group = kGateway;
    setup.rules = rules;
    setup.make_log = [this] { return appender_->log(kGateway, Durability::kMemory); };
    setup.codec = std::make_shared<GatewayCodec>();
    SessionIdentity identity;
    identity.sender = "FIRM";
    identity.target = "VENUE";
    identity.heartbeat_seconds = 5;
    identity.dictionary = tests::source_path("config/fix/FIX44.xml");
    setup.make_session = quickfix_sessions(identity);
    setup.make_transport = tcp_transports({"127.0.0.1", port_}, fence);
    setup.fence = fence;
    if (drop_copy_) {
      DropCopySetup copy;
      copy.sender = identity.sender = "FIRM-DROP";
      copy.make_session = quickfix_drop_copies(identity);
      copy.make_transport = tcp_transports({"127.0.0.1", port_}, make_tcp_fence());
      copy.patience = Duration::milliseconds(50);
      setup.drop_copy = std::move(copy);
    }
    setup.wall = wall_now;
    setup.shards = {kShard};
    setup.find_shard = [shard = shard_](GroupId) { return shard; };
    gateway = spawn_on<GatewayActor>(system_, loop_, setup);
    anon_send(shard_, GatewayChanged{gateway});
  }
  /// Ends the incarnation without a word, as a failed CHECK would, and waits until it is gone.
  void kill() {
    ScopedActor self{system_.get()};
    self->monitor(gateway);
    send_kill(gateway);
    self->receive([](const DownMessage&) {});
  }
  void submit(std::vector<VenueRequest> requests) {
    anon_send(shard_, SubmitRequests{std::move(requests)});
  }
  template <typename Answer, typename Question>
  Answer ask(Question question) {
    ScopedActor self{system_.get()};
    Answer answer{};
    self->request(gateway, std::chrono::seconds(20), question)
        .receive([&](const Answer& got) { answer = got; },
                 [](const ActorError& error) { ADD_FAILURE() << describe(error); });
    return answer;
  }
  VenueSessionView view() { return ask<VenueSessionView>(VenueSessionQuery{}); }
  std::shared_ptr<const ReconciliationView> reconciliation() {
    return ask<std::shared_ptr<const ReconciliationView>>(ReconciliationQuery{});
  }
  bool wait_open() {
    return book->wait([](ShardBook& b) { return b.state == VenueSessionState::kOpen; });
  }

  SessionRules rules;
  std::shared_ptr<Fence> fence = make_tcp_fence();
  std::shared_ptr<ShardBook> book = std::make_shared<ShardBook>();
  ActorHandle gateway;

 private:
  bool drop_copy_ = false;
  uint16_t port_ = 0;
  std::string directory_;
  std::unique_ptr<replication::JournalRocksdb> journal_;
  std::unique_ptr<replication::JournalAppender> appender_;
  ActorSystem system_;
  HotLoop loop_;
  std::thread thread_;
  ActorHandle shard_;
};

/// A limit order that rests or, with a crossing price, trades.
inline VenueRequest order(uint64_t number, Side side = Side::kBuy, int64_t price = 100) {
  VenueRequest request;
  request.order = {number};
  request.wire = WireOrderId("W" + std::to_string(number));
  request.client_order_id = ClientOrderId("C" + std::to_string(number));
  request.account = "ACC1";
  request.symbol = "AAPL";
  request.side = side;
  request.price = Price::whole(price);
  request.quantity = Quantity::whole(10);
  request.intake = wall_now();
  return request;
}

}  // namespace holdfast::venues::testing
