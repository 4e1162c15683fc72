// The shard's book of record: every order by its id and by what its client calls it, every cancel
// and replace, every execution once, every order's history, every account's report stream. It keeps
// and finds; what an event means is decided by the state machine and the shard. Deterministic: the
// same calls in the same order give the same book on every member.
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>

#include "actors/orders/book_records.hpp"
#include "actors/orders/segmented.hpp"
#include "messages/console_queries.hpp"

namespace holdfast::orders {

template <std::size_t N>
std::size_t hash_name(const Text<N>& name) {
  return std::hash<std::string_view>{}(name.view());
}
inline std::size_t hash_name(const Attribution& a) {
  return hash_name(a.algo) * 31 * 31 + hash_name(a.trader) * 31 + hash_name(a.desk);
}

/// Names as numbers, in the order in which they were first seen.
template <typename Name>
class Names {
 public:
  /// The name's number, or 0.
  Ref find(const Name& name) const {
    const auto it = refs_.find(name);
    return it == refs_.end() ? 0 : it->second;
  }
  Ref intern(const Name& name) {
    const auto [it, fresh] = refs_.try_emplace(name, static_cast<Ref>(names_.size() + 1));
    if (fresh) names_.push_back(name);
    return it->second;
  }
  const Name& of(Ref ref) const {
    CHECK(ref >= 1 && ref <= names_.size());
    return names_[ref - 1];
  }
  std::size_t size() const { return names_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Name& name) const { return hash_name(name); }
  };
  std::vector<Name> names_;
  std::unordered_map<Name, Ref, Hash> refs_;
};
/// What a client's id names: an order, a cancel, replace or mass cancel, or nothing.
struct ClientRef {
  Ref order = 0, request = 0;
  explicit operator bool() const { return order != 0 || request != 0; }
};

/// The identity of an execution, over all ways by which it may come (session, resend, drop copy).
struct ExecutionKey {
  uint64_t high = 0, low = 0;
};
ExecutionKey execution_key(const VenueName& venue, uint32_t trade_date, const ExecId& exec_id,
                           Side side);

/// ClOrdID (11) of an order's request number `request` (1 is the new order itself):
/// "H<order in base 36>-<request>".
WireOrderId wire_id(OrderId order, uint16_t request);
struct WireParts {
  OrderId order;
  uint16_t request = 0;
};
/// The inverse of wire_id; nothing when it is not one of ours.
std::optional<WireParts> parse_wire_id(const WireOrderId& wire);

class OrderBookOfRecord {
 public:
  /// The shard's number is part of every order id. Once, before the first order.
  void name_shard(uint32_t shard) { shard_ = shard; }
  uint32_t shard() const { return shard_; }
  OrderId id_of(Ref order) const { return {static_cast<uint64_t>(shard_) << 48 | order}; }
  /// The order with that id, or 0: another shard's, or never given out.
  Ref ref_of(OrderId id) const;

  // ---- finding
  std::size_t orders() const { return orders_.size(); }
  std::size_t requests() const { return requests_.size(); }
  std::size_t executions() const { return executions_.size(); }
  std::size_t open() const { return open_; }
  bool full() const {
    return orders_.size() >= limits::kOrdersPerShardMax ||
           requests_.size() >= limits::kOrdersPerShardMax;
  }
  OrderRecord& order(Ref ref) { return orders_.at(ref - 1); }
  const OrderRecord& order(Ref ref) const { return orders_.at(ref - 1); }
  RequestRecord& request(Ref ref) { return requests_.at(ref - 1); }
  const RequestRecord& request(Ref ref) const { return requests_.at(ref - 1); }
  const ExecutionRecord& execution(Ref ref) const { return executions_.at(ref - 1); }
  ExecutionRecord& execution(Ref ref) { return executions_.at(ref - 1); }
  AccountRecord& account(Ref ref) { return accounts_.at(ref - 1); }
  const AccountRecord& account(Ref ref) const { return accounts_.at(ref - 1); }
  std::size_t accounts() const { return accounts_.size(); }
  /// The account's number, or 0 when it never traded here.
  Ref account_of(const Account& name) const { return account_names_.find(name); }
  ClientRef find(const Account& account, const ClientOrderId& id) const;
  Ref find_execution(ExecutionKey key) const;

