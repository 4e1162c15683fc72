// A node cut down to what order entry sees: a hot loop on a thread of its own with the ingress
// actor, its RPC server on a real socket, and order shards that answer as the test tells them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "actors/ingress/credentials_linux.hpp"
#include "actors/ingress/ingress_actor.hpp"
#include "actors/ingress/server_capnp.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"

namespace holdfast::ingress::tests {

/// What a shard's journal would keep: it survives the shard. Guarded by its mutex.
struct ShardMemory {
  std::mutex mutex;
  bool silent = false;  // takes requests and says nothing
  uint64_t orders = 0;  // distinct ones
  uint64_t requests = 0;
  uint64_t batches = 0;
  std::map<std::string, OrderReply> outcomes;  // by account and client order id
  std::map<Account, std::vector<ExecutionReport>> reports;
};

/// Makes `count` more reports of an account, sent to its subscribers.
struct EmitReports {
  Account account;
  std::size_t count = 0;
};

/// An order shard as ingress sees one: idempotent, with numbered reports.
class FakeShard final : public LoopActor {
 public:
  FakeShard(ActorConfig& config, std::shared_ptr<ShardMemory> memory);
  Behavior make_behavior() override;

 private:
  OrderReply decide(const OrderRequest& request);
  void report(const Account& account, std::size_t count, const ClientOrderId& id);
  struct Subscriber {
    SessionId session;
    ActorHandle ingress;
  };
  std::shared_ptr<ShardMemory> memory_;
  std::map<Account, std::vector<Subscriber>> subscribers_;
};

/// The node. Everything of it lives on its thread; the functions here are for the test's thread.
class Node {
 public:
  explicit Node(Settings settings = {});
  /// Another node of the same cluster: the same clients, shards with the same journal.
  Node(Settings settings, const Node& fellow);
  ~Node();

  const std::string& address() const { return address_; }
  uint16_t port() const { return *port_; }
  const std::string& credential() const { return credential_; }
  ShardMemory& memory(uint32_t shard = 0) { return *memories_[shard]; }
  ShardMemory& memory_of(const Account& account) {
    return *memories_[shard_of(account, static_cast<uint32_t>(memories_.size()))];
  }
  void emit(const Account& account, std::size_t count);
  IngressStats stats();
  void stop_intake(bool stopped);
  /// What the replication of a shard would tell the ingress, now and when it starts again.
  void lead(uint32_t shard, bool here, const std::string& address);

  void kill_shard(uint32_t shard = 0);  // until start_shard nobody is there
  void start_shard(uint32_t shard = 0);
  /// Kills the ingress as a crash would and starts another on the same port.
  void restart_ingress();
  /// The words with which the ingress ended, when it could not listen.
  static std::string start_error(const Settings& settings);

 private:
  void start();
  void start_ingress();
  ActorSystem system_;
  HotLoop loop_;
  Settings settings_;
  std::string credential_, address_;
  std::shared_ptr<uint16_t> port_ = std::make_shared<uint16_t>(0);
  std::vector<std::shared_ptr<ShardMemory>> memories_;
  std::mutex mutex_;
  std::vector<ActorHandle> shards_;
  std::map<uint32_t, std::string> led_by_;  // where it is not this one
  ActorHandle ingress_;
  std::thread thread_;
};

/// Settings with one client "tester", credential and accounts A, B, C filled in by Node.
Settings quick_settings();

}  // namespace holdfast::ingress::tests

HOLDFAST_LOCAL_MESSAGE(holdfast::ingress::tests::EmitReports)
