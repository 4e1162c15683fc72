#include "messages/codecs/order_entry_capnp.hpp"

#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace holdfast {

namespace {

Error invalid(std::string text) { return {ErrorCode::kInvalid, std::move(text)}; }

/// Collects fields until the first that is wrong, so that decoders read as lists of fields.
class Fields {
 public:
  template <std::size_t N>
  void text(const char* name, capnp::Text::Reader from, Text<N>& to) {
    if (error_) return;
    auto parsed = Text<N>::parse({from.begin(), from.size()});
    if (!parsed)
      error_ = invalid(std::string(name) + ": " + parsed.error().text);
    else
      to = parsed.value();
  }
  /// `from` by its value, which a hostile sender chooses freely.
  template <typename To, typename From>
  void enumerator(const char* name, From from, std::optional<To> (*convert)(From), To& to) {
    if (error_) return;
    const auto converted = convert(from);
    if (!converted)
      error_ = invalid(std::string(name) + ": no value " +
                       std::to_string(static_cast<unsigned>(from)) + " is known");
    else
      to = *converted;
  }
  bool ok() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

/// Runs a decoder; what the library throws at malformed pointers becomes an error.
template <typename F>
auto total(F&& decoder) -> decltype(decoder()) {
  try {
    return decoder();
  } catch (const kj::Exception& e) {
    return invalid(std::string("malformed message: ") + e.getDescription().cStr());
  }
}

// ---- enumerations: those that differ by value go through tables, the others by position

// By wire value. A reason that is added to messages/order.hpp goes to the end of this table and of
// the schema's enum; a test walks all of them.
constexpr Reason kNoReason{UINT16_MAX};
constexpr Reason kReasons[] = {Reason::kNone,
                               kNoReason,
                               Reason::kMalformed,
                               Reason::kUnknownSymbol,
                               Reason::kUnknownAccount,
                               Reason::kNotPermitted,
                               Reason::kBadPrice,
                               Reason::kBadQuantity,
                               Reason::kUnsupported,
                               Reason::kUnknownOrder,
                               Reason::kTooLateToCancel,
                               Reason::kDuplicateClientOrderId,
                               Reason::kOutOfCredits,
                               Reason::kNotServing,
                               Reason::kDeadlineMissed,
                               Reason::kPendingRequest,
                               Reason::kOverflow,
                               Reason::kFull,
                               Reason::kMaxOrderQuantity,
                               Reason::kMaxOrderNotional,
                               Reason::kPriceCollar,
                               Reason::kNoReferencePrice,
                               Reason::kStaleReferencePrice,
                               Reason::kRestricted,
                               Reason::kBuyingPower,
                               Reason::kPositionLimit,
                               Reason::kDuplicateOrder,
                               Reason::kMessageRate,
                               Reason::kSelfTrade,
                               Reason::kKilled,
                               Reason::kReduceOnly,
                               Reason::kRiskUnavailable,
                               Reason::kNoLimits,
                               Reason::kNoVenue,
                               Reason::kVenueDown,
                               Reason::kVenueHalted,
                               Reason::kVenueKilled,
                               Reason::kVenueReject,
                               Reason::kVenueCancelReject,
                               Reason::kVenueInFlightLimit,
                               Reason::kNotSentAtFailover,
                               Reason::kConservation,
                               Reason::kOutcomeUnknown,
                               Reason::kQuarantined};
static_assert(kReasons[static_cast<std::size_t>(wire::Reason::OTHER)] == kNoReason);
static_assert(std::size(kReasons) == static_cast<std::size_t>(wire::Reason::QUARANTINED) + 1);

std::optional<Side> side_of(wire::Side side) {
  if (side == wire::Side::BUY) return Side::kBuy;
  if (side == wire::Side::SELL) return Side::kSell;
  return std::nullopt;
}

std::optional<OrderType> type_of(wire::OrderType type) {
  if (type == wire::OrderType::MARKET) return OrderType::kMarket;
  if (type == wire::OrderType::LIMIT) return OrderType::kLimit;
  return std::nullopt;
}

constexpr TimeInForce kTimesInForce[] = {TimeInForce::kDay, TimeInForce::kGoodTillCancel,
                                         TimeInForce::kImmediateOrCancel, TimeInForce::kFillOrKill};
std::optional<TimeInForce> time_in_force_of(wire::TimeInForce tif) {
  const auto i = static_cast<std::size_t>(tif);
  if (i >= std::size(kTimesInForce)) return std::nullopt;
  return kTimesInForce[i];
}

static_assert(static_cast<int>(wire::OrderState::UNKNOWN) ==
              static_cast<int>(OrderState::kUnknown));
static_assert(static_cast<int>(wire::OrderState::NOT_SENT) ==
              static_cast<int>(OrderState::kNotSent));
std::optional<OrderState> state_of(wire::OrderState state) {
  if (state > wire::OrderState::NOT_SENT) return std::nullopt;
  return static_cast<OrderState>(state);
}

static_assert(static_cast<int>(wire::ExecType::UNKNOWN) == static_cast<int>(ExecType::kUnknown));
static_assert(static_cast<int>(wire::ExecType::TRADE_CORRECT) ==
              static_cast<int>(ExecType::kTradeCorrect));
std::optional<ExecType> exec_type_of(wire::ExecType type) {
  if (type > wire::ExecType::TRADE_CORRECT) return std::nullopt;
  return static_cast<ExecType>(type);
}

static_assert(static_cast<int>(wire::Durability::MEMORY) == static_cast<int>(Durability::kMemory));
static_assert(static_cast<int>(wire::Durability::FSYNCED) ==
              static_cast<int>(Durability::kFsynced));
std::optional<Durability> durability_of(wire::Durability durability) {
  if (durability > wire::Durability::FSYNCED) return std::nullopt;
  // A refusal that was not journaled has none; the weakest claim stands in for it.
  if (durability == wire::Durability::NONE) return Durability::kMemory;
  return static_cast<Durability>(durability);
}

/// The text of a reason that this program does not know must not be lost: name first, cut to fit.
ReasonText named_text(capnp::Text::Reader name, const ReasonText& text) {
  std::string words(name.begin(), name.size());
  if (!text.empty()) words += (words.empty() ? "" : ": ") + text.str();
  words.resize(std::min(words.size(), ReasonText::kCapacity));
  auto parsed = ReasonText::parse(words);
  return parsed ? parsed.value() : text;
}

template <typename Reader>
void decode_reason(Fields& fields, Reader from, capnp::Text::Reader name, Reason& reason,
                   ReasonText& text) {
  fields.text("text", from.getText(), text);
  if (!fields.ok()) return;
  if (const auto known = from_wire(from.getReason())) {
    reason = *known;
  } else {
    reason = Reason::kUnsupported;
    text = named_text(name, text);
  }
}

template <typename T>
Result<T> finished(const Fields& fields, T value) {
  if (!fields.ok()) return fields.error();
  return value;
}

}  // namespace

capnp::ReaderOptions rpc_reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::kRpcTraversalWords;
  options.nestingLimit = limits::kRpcNestingLevels;
  return options;
}

