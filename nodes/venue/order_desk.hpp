// The order desk of the simulated exchange: judges requests, keeps who owns which order under which
// ClOrdID, drives the matching engine, and says everything in FIX's terms (FIX 4.4 volume 4,
// appendix D, without the pending states). Pure: time, sockets and FIX encoding are its callers'. A
// request always gets an answer; business refusals are reports, never errors.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "nodes/venue/matching_engine.hpp"
#include "nodes/venue/reports.hpp"

namespace holdfast::exchange {

/// Misbehaviour that can be switched on while the exchange runs; see README.md.
struct DeskFaults {
  uint64_t reject_next = 0;   // so many more orders are rejected
  uint64_t reject_every = 0;  // every Nth order is rejected; 0 none
  bool accept_duplicates =
      false;  // a ClOrdID used before makes another order, as on a careless venue
};

/// Everything the exchange knows of orders. One thread.
class OrderDesk {
 public:
  /// `symbols`: what is traded; empty means any symbol, made known by its first order.
  OrderDesk(std::vector<std::string> symbols, DeskOutput& output);

  /// A new counterparty; its ClOrdIDs are its own. At most kSimulatorSessionsMax, CHECKed.
  SessionIndex add_session();

  void handle(const NewOrderRequest& request);
  void handle(const CancelRequest& request);
  void handle(const ReplaceRequest& request);
  void handle(const StatusRequest& request);
  void handle(const MassStatusRequest& request);

  /// Cancels the session's open DAY orders, as after a disconnect; returns how many. `text` is
  /// reported.
  uint32_t cancel_day_orders(SessionIndex session, std::string_view text);
  /// Ends the trading day: DAY orders expire, and ClOrdIDs of closed orders may be used again. GTC
  /// orders stay. Returns how many expired.
  uint32_t end_day();

  /// Halts or resumes a symbol; a halted one takes no orders and no replaces, cancels pass.
  /// kNotFound if the symbol is unknown and the list of symbols is closed, kFull when there are too
  /// many.
  Result<> set_halted(const IdText& symbol, bool halted);

  DeskFaults& faults() { return faults_; }
  uint32_t open_orders() const { return open_; }
  const MatchingEngine& engine() const { return engine_; }
  std::vector<std::string> halted_symbols() const;

 private:
  struct Facts {             // what the engine does not know of an order
    IdText client_order_id;  // the last one accepted
    IdText secondary_order_id;
    IdText account;
    SessionIndex session = 0;
    OrderNumber before = 0;  // neighbours in the session's list of open orders
    OrderNumber after = 0;
    char side_code = '1';
  };
  struct Session {
    // To the order that the ClOrdID names; 0 when its order was rejected.
    std::unordered_map<IdText, OrderNumber> client_order_ids;
    OrderNumber first_open = 0;
    OrderNumber last_open = 0;
  };
  struct Symbol {
    IdText name;
    bool halted = false;
  };
  struct Verdict {
    RejectReason reason = RejectReason::kNone;
    const char* text = "";
  };
  Facts& facts(OrderNumber number) { return facts_[number - 1]; }
  std::optional<SymbolIndex> symbol_index(const IdText& name);
  Verdict judge(const NewOrderRequest& request);
  bool fault_rejects();
  void reject(const NewOrderRequest& request, ReportKind kind, Verdict verdict);
  void answer_again(const NewOrderRequest& request);
  struct Target {
    OrderNumber order = 0;
    RefusalReason reason = RefusalReason::kOther;
    const char* text = nullptr;  // why not; nullptr: the order may be changed
  };
  Target find_target(const CancelRequest& request);
  void refuse(const CancelRequest& request, const Target& target, bool of_replace);
  uint32_t close_day_orders(SessionIndex session, OrderState end, std::string_view text);
  void close_order(OrderNumber number, OrderState end, Origin cause, std::string_view text);
  void publish_executions(Origin cause);
  void publish_rest(OrderNumber number, Origin cause);
  Report describe(OrderNumber number, ReportKind kind, char exec_type, Origin cause);
  static char status_of(const Order& order);
  void list_open(OrderNumber number);
  void unlist_open(OrderNumber number);

  DeskOutput& output_;
  MatchingEngine engine_;
  DeskFaults faults_;
  bool any_symbol_;
  std::vector<Symbol> symbols_;
  std::unordered_map<IdText, SymbolIndex> symbol_indexes_;
  std::vector<Session> sessions_;
  std::deque<Facts> facts_;            // by number - 1, as the engine's orders
  std::vector<Execution> executions_;  // of the request at hand
  uint64_t execution_number_ = 0;
  uint64_t orders_seen_ = 0;
  uint32_t open_ = 0;
};

}  // namespace holdfast::exchange
