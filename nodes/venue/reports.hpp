// What goes into and comes out of the order desk, as plain structs: requests decoded from FIX, and
// the reports that become ExecutionReports, OrderCancelRejects and lines of the record. Texts are
// views that live as long as the call that hands them over. FIX tags are named where a field is one
// to one.
#pragma once

#include <cstdint>
#include <string_view>

#include "messages/fixed_point.hpp"
#include "messages/limits.hpp"
#include "messages/text.hpp"
#include "nodes/venue/matching_engine.hpp"

namespace holdfast::exchange {

/// An identifier as counterparties write it (ClOrdID, Account, Symbol).
using IdText = Text<limits::kVenueTextBytes>;
/// Index of a counterparty's session, given out by the desk.
using SessionIndex = uint32_t;

/// Where a request came from. The default is "nobody asked": cancel on disconnect, end of day.
struct Origin {
  SessionIndex session = 0;
  uint64_t sequence = 0;            // MsgSeqNum (34)
  bool possible_duplicate = false;  // PossDupFlag (43)
  bool possible_resend = false;     // PossResend (97)
};

/// NewOrderSingle (D), fields not yet judged: quantity and limit may be zero or negative.
struct NewOrderRequest {
  Origin origin;
  IdText client_order_id;     // 11
  IdText secondary_order_id;  // 526, may be empty
  IdText account;             // 1, may be empty
  IdText symbol;              // 55
  char side_code = '1';       // 54 as sent: 1 buy, 2 sell, 5 sell short
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  Price limit;  // 44
  Quantity quantity;
  const char* unsupported = nullptr;  // what this exchange does not offer of it, in words
};

/// OrderCancelRequest (F). Symbol and side are checked against the order when they are given.
struct CancelRequest {
  Origin origin;
  IdText client_order_id;           // 11, of the request
  IdText original_client_order_id;  // 41
  IdText symbol;
  char side_code = 0;
};

/// OrderCancelReplaceRequest (G).
struct ReplaceRequest {
  CancelRequest target;
  OrderType type = OrderType::kLimit;
  Price limit;
  Quantity quantity;
};

/// OrderStatusRequest (H).
struct StatusRequest {
  Origin origin;
  IdText client_order_id;
  IdText request_id;  // OrdStatusReqID (790), may be empty
  IdText symbol;
  char side_code = '1';
};

/// OrderMassStatusRequest (AF): all open orders of the session, or those of one symbol.
struct MassStatusRequest {
  Origin origin;
  IdText request_id;  // MassStatusReqID (584)
  IdText symbol;      // empty: all
};

enum class ReportKind : uint8_t {
  kAccepted,
  kRejected,
  kDuplicate,  // rejected because its ClOrdID was used before
  kFill,
  kCancelled,
  kReplaced,
  kExpired,
  kStatus,
};

/// OrdRejReason (103).
enum class RejectReason : uint8_t {
  kNone = 255,
  kUnknownSymbol = 1,
  kExchangeClosed = 2,
  kExceedsLimit = 3,
  kUnknownOrder = 5,
  kDuplicateOrder = 6,
  kUnsupportedCharacteristic = 11,
  kIncorrectQuantity = 13,
  kOther = 99,
};

/// CxlRejReason (102).
enum class RefusalReason : uint8_t {
  kTooLate = 0,
  kUnknownOrder = 1,
  kBrokerOption = 2,
  kDuplicateClientOrderId = 6,
  kOther = 99,
};

/// An ExecutionReport in the making; also one line of the record unless it is a status.
struct Report {
  ReportKind kind = ReportKind::kAccepted;
  SessionIndex session = 0;  // whom it is for
  Origin cause;              // the message that caused it, maybe of another session
  OrderNumber order = 0;     // 0: there is none (rejected, unknown)
  uint64_t execution = 0;    // number of the ExecID, unique in this process
  uint64_t trade = 0;        // equal on both sides of a trade; 0 for the rest
  char exec_type = '0';      // 150
  char order_status = '0';   // 39
  char side_code = '1';
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  RejectReason reject_reason = RejectReason::kNone;
  std::string_view client_order_id;
  std::string_view original_client_order_id;  // empty: not sent
  std::string_view secondary_order_id;
  std::string_view account;
  std::string_view symbol;
  std::string_view text;
  std::string_view status_request_id;       // 790
  std::string_view mass_status_request_id;  // 584
  uint32_t mass_total = 0;                  // 911
  bool mass_last = false;                   // 912
  Price limit;
  Quantity total;
  Quantity cumulative;
  Quantity leaves;
  Price average_price;
  Price last_price;
  Quantity last_quantity;
};

/// An OrderCancelReject in the making.
struct Refusal {
  Origin cause;
  OrderNumber order = 0;
  bool of_replace = false;  // CxlRejResponseTo: 1 cancel, 2 replace
  char order_status = '8';
  RefusalReason reason = RefusalReason::kOther;
  std::string_view client_order_id;
  std::string_view original_client_order_id;
  std::string_view secondary_order_id;
  std::string_view account;
  std::string_view symbol;
  std::string_view text;
};

/// Whoever takes what the desk has to say, in order, on the desk's thread.
class DeskOutput {
 public:
  virtual ~DeskOutput() = default;
  virtual void report(const Report& report) = 0;
  virtual void refuse(const Refusal& refusal) = 0;
};

}  // namespace holdfast::exchange
