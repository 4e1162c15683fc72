// The node as the operator API sees it: one asynchronous question or command a function. The node
// implements it with its actors; tests implement it by hand. It knows nothing of HTTP, JSON, roles
// or tokens: the server has checked those before it calls.
#pragma once

#include <functional>

#include "messages/telemetry/view.hpp"
#include "nodes/node/api/healing/healing_board.hpp"
#include "nodes/node/api/roles.hpp"
#include "nodes/node/api/views.hpp"

namespace holdfast::operator_api {

/// Who asks, why, and how long an answer is of use.
struct Call {
  Identity who;
  std::string reason;  // never empty for a command
  Duration within;     // after it the caller has been told "no answer in time"
};

/// Takes the one answer to a call, on any thread, also from inside the call. A second or a late
/// answer is ignored. What the error's code says to the caller: kInvalid 400, kDenied 403,
/// kNotFound 404, kConflict 409, kFull 429, kUnavailable 503, kCorrupt and kIo 500; its text is
/// shown, so it says what to do.
template <typename T>
using Answer = std::function<void(Result<T>)>;

/// Implemented by the node. All functions are called on the server's own thread, must not block,
/// and must outlive their callers: the server is stopped before the backend is destroyed.
class OperatorBackend {
 public:
  virtual ~OperatorBackend() = default;

  // ---- questions: read only
  virtual void health(const Call& call, Answer<HealthView> answer) = 0;
  virtual void tree(const Call& call, const TreeQuery& query, Answer<TreeNodeView> answer) = 0;
  virtual void orders(const Call& call, const OrdersQuery& query, Answer<OrderPage> answer) = 0;
  /// `query.ticket` is 0 here and in orders(). kNotFound: there is no such order.
  virtual void order(const Call& call, const OrderHistoryQuery& query,
                     Answer<OrderHistory> answer) = 0;
  /// `query.ticket` is 0. Answers with the shards that did, when all did or at `call.within`.
  virtual void risk(const Call& call, const ShardRiskQuery& query, Answer<RiskView> answer) = 0;
  virtual void venues(const Call& call, Answer<VenuesView> answer) = 0;
  virtual void journal(const Call& call, Answer<JournalView> answer) = 0;
  /// This node's members of replica groups; none for a node by itself.
  virtual void groups(const Call&, Answer<ReplicaGroupsView> answer) {
    answer(ReplicaGroupsView{});
  }
  /// Decisions about failures, as this node's copy of the orchestrator's journal has them.
  virtual void orchestrator(const Call&, Answer<OrchestratorView> answer) {
    answer(Error{ErrorCode::kUnavailable, "this node has no orchestrator"});
  }
  /// How the self-healing loop stands, as this node's copy of the orchestrator's journal has it.
  virtual void healing(const Call&, Answer<HealingBoard> answer) {
    answer(Error{ErrorCode::kUnavailable, "this node has no orchestrator"});
  }
  /// What members and groups are called. Answers at once.
  virtual PlaceNames place_names() const { return {}; }
  /// What this node measures. kUnavailable: telemetry is off or restarts.
  virtual void telemetry(const Call&, const telemetry::TelemetryQuery&,
                         Answer<telemetry::SharedView> answer) {
    answer(Error{ErrorCode::kUnavailable, "this node has no telemetry"});
  }
  /// A member of this node's cluster; zero: there is none of that name. Answers at once.
  virtual MemberId member_named(std::string_view) const { return {}; }
  /// Samples that somebody else has measured; each is judged, and told what became of it.
  virtual void take_samples(const Call&, telemetry::OutsideSamples,
                            Answer<telemetry::OutsideTaken> answer) {
    answer(Error{ErrorCode::kUnavailable, "this node has no telemetry"});
  }
  /// Prometheus text (see metrics.hpp); the server appends its own counters.
  virtual void metrics(const Call& call, Answer<std::string> answer) = 0;

  // ---- commands: journaled where they change journaled state
  /// kill.mode kNone ends a kill. Answers when every group has committed it, or at `call.within`
  /// with the missing ones named.
  /// kNotFound: no such account or desk, and not forced; then nothing was done.
  virtual void set_kill(const Call& call, const KillRequest& request,
                        Answer<FanOutView> answer) = 0;
  virtual void reload_risk(const Call& call, const ReloadRequest& request,
                           Answer<ReloadView> answer) = 0;
  /// Orders of one venue whose outcome was, or is, not known. kNotFound: no such venue.
  virtual void reconciliation(const Call& call, const VenueName& venue,
                              Answer<ReconciliationAnswer> answer) = 0;
  /// The command carries who and why, from the call. kNotFound: no such venue.
  virtual void venue_command(const Call& call, const VenueName& venue, const VenueCommand& command,
                             Answer<VenueCommandAnswer> answer) = 0;
  virtual void backup(const Call& call, const BackupRequest& request,
                      Answer<BackupView> answer) = 0;
  /// Begins a planned change of leader. kNotFound, kConflict: why not.
  virtual void hand_over(const Call&, const HandOverRequest&, Answer<HandOverView> answer) {
    answer(Error{ErrorCode::kNotFound, "this node is no member of a cluster"});
  }
  /// A Propose, Approve, Reject or KillSwitch, which carries the call's identity. kNotFound: there
  /// is no such remedy or incident; kConflict, kDenied: why it would change nothing now.
  virtual void healing_command(const Call&, const orchestrator::healing::Command&,
                               Answer<orchestrator::HealingTaken> answer) {
    answer(Error{ErrorCode::kUnavailable, "this node has no orchestrator"});
  }
  /// Restarts one actor from its journal. kNotFound: no such path.
  virtual void restart(const Call& call, const std::string& path, Answer<RestartView> answer) = 0;
  /// Kills one actor as if it had crashed, so that its supervisor counts it: for drills. kNotFound:
  /// no such path; kConflict: it does not run.
  virtual void kill(const Call& call, const std::string& path, Answer<RestartView> answer) = 0;
};

}  // namespace holdfast::operator_api
