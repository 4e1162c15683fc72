// What a restart costs: a shard's snapshot written and read, and its state rebuilt from a journal
// of a million entries with the snapshots that a node makes on the way.
#include "actors/orders/shard/shard_capnp.hpp"
#include "nodes/node/snapshot_trigger_linux.hpp"
#include "tests/bench/latency.hpp"
#include "tests/bench/parts/bench_log.hpp"
#include "tests/bench/parts/part.hpp"
#include "tests/bench/parts/shard_flow.hpp"

namespace holdfast::bench {
namespace {

using namespace replication;
using orders::ShardCore;
using Numbers = std::vector<std::pair<std::string, double>>;

double ms_since(int64_t start_ns) { return static_cast<double>(now_ns() - start_ns) * 1e-6; }

/// 250 000 orders, one in eight of them open.
Numbers snapshot_study(bool quick) {
  const uint64_t orders = quick ? 25'000 : 250'000;
  Replica<ShardCore> replica(kShardGroup);
  ShardFlow flow;
  std::vector<Committed<orders::ShardEffect>> released;
  const auto run = [&](const orders::ShardCommand& command) {
    replica.decide(command, wall_now());
    replica.seal(wall_now());
    released.clear();
    replica.commit(replica.appended(), released);
  };
  replica.lead({1});
  replica.seal(wall_now());
  for (const auto& command : flow.opening()) run(command);
  while (flow.orders() < orders) {
    run(flow.submit(replica.state()));
    const VenueRequest request = ShardFlow::last_request(replica.state());
    run(flow.accepted(request));
    if (flow.orders() % 8 != 0) run(flow.filled(request));
    run(ShardFlow::acknowledged(replica.state()));
  }
  const orders::ShardCodec codec;
  Bytes bytes;
  int64_t start = now_ns();
  codec.encode_state(replica.state(), bytes);
  const double encode_ms = ms_since(start);
  start = now_ns();
  const int64_t start_cpu = thread_cpu_ns();
  orders::ShardState read;
  CHECK(codec.decode_state(bytes, read).ok());
  const double decode_ms = ms_since(start);
  const double decode_cpu_ms = static_cast<double>(thread_cpu_ns() - start_cpu) * 1e-6;
  CHECK(orders::state_hash(read) == orders::state_hash(replica.state()));
  return {{"orders", static_cast<double>(orders)},
          {"bytes", static_cast<double>(bytes.size())},
          {"encode_ms", encode_ms},
          {"decode_ms", decode_ms},
          {"decode_cpu_ms", decode_cpu_ms}};
}

/// A journal as one order in flight makes it: three entries an order. The last snapshot is as old
/// as it can be when the next one is due, by entries or by bytes as in a node.
Numbers recovery_study(bool quick) {
  const uint64_t entries = quick ? 100'000 : 1'000'000;
  const uint64_t every = limits::kSnapshotEveryEntries / (quick ? 10 : 1);
  BenchJournal journal(Durability::kMemory, kShardGroup);
  const orders::ShardCodec codec;
  double last_snapshot_ms = 0, last_snapshot_cpu_ms = 0, book_bytes = 0;
  const auto hooks = [&]() -> ReplicaHost<ShardCore>::Hooks {
    return {wall_now, [&](auto run) { journal.defer(std::move(run)); }, [](auto&&) {}, {}};
  };
  int64_t start = now_ns();
  uint64_t state_hash = 0;
  {
    ReplicaHost<ShardCore> host(kShardGroup, journal.log(), codec, hooks());
    CHECK(host.lead_alone().ok());
    journal.end_turn();
    ShardFlow flow;
    uint64_t snapshot_entries = 0, snapshot_bytes = 0;  // appended when the last one was made
    const auto turn = [&](const orders::ShardCommand& command) {
      host.submit(command);
      journal.end_turn();
      const uint64_t last = host.replica().appended().value;
      const bool due = last - snapshot_entries >= every ||
                       host.bytes_appended() - snapshot_bytes >= node::kReplayBytesMax;
      if (!due || last >= entries) return;
      snapshot_entries = last;
      snapshot_bytes = host.bytes_appended();
      const int64_t begun = now_ns(), begun_cpu = thread_cpu_ns();
      const auto reader = journal.journal().reader(kShardGroup);
      auto snapshot = advance_snapshot<ShardCore>(kShardGroup, *reader, codec);
      CHECK(snapshot.ok() && snapshot.value().has_value());
      CHECK(journal.journal().put_snapshot(kShardGroup, *snapshot.value()).ok());
      last_snapshot_ms = ms_since(begun);
      last_snapshot_cpu_ms = static_cast<double>(thread_cpu_ns() - begun_cpu) * 1e-6;
    };
    for (const auto& command : flow.opening()) turn(command);
    while (host.replica().appended().value < entries) {
      turn(flow.submit(host.state()));
      const VenueRequest request = ShardFlow::last_request(host.state());
      turn(flow.accepted(request));
      host.submit(ShardFlow::acknowledged(host.state()));
      turn(flow.filled(request));
    }
    state_hash = orders::state_hash(host.state());
    book_bytes = static_cast<double>(host.state().book.bytes());
  }
  const double build_ms = ms_since(start);
  const double open_ms = journal.reopen();
  start = now_ns();
  auto stored = journal.journal().latest_snapshot(kShardGroup);
  CHECK(stored.ok() && stored.value().has_value());
  const double read_ms = ms_since(start);
  start = now_ns();
  const int64_t start_cpu = thread_cpu_ns();
  ReplicaHost<ShardCore> host(kShardGroup, journal.log(), codec, hooks());
  auto recovered = host.recover();
  CHECK(recovered.ok());
  const double recover_ms = ms_since(start);
  const double recover_cpu_ms = static_cast<double>(thread_cpu_ns() - start_cpu) * 1e-6;
  CHECK(orders::state_hash(host.state()) == state_hash);
  return {{"entries", static_cast<double>(host.replica().appended().value)},
          {"orders", static_cast<double>(host.state().book.orders())},
          {"entries_replayed", static_cast<double>(recovered.value().entries_replayed)},
          {"snapshot_bytes", static_cast<double>(stored.value()->state.size())},
          {"open_ms", open_ms},
          {"read_snapshot_ms", read_ms},
          {"recover_ms", recover_ms},
          {"recover_cpu_ms", recover_cpu_ms},
          {"open_and_recover_ms", open_ms + recover_ms},
          {"last_snapshot_made_ms", last_snapshot_ms},
          {"last_snapshot_made_cpu_ms", last_snapshot_cpu_ms},
          {"book_bytes", book_bytes},
          {"build_ms", build_ms}};
}

const bool kRegistered =
    add_study(
        {"snapshot", "a shard's snapshot of 250 000 orders (quick: 25 000)", snapshot_study}) &&
    add_study({"recovery",
               "state from a journal of 1 000 000 entries (quick: 100 000); aim: under 500 ms",
               recovery_study});

}  // namespace
}  // namespace holdfast::bench
