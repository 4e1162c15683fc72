// A drill's own cluster: a folder with configuration, tokens and free ports, a simulated exchange,
// and three guarded nodes that are all in sync. Starts and ends them, follows their logs, and knows
// who leads. It decides nothing about what is done to them.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "nodes/drill/cluster_files_linux.hpp"
#include "nodes/drill/fault/fault_page.hpp"
#include "nodes/drill/network_linux.hpp"
#include "nodes/drill/process_linux.hpp"
#include "supervision/drills/history.hpp"

namespace holdfast::drill {

struct ClusterOptions {
  std::string folder;     // made; must be empty or a drill's of before
  std::string templates;  // the configuration to start from: config/cluster/drill
  std::string binaries;   // where the programs are
  std::string from, to;   // node binaries that restarts swap; "": the one of `binaries`
  bool etcd = false;      // the arbiter is a cluster of three etcd members, else embedded
  bool fence = true;      // the guard kills a node that hangs
  bool ways = false;      // members, venue and etcd reach each other through a proxy
  bool faults = false;    // nodes have the fault library before them
  bool mesh = false;      // nodes' supervision reaches each other
  bool healing = false;   // the self-healing loop; off, a drill shows what take-over does by itself
  int heartbeat_s = 0;    // HeartBtInt at the venue; zero: as configured
  // The configuration of a cluster that runs already; "": one of its own, of the templates.
  std::string foreign = {};
  std::string token_file = {}, as = {};  // … and whose token; "": each node's own file
};

/// One member.
struct Node {
  uint32_t member = 0;
  std::string name, folder, order_entry, operator_url, token_file;
  std::string binary;  // that its guard starts
  std::string config;
  Process guard;
  std::unique_ptr<Tail> log;
  FaultPage* faults = nullptr;   // null: it has no fault library
  std::vector<Duration> clocks;  // how far its clock was ever off

  /// From now on its wall clock is off by so much; zero: right again.
  void step_clock(Duration by);
  /// When something was really written that says `told` and was read at `read`.
  WallTime true_time(WallTime told, WallTime read) const;
};

/// The process that the guard of this state directory keeps, by its record and the time at which
/// it started. kNotFound: there is none now.
Result<ProcessId> guarded_process(const std::string& state_directory);

/// A foreign cluster is one drill's at a time.
struct Reserved {
  int fd = -1;
  ~Reserved();
};

/// Nothing is wrong with this node's disk and clock any more.
void clear(FaultPage& page);

inline constexpr const char* kMark = ".holdfast-drill";  // in a folder that a drill made
inline constexpr const char* kVenue = "venue";           // among the names of a network
inline constexpr const char* kFaultLibrary = "libholdfast_fault.so";
inline constexpr std::size_t kEtcdMembers = 3;
inline std::string etcd_name(std::size_t member) { return "etcd-" + std::to_string(member); }

class Cluster {
 public:
  /// Makes the folder and starts everything; returns before anything leads.
  static Result<std::unique_ptr<Cluster>> start(ClusterOptions options);
  /// The cluster of `options.foreign`, which is left as it is: no file but those in
  /// `options.folder` is written. Every node must run on this host below a guard, by the record
  /// that its guard keeps, and be ours to signal; kUnavailable or kDenied says which is not.
  static Result<std::unique_ptr<Cluster>> attach(ClusterOptions options);
  ~Cluster();
  bool is_foreign() const { return !options_.foreign.empty(); }
  /// Reserves a foreign cluster for this drill and leaves a line in every node's audit log.
  /// Gives the name of the token's holder. kDenied: the role does not permit it.
  Result<std::string> reserve(const std::string& note);
  /// A line in the audit log of every node that answers.
  void note(const std::string& text) const;

  std::vector<Node>& nodes() { return nodes_; }
  Node& node(uint32_t member);
  /// The node's process, as its guard started it; nothing while there is none.
  std::optional<pid_t> pid(const Node& node) const;
  /// kNotFound: there is no process to signal.
  Result<Now> signal_node(const Node& node, int number);
  Result<> start_guard(Node& node);
  /// Null without ways.
  Network* network() { return network_.get(); }
  const ClusterOptions& options() const { return options_; }
  bool has_etcd() const { return options_.etcd; }
  /// SIGKILL of one of etcd's members; false when it does not run.
  bool kill_etcd_member(std::size_t member);
  Result<> start_etcd_member(std::size_t member);
  /// What `holdfast` answers that is asked at the node; null when it does not answer.
  nlohmann::json ask(const Node& node, std::vector<std::string> words) const;
  struct Answer {
    int code = -1;  // the command's exit code; -1: none within its time
    nlohmann::json json;
  };
  /// The same, refusals too.
  Answer ask_for_all(const Node& node, std::vector<std::string> words) const;

  /// Reads what the logs gained.
  void look();
  /// True while a member's last word on the arbiter is that it does not answer.
  bool arbiter_missed() const { return !arbiter_missed_.empty(); }
  const drills::View& view() const { return view_; }
  drills::View& view() { return view_; }
  const std::vector<drills::Transition>& transitions() const { return transitions_; }
  /// Whether all members are in every group's in-sync set by the arbiter's record and settled by
  /// their logs. Else why not.
  std::string unsettled() const;
  /// Whether the member is in the in-sync set of any group, as far as that can be read.
  bool in_any_set(uint32_t member) const;
  std::vector<std::string> groups() const { return groups_; }
  uint32_t shards() const { return shards_; }
  /// For clients: all order entry addresses.
  std::string order_entry() const;
  const std::string& folder() const { return options_.folder; }
  std::string venue_record() const { return options_.folder + "/venue.jsonl"; }
  std::string program(const std::string& name) const { return options_.binaries + "/" + name; }

  /// Ends guards and nodes in order, then the venue; what does not go is killed.
  void stop();

 private:
  void take_arbiter_line(const std::string& node, const std::string& line, std::size_t said);
  explicit Cluster(ClusterOptions options);
  Result<> make_folder();
  Result<> make_answer_folder();
  Result<> find_node(Node& node);
  void ask_how_all_stand();
  Result<> read_configuration(const std::string& config, const std::string& name);
  Result<> write_configurations(const std::string& config, const std::string& text,
                                const std::vector<std::string>& names);
  Result<> map_faults(Node& node);
  std::string fault_file(const Node& node) const;
  Result<> start_venue();
  Result<> start_etcd();
  std::string not_in_sync_by_record() const;
  std::string not_in_sync_by_leaders() const;

  ClusterOptions options_;
  uint32_t shards_ = 0;
  std::vector<std::string> groups_;
  std::vector<std::string> records_;  // of the groups, the arbiter's files
  std::vector<Node> nodes_;
  Process venue_;
  std::vector<Process> etcd_;
  std::vector<uint16_t> etcd_ports_;             // for clients, then for each other
  std::map<std::string, uint16_t> venue_ports_;  // by node, as it reaches it
  std::map<std::string, uint16_t> venue_ways_;   // by node, where its way to the venue begins
  std::unique_ptr<Network> network_;
  drills::View view_;
  std::vector<drills::Transition> transitions_;
  std::set<std::pair<std::string, std::string>> arbiter_missed_;  // node, group
  std::unique_ptr<Reserved> reserved_;
};

}  // namespace holdfast::drill
