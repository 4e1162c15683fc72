#include "tests/conformance/fix/world.hpp"

namespace holdfast::venues::testing {
namespace {

using Kind = VenueReportKind;

/// Where a run is interrupted, and how.
struct Crash {
  int at = -1;              // before this move; -1 never
  bool loses_last = false;  // the entry of that move is not committed and is lost with the process
  Duration outage;          // until the next process connects
};

/// Orders, a cancel, a replace and fills, one move at a time; a move is one message carried or one
/// delivery. Returns the number of moves.
int run(World& world, const Crash& crash) {
  world.venue.fills = false;
  world.start();
  int moves = 0;
  const auto revive = [&] {
    const uint64_t before = world.log.entries.empty() ? 0 : world.log.entries.rbegin()->first;
    if (crash.loses_last && world.gateway->linked) {
      // One more move whose entry no one else holds: its effects must not have left.
      world.gateway->commits = false;
      world.step();
    }
    world.kill();
    while (crash.loses_last && !world.log.entries.empty() &&
           world.log.entries.rbegin()->first > before)
      world.log.entries.erase(std::prev(world.log.entries.end()));
    advance(crash.outage);
    world.start();
    world.connect();
    world.hand_over();
    world.settle();
  };
  const auto moved = [&] {
    if (moves++ == crash.at) revive();
  };
  const auto settle = [&] {
    while (world.step()) moved();
  };
  world.venue.connect();
  world.gateway->linked = true;
  world.gateway->turn([&] { world.gateway->session().link_up(); });
  moved();
  settle();
  std::vector<VenueRequest> orders;
  for (int i = 0; i < 4; ++i) {
    orders.push_back(world.shard.order("A" + std::to_string(i)));
    world.shard.request(orders.back());
    if (i % 2 == 1) {  // two to a turn
      world.hand_over();
      moved();
    }
  }
  settle();
  world.shard.request(world.shard.cancel("X0", orders[0]));
  world.shard.request(world.shard.replace("R1", orders[1], 50));
  world.hand_over();
  moved();
  settle();
  for (const char* wire : {"A2", "A3"}) {
    if (!world.venue.orders.contains(wire)) continue;
    world.venue.orders[wire].status = '2';
    world.venue.say(world.venue.report(wire, 'F', '2'));
    moved();
  }
  settle();
  return moves;
}

void expect_nothing_lost_or_doubled(World& world, const Crash& crash) {
  SCOPED_TRACE("crash before move " + std::to_string(crash.at) +
               (crash.loses_last ? ", losing its entry" : "") + ", outage " +
               std::to_string(crash.outage.ms()) + " ms");
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen) << world.state().last_error;
  EXPECT_TRUE(conserved(world.state()));
  EXPECT_FALSE(world.state().halted);
  EXPECT_EQ(world.state().counters.taken, 6u);
  EXPECT_EQ(world.state().waiting.size(), 0u);
  EXPECT_EQ(world.state().unknown.size(), 0u);
  EXPECT_EQ(world.state().in_flight, 0u);
  for (int i = 0; i < 4; ++i) {
    const std::string wire = "A" + std::to_string(i);
    const int accepted = world.venue.new_orders.contains(wire) ? world.venue.new_orders[wire] : 0;
    EXPECT_LE(accepted, 1) << wire << " was executed twice";
    std::size_t not_sent = 0, acks = 0, fills = 0, refused = 0;
    for (Kind kind : world.shard.about(wire)) {
      not_sent += kind == Kind::kNotSent;
      acks += kind == Kind::kAccepted;
      fills += kind == Kind::kFill;
      refused += kind == Kind::kRejected;
    }
    EXPECT_EQ(accepted == 1, not_sent + refused == 0) << wire << " is lost";
    EXPECT_EQ(acks, static_cast<std::size_t>(accepted)) << wire;
    EXPECT_EQ(fills, i >= 2 ? static_cast<std::size_t>(accepted) : 0) << wire;
  }
  EXPECT_LE(world.venue.cancels, 1);
  EXPECT_LE(world.venue.replaces, 1);
  EXPECT_EQ(world.shard.about("X0").size(), 1u);
  EXPECT_EQ(world.shard.about("R1").size(), 1u);
}

TEST(Crash, AtEveryMoveNothingIsLostAndNothingIsDoubled) {
  int moves = 0;
  {
    World world;
    moves = run(world, {});
    expect_nothing_lost_or_doubled(world, {});
    EXPECT_EQ(world.shard.count(Kind::kFill), 2u);
  }
  ASSERT_GT(moves, 20);
  for (int at = 0; at < moves; ++at)
    for (bool loses_last : {false, true})
      for (Duration outage : {Duration::milliseconds(8), Duration::seconds(3)}) {
        World world;
        const Crash crash{at, loses_last, outage};
        run(world, crash);
        expect_nothing_lost_or_doubled(world, crash);
      }
}

TEST(Crash, RebuiltStateEqualsTheStateThatWasLost) {
  World world;
  run(world, {});
  const auto before = state_hash(world.state());
  world.kill();
  replication::Replica<GatewayCore> follower(kGateway);
  GatewayCodec codec;
  auto recovered = replication::recover(follower, world.log, codec);
  ASSERT_TRUE(recovered.ok());
  EXPECT_EQ(state_hash(follower.state()), before);
  // And from a snapshot of itself.
  replication::Bytes bytes;
  codec.encode_state(follower.state(), bytes);
  GatewayState again;
  ASSERT_TRUE(codec.decode_state(bytes, again).ok());
  EXPECT_EQ(state_hash(again), before);
}

TEST(Crash, TheSessionGoesOnUnderItsNumbersWithoutAReset) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  const uint32_t next_out = world.state().next_out, next_in = world.state().next_in;
  const WallTime created = world.state().created;
  world.kill();
  world.start();
  EXPECT_EQ(world.state().next_out, next_out);
  EXPECT_EQ(world.state().next_in, next_in);
  EXPECT_EQ(world.state().created, created);
  world.venue.raw.clear();
  world.connect();
  EXPECT_EQ(field(world.venue.raw[0], 35), "A");
  EXPECT_EQ(field(world.venue.raw[0], 34), std::to_string(next_out));
  EXPECT_EQ(field(world.venue.raw[0], 141), "");
}

TEST(Crash, ReportsAreGivenAgainUntilTheShardHasThem) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  // The shard never acknowledged: the next leader gives the same reports under the same sequence.
  const auto given = world.shard.reports.size();
  ASSERT_GT(given, 0u);
  world.kill();
  world.start();  // TestShard::take compares what comes again
  EXPECT_EQ(world.shard.reports.size(), given);
  EXPECT_EQ(world.state().outboxes.at(kShard).size(), given);
  world.hand_over();  // carries the shard's cursor
  EXPECT_EQ(world.state().outboxes.at(kShard).size(), 0u);
}

}  // namespace
}  // namespace holdfast::venues::testing
