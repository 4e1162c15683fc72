// What the operator API shows and is asked for, as plain structs: the words between the HTTP server
// and the node behind it. A view says from which journal index it was made ("as of") where it shows
// journaled state; numbers that only this process knows (mailboxes, rates) carry none. No JSON and
// no HTTP here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/console_queries.hpp"
#include "messages/reconciliation_view.hpp"
#include "messages/risk_view.hpp"
#include "messages/venue_view.hpp"

namespace holdfast::operator_api {

/// The journal position of one group that a view shows.
struct AsOf {
  GroupId group;
  std::string name;  // "orders/0", "venue/XSIM"
  Epoch epoch;
  Index index;
};

// ---- health

/// One reason why the node is, or is not, ready: "journal", "venue XSIM", "disk", "risk limits".
struct HealthCheck {
  std::string name;
  bool ok = false;
  std::string text;  // what was found; when not ok also what to do
};

/// Live: the node's loops make progress. Ready: it takes orders now.
struct HealthView {
  bool live = false;
  bool ready = false;
  std::string node, version;
  Durability durability = Durability::kMemory;
  WallTime started, now;
  std::vector<HealthCheck> checks;
};

// ---- actor tree

/// Which part of the tree: below `path` ("" is the root), `depth` levels of children.
struct TreeQuery {
  std::string path;
  uint32_t depth = limits::kTreeDepthMax;
};

/// One actor (or supervisor) and its children, in start order.
struct TreeNodeView {
  std::string path;            // "node/orders/shard-0"
  std::string name;            // last part of the path
  std::string kind;            // "supervisor one_for_one", "order shard", "venue gateway"
  std::string state;           // "running", "starting", "backing off", "quarantined", "stopped"
  uint64_t restarts = 0;       // since the node started
  uint64_t mailbox_depth = 0;  // messages waiting
  uint64_t messages = 0;       // handled since the actor (re)started
  uint64_t messages_per_second = 0;  // over the last sampling period
  WallTime since;                    // of this state
  std::string last_exit;             // why it last stopped; empty when it never did
  std::vector<TreeNodeView> children;
};

// ---- orders

/// Orders of all shards. The query is messages/console_queries.hpp's OrdersQuery (its `ticket` is
/// 0).
struct OrderPage {
  std::vector<OrderView> orders;  // by rising id
  bool more = false;              // ask again with after = `next`
  OrderId next;                   // the last id looked at
  std::vector<AsOf> as_of;
};

// ---- risk

/// Every shard's answer (messages/risk_view.hpp). The API shows each account from its own shard.
struct RiskView {
  std::vector<ShardRiskView> shards;
  uint32_t shards_total = 0;  // above shards.size(): some did not answer in time
};

/// One of the groups that a command went to. `confirmed`: its journal has committed the command.
struct PartView {
  std::string name;
  bool confirmed = false;
  std::string text;     // why not, or what it did
  uint64_t orders = 0;  // open orders for which a cancel was routed
  Index index;          // where it was journaled
};

/// The outcome of a command that goes to many groups: complete when all have committed it, the
/// missing ones named.
struct FanOutView {
  bool complete = false;
  std::vector<PartView> parts;
};

struct LimitChange {
  std::string what;  // "account M1: max_order_quantity"
  std::string from, to;
};

struct ReloadRequest {
  bool dry_run = false;
};

/// `errors` is not empty: nothing was changed. `changes` is what was (or with dry_run would be).
struct ReloadView {
  bool dry_run = false;
  LimitsVersion from, to;
  std::vector<LimitChange> changes;
  std::vector<std::string> errors;
  FanOutView applied;
};

// ---- venues

/// Never null.
using ReconciliationAnswer = std::shared_ptr<const ReconciliationView>;

struct VenuesView {
  std::vector<VenueSessionView> venues;
};

// ---- kills

struct KillRequest {
  KillSwitch kill;     // mode kNone ends one
  bool force = false;  // also for an account or a desk that risk.toml does not name
};

// ---- journal

struct GroupJournalView {
  GroupId group;
  std::string name, role;  // "orders/0", "leader"
  Epoch epoch;
  Index appended, committed, applied, snapshot, first;  // first: the oldest that is kept
  uint64_t entries_in_flight = 0;
};

struct JournalView {
  std::vector<GroupJournalView> groups;
  Durability durability = Durability::kMemory;
  std::string directory;
  uint64_t bytes = 0;  // of all groups, on disk: one store holds them
  uint64_t disk_free_bytes = 0, disk_total_bytes = 0, disk_free_bytes_min = 0;
  bool intake_stopped = false;  // the disk is nearly full
};

// ---- replica groups

struct GroupPeerView {
  std::string member;
  bool linked = false, streaming = false, in_sync = false;
  Index acknowledged;
};

/// This node's member of one group.
struct ReplicaGroupView {
  GroupId group;
  std::string name;   // "orders/0"
  std::string state;  // starting, following, candidate, leading, serving, failed
  Epoch epoch;
  std::string leader;  // member's name; "" while there is none
  std::vector<std::string> in_sync;
  Index last, committed;
  uint16_t format = 0;             // of its entries, as all its members know it
  bool unprotected = false;        // leads alone though the group has more members
  bool parked = false;             // a hand-over is under way: what comes waits
  uint64_t entries_in_flight = 0;  // on the leader: not yet committed
  std::string hand_over_to;        // who is to lead; "" while no hand-over is under way
  Duration hand_over_left;         // then it is called off
  Index state_hash_at;             // of what is committed and applied here; zero: not known yet
  uint64_t state_hash = 0;         // digest of the state after that entry
  uint64_t egress_held = 0, egress_refused = 0, stale_acks = 0, stale_epochs = 0, ejected = 0;
  uint64_t window_full = 0;  // appends that left no room before others acknowledge: intake waits
  std::vector<GroupPeerView> peers;  // as this member knows them
};

struct ReplicaGroupsView {
  std::string member;  // "" for a node by itself
  std::vector<ReplicaGroupView> groups;
};

/// What the orchestrator decided about one failure.
struct DecisionView {
  uint64_t number = 0;
  WallTime at;
  std::string failure, member, path, text;  // gave_up, quarantined, hung; of whom, where, in words
  std::string remedy, target, reason;       // restart_here, restart_clean, promote, drain, halt
  std::string outcome, outcome_text;        // open, done, failed
};
struct OrchestratorView {
  std::string member, leader;  // "" for a node by itself
  Index as_of;
  uint64_t pending = 0, dropped = 0;    // failures of this node that wait for a decision; lost ones
  std::vector<DecisionView> decisions;  // the last of them, ascending
};

struct HandOverRequest {
  std::string group, to;  // "orders/0", a member's name
  bool fast = false;      // the leader does not answer: asked of the node that takes over
};

struct HandOverView {
  std::string group, to;
  std::string state;  // "begun": `holdfast groups` shows who leads
  bool fast = false;
  // What waited or was under way when it began.
  uint64_t entries_in_flight = 0;  // not yet committed
  uint64_t orders_in_flight = 0;   // requests at the venue, or in the shard's pipeline
  Duration within;                 // then it is called off
};

struct BackupRequest {
  std::string directory;  // absolute, must not exist, on the node's host
};

struct BackupView {
  std::string directory;
  uint64_t bytes = 0;
  std::vector<AsOf> groups;
};

struct RestartView {
  std::string path;
  std::string state;  // "restarting": the tree shows when it runs again; "killed"
};

}  // namespace holdfast::operator_api
