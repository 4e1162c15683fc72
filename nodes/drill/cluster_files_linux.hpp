// What a drill's cluster finds when it starts: free ports, the configuration written for them, an
// operator's token; and how growing log files are read. Starts nothing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "messages/result.hpp"

namespace holdfast::drill {

/// Whether nobody listens on this loopback port; looked at without knocking, in microseconds.
bool is_free(uint16_t port);
/// `count` ports that are free now, from a place of our own.
Result<std::vector<uint16_t>> free_ports(std::size_t count);

std::string read_all(const std::string& path);

/// What one node's cluster.toml says in place of the template's.
struct Places {
  std::string folder;                           // of the drill
  std::map<std::string, uint16_t> replication;  // by member, as this node reaches it
  std::map<std::string, uint16_t> order_entry, operator_api;
  std::map<std::string, uint16_t> mesh;  // none: nodes have no mesh
  std::vector<uint16_t> etcd;            // endpoints; none: the embedded arbiter
};

/// The template of cluster.toml with folders and ports of this drill's.
std::string rewrite_cluster(const std::string& text, const Places& places);
/// venues.toml with another HeartBtInt.
std::string rewrite_heartbeat(const std::string& text, int seconds);
/// The members' names, in the file's order.
std::vector<std::string> members_in(const std::string& cluster_toml);

/// Makes `FILE` with one operator token, mode 0600, unless it is there.
Result<> make_token(const std::string& file);

/// Whether somebody listens on this loopback port.
bool answers(uint16_t port);

/// Gives the whole lines that a growing file gained; starts over when the file did.
class Tail {
 public:
  explicit Tail(std::string path) : path_(std::move(path)) {}
  std::vector<std::string> lines();

 private:
  std::string path_, part_;
  uint64_t at_ = 0, file_ = 0;
};

}  // namespace holdfast::drill