  Names<Symbol>& symbols() { return symbols_; }
  const Names<Symbol>& symbols() const { return symbols_; }
  Names<Attribution>& attributions() { return attributions_; }
  const Names<Attribution>& attributions() const { return attributions_; }

  // ---- writing: only from the shard's apply, and from a snapshot's decoder
  Ref intern_account(const Account& name);
  /// Appends an order under its account's client order id. CHECKs that the id is free.
  Ref add_order(const OrderRecord& record);
  /// For snapshots: these will be added soon. Said of some rows ahead, it saves a wait for memory
  /// with each of them.
  void expect(const OrderRecord& order) const {
    by_client_.fetch(client_hash(order.account, order.client_order_id));
  }
  void expect(const ExecutionRecord& execution) const { by_execution_.fetch(execution.key_high); }
  /// For snapshots: appends an order with its history. 0, and nothing changed, when its account has
  /// its client order id already.
  Ref restore_order(const OrderRecord& record, std::span<const StepRecord> steps);
  /// Appends a request; one with a client order id is found by it. CHECKs that the id is free.
  Ref add_request(const RequestRecord& record);
  Ref add_execution(const ExecutionRecord& record);
  /// Puts the order into, or takes it out of, its account's list of open orders, as its state says.
  void relist(Ref order);
  void add_step(Ref order, const StepRecord& step);
  void set_text(Ref order, const ReasonText& text);
  /// Appends to the account's stream.
  ReportSeq add_report(Ref account, const ReportRecord& report, const ReasonText& text = {}) {
    return this->account(account).reports.push(report, text);
  }
  /// Makes room before a snapshot's records are added.
  void reserve(std::size_t orders, std::size_t requests, std::size_t executions);

  // ---- showing
  ExecutionReport report(Ref account, ReportSeq seq, std::span<const VenueName> venues) const;
  OrderView view(Ref order, std::span<const VenueName> venues) const;
  /// The order's steps, oldest first, its admission included.
  void steps(Ref order, std::vector<OrderStep>& out) const;
  /// Calls visit(StepRecord) for the stored steps, oldest first.
  template <typename Visit>
  void each_step(const OrderRecord& record, Visit visit) const {
    uint32_t left = record.history_steps;
    for (Ref chunk = record.history_first; chunk != 0 && left != 0;) {
      const StepChunk& c = chunks_.at(chunk - 1);
      for (const StepRecord& s : c.steps) {
        if (left == 0) break;
        visit(s);
        left -= 1;
      }
      chunk = c.next;
    }
  }
  const ReasonText* text_of(Ref order) const {
    const auto it = texts_.find(order);
    return it == texts_.end() ? nullptr : &it->second;
  }
  /// Memory of the tables and indexes, in bytes.
  std::size_t bytes() const;

  static constexpr uint16_t kStepsMax = 64;  // kept for one order; then the last is overwritten

 private:
  uint64_t client_hash(Ref account, const ClientOrderId& id) const;
  // References as by_client_ has them.
  Ref find_client(uint64_t hash, Ref account, const ClientOrderId& id) const;
  Ref append_order(const OrderRecord& record, uint64_t hash);

  uint32_t shard_ = 0;
  std::size_t open_ = 0;
  Segmented<OrderRecord> orders_;
  Segmented<RequestRecord> requests_;
  Segmented<ExecutionRecord> executions_;
  Segmented<StepChunk> chunks_;
  Segmented<AccountRecord, 64> accounts_;
  Names<Account> account_names_;
  Names<Symbol> symbols_;
  Names<Attribution> attributions_;
  FlatIndex by_client_;  // references to orders, or requests with the top bit set
  FlatIndex by_execution_;
  std::map<Ref, ReasonText> texts_;  // of orders whose reason has words of its own
};

}  // namespace holdfast::orders
