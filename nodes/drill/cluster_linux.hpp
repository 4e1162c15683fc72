// A drill's own cluster: a folder with configuration, tokens and free ports, a simulated exchange,
// and three guarded nodes that are all in sync. Starts and ends them, follows their logs, and knows
// who leads. It decides nothing about what is done to them.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

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
};

/// Gives the whole lines that a growing file gained; starts over when the file did.
class Tail {
 public:
  explicit Tail(std::string path) : path_(std::move(path)) {}
  std::vector<std::string> lines();

 private:
  std::string path_, part_;
  uint64_t at_ = 0, file_ = 0;
};

/// One member.
struct Node {
  uint32_t member = 0;
  std::string name, folder, order_entry, operator_url;
  std::string binary;  // that its guard starts
  Process guard;
  std::unique_ptr<Tail> log;
};

class Cluster {
 public:
  /// Makes the folder and starts everything; returns before anything leads.
  static Result<std::unique_ptr<Cluster>> start(ClusterOptions options);
  ~Cluster();

  std::vector<Node>& nodes() { return nodes_; }
  Node& node(uint32_t member);
  /// The node's process, as its guard started it; nothing while there is none.
  std::optional<pid_t> pid(const Node& node) const;
  /// kNotFound: there is no process to signal.
  Result<Now> signal_node(const Node& node, int number);
  Result<> start_guard(Node& node);
  /// What `holdfast` answers that is asked at the node; null when it does not answer.
  nlohmann::json ask(const Node& node, std::vector<std::string> words) const;

  /// Reads what the logs gained.
  void look();
  const drills::View& view() const { return view_; }
  drills::View& view() { return view_; }
  const std::vector<drills::Transition>& transitions() const { return transitions_; }
  /// Whether all members are in every group's in-sync set by the arbiter's record and settled by
  /// their logs. Else why not.
  std::string unsettled() const;
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
  explicit Cluster(ClusterOptions options);
  Result<> make_folder();
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
  std::vector<uint16_t> etcd_ports_;  // for clients, then for each other
  std::string venue_ports_;
  drills::View view_;
  std::vector<drills::Transition> transitions_;
};

/// Makes `FILE` with one operator token, mode 0600, unless it is there.
Result<> make_token(const std::string& file);

}  // namespace holdfast::drill
