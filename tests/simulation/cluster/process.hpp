// One node of the simulated cluster: the host, which keeps disk and clocks, and the process on it,
// which comes and goes. A process is the production's replication shells and replicas, joined as
// nodes/node joins them, with the simulator's disk, arbiter, connections and time.
#pragma once

#include <deque>
#include <memory>

#include "supervision/replication/group_shell.hpp"
#include "supervision/replication/stream/stream.hpp"
#include "tests/simulation/cluster/arbiter.hpp"
#include "tests/simulation/cluster/disk.hpp"
#include "tests/simulation/cluster/history.hpp"
#include "tests/simulation/cluster/venue.hpp"

namespace holdfast::cluster_simulation {

inline constexpr GroupId kShardGroup{1};
inline constexpr GroupId kVenueGroup{1001};
inline constexpr GroupId kGroups[] = {kShardGroup, kVenueGroup};
inline constexpr std::size_t place_of(GroupId group) { return group == kShardGroup ? 0 : 1; }

using replication::DeliveryMessage;
using replication::GroupShell;
using replication::Incarnation;
using replication::PeerMessage;
using replication::Role;

class Node;
class Process;
class ShardPart;
class GatewayPart;

/// Who stands for a group's leader, as the other group's part talks to it: an actor here, or the
/// stand-in of one elsewhere. Another number: another one.
using Handle = uint64_t;

/// What a process needs of the world around it.
struct Surroundings {
  Simulation& sim;
  ArbiterStore& arbiter;
  Venue& venue;
  History& history;
  /// Over the connection between two nodes; lost when there is none.
  std::function<void(uint32_t from, uint32_t to, GroupId, const PeerMessage&)> send;
  std::function<void(uint32_t from, uint32_t to, const DeliveryMessage&)> deliver;
  std::function<void(uint32_t node)> cut_links;
  std::function<void(uint32_t from, const Incarnation& whom)> fence;
  std::function<uint64_t(uint32_t node)> life_of;
  std::function<void(uint64_t session, OrderReply reply)> reply;
  std::function<void(uint64_t session, OrderQueryReply reply)> answer;
};

class Process {
 public:
  Process(Surroundings& world, Node& node);
  ~Process();
  void start();

  // ---- what reaches it, always through Node::enter
  void link_up(uint32_t peer, const std::vector<Incarnation>& incarnations);
  void link_down(uint32_t peer, bool gone);
  void message(uint32_t from, GroupId group, PeerMessage message);
  void delivery(uint32_t from, DeliveryMessage message);
  void tick();
  void turn_end();

  GroupShell& shell(GroupId group) { return *groups_[place_of(group)].shell; }
  SimJournal& journal(GroupId group) { return *groups_[place_of(group)].journal; }
  ShardPart& shard() { return *shard_; }
  GatewayPart& gateway() { return *gateway_; }
  SimArbiter& arbiter() { return *arbiter_; }
  std::vector<Incarnation> incarnations() const;
  Node& node() { return node_; }
  Surroundings& world() { return world_; }

  // ---- what its parts need
  Simulation& sim() { return world_.sim; }
  MonoTime now() const;
  WallTime wall() const;
  void defer(std::function<void()> function) { deferred_.push_back(std::move(function)); }
  /// Later in this process, if it lives.
  void later(Duration delay, std::function<void()> function);
  /// The part of `group` that leads now, here or behind a stand-in; zero: none is known.
  Handle find(GroupId group);
  /// To whom `to` names, as the part of `from` here.
  void send(GroupId from, Handle to, DeliveryMessage message);
  /// A part here has ended or begun: who talks to it looks again.
  void part_ended(GroupId group);
  uint64_t next_handle();
  void snapshot(GroupId group);

 private:
  struct Group {
    SimJournal* journal = nullptr;
    std::unique_ptr<GroupShell> shell;
    Index noted;  // committed, as history knows it
  };
  struct Away {
    uint32_t member = 0;
    Epoch epoch;
    Handle handle = 0;
  };
  void open(GroupId group);
  void check_away(GroupId group);
  void drop_away(GroupId group);
  void gone(GroupId group, Handle handle);
  void note_committed(GroupId group);
  void hand(GroupId group, Handle from, const DeliveryMessage& message);

  Surroundings& world_;
  Node& node_;
  std::unique_ptr<SimArbiter> arbiter_;
  Group groups_[2];
  Away away_[2];
  std::set<uint32_t> linked_;
  std::deque<std::function<void()>> deferred_;
  std::unique_ptr<ShardPart> shard_;
  std::unique_ptr<GatewayPart> gateway_;
};

class Node {
 public:
  Node(Surroundings& world, uint32_t id, Role role);
  ~Node();

  void boot();
  void kill(const char* why);
  void lose_power(bool keep_incarnation);
  void stop(Duration how_long);
  bool alive() const { return process != nullptr; }
  bool stopped() const { return stopped_until > world_.sim.now(); }
  /// Runs in the process, if it is that life; when it is stopped, later.
  template <typename Input>
  void enter(uint64_t of_life, Input&& input) {
    if (!alive() || life != of_life) return;
    if (stopped() || !waiting_.empty()) return wait(of_life, std::forward<Input>(input));
    try {
      input(*process);
      process->turn_end();
    } catch (const std::exception& error) {
      threw(error);
    }
  }
  MonoTime now() const { return world_.sim.now() + mono_offset; }
  WallTime wall() const;

  const uint32_t id;
  const Role role;
  HostDisk disk;
  Duration mono_offset, skew;
  uint64_t life = 0, handles = 0;
  MonoTime stopped_until;
  bool powered = true;
  std::unique_ptr<Process> process;
  std::function<void()> on_boot, on_death;

 private:
  void tick(uint64_t life);
  void wait(uint64_t life, std::function<void(Process&)> input);
  void threw(const std::exception& error);
  void go_stale();
  Surroundings& world_;
  std::deque<std::function<void(Process&)>> waiting_;
};

}  // namespace holdfast::cluster_simulation