wire::Reason to_wire(Reason reason) {
  const auto* at = std::find(std::begin(kReasons), std::end(kReasons), reason);
  return at == std::end(kReasons) ? wire::Reason::OTHER
                                  : static_cast<wire::Reason>(at - std::begin(kReasons));
}

std::optional<Reason> from_wire(wire::Reason reason) {
  const auto i = static_cast<std::size_t>(reason);
  if (i >= std::size(kReasons) || kReasons[i] == kNoReason) return std::nullopt;
  return kReasons[i];
}

wire::Durability to_wire(Durability durability) {
  return durability == Durability::kFsynced ? wire::Durability::FSYNCED : wire::Durability::MEMORY;
}

Result<Account> decode_account(capnp::Text::Reader from) {
  Fields fields;
  Account account;
  fields.text("account", from, account);
  return finished(fields, account);
}

// ---- requests

Result<NewOrder> decode(wire::NewOrder::Reader from) {
  return total([&]() -> Result<NewOrder> {
    Fields fields;
    NewOrder order;
    fields.text("account", from.getAccount(), order.account);
    fields.text("clientOrderId", from.getClientOrderId(), order.client_order_id);
    fields.text("symbol", from.getSymbol(), order.symbol);
    fields.enumerator("side", from.getSide(), side_of, order.side);
    fields.enumerator("type", from.getType(), type_of, order.type);
    fields.enumerator("timeInForce", from.getTimeInForce(), time_in_force_of, order.time_in_force);
    fields.text("algo", from.getAlgo(), order.attribution.algo);
    fields.text("trader", from.getTrader(), order.attribution.trader);
    fields.text("desk", from.getDesk(), order.attribution.desk);
    order.price = Price::from_units(from.getPrice());
    order.quantity = Quantity::from_units(from.getQuantity());
    order.trace = {from.getTrace()};
    return finished(fields, order);
  });
}

