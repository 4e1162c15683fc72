// Integrators' programs: each sends orders of one account, cancels, replaces and asks, over a
// connection to one node at a time, and asks again elsewhere, under the same client order id, when
// it hears nothing. What each was told, and when, is the history that the checkers read.
#pragma once

#include <memory>

#include "tests/simulation/cluster/history.hpp"
#include "tests/simulation/cluster/process.hpp"

namespace holdfast::cluster_simulation {

class Clients {
 public:
  Clients(Simulation& simulation, History& history, std::vector<std::unique_ptr<Node>>& nodes);

  void start();
  /// A client gives up waiting for what it asked: nothing new is begun from here on.
  void stop() { stopped_ = true; }
  /// A node's process died: who was connected to it hears of it.
  void node_died(uint32_t node);

  void replied(uint64_t session, const OrderReply& reply);
  void answered(uint64_t session, const OrderQueryReply& reply);

  /// Keys of all orders that were ever asked for.
  const std::map<std::string, OrderQuery>& keys() const { return keys_; }
  std::size_t waiting() const { return open_.size(); }

 private:
  struct Client {
    std::string account;
    uint64_t session = 0;  // of its present connection
    uint32_t node = 1;
    uint64_t numbers = 0;
    std::vector<std::string> ids;  // of its orders
  };
  struct Open {
    std::size_t client = 0;
    std::size_t operation = 0;  // in the history
    OrderRequest request;
    std::optional<OrderQuery> query;
    uint32_t tries = 0;
  };
  void work(std::size_t client);
  void connect(Client& client, uint32_t node);
  void begin(std::size_t client, OperationKind kind, const std::string& about, OrderRequest request,
             std::optional<OrderQuery> query);
  void ask(uint64_t ticket);
  void again(uint64_t ticket, Duration after);
  void submit_order(std::size_t client);
  void change_order(std::size_t client);
  void query_order(std::size_t client);
  bool current(uint64_t session) const;

  Simulation& sim_;
  History& history_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  std::vector<Client> clients_;
  std::map<uint64_t, Open> open_;  // by ticket
  std::map<uint64_t, std::size_t> ticket_operations_;
  std::map<std::string, OrderQuery> keys_;
  uint64_t tickets_ = 0, sessions_ = 0;
  bool stopped_ = false;
};

}  // namespace holdfast::cluster_simulation
