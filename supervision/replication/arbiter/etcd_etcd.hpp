// The arbiter of a deployment that spans machines: an etcd cluster, spoken to by gRPC. A record is
// the value of one key, and a compare-and-set is one transaction that compares that value, so that
// only what the record itself says counts and never the engine's own revisions. Calls go to another
// endpoint when one is down or slow; it does not run or configure etcd.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "messages/time.hpp"
#include "supervision/replication/arbiter/arbiter.hpp"

namespace holdfast::replication {

struct EtcdSettings {
  /// "HOST:PORT", or an URL as etcd prints it. https:// or http:// must agree with `ca_file`.
  std::vector<std::string> endpoints;
  std::string cluster;
  std::string key_prefix = "/holdfast";  // records are at KEY_PREFIX/CLUSTER/groups/N
  std::string ca_file;                   // PEM; empty: no TLS
  std::string certificate_file;          // PEM; the client's, with key_file; empty: none
  std::string key_file;
  std::string user;  // empty: no authentication
  std::string password;
  Duration deadline = Duration::milliseconds(250);    // of every call
  Duration hedge_after = Duration::milliseconds(60);  // no answer: the next endpoint is asked too
  Duration probe = Duration::seconds(1);              // reads all records: health, and the watch
};

/// Starts the arbiter's thread, which connects and keeps connecting; etcd need not be there yet.
/// kInvalid: settings; kNotFound: a file of them can't be read.
Result<std::unique_ptr<Arbiter>> open_etcd_arbiter(EtcdSettings settings, Post post);

}  // namespace holdfast::replication