Result<CancelOrder> decode(wire::CancelOrder::Reader from) {
  return total([&]() -> Result<CancelOrder> {
    Fields fields;
    CancelOrder cancel;
    fields.text("account", from.getAccount(), cancel.account);
    fields.text("clientOrderId", from.getClientOrderId(), cancel.client_order_id);
    fields.text("original", from.getOriginal(), cancel.original);
    cancel.trace = {from.getTrace()};
    return finished(fields, cancel);
  });
}

Result<ReplaceOrder> decode(wire::ReplaceOrder::Reader from) {
  return total([&]() -> Result<ReplaceOrder> {
    Fields fields;
    ReplaceOrder replace;
    fields.text("account", from.getAccount(), replace.account);
    fields.text("clientOrderId", from.getClientOrderId(), replace.client_order_id);
    fields.text("original", from.getOriginal(), replace.original);
    replace.price = Price::from_units(from.getPrice());
    replace.quantity = Quantity::from_units(from.getQuantity());
    replace.trace = {from.getTrace()};
    return finished(fields, replace);
  });
}

Result<MassCancel> decode(wire::MassCancel::Reader from) {
  return total([&]() -> Result<MassCancel> {
    Fields fields;
    MassCancel mass;
    fields.text("account", from.getAccount(), mass.account);
    fields.text("clientOrderId", from.getClientOrderId(), mass.client_order_id);
    fields.text("symbol", from.getSymbol(), mass.symbol);
    mass.trace = {from.getTrace()};
    return finished(fields, mass);
  });
}

namespace {
template <typename T>
Result<OrderRequestBody> as_body(Result<T> decoded) {
  if (!decoded) return decoded.error();
  return OrderRequestBody(std::move(decoded).value());
}
}  // namespace

Result<OrderRequestBody> decode(wire::Request::Reader from) {
  return total([&]() -> Result<OrderRequestBody> {
    switch (from.which()) {
      case wire::Request::NEW_ORDER:
        return as_body(decode(from.getNewOrder()));
      case wire::Request::CANCEL:
        return as_body(decode(from.getCancel()));
      case wire::Request::REPLACE:
        return as_body(decode(from.getReplace()));
      case wire::Request::MASS_CANCEL:
        return as_body(decode(from.getMassCancel()));
    }
    return invalid("no kind " + std::to_string(static_cast<unsigned>(from.which())) +
                   " of request is known");
  });
}

Result<std::vector<OrderRequestBody>> decode(capnp::List<wire::Request>::Reader from) {
  return total([&]() -> Result<std::vector<OrderRequestBody>> {
    if (from.size() == 0 || from.size() > limits::kBatchOrdersMax)
      return invalid("a batch of " + std::to_string(from.size()) + " requests; 1 to " +
                     std::to_string(limits::kBatchOrdersMax) + " are allowed");
    std::vector<OrderRequestBody> bodies;
    bodies.reserve(from.size());
    for (const auto request : from) {
      auto body = decode(request);
      if (!body)
        return invalid("request " + std::to_string(bodies.size()) + ": " + body.error().text);
      bodies.push_back(std::move(body).value());
    }
    return bodies;
  });
}

// ---- answers

Result<Outcome> decode(wire::Outcome::Reader from) {
  return total([&]() -> Result<Outcome> {
    Fields fields;
    Outcome outcome;
    auto& reply = outcome.reply;
    reply.accepted = from.getAccepted();
    reply.duplicate = from.getDuplicate();
    decode_reason(fields, from, from.getReasonName(), reply.reason, reply.text);
    reply.order = {from.getOrder()};
    fields.enumerator("state", from.getState(), state_of, reply.state);
    fields.enumerator("durability", from.getDurability(), durability_of, reply.durability);
    reply.affected = from.getAffected();
    outcome.credits_left = from.getCreditsLeft();
    return finished(fields, outcome);
  });
}

