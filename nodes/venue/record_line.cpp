#include "nodes/venue/record_line.hpp"

#include <charconv>

#include "nodes/venue/json_line.hpp"

namespace holdfast::exchange {

namespace {

std::string_view type_of(ReportKind kind) {
  switch (kind) {
    case ReportKind::kAccepted:
      return "accepted";
    case ReportKind::kRejected:
      return "rejected";
    case ReportKind::kDuplicate:
      return "duplicate_clordid";
    case ReportKind::kFill:
      return "fill";
    case ReportKind::kCancelled:
      return "cancelled";
    case ReportKind::kReplaced:
      return "replaced";
    case ReportKind::kExpired:
      return "expired";
    case ReportKind::kStatus:
      break;
  }
  return "";
}

std::string_view time_in_force_of(TimeInForce value) {
  static constexpr std::string_view kNames[] = {"day", "gtc", "ioc", "fok"};
  return kNames[static_cast<int>(value)];
}

void append_number(std::string& out, uint64_t number, int base) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
  out.append(digits, end);
}

}  // namespace

IdSpelling::IdSpelling(WallTime start) {
  append_number(run_, static_cast<uint64_t>(start.ns / 1'000'000), 36);
}

void IdSpelling::append_order_id(std::string& out, OrderNumber number) const {
  if (number == 0) {
    out += "NONE";
    return;
  }
  out += 'O';
  out += run_;
  out += '-';
  append_number(out, number, 10);
}

void IdSpelling::append_execution_id(std::string& out, uint64_t number) const {
  out += 'E';
  out += run_;
  out += '-';
  append_number(out, number, 10);
}

void append_record(std::string& out, WallTime now, std::string_view session, const Report& r,
                   const IdSpelling& ids) {
  if (r.kind == ReportKind::kStatus) return;
  std::string id;  // short enough to stay in place
  JsonLine line(out);
  line.number("t", now.ns)
      .text("type", type_of(r.kind))
      .text("session", session)
      .text("clordid", r.client_order_id)
      .text("orig_clordid", r.original_client_order_id)
      .text("client_order_id", r.secondary_order_id)
      .text("account", r.account);
  ids.append_order_id(id, r.order);
  line.text("orderid", id);
  id.clear();
  ids.append_execution_id(id, r.execution);
  line.text("execid", id)
      .number("trade", static_cast<int64_t>(r.trade))
      .text("symbol", r.symbol)
      .text("side", r.side_code == '1' ? "buy" : "sell")
      .text("ordtype", r.type == OrderType::kMarket ? "market" : "limit")
      .text("tif", time_in_force_of(r.time_in_force))
      .decimal("qty", r.total.units)
      .decimal("px", r.limit.units)
      .decimal("last_qty", r.last_quantity.units)
      .decimal("last_px", r.last_price.units)
      .decimal("cum", r.cumulative.units)
      .decimal("leaves", r.leaves.units);
  if (r.reject_reason != RejectReason::kNone)
    line.number("reason", static_cast<int>(r.reject_reason));
  if (!r.text.empty()) line.text("text", r.text);
  line.boolean("possdup", r.cause.possible_duplicate)
      .number("seq", static_cast<int64_t>(r.cause.sequence))
      .end();
}

void append_record(std::string& out, WallTime now, std::string_view session, const Refusal& r,
                   const IdSpelling& ids) {
  std::string id;
  ids.append_order_id(id, r.order);
  JsonLine line(out);
  line.number("t", now.ns)
      .text("type", "cancel_rejected")
      .text("session", session)
      .text("clordid", r.client_order_id)
      .text("orig_clordid", r.original_client_order_id)
      .text("client_order_id", r.secondary_order_id)
      .text("account", r.account)
      .text("orderid", id)
      .text("symbol", r.symbol)
      .text("of", r.of_replace ? "replace" : "cancel")
      .number("reason", static_cast<int>(r.reason))
      .text("text", r.text)
      .boolean("possdup", r.cause.possible_duplicate)
      .number("seq", static_cast<int64_t>(r.cause.sequence))
      .end();
}

}  // namespace holdfast::exchange
