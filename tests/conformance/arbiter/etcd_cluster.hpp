// A real etcd cluster on loopback for tests and drills: processes of our own on free ports, data in
// a temporary directory, each of them killed, stopped and started again at will. It ends with the
// object, and with the process that made it, however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"

namespace holdfast::tests {

class EtcdCluster {
 public:
  struct Options {
    int members = 3;
    bool tls = false;       // clients need a certificate of the cluster's own CA
    std::string directory;  // made, and kept; empty: a temporary one, removed at the end
  };

  /// Starts the members and waits until all are healthy (some 15 s at most).
  static Result<std::unique_ptr<EtcdCluster>> start(Options options);
  static Result<std::unique_ptr<EtcdCluster>> start() { return start(Options{}); }
  ~EtcdCluster();
  EtcdCluster(const EtcdCluster&) = delete;
  EtcdCluster& operator=(const EtcdCluster&) = delete;

  int size() const { return static_cast<int>(members_.size()); }
  /// "127.0.0.1:PORT" of every member, for clients.
  std::vector<std::string> endpoints() const;
  const std::string& directory() const { return directory_; }
  /// Files of the TLS cluster: ca.pem, client.pem, client.key; other-ca.pem signed none of them.
  std::string file(const std::string& name) const { return directory_ + "/" + name; }
  pid_t pid(int member) const { return members_[static_cast<std::size_t>(member)].pid; }

  /// SIGKILL, and gone when it returns.
  void kill(int member);
  void stop(int member);    // SIGSTOP
  void resume(int member);  // SIGCONT
  /// Starts a killed member on its data; wait_healthy() waits for it.
  Result<> restart(int member);
  /// Waits until every member that runs is part of a cluster with a leader.
  Result<> wait_healthy();
  /// The member that leads now, waiting for an election to end; nothing if there is none.
  std::optional<int> leader();

  /// POST to etcd's JSON gateway at a member without TLS; the answer's body.
  Result<std::string> post(int member, const std::string& path, const std::string& json);
  /// Writes a key by that gateway, past all rules.
  Result<> put(const std::string& key, const std::string& value);

 private:
  struct Member {
    uint16_t client_port = 0, peer_port = 0, status_port = 0;
    pid_t pid = -1;
  };
  EtcdCluster() = default;
  Result<> choose_ports();
  Result<> make_certificates();
  Result<> spawn(std::size_t member);
  std::vector<std::string> arguments(std::size_t member) const;
  std::string tail_of_log(std::size_t member) const;

  Options options_;
  std::string directory_;
  bool own_directory_ = false;
  std::vector<Member> members_;
};

}  // namespace holdfast::tests
