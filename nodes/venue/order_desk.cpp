#include "nodes/venue/order_desk.hpp"

namespace holdfast::exchange {

namespace {
Side side_of(char code) { return code == '1' ? Side::kBuy : Side::kSell; }
}  // namespace

OrderDesk::OrderDesk(std::vector<std::string> symbols, DeskOutput& output)
    : output_(output), any_symbol_(symbols.empty()) {
  for (const std::string& name : symbols) {
    if (symbol_indexes_.emplace(IdText(name), static_cast<SymbolIndex>(symbols_.size())).second)
      symbols_.push_back({IdText(name), false});
  }
}

SessionIndex OrderDesk::add_session() {
  CHECK(sessions_.size() < limits::kSimulatorSessionsMax);
  sessions_.emplace_back();
  return static_cast<SessionIndex>(sessions_.size() - 1);
}

std::optional<SymbolIndex> OrderDesk::symbol_index(const IdText& name) {
  const auto found = symbol_indexes_.find(name);
  if (found != symbol_indexes_.end()) return found->second;
  if (!any_symbol_ || symbols_.size() >= limits::kSimulatorSymbolsMax) return std::nullopt;
  const auto index = static_cast<SymbolIndex>(symbols_.size());
  symbols_.push_back({name, false});
  symbol_indexes_.emplace(name, index);
  return index;
}

Result<> OrderDesk::set_halted(const IdText& symbol, bool halted) {
  const auto index = symbol_index(symbol);
  if (!index && any_symbol_) return Error{ErrorCode::kFull, "no room for another symbol"};
  if (!index)
    return Error{ErrorCode::kNotFound, "'" + symbol.str() + "' is not traded here (--symbols)"};
  symbols_[*index].halted = halted;
  return success();
}

std::vector<std::string> OrderDesk::halted_symbols() const {
  std::vector<std::string> names;
  for (const Symbol& symbol : symbols_)
    if (symbol.halted) names.push_back(symbol.name.str());
  return names;
}

// ---- new orders

bool OrderDesk::fault_rejects() {
  ++orders_seen_;
  if (faults_.reject_next > 0) {
    --faults_.reject_next;
    return true;
  }
  return faults_.reject_every > 0 && orders_seen_ % faults_.reject_every == 0;
}

OrderDesk::Verdict OrderDesk::judge(const NewOrderRequest& request) {
  const auto symbol = symbol_index(request.symbol);
  if (!symbol) return {RejectReason::kUnknownSymbol, "symbol is not traded here"};
  if (symbols_[*symbol].halted) return {RejectReason::kExchangeClosed, "symbol is halted"};
  if (request.unsupported != nullptr)
    return {RejectReason::kUnsupportedCharacteristic, request.unsupported};
  if (!request.quantity.positive())
    return {RejectReason::kIncorrectQuantity, "OrderQty must be above zero"};
  if (request.type == OrderType::kLimit && !request.limit.positive())
    return {RejectReason::kUnsupportedCharacteristic, "Price must be above zero"};
  if (engine_.orders() >= limits::kSimulatorOrdersMax)
    return {RejectReason::kExceedsLimit, "the exchange remembers no more orders"};
  if (fault_rejects()) return {RejectReason::kOther, "rejected by a switched-on fault"};
  return {};
}

void OrderDesk::handle(const NewOrderRequest& request) {
  Session& session = sessions_[request.origin.session];
  const auto known = session.client_order_ids.find(request.client_order_id);
  if (known != session.client_order_ids.end() && !faults_.accept_duplicates) {
    if (request.origin.possible_duplicate || request.origin.possible_resend)
      answer_again(request);
    else
      reject(request, ReportKind::kDuplicate,
             {RejectReason::kDuplicateOrder, "ClOrdID was used before in this session today"});
    return;
  }
  const Verdict verdict = judge(request);
  if (verdict.reason != RejectReason::kNone) {
    session.client_order_ids.emplace(request.client_order_id, 0);
    reject(request, ReportKind::kRejected, verdict);
    return;
  }
  Submission submission;
  submission.symbol = *symbol_index(request.symbol);
  submission.side = side_of(request.side_code);
  submission.type = request.type;
  submission.time_in_force = request.time_in_force;
  submission.limit = request.limit;
  submission.quantity = request.quantity;
  executions_.clear();
  const OrderNumber number = engine_.submit(submission, executions_);
  facts_.push_back({request.client_order_id, request.secondary_order_id, request.account,
                    request.origin.session, 0, 0, request.side_code});
  CHECK(facts_.size() == number);
  session.client_order_ids.insert_or_assign(request.client_order_id, number);
  list_open(number);

  // The acknowledgement speaks of the order before it traded.
  Report accepted = describe(number, ReportKind::kAccepted, '0', request.origin);
  accepted.order_status = '0';
  accepted.cumulative = {};
  accepted.average_price = {};
  accepted.leaves = accepted.total;
  output_.report(accepted);
  publish_executions(request.origin);
  publish_rest(number, request.origin);
}

void OrderDesk::reject(const NewOrderRequest& request, ReportKind kind, Verdict verdict) {
  Report report;
  report.kind = kind;
  report.session = request.origin.session;
  report.cause = request.origin;
  report.execution = ++execution_number_;
  report.exec_type = report.order_status = '8';
  report.reject_reason = verdict.reason;
  report.text = verdict.text;
  report.client_order_id = request.client_order_id.view();
  report.secondary_order_id = request.secondary_order_id.view();
  report.account = request.account.view();
  report.symbol = request.symbol.view();
  report.side_code = request.side_code;
  report.type = request.type;
  report.time_in_force = request.time_in_force;
  report.limit = request.limit;
  report.total = request.quantity;
  output_.report(report);
}

// A flagged repeat of an order that is here: it is told how the order stands and changes nothing.
void OrderDesk::answer_again(const NewOrderRequest& request) {
  StatusRequest status;
  status.origin = request.origin;
  status.client_order_id = request.client_order_id;
  status.symbol = request.symbol;
  status.side_code = request.side_code;
  handle(status);
}

void OrderDesk::publish_executions(Origin cause) {
  for (const Execution& execution : executions_) {
    Report report = describe(execution.order, ReportKind::kFill, 'F', cause);
    report.trade = execution.trade;
    report.last_price = execution.price;
    report.last_quantity = execution.quantity;
    report.cumulative = execution.cumulative;
    report.leaves = execution.leaves;
    report.average_price = execution.average_price;
    report.order_status = execution.leaves.zero() ? '2' : '1';
    output_.report(report);
    if (execution.leaves.zero()) unlist_open(execution.order);
  }
}

// What an IOC, FOK or market order could not trade is cancelled at once (appendix D, section I).
void OrderDesk::publish_rest(OrderNumber number, Origin cause) {
  if (engine_.order(number).state != OrderState::kCancelled) return;
  unlist_open(number);
  Report report = describe(number, ReportKind::kCancelled, '4', cause);
  report.text = "rest could not trade at once";
  output_.report(report);
}

// ---- cancel and replace

OrderDesk::Target OrderDesk::find_target(const CancelRequest& request) {
  const Session& session = sessions_[request.origin.session];
  const auto found = session.client_order_ids.find(request.original_client_order_id);
  const OrderNumber number = found == session.client_order_ids.end() ? 0 : found->second;
  if (session.client_order_ids.contains(request.client_order_id))
    return {number, RefusalReason::kDuplicateClientOrderId,
            "ClOrdID was used before in this session today"};
  if (number == 0)
    return {0, RefusalReason::kUnknownOrder, "OrigClOrdID names no order of this session"};
  const Order& order = engine_.order(number);
  const Facts& known = facts(number);
  if (!order.open()) return {number, RefusalReason::kTooLate, "the order is closed"};
  if (known.client_order_id != request.original_client_order_id)
    return {number, RefusalReason::kUnknownOrder, "OrigClOrdID is not the order's latest ClOrdID"};
  if (!request.symbol.empty() && request.symbol != symbols_[order.symbol].name)
    return {number, RefusalReason::kOther, "Symbol is not the order's"};
  if (request.side_code != 0 && side_of(request.side_code) != order.side)
    return {number, RefusalReason::kOther, "Side is not the order's"};
  return {number, RefusalReason::kOther, nullptr};
}

void OrderDesk::refuse(const CancelRequest& request, const Target& target, bool of_replace) {
  Refusal refusal;
  refusal.cause = request.origin;
  refusal.of_replace = of_replace;
  refusal.reason = target.reason;
  refusal.text = target.text;
  refusal.client_order_id = request.client_order_id.view();
  refusal.original_client_order_id = request.original_client_order_id.view();
  refusal.symbol = request.symbol.view();
  if (target.order != 0) {
    const Facts& known = facts(target.order);
    refusal.order = target.order;
    refusal.order_status = status_of(engine_.order(target.order));
    refusal.secondary_order_id = known.secondary_order_id.view();
    refusal.account = known.account.view();
    refusal.symbol = symbols_[engine_.order(target.order).symbol].name.view();
  }
  output_.refuse(refusal);
}

void OrderDesk::handle(const CancelRequest& request) {
  const Target target = find_target(request);
  if (target.text != nullptr) return refuse(request, target, false);
  sessions_[request.origin.session].client_order_ids.emplace(request.client_order_id, target.order);
  CHECK(engine_.close(target.order, OrderState::kCancelled));
  unlist_open(target.order);
  Report report = describe(target.order, ReportKind::kCancelled, '4', request.origin);
  report.client_order_id = request.client_order_id.view();
  report.original_client_order_id = request.original_client_order_id.view();
  output_.report(report);
}

void OrderDesk::handle(const ReplaceRequest& request) {
  Target target = find_target(request.target);
  if (target.text == nullptr) {
    target.reason = RefusalReason::kBrokerOption;
    if (request.type != OrderType::kLimit)
      target.text = "an order in the book can't become a market order";
    else if (!request.quantity.positive())
      target.text = "OrderQty must be above zero";
    else if (!request.limit.positive())
      target.text = "Price must be above zero";
    else if (symbols_[engine_.order(target.order).symbol].halted)
      target.text = "symbol is halted";
  }
  if (target.text != nullptr) return refuse(request.target, target, true);
  const OrderNumber number = target.order;
  const Order before = engine_.order(number);
  executions_.clear();
  CHECK(engine_.replace(number, request.limit, request.quantity, executions_));
  facts(number).client_order_id = request.target.client_order_id;
  sessions_[request.target.origin.session].client_order_ids.emplace(request.target.client_order_id,
                                                                    number);

  // As with a new order, the confirmation speaks of the time before the new price traded.
  Report report = describe(number, ReportKind::kReplaced, '5', request.target.origin);
  report.original_client_order_id = request.target.original_client_order_id.view();
  report.cumulative = before.cumulative;
  report.average_price = before.average_price();
  report.leaves = report.total - before.cumulative;
  report.order_status = report.leaves.zero() ? '2' : before.cumulative.zero() ? '0' : '1';
  output_.report(report);
  if (report.leaves.zero()) unlist_open(number);
  publish_executions(request.target.origin);
}

// ---- closing without being asked

void OrderDesk::close_order(OrderNumber number, OrderState end, Origin cause,
                            std::string_view text) {
  CHECK(engine_.close(number, end));
  unlist_open(number);
  const bool expired = end == OrderState::kExpired;
  Report report = describe(number, expired ? ReportKind::kExpired : ReportKind::kCancelled,
                           expired ? 'C' : '4', cause);
  report.text = text;
  output_.report(report);
}

uint32_t OrderDesk::close_day_orders(SessionIndex session, OrderState end, std::string_view text) {
  uint32_t closed = 0;
  Origin cause;
  cause.session = session;
  for (OrderNumber n = sessions_[session].first_open; n != 0;) {
    const OrderNumber next = facts(n).after;
    if (engine_.order(n).time_in_force == TimeInForce::kDay) {
      close_order(n, end, cause, text);
      ++closed;
    }
    n = next;
  }
  return closed;
}

uint32_t OrderDesk::cancel_day_orders(SessionIndex session, std::string_view text) {
  CHECK(session < sessions_.size());
  return close_day_orders(session, OrderState::kCancelled, text);
}

uint32_t OrderDesk::end_day() {
  uint32_t expired = 0;
  for (SessionIndex s = 0; s < sessions_.size(); ++s) {
    expired += close_day_orders(s, OrderState::kExpired, "end of the trading day");
    std::erase_if(sessions_[s].client_order_ids, [this](const auto& entry) {
      return entry.second == 0 || !engine_.order(entry.second).open();
    });
  }
  return expired;
}

// ---- status

void OrderDesk::handle(const StatusRequest& request) {
  const Session& session = sessions_[request.origin.session];
  const auto found = session.client_order_ids.find(request.client_order_id);
  const bool known = found != session.client_order_ids.end();
  Report report;
  std::string text;
  if (known && found->second != 0) {
    report = describe(found->second, ReportKind::kStatus, 'I', request.origin);
    if (report.client_order_id != request.client_order_id.view())
      text = "ClOrdID is now " + std::string(report.client_order_id);
  } else {
    report.kind = ReportKind::kStatus;
    report.session = request.origin.session;
    report.cause = request.origin;
    report.execution = ++execution_number_;
    report.exec_type = 'I';
    report.order_status = '8';
    report.symbol = request.symbol.view();
    report.side_code = request.side_code;
    report.reject_reason = known ? RejectReason::kOther : RejectReason::kUnknownOrder;
    text = known ? "the order was rejected" : "no such order in this session today";
  }
  // The request's own ClOrdID comes back, so that it can be matched.
  report.client_order_id = request.client_order_id.view();
  report.status_request_id = request.request_id.view();
  report.text = text;
  output_.report(report);
}

void OrderDesk::handle(const MassStatusRequest& request) {
  std::vector<OrderNumber> open;
  for (OrderNumber n = sessions_[request.origin.session].first_open; n != 0; n = facts(n).after)
    if (request.symbol.empty() || symbols_[engine_.order(n).symbol].name == request.symbol)
      open.push_back(n);
  for (std::size_t i = 0; i < open.size(); ++i) {
    Report report = describe(open[i], ReportKind::kStatus, 'I', request.origin);
    report.mass_status_request_id = request.request_id.view();
    report.mass_total = static_cast<uint32_t>(open.size());
    report.mass_last = i + 1 == open.size();
    output_.report(report);
  }
  if (!open.empty()) return;
  Report none;
  none.kind = ReportKind::kStatus;
  none.session = request.origin.session;
  none.cause = request.origin;
  none.execution = ++execution_number_;
  none.exec_type = 'I';
  none.order_status = '8';
  none.symbol = request.symbol.empty() ? std::string_view("[N/A]") : request.symbol.view();
  none.mass_status_request_id = request.request_id.view();
  none.mass_last = true;
  none.text = "no open orders";
  output_.report(none);
}

// ---- describing orders

char OrderDesk::status_of(const Order& order) {
  switch (order.state) {
    case OrderState::kFilled:
      return '2';
    case OrderState::kCancelled:
      return '4';
    case OrderState::kExpired:
      return 'C';
    case OrderState::kOpen:
      break;
  }
  return order.cumulative.zero() ? '0' : '1';
}

Report OrderDesk::describe(OrderNumber number, ReportKind kind, char exec_type, Origin cause) {
  const Order& order = engine_.order(number);
  const Facts& known = facts(number);
  Report report;
  report.kind = kind;
  report.session = known.session;
  report.cause = cause;
  report.order = number;
  report.execution = ++execution_number_;
  report.exec_type = exec_type;
  report.order_status = status_of(order);
  report.side_code = known.side_code;
  report.type = order.type;
  report.time_in_force = order.time_in_force;
  report.client_order_id = known.client_order_id.view();
  report.secondary_order_id = known.secondary_order_id.view();
  report.account = known.account.view();
  report.symbol = symbols_[order.symbol].name.view();
  report.limit = order.limit;
  report.total = order.total;
  report.cumulative = order.cumulative;
  report.leaves = order.leaves;
  report.average_price = order.average_price();
  return report;
}

void OrderDesk::list_open(OrderNumber number) {
  Session& session = sessions_[facts(number).session];
  facts(number).before = session.last_open;
  (session.last_open != 0 ? facts(session.last_open).after : session.first_open) = number;
  session.last_open = number;
  ++open_;
}

void OrderDesk::unlist_open(OrderNumber number) {
  Facts& known = facts(number);
  Session& session = sessions_[known.session];
  (known.before != 0 ? facts(known.before).after : session.first_open) = known.after;
  (known.after != 0 ? facts(known.after).before : session.last_open) = known.before;
  known.before = known.after = 0;
  CHECK(open_ > 0);
  --open_;
}

}  // namespace holdfast::exchange
