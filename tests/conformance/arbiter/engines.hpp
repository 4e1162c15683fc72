// The two engines behind the arbiter's interface, as the conformance tests use them: places where
// records are, clients that open them, and a hand that writes past all rules.
#pragma once

#include <memory>
#include <string>

#include "supervision/replication/arbiter/embedded_linux.hpp"
#include "supervision/replication/arbiter/etcd_etcd.hpp"
#include "tests/conformance/arbiter/client.hpp"
#include "tests/conformance/arbiter/etcd_cluster.hpp"
#include "tests/conformance/arbiter/records.hpp"

namespace holdfast::tests {

/// A fresh place for records: nothing of another test is in it.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::unique_ptr<Client> client() = 0;
  /// As a person would who edits the record by hand.
  virtual void write_by_hand(GroupId group, const std::string& text) = 0;
};

/// A directory of its own, removed at the end.
class EmbeddedEngine : public Engine {
 public:
  EmbeddedEngine();
  ~EmbeddedEngine() override;
  std::unique_ptr<Client> client() override { return client(settings()); }
  std::unique_ptr<Client> client(replication::EmbeddedSettings settings);
  void write_by_hand(GroupId group, const std::string& text) override;
  replication::EmbeddedSettings settings() const;
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

/// Keys of its own in a cluster that the whole test binary shares.
class EtcdEngine : public Engine {
 public:
  EtcdEngine();
  std::unique_ptr<Client> client() override { return client(settings()); }
  std::unique_ptr<Client> client(replication::EtcdSettings settings);
  void write_by_hand(GroupId group, const std::string& text) override;
  replication::EtcdSettings settings() const;
  /// Started at the first use, ended with the binary.
  static EtcdCluster& cluster();

 private:
  std::string prefix_;
};

}  // namespace holdfast::tests
