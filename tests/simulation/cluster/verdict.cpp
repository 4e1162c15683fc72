// What has to hold once faults have stopped.
#include "tests/simulation/cluster/cluster.hpp"
#include "tests/simulation/cluster/parts.hpp"

namespace holdfast::cluster_simulation {

using replication::MemberState;

void Cluster::check_end() {
  note_counters();
  Node* shard = leader_of(kShardGroup);
  Node* gateway = leader_of(kVenueGroup);
  if (!shard || !shard->process->shard().serving())
    return sim_.fail("no order shard serves at the end");
  if (!gateway || !gateway->process->gateway().serving())
    return sim_.fail("no gateway serves at the end");
  for (auto& node : nodes_)
    for (const GroupId group : kGroups) {
      const auto* record = arbiter_.find(group);
      if (node->role == Role::kSync && !replication::in_sync_of(*record, {node->id}))
        return sim_.fail("node " + std::to_string(node->id) + " is not in sync of group " +
                         std::to_string(group.value) + " at the end");
    }
  check_session(*gateway);
  check_between(*shard, *gateway);
  check_agreement();
  if (clients_.waiting() != 0)
    return sim_.fail(std::to_string(clients_.waiting()) + " requests are not answered at the end");
  history_.check_outcomes(book_of(*shard), venue_.orders());
  history_.check_linearizable();
  const auto& book = shard->process->shard().state()->book;
  for (orders::Ref account = 1; account <= book.accounts(); ++account) {
    const orders::ReportStream& stream = book.account(account).reports;
    for (ReportSeq at = stream.first_kept(); at <= stream.last(); ++at.value)
      history_.check_report(book.report(account, at, shard->process->shard().state()->venue_names));
  }
}

/// The session is open, and nobody has had to look at it.
void Cluster::check_session(Node& leader) {
  const venues::GatewayState& state = *leader.process->gateway().core();
  if (state.phase != venues::SessionPhase::kOpen)
    return sim_.fail("the venue session is not open at the end: " +
                     std::string(venues::name_of(state.phase)) + ", " + state.last_error);
  if (state.halted) return sim_.fail("the flow is halted: " + state.halt_reason.str());
  if (!venues::conserved(state)) return sim_.fail("requests are not conserved");
  if (state.next_out < venue_.expects())
    return sim_.fail("the venue has seen a number that the gateway has not given out");
  if (!state.unknown.empty()) return sim_.fail("orders are unknown at the end");
}

/// What one group owes the other has arrived.
void Cluster::check_between(Node& shard, Node& gateway) {
  const auto& outboxes = gateway.process->gateway().core()->outboxes;
  const auto owed = outboxes.find(kShardGroup);
  const orders::VenueLink* link = shard.process->shard().state()->link(kVenueGroup);
  if (!link || owed == outboxes.end()) return sim_.fail("the groups never met");
  if (owed->second.last() != link->inbox.cursor)
    sim_.fail("the gateway has given out " + std::to_string(owed->second.last().value) +
              " reports, the shard has taken " + std::to_string(link->inbox.cursor.value));
  if (!link->outbox.empty() || !owed->second.empty())
    sim_.fail("what was taken is not acknowledged at the end");
}

/// Copies that have applied the same entries are the same.
void Cluster::check_agreement() {
  std::map<Index, uint64_t> shards;
  std::map<Index, replication::ChainHash> gateways;
  for (auto& node : nodes_) {
    if (!node->alive()) return sim_.fail("a node is dead at the end");
    const ShardPart& shard = node->process->shard();
    const GatewayPart& gateway = node->process->gateway();
    if (!shard.state() || !gateway.core()) continue;
    const uint64_t hash = orders::state_hash(*shard.state());
    if (shards.try_emplace(shard.applied(), hash).first->second != hash)
      sim_.fail("two shards differ after the same entries");
    const auto digest = venues::state_hash(*gateway.core());
    if (!(gateways.try_emplace(gateway.applied(), digest).first->second == digest))
      sim_.fail("two gateways differ after the same entries");
    const uint64_t behind =
        history_.committed_entries(kShardGroup) -
        std::min(history_.committed_entries(kShardGroup), shard.applied().value);
    if (behind > 200) sim_.fail("node " + std::to_string(node->id) + " is behind at the end");
  }
}

std::map<std::string, OrderView> Cluster::book_of(Node& leader) {
  std::map<std::string, OrderView> book;
  const orders::ShardState& state = *leader.process->shard().state();
  for (orders::Ref ref = 1; ref <= state.book.orders(); ++ref) {
    OrderView view = state.book.view(ref, state.venue_names);
    book.emplace(view.request.account.str() + "/" + view.request.client_order_id.str(), view);
  }
  return book;
}

void Cluster::note_counters() {
  for (auto& node : nodes_) {
    if (!node->alive()) continue;
    for (const GroupId group : kGroups) {
      const auto& counters = node->process->shell(group).member().counters();
      sim_.sometimes("held for a fresh round trip", counters.egress_held);
      sim_.sometimes("an acknowledgement was too old", counters.stale_acks);
      sim_.sometimes("said under an old epoch", counters.stale_epochs);
      sim_.sometimes("an own late wake-up was discounted", counters.late_ticks);
      sim_.sometimes("a member was ejected", counters.ejected);
      sim_.sometimes("a member came back into sync", counters.grown);
      sim_.sometimes("a superseded leader stepped down",
                     counters.transitions[static_cast<std::size_t>(replication::Why::kSuperseded)]);
      sim_.sometimes(
          "an unconfirmed leader stepped down",
          counters.transitions[static_cast<std::size_t>(replication::Why::kUnconfirmed)]);
    }
  }
}

}  // namespace holdfast::cluster_simulation
