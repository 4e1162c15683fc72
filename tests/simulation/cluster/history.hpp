// What was seen from outside, and nothing else: who led, what was committed where, what clients
// were told and when, what the venue's own record says. The checkers read this alone; of how it
// came about they know nothing.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "messages/order_entry.hpp"
#include "supervision/replication/entry.hpp"
#include "tests/simulation/cluster/simulation.hpp"
#include "tests/simulation/cluster/venue.hpp"

namespace holdfast::cluster_simulation {

enum class OperationKind : uint8_t { kSubmit, kCancel, kReplace, kQuery };

/// What an operation on one client order id said: what the checker's model looks at.
struct Outcome {
  bool found = false;     // query: there is such an order. Requests: it was booked
  bool accepted = false;  // requests
  Reason reason = Reason::kNone;
  uint64_t order = 0;
  OrderState state = OrderState::kNew;
  int64_t filled = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// One operation of a client: asked, perhaps more than once, and perhaps never answered.
struct Operation {
  OperationKind kind = OperationKind::kSubmit;
  std::string key;      // account and client order id of the order that it is about
  std::string request;  // its own client order id
  MonoTime invoked;
  std::optional<MonoTime> returned;
  Outcome outcome;
};

class History {
 public:
  explicit History(Simulation& simulation) : sim_(simulation) {}

  // ---- as it happens
  /// `who` is a process: node and life.
  void led(GroupId group, Epoch epoch, uint64_t who);
  /// An entry is committed, as one member has it.
  void committed(GroupId group, Index index, replication::ChainHash hash, uint32_t node);
  std::size_t invoke(Operation operation);
  /// An answer to operation `index`: the first returns it, others must say the same.
  void answer(std::size_t index, const Outcome& outcome);
  /// Item `report.sequence` of an account's stream, as somebody heard it.
  void heard(const ExecutionReport& report);

  // ---- at the end
  /// Each client order id's operations can be put into one order that makes sense.
  void check_linearizable();
  /// Item `report.sequence` of an account's stream as it stands at the end.
  void check_report(const ExecutionReport& report);
  /// What clients were told, what the shard has, what the venue has.
  void check_outcomes(const std::map<std::string, OrderView>& book,
                      const std::vector<VenueOrderRecord>& venue);

  uint64_t leaders() const { return leaders_.size(); }
  uint64_t orders() const { return submits_; }
  uint64_t committed_entries(GroupId group) const;
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  void check_key(const std::string& key, const std::vector<const Operation*>& operations);
  void check_order(const std::string& key, const OrderView& view, const VenueOrderRecord* venue);

  Simulation& sim_;
  std::map<std::pair<uint32_t, uint64_t>, uint64_t> leaders_;  // group, epoch
  std::map<uint32_t, std::vector<uint64_t>> committed_;        // group: hashes from index 1
  std::vector<Operation> operations_;
  std::map<std::string, std::map<uint64_t, uint64_t>> reports_;  // account: sequence, digest
  uint64_t submits_ = 0;
};

}  // namespace holdfast::cluster_simulation
