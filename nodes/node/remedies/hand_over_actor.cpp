#include "nodes/node/remedies/hand_over_actor.hpp"

#include <memory>

namespace holdfast::node {

namespace {
constexpr Duration kMoveLook = Duration::milliseconds(20);

struct Moving {
  HandOverMeans means;
  std::vector<Move> moves;
  Duration within;
  MonoTime until;
  std::function<void(MoveEnd, std::string)> done;
};

void look_at(const Moving& moving, Move& move) {
  for (const auto& view : moving.means.views().groups) {
    if (view.group != move.group || view.leader.empty()) continue;
    if (view.leader != moving.means.self) {
      move.leads = view.leader;
    } else if (!move.to) {
      move.refused = "no other member is in sync";
    } else if (view.hand_over_to.empty()) {
      const auto begun = moving.means.hand_over(move.group, moving.means.member_name(move.to));
      move.refused = begun ? "" : begun.error().text;
      move.begun = move.begun || begun;
    } else {
      move.begun = true;
    }
  }
}

void look(LoopActor& self, const std::shared_ptr<Moving>& moving) {
  bool all = true, none = true;
  std::string text;
  for (Move& move : moving->moves) {
    if (move.leads.empty()) look_at(*moving, move);
    all = all && !move.leads.empty();
    none = none && move.leads.empty() && !move.begun;
    text += (text.empty() ? "" : "; ") + moving->means.group_name(move.group) +
            (!move.leads.empty() ? " is led by " + move.leads
             : move.refused.empty()
                 ? ": no other leads within " + std::to_string(moving->within.ms() / 1000) + " s"
                 : ": " + move.refused);
  }
  if (all) return moving->done(MoveEnd::kDone, text.empty() ? "it leads nothing" : text);
  if (self.now() >= moving->until)
    return moving->done(none ? MoveEnd::kRefused : MoveEnd::kOpen, text);
  self.after(kMoveLook, [&self, moving] { look(self, moving); });
}
}  // namespace

std::vector<Move> moves_of_drain(const orchestrator::Topology& topology, MemberId member) {
  std::vector<Move> moves;
  for (const auto& place : topology.groups) {
    if (place.leader != member) continue;
    MemberId to;
    for (const MemberId other : place.in_sync)
      if (!to && other != member) to = other;
    moves.push_back({place.group, to, {}, {}, false});
  }
  return moves;
}

void move_groups(LoopActor& self, HandOverMeans means, std::vector<Move> moves, Duration within,
                 std::function<void(MoveEnd, std::string)> done) {
  look(self, std::make_shared<Moving>(Moving{std::move(means), std::move(moves), within,
                                             self.now() + within, std::move(done)}));
}

}  // namespace holdfast::node
