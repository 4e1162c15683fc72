#include "actors/venues/fix/report_quickfix.hpp"

#include "actors/venues/fix/fix_text.hpp"

namespace holdfast::venues {

namespace {
// Tags, FIX 4.4 volume 6.
enum Tag : int {
  kAccount = 1,
  kClOrdId = 11,
  kCumQty = 14,
  kExecId = 17,
  kExecRefId = 19,
  kHandlInst = 21,
  kLastPx = 31,
  kLastQty = 32,
  kMsgType = 35,
  kOrderId = 37,
  kOrderQty = 38,
  kOrdStatus = 39,
  kOrdType = 40,
  kOrigClOrdId = 41,
  kPossDupFlag = 43,
  kPrice = 44,
  kRefSeqNum = 45,
  kSide = 54,
  kSymbol = 55,
  kText = 58,
  kTimeInForce = 59,
  kTransactTime = 60,
  kTradeDate = 75,
  kOrdRejReason = 103,
  kExecType = 150,
  kLeavesQty = 151,
  kRefMsgType = 372,
  kBusinessRejectRefId = 379,
  kBusinessRejectReason = 380,
  kSecondaryClOrdId = 526,
};

void put(FIX::Message& message, int tag, std::string value) {
  message.setField(tag, std::move(value));
}
void put_decimal(FIX::Message& message, int tag, int64_t units) {
  char text[32];
  message.setField(tag, std::string(text, fixed_point::format_to(text, units)));
}

void put_order(FIX::Message& message, const Account& account, const Symbol& symbol, Side side) {
  if (!account.empty()) put(message, kAccount, account.str());
  put(message, kSymbol, symbol.str());
  put(message, kSide, std::string(1, side == Side::kBuy ? '1' : '2'));
}

void put_terms(FIX::Message& message, const VenueRequest& request) {
  put(message, kHandlInst, "1");
  put(message, kOrdType, std::string(1, request.type == OrderType::kMarket ? '1' : '2'));
  if (request.type == OrderType::kLimit) put_decimal(message, kPrice, request.price.units);
  put(message, kTimeInForce,
      std::string(1, static_cast<char>('0' + static_cast<int>(request.time_in_force))));
}

const std::string* find(const FIX::FieldMap& map, int tag) {
  return map.isSetField(tag) ? &map.getField(tag) : nullptr;
}

template <std::size_t N>
Text<N> text_of(const FIX::FieldMap& map, int tag) {
  const std::string* value = find(map, tag);
  if (value == nullptr) return {};
  auto text = Text<N>::parse(*value);
  if (!text) throw FIX::IncorrectDataFormat(tag, *value);
  return text.value();
}

/// Text for people: cut to fit, other bytes shown as '?'.
ReasonText words_in(const FIX::FieldMap& map, int tag) {
  const std::string* value = find(map, tag);
  if (value == nullptr) return {};
  std::string words = value->substr(0, limits::kReasonTextBytes);
  for (char& c : words)
    if (c < 0x20 || c > 0x7e) c = '?';
  return ReasonText(words);
}

template <typename Number>
Number number_of(const FIX::FieldMap& map, int tag) {
  const std::string* value = find(map, tag);
  if (value == nullptr) return {};
  auto number = Number::parse(*value);
  if (!number) throw FIX::IncorrectDataFormat(tag, *value);
  return number.value();
}

char code_of(const FIX::FieldMap& map, int tag) {
  const std::string* value = find(map, tag);
  if (value == nullptr || value->size() != 1) return 0;
  return (*value)[0];
}

OrderState state_of(char status) {
  switch (status) {
    case '0':
    case '5':
      return OrderState::kAccepted;
    case '1':
      return OrderState::kPartiallyFilled;
    case '2':
      return OrderState::kFilled;
    case '3':
    case 'C':
      return OrderState::kExpired;
    case '4':
      return OrderState::kCancelled;
    case '6':
      return OrderState::kPendingCancel;
    case '8':
      return OrderState::kRejected;
    case 'A':
      return OrderState::kRouted;
    case 'E':
      return OrderState::kPendingReplace;
    default:
      return OrderState::kUnknown;
  }
}

/// ExecType (150) in our terms; nothing for those that only tell what is pending.
std::optional<VenueReportKind> kind_of(char exec_type, Quantity last) {
  switch (exec_type) {
    case '0':
      return VenueReportKind::kAccepted;
    case 'F':
      return VenueReportKind::kFill;
    case '1':  // before FIX 4.3: partial fill, fill
    case '2':
      if (last.positive()) return VenueReportKind::kFill;
      return std::nullopt;
    case '3':
    case 'C':
      return VenueReportKind::kExpired;
    case '4':
      return VenueReportKind::kCancelled;
    case '5':
      return VenueReportKind::kReplaced;
    case '8':
      return VenueReportKind::kRejected;
    case 'G':
      return VenueReportKind::kTradeCorrect;
    case 'H':
      return VenueReportKind::kTradeCancel;
    case 'I':
      return VenueReportKind::kStatus;
    default:
      return std::nullopt;
  }
}

void read_times(const FIX::Message& message, VenueReport& report) {
  if (const std::string* when = find(message, kTransactTime)) {
    auto time = parse_utc_timestamp(*when);
    if (!time) throw FIX::IncorrectDataFormat(kTransactTime, *when);
    report.venue_time = time.value();
    report.trade_date = utc_date(time.value());
  }
  if (const std::string* date = find(message, kTradeDate)) {
    const auto day = parse_number(*date);
    if (!day || date->size() != 8) throw FIX::IncorrectDataFormat(kTradeDate, *date);
    report.trade_date = *day;
  }
}

void read_names(const FIX::Message& message, VenueReport& report) {
  report.wire = text_of<limits::kWireOrderIdBytes>(message, kClOrdId);
  report.original = text_of<limits::kWireOrderIdBytes>(message, kOrigClOrdId);
  report.venue_order_id = text_of<limits::kVenueTextBytes>(message, kOrderId);
  report.possible_duplicate = code_of(message.getHeader(), kPossDupFlag) == 'Y';
  report.venue_state = state_of(code_of(message, kOrdStatus));
}

command::Inbound decode_execution(const FIX::Message& message) {
  command::Inbound inbound;
  VenueReport report;
  report.last_quantity = number_of<Quantity>(message, kLastQty);
  const auto kind = kind_of(code_of(message, kExecType), report.last_quantity);
  if (!kind) return inbound;
  report.kind = *kind;
  read_names(message, report);
  read_times(message, report);
  report.exec_id = text_of<limits::kVenueTextBytes>(message, kExecId);
  report.exec_ref = text_of<limits::kVenueTextBytes>(message, kExecRefId);
  report.symbol = text_of<limits::kSymbolBytes>(message, kSymbol);
  report.side = code_of(message, kSide) == '1' ? Side::kBuy : Side::kSell;
  report.price = number_of<Price>(message, kPrice);
  report.quantity = number_of<Quantity>(message, kOrderQty);
  report.last_price = number_of<Price>(message, kLastPx);
  report.cumulative_quantity = number_of<Quantity>(message, kCumQty);
  report.leaves_quantity = number_of<Quantity>(message, kLeavesQty);
  report.text = words_in(message, kText);
  if (report.kind == VenueReportKind::kRejected) report.reason = Reason::kVenueReject;
  // An unknown order is answered by OrdStatus Rejected, OrdRejReason 5 (Unknown Order).
  if (report.kind == VenueReportKind::kStatus && report.venue_state == OrderState::kRejected) {
    const std::string* reason = find(message, kOrdRejReason);
    inbound.unknown_order = reason != nullptr && *reason == "5";
  }
  inbound.report = report;
  return inbound;
}

command::Inbound decode_cancel_reject(const FIX::Message& message) {
  command::Inbound inbound;
  VenueReport report;
  report.kind = VenueReportKind::kCancelRejected;
  read_names(message, report);
  read_times(message, report);
  report.text = words_in(message, kText);
  report.reason = Reason::kVenueCancelReject;
  inbound.report = report;
  return inbound;
}

/// Reject (3) and BusinessMessageReject (j) name a message of ours by its number.
command::Inbound decode_message_reject(const FIX::Message& message, bool business) {
  command::Inbound inbound;
  if (const std::string* number = find(message, kRefSeqNum))
    inbound.refers_to = parse_number(*number).value_or(0);
  VenueReport report;
  report.kind = VenueReportKind::kRejected;
  report.reason = Reason::kVenueReject;
  report.venue_state = OrderState::kRejected;
  report.text = words_in(message, kText);
  if (business) {
    report.wire = text_of<limits::kWireOrderIdBytes>(message, kBusinessRejectRefId);
    const std::string* type = find(message, kRefMsgType);
    const std::string* reason = find(message, kBusinessRejectReason);
    const bool status = type != nullptr && *type == "H";
    inbound.unknown_order = status && reason != nullptr && *reason == "1";
    if (status && !inbound.unknown_order) return inbound;
  }
  if (inbound.refers_to != 0 || !report.wire.empty()) inbound.report = report;
  return inbound;
}
}  // namespace

FIX::Message encode_request(const VenueRequest& request, const WireOrderId& original) {
  FIX::Message message;
  const char* type = request.kind == VenueRequestKind::kNew       ? "D"
                     : request.kind == VenueRequestKind::kCancel  ? "F"
                     : request.kind == VenueRequestKind::kReplace ? "G"
                                                                  : "H";
  message.getHeader().setField(kMsgType, type);
  put_order(message, request.account, request.symbol, request.side);
  if (request.kind == VenueRequestKind::kStatus) {
    put(message, kClOrdId, original.empty() ? request.wire.str() : original.str());
    if (!request.venue_order_id.empty()) put(message, kOrderId, request.venue_order_id.str());
    return message;
  }
  put(message, kClOrdId, request.wire.str());
  put(message, kTransactTime, utc_timestamp(request.intake));
  put_decimal(message, kOrderQty, request.quantity.units);
  if (!request.client_order_id.empty())
    put(message, kSecondaryClOrdId, request.client_order_id.str());
  if (request.kind != VenueRequestKind::kCancel) put_terms(message, request);
  if (request.kind != VenueRequestKind::kNew) {
    put(message, kOrigClOrdId, original.str());
    if (!request.venue_order_id.empty()) put(message, kOrderId, request.venue_order_id.str());
  }
  return message;
}

FIX::Message encode_status_request(const VenueOrder& order, const WireOrderId& wire) {
  FIX::Message message;
  message.getHeader().setField(kMsgType, "H");
  put_order(message, order.account, order.symbol, order.side);
  put(message, kClOrdId, wire.str());
  if (!order.venue_order_id.empty()) put(message, kOrderId, order.venue_order_id.str());
  return message;
}

command::Inbound decode_report(const FIX::Message& message) {
  const std::string& type = message.getHeader().getField(kMsgType);
  if (type == "8") return decode_execution(message);
  if (type == "9") return decode_cancel_reject(message);
  if (type == "j") return decode_message_reject(message, true);
  if (type == "3") return decode_message_reject(message, false);
  return {};
}

}  // namespace holdfast::venues
