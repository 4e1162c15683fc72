// The journal: a shard's events as bytes, the entry around them, and RocksDB under it.
#include "actors/orders/shard/shard_capnp.hpp"
#include "supervision/replication/replica.hpp"
#include "tests/bench/parts/bench_log.hpp"
#include "tests/bench/parts/part.hpp"
#include "tests/bench/parts/shard_flow.hpp"
#include "tests/unit/replication/ledger_core.hpp"

namespace holdfast::bench {
namespace {

using namespace replication;
using orders::ShardEvent;

/// The events of `n` admissions, as a turn that takes `n` orders journals them.
std::vector<ShardEvent> admissions(std::size_t n) {
  Replica<orders::ShardCore> replica(kShardGroup);
  ShardFlow flow;
  replica.lead({1});
  replica.seal(wall_now());
  for (const auto& command : flow.opening()) replica.decide(command, wall_now());
  replica.seal(wall_now());
  for (std::size_t i = 0; i < n; ++i) replica.decide(flow.submit(replica.state()), wall_now());
  return std::move(replica.seal(wall_now())->events);
}
Bytes admission_body(std::size_t n) {
  Bytes body;
  orders::ShardCodec().encode_events(admissions(n), body);
  return body;
}

/// An operation is one entry with the events of `orders` orders.
std::unique_ptr<Part> encode_events(std::size_t orders) {
  return simple_part([events = admissions(orders), body = Bytes()](uint64_t) mutable {
    body.clear();
    orders::ShardCodec().encode_events(events, body);
  });
}
std::unique_ptr<Part> decode_events(std::size_t orders) {
  return simple_part(
      [body = admission_body(orders), events = std::vector<ShardEvent>()](uint64_t) mutable {
        events.clear();
        CHECK(orders::ShardCodec().decode_events(body, events).ok());
      });
}
std::unique_ptr<Part> entry_hash(std::size_t orders) {
  return simple_part([body = admission_body(orders), entry = Bytes(),
                      chain = ChainHash()](uint64_t number) mutable {
    entry.clear();
    chain = encode_entry(
        {kEntryFormat, false, false, kShardGroup, {{1}, {number}, {0}}, chain, {}, 0}, body, entry);
  });
}

/// From append to `committed`, one entry at a time, with the events of `orders` orders in each.
class AppendPart final : public Part {
 public:
  AppendPart(std::size_t orders, Durability durability)
      : journal_(std::make_unique<BenchJournal>(durability)), body_(admission_body(orders)) {
    journal_->log().on_committed([this](Index index) { committed_ = index; });
  }
  void run(std::size_t n) override {
    for (std::size_t i = 0; i < n; ++i) {
      number_ += 1;
      entry_.clear();
      encode_entry({kEntryFormat, false, false, kShardGroup, {{1}, {number_}, {0}}, {}, {}, 0},
                   body_, entry_);
      journal_->log().append({number_}, entry_);
      journal_->end_turn();
      while (committed_.value < number_) journal_->wait_for_post();
    }
  }

 private:
  std::unique_ptr<BenchJournal> journal_;
  Bytes body_, entry_;
  uint64_t number_ = 0;
  Index committed_;
};

/// The mechanism alone: a core that does next to nothing, a log that commits at the end of the
/// turn.
class HostPart final : public Part {
 public:
  HostPart()
      : host_(kShardGroup, log_, codec_,
              {wall_now,
               [this](auto run) { deferred_ = std::move(run); },
               [this](auto&&) { released_ += 1; },
               {}}) {
    CHECK(host_.lead_alone().ok());
    log_.commit();
  }
  void run(std::size_t n) override {
    using Command = testing::LedgerCore::Command;
    for (std::size_t i = 0; i < n; ++i) {
      number_ += 1;
      host_.submit({Command::kDeposit, number_ % 1'000'000, 1});
      std::exchange(deferred_, nullptr)();
      log_.commit();
    }
    CHECK(released_ >= number_);
  }
  void prepare(std::size_t) override {
    host_.submit(
        {testing::LedgerCore::Command::kAcknowledge, host_.state().outbox.last().value, 0});
    std::exchange(deferred_, nullptr)();
    log_.commit();
  }

 private:
  LastEntryLog log_;
  testing::LedgerCodec codec_;
  std::function<void()> deferred_;
  uint64_t number_ = 0, released_ = 0;
  ReplicaHost<testing::LedgerCore> host_;
};

bool add_sizes() {
  for (const std::size_t orders : {1, 16, 100}) {
    const std::string size = std::to_string(orders);
    add_part({"events_encode_" + size, "one entry's events: " + size + " orders", 4,
              [orders] { return encode_events(orders); }});
    add_part({"events_decode_" + size, "one entry's events: " + size + " orders", 4,
              [orders] { return decode_events(orders); }});
    add_part({"entry_hash_" + size, "header, checksum and chain of one entry of " + size, 4,
              [orders] { return entry_hash(orders); }});
    add_part({"append_memory_" + size, "write one entry of " + size + " orders, memory", 1,
              [orders] { return std::make_unique<AppendPart>(orders, Durability::kMemory); }});
  }
  add_part({"append_fsynced_1", "write and fdatasync one entry of 1 order", 1,
            [] { return std::make_unique<AppendPart>(1, Durability::kFsynced); }});
  add_part({"append_fsynced_100", "write and fdatasync one entry of 100 orders", 1,
            [] { return std::make_unique<AppendPart>(100, Durability::kFsynced); }});
  return add_part({"replica_host", "submit to released effect, log in memory, codec of a test", 16,
                   [] { return std::make_unique<HostPart>(); }});
}
const bool kRegistered = add_sizes();

}  // namespace
}  // namespace holdfast::bench
