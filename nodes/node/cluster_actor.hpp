// This node among the others: a member of every group, the connections to the other nodes, the
// arbiter, and stand-ins for groups that are led elsewhere, so that order shards and gateways talk
// to each other the same way wherever their leaders are. Lives on the hot loop.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "nodes/node/api/views.hpp"
#include "nodes/node/telemetry/peer_meter.hpp"
#include "nodes/settings/settings.hpp"
#include "supervision/replication/arbiter/arbiter.hpp"
#include "supervision/replication/group_shell.hpp"
#include "supervision/replication/journal/background_linux.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "supervision/replication/stream/links_linux.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::node {

class ClusterPart {
 public:
  struct Hooks {
    /// A group's name for people.
    std::function<std::string(GroupId)> name;
    /// The actor of a group that is led here; null while there is none.
    std::function<ActorHandle(GroupId)> local;
    /// Leadership here has ended: reset the group's venue sockets now. Any thread.
    std::function<void(GroupId)> cut_egress;
    /// It was cut by mistake: this member leads, freshly confirmed.
    std::function<void(GroupId)> lift_egress;
    /// Who leads the group has changed.
    std::function<void(GroupId)> changed;
    /// How far a group's members have committed, now and then; `due`: a restart would have so much
    /// to replay that a snapshot should be made.
    std::function<void(GroupId, Index, bool due)> committed;
    std::function<void(const std::string& line)> say;
  };

  /// `settings.cluster` must be there. Everything given must outlive it.
  ClusterPart(const settings::Settings& settings, replication::JournalRocksdb& journal,
              replication::JournalAppender& appender, EventLoop& loop, caf::actor_system& system,
              std::vector<GroupId> groups, Hooks hooks);
  ~ClusterPart();

  /// Opens arbiter, journal and port. Before the loop runs.
  Result<> open();
  /// Begins, on the loop.
  void start();
  /// Hands leadership of everything led here to others, as far as they are level. On the loop;
  /// `done` when nothing is led any more, or after `within`.
  void leave(Duration within, std::function<void()> done);
  /// Ends connections and timers. On the loop, before actors and loop go.
  void close();

  std::unique_ptr<replication::Log> log(GroupId group);
  /// The codec's side of snapshots: entries above are not committed.
  Index committed(GroupId group) const;
  /// Entries above may be lacked by another member.
  Index needed(GroupId group) const;
  bool leads(GroupId group) const;
  /// The leader's actor: here, or a stand-in for the one elsewhere. Null while there is none.
  ActorHandle find(GroupId group);
  /// Where clients reach the node that leads; empty when it is this one, or nobody.
  std::string order_entry_of_leader(GroupId group) const;

  /// Drain before cut: what comes waits, what is under way is committed everywhere, then `to`
  /// leads.
  Result<> hand_over(GroupId group, const std::string& to);
  /// Fast cut, where the leader does not answer: this member, which must be `to`, takes over now.
  Result<> cut_over(GroupId group, const std::string& to);
  Result<> force(GroupId group);
  /// Any thread: how all stood a moment ago.
  operator_api::ReplicaGroupsView views() const;
  /// Adds what the interval showed of peers and of the groups led here. On the loop.
  void measure(telemetry::Readings& out);

 private:
  class StandIn;
  struct Away {
    MemberId member;
    Epoch epoch;
    ActorHandle actor;
    StandIn* raw = nullptr;
  };

  replication::MemberSettings member_settings(GroupId group) const;
  Result<replication::Arbiter*> arbiter_of(const replication::Incarnation& self);
  replication::Hello hello() const;
  std::optional<replication::Victim> victim(const replication::Incarnation& whom) const;
  void peer_up(MemberId member, const replication::Hello& hello);
  void delivery(MemberId from, replication::DeliveryMessage&& message);
  void check_away(GroupId group);
  void drop_away(GroupId group);
  void publish();
  void tick();
  void watch_over();

  const settings::Settings& settings_;
  const settings::ClusterMember* self_ = nullptr;
  replication::JournalRocksdb& journal_;
  replication::JournalAppender& appender_;
  EventLoop& loop_;
  caf::actor_system& system_;
  std::vector<GroupId> groups_;
  Hooks hooks_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  /// One for all groups with etcd; with the embedded engine one a group, since each has a thread
  /// that waits for the disk and a failed node's groups are taken over at the same time.
  std::vector<std::unique_ptr<replication::Arbiter>> arbiters_;
  std::map<GroupId, std::unique_ptr<replication::GroupShell>> shells_;
  std::unique_ptr<replication::Links> links_;
  std::map<GroupId, Away> away_;
  std::map<MemberId, replication::Hello> hellos_;  // the last of each peer
  struct Told {
    Index committed;
    uint64_t bytes = 0;  // of the journal when a snapshot was last due
  };
  std::map<GroupId, Told> told_;
  std::unique_ptr<replication::Background> background_;
  std::function<void()> left_;
  mutable std::mutex views_mutex_;
  operator_api::ReplicaGroupsView views_;
  MonoTime published_;
  PeerMeter meter_;
  MonoTime measured_;
  std::map<MemberId, uint64_t> ups_;  // of links, when measured
  MonoTime leave_by_;
  bool leaving_ = false, closed_ = false;

  // The sentry: resets venue sockets when the loop does not come by any more.
  std::atomic<int64_t> seen_{0};  // loop's last tick, ns; written by the loop
  std::atomic<bool> sentry_stop_{false}, sentry_cut_{false};
  std::thread sentry_;
};

}  // namespace holdfast::node
