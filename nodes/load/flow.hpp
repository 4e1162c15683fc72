// What a load run sends: a sequence of client requests with the time each is due. Made from a
// LOBSTER message file (real order flow) or by a seeded generator where no file is at hand. Pure:
// rows or a seed go in, actions come out; pacing, sending and judging are elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "messages/order.hpp"

namespace holdfast::load {

/// One request that is due `at` after the start of the flow.
struct Action {
  enum class Kind : uint8_t { kSubmit, kReplace, kCancel };
  Kind kind = Kind::kSubmit;
  Duration at;
  NewOrder order;        // kSubmit
  ReplaceOrder replace;  // kReplace
  CancelOrder cancel;    // kCancel
};

/// What was in the source and what became of it.
struct FlowCounts {
  uint64_t rows = 0, submits = 0, replaces = 0, cancels = 0, takers = 0;
  uint64_t skipped_hidden = 0;  // type 5: no order of ours could have caused it
  uint64_t crosses = 0;         // type 6
  uint64_t halts = 0;           // type 7
  uint64_t orphans = 0;         // names an order that was there before the file begins
  uint64_t malformed = 0;
};

inline constexpr uint32_t kMakerAccounts = 8;
inline constexpr uint32_t kTakerAccounts = 2;
/// The accounts of a flow: M1..M8 rest orders, T1..T2 take. Makers are several, so that self-trade
/// prevention does not refuse the flow.
std::vector<Account> flow_accounts();

/// One row of a LOBSTER message file: time (s after midnight), type, order id, size, price×10000,
/// direction.
struct LobsterRow {
  Duration time;
  int type = 0;
  uint64_t order = 0;
  int64_t size = 0;  // shares
  Price price;
  int direction = 0;  // 1 buy, -1 sell: of the resting order
};
/// A row, or kInvalid with what is wrong with it. Total on any text.
Result<LobsterRow> parse_lobster(std::string_view line);

/// Turns LOBSTER rows into actions: 1 a limit order; 2 a replace to the remaining size; 3 a cancel;
/// 4 an IOC against the resting order from a taker account; 5 counted as hidden; 6 and 7 counted.
class LobsterFlow {
 public:
  explicit LobsterFlow(Symbol symbol) : symbol_(symbol) {}
  /// The action of a line, if it has one; what has none is counted.
  std::optional<Action> next(std::string_view line);
  const FlowCounts& counts() const { return counts_; }

 private:
  struct Resting {
    Account account;
    Side side = Side::kBuy;
    int64_t total = 0;     // OrderQty now, shares
    int64_t executed = 0;  // by the file
    uint32_t requests = 0;
  };
  Symbol symbol_;
  FlowCounts counts_;
  std::optional<Duration> first_;
  uint64_t takers_ = 0, makers_ = 0;
  std::unordered_map<uint64_t, Resting> resting_;
};

/// A seeded flow of the same mix: makers quote around a drifting mid, replace and cancel; takers
/// cross.
class SyntheticFlow {
 public:
  /// `ids`: what client order ids begin with; short.
  SyntheticFlow(Symbol symbol, uint64_t seed, Price start, Duration interval,
                std::string ids = "S");
  Action next();
  const FlowCounts& counts() const { return counts_; }

 private:
  struct Live {
    Account account;
    ClientOrderId id;
    Side side = Side::kBuy;
    int64_t shares = 0;
    Price price;
    uint32_t requests = 0;
  };
  uint64_t random();
  uint64_t below(uint64_t bound) { return random() % bound; }
  Action submit_maker();
  Action submit_taker();
  std::string ids_;
  Symbol symbol_;
  uint64_t state_;
  Price mid_;
  Duration interval_;
  uint64_t made_ = 0;
  std::vector<Live> live_;
  FlowCounts counts_;
};

}  // namespace holdfast::load