Result<ExecutionReport> decode(wire::ExecutionReport::Reader from) {
  return total([&]() -> Result<ExecutionReport> {
    Fields fields;
    ExecutionReport report;
    report.sequence = {from.getSequence()};
    fields.text("account", from.getAccount(), report.account);
    report.order = {from.getOrder()};
    fields.text("clientOrderId", from.getClientOrderId(), report.client_order_id);
    fields.text("original", from.getOriginal(), report.original);
    fields.enumerator("type", from.getType(), exec_type_of, report.type);
    fields.enumerator("state", from.getState(), state_of, report.state);
    fields.text("symbol", from.getSymbol(), report.symbol);
    fields.enumerator("side", from.getSide(), side_of, report.side);
    report.price = Price::from_units(from.getPrice());
    report.quantity = Quantity::from_units(from.getQuantity());
    report.last_quantity = Quantity::from_units(from.getLastQuantity());
    report.last_price = Price::from_units(from.getLastPrice());
    report.cumulative_quantity = Quantity::from_units(from.getCumulativeQuantity());
    report.leaves_quantity = Quantity::from_units(from.getLeavesQuantity());
    fields.text("execId", from.getExecId(), report.exec_id);
    fields.text("venue", from.getVenue(), report.venue);
    decode_reason(fields, from, capnp::Text::Reader(), report.reason, report.text);
    report.time = {from.getTime()};
    report.trace = {from.getTrace()};
    return finished(fields, report);
  });
}

Result<std::vector<ExecutionReport>> decode(capnp::List<wire::ExecutionReport>::Reader from) {
  return total([&]() -> Result<std::vector<ExecutionReport>> {
    if (from.size() > limits::kReportBatchMax)
      return invalid(std::to_string(from.size()) + " reports in one call; at most " +
                     std::to_string(limits::kReportBatchMax) + " are allowed");
    std::vector<ExecutionReport> reports;
    reports.reserve(from.size());
    for (const auto one : from) {
      auto report = decode(one);
      if (!report)
        return invalid("report " + std::to_string(reports.size()) + ": " + report.error().text);
      reports.push_back(report.value());
    }
    return reports;
  });
}

Result<OrderView> decode(wire::OrderView::Reader from) {
  return total([&]() -> Result<OrderView> {
    Fields fields;
    OrderView view;
    view.order = {from.getOrder()};
    auto request = decode(from.getRequest());
    if (!request) return invalid("request: " + request.error().text);
    view.request = request.value();
    fields.enumerator("state", from.getState(), state_of, view.state);
    fields.text("clientOrderId", from.getClientOrderId(), view.client_order_id);
    view.price = Price::from_units(from.getPrice());
    view.quantity = Quantity::from_units(from.getQuantity());
    view.cumulative_quantity = Quantity::from_units(from.getCumulativeQuantity());
    view.leaves_quantity = Quantity::from_units(from.getLeavesQuantity());
    view.cumulative_notional = Notional::from_units(from.getCumulativeNotional());
    fields.text("venue", from.getVenue(), view.venue);
    fields.text("venueOrderId", from.getVenueOrderId(), view.venue_order_id);
    decode_reason(fields, from, capnp::Text::Reader(), view.reason, view.text);
    view.created = {from.getCreated()};
    view.updated = {from.getUpdated()};
    view.as_of = {from.getAsOf()};
    return finished(fields, view);
  });
}

// ---- whole messages

namespace {

template <typename Root>
auto decoded(std::span<const std::byte> bytes) -> decltype(decode(typename Root::Reader())) {
  return total([&]() -> decltype(decode(typename Root::Reader())) {
    if (bytes.size() > limits::kRpcTraversalWords * sizeof(capnp::word))
      return invalid("a message of " + std::to_string(bytes.size()) + " bytes is too long");
    if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0)
      return invalid("a message of " + std::to_string(bytes.size()) +
                     " bytes is no whole number of words");
    // The library reads words; the bytes may stand anywhere.
    auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), bytes.data(), bytes.size());
    capnp::FlatArrayMessageReader reader(words, rpc_reader_options());
    return decode(reader.getRoot<Root>());
  });
}

}  // namespace

Result<OrderRequestBody> decode_request(std::span<const std::byte> bytes) {
  return decoded<wire::Request>(bytes);
}
Result<Outcome> decode_outcome(std::span<const std::byte> bytes) {
  return decoded<wire::Outcome>(bytes);
}
Result<ExecutionReport> decode_report(std::span<const std::byte> bytes) {
  return decoded<wire::ExecutionReport>(bytes);
}
Result<OrderView> decode_view(std::span<const std::byte> bytes) {
  return decoded<wire::OrderView>(bytes);
}

}  // namespace holdfast
