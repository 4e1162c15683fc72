#include "actors/orders/order_book_of_record.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>
#include <cstring>

namespace holdfast::orders {

namespace {
constexpr uint32_t kRequestBit = 0x8000'0000u;
static_assert(limits::kOrdersPerShardMax < kRequestBit);
constexpr int kShardShift = 48;
}  // namespace

// ---- ids

WireOrderId wire_id(OrderId order, uint16_t request) {
  char text[limits::kWireOrderIdBytes];
  char* const end = text + sizeof text;
  text[0] = 'H';
  auto at = std::to_chars(text + 1, end, order.value, 36).ptr;
  for (char* c = text + 1; c != at; ++c)
    if (*c >= 'a') *c = static_cast<char>(*c - 'a' + 'A');
  *at++ = '-';
  at = std::to_chars(at, end, request).ptr;
  return WireOrderId(std::string_view(text, static_cast<std::size_t>(at - text)));
}

std::optional<WireParts> parse_wire_id(const WireOrderId& wire) {
  const std::string_view text = wire.view();
  const std::size_t dash = text.find('-');
  if (text.size() < 4 || text[0] != 'H' || dash == std::string_view::npos) return std::nullopt;
  WireParts parts;
  const char* const end = text.data() + text.size();
  const auto order = std::from_chars(text.data() + 1, text.data() + dash, parts.order.value, 36);
  const auto request = std::from_chars(text.data() + dash + 1, end, parts.request);
  if (order.ec != std::errc{} || order.ptr != text.data() + dash) return std::nullopt;
  if (request.ec != std::errc{} || request.ptr != end) return std::nullopt;
  if (!parts.order || parts.request == 0) return std::nullopt;
  return parts;
}

ExecutionKey execution_key(const VenueName& venue, uint32_t trade_date, const ExecId& exec_id,
                           Side side) {
  char bytes[limits::kNameBytes + limits::kVenueTextBytes + 8] = {};
  std::size_t n = 0;
  const auto put = [&](std::string_view text) {
    std::memcpy(bytes + n, text.data(), text.size());
    n += text.size();
    bytes[n++] = '\0';  // texts hold no zero byte, so the parts can't run into each other
  };
  put(venue.view());
  put(exec_id.view());
  std::memcpy(bytes + n, &trade_date, sizeof trade_date);
  n += sizeof trade_date;
  bytes[n++] = static_cast<char>(side);
  const XXH128_hash_t hash = XXH3_128bits(bytes, n);
  return {hash.high64, hash.low64};
}

Ref OrderBookOfRecord::ref_of(OrderId id) const {
  if (id.value >> kShardShift != shard_) return 0;
  const uint64_t number = id.value & ((uint64_t{1} << kShardShift) - 1);
  return number <= orders_.size() ? static_cast<Ref>(number) : 0;
}

// ---- finding

uint64_t OrderBookOfRecord::client_hash(Ref account, const ClientOrderId& id) const {
  return XXH3_64bits_withSeed(id.view().data(), id.size(), account);
}

Ref OrderBookOfRecord::find_client(uint64_t hash, Ref account, const ClientOrderId& id) const {
  return by_client_.find(hash, [&](uint32_t ref) {
    if (ref & kRequestBit) {
      const RequestRecord& r = requests_[(ref & ~kRequestBit) - 1];
      return r.account == account && r.client_order_id == id;
    }
    const OrderRecord& o = orders_[ref - 1];
    return o.account == account && o.client_order_id == id;
  });
}

ClientRef OrderBookOfRecord::find(const Account& account, const ClientOrderId& id) const {
  const Ref owner = account_of(account);
  if (owner == 0) return {};
  const Ref found = find_client(client_hash(owner, id), owner, id);
  if (found & kRequestBit) return {0, found & ~kRequestBit};
  return {found, 0};
}

Ref OrderBookOfRecord::find_execution(ExecutionKey key) const {
  return by_execution_.find(key.high, [&](uint32_t ref) {
    const ExecutionRecord& e = executions_[ref - 1];
    return e.key_high == key.high && e.key_low == key.low;
  });
}

// ---- writing

Ref OrderBookOfRecord::intern_account(const Account& name) {
  const Ref ref = account_names_.intern(name);
  if (ref > accounts_.size()) accounts_.grow().name = name;
  return ref;
}

Ref OrderBookOfRecord::append_order(const OrderRecord& record, uint64_t hash) {
  CHECK(orders_.size() < limits::kOrdersPerShardMax);
  CHECK(record.account >= 1 && record.account <= accounts_.size());
  const Ref ref = static_cast<Ref>(orders_.size() + 1);
  OrderRecord& stored = orders_.push_back(record);
  stored.listed = false;
  stored.open_previous = stored.open_next = 0;
  by_client_.insert(hash, ref);
  relist(ref);
  return ref;
}

Ref OrderBookOfRecord::add_order(const OrderRecord& record) {
  const uint64_t hash = client_hash(record.account, record.client_order_id);
  CHECK(find_client(hash, record.account, record.client_order_id) == 0);
  return append_order(record, hash);
}

Ref OrderBookOfRecord::restore_order(const OrderRecord& record, std::span<const StepRecord> steps) {
  const uint64_t hash = client_hash(record.account, record.client_order_id);
  if (find_client(hash, record.account, record.client_order_id) != 0) return 0;
  const Ref ref = append_order(record, hash);
  OrderRecord& stored = order(ref);
  stored.history_first = stored.history_last = 0;
  stored.history_steps = 0;
  for (const StepRecord& step : steps) add_step(ref, step);
  stored.history_dropped = record.history_dropped;
  return ref;
}

Ref OrderBookOfRecord::add_request(const RequestRecord& record) {
  CHECK(requests_.size() < limits::kOrdersPerShardMax);
  const Ref ref = static_cast<Ref>(requests_.size() + 1);
  requests_.push_back(record);
  if (record.client_order_id.empty()) return ref;
  const uint64_t hash = client_hash(record.account, record.client_order_id);
  CHECK(find_client(hash, record.account, record.client_order_id) == 0);
  by_client_.insert(hash, ref | kRequestBit);
  return ref;
}

Ref OrderBookOfRecord::add_execution(const ExecutionRecord& record) {
  const Ref ref = static_cast<Ref>(executions_.size() + 1);
  executions_.push_back(record);
  by_execution_.insert(record.key_high, ref);
  return ref;
}

void OrderBookOfRecord::relist(Ref ref) {
  OrderRecord& order = this->order(ref);
  const bool open = order.admitted && !is_terminal(order.facts.state);
  if (open == order.listed) return;
  AccountRecord& account = this->account(order.account);
  if (open) {
    // Nearly always the newest. An order that a venue reopened goes back to its place.
    Ref after = account.open_last;
    while (after != 0 && after > ref) after = this->order(after).open_previous;
    order.open_previous = after;
    order.open_next = after == 0 ? account.open_first : this->order(after).open_next;
    (after == 0 ? account.open_first : this->order(after).open_next) = ref;
    (order.open_next == 0 ? account.open_last : this->order(order.open_next).open_previous) = ref;
    account.open += 1;
    open_ += 1;
  } else {
    const Ref before = order.open_previous, next = order.open_next;
    (before == 0 ? account.open_first : this->order(before).open_next) = next;
    (next == 0 ? account.open_last : this->order(next).open_previous) = before;
    order.open_previous = order.open_next = 0;
    account.open -= 1;
    open_ -= 1;
  }
  order.listed = open;
}

void OrderBookOfRecord::add_step(Ref ref, const StepRecord& step) {
  OrderRecord& order = this->order(ref);
  constexpr std::size_t kPerChunk = std::size(StepChunk{}.steps);
  if (order.history_steps == kStepsMax) {
    // The newest step is what matters at the bound; those between are in the journal.
    chunks_.at(order.history_last - 1).steps[(kStepsMax - 1) % kPerChunk] = step;
    if (order.history_dropped < UINT16_MAX) order.history_dropped += 1;
    return;
  }
  const std::size_t place = order.history_steps % kPerChunk;
  if (place == 0) {
    chunks_.grow();
    const Ref chunk = static_cast<Ref>(chunks_.size());
    if (order.history_last == 0)
      order.history_first = chunk;
    else
      chunks_.at(order.history_last - 1).next = chunk;
    order.history_last = chunk;
  }
  chunks_.at(order.history_last - 1).steps[place] = step;
  order.history_steps += 1;
}

void OrderBookOfRecord::set_text(Ref order, const ReasonText& text) {
  if (text.empty())
    texts_.erase(order);
  else
    texts_[order] = text;
}

void OrderBookOfRecord::reserve(std::size_t orders, std::size_t requests, std::size_t executions) {
  by_client_.reserve(orders + requests);
  by_execution_.reserve(executions);
}

// ---- showing

ExecutionReport OrderBookOfRecord::report(Ref account, ReportSeq seq,
                                          std::span<const VenueName> venues) const {
  const AccountRecord& owner = this->account(account);
  const ReportRecord r = owner.reports.at(seq);
  const OrderRecord& o = order(r.order);
  ExecutionReport out;
  out.sequence = seq;
  out.account = owner.name;
  out.order = id_of(r.order);
  out.client_order_id = o.client_order_id;
  if (r.request != 0 && !request(r.request).client_order_id.empty()) {
    out.client_order_id = request(r.request).client_order_id;
    out.original = o.client_order_id;
  }
  out.type = r.type;
  out.state = r.state;
  out.symbol = symbols_.of(o.symbol);
  out.side = o.side;
  out.price = r.price;
  out.quantity = r.quantity;
  out.last_quantity = r.last_quantity;
  out.last_price = r.last_price;
  out.cumulative_quantity = r.cumulative;
  out.leaves_quantity = r.leaves;
  out.exec_id = r.exec_id;
  if (o.venue != 0 && o.venue <= venues.size()) out.venue = venues[o.venue - 1];
  out.reason = r.reason;
  if (const ReasonText* text = owner.reports.text_of(seq))
    out.text = *text;
  else if (r.reason != Reason::kNone)
    out.text = ReasonText(words_of(r.reason));
  out.time = r.time;
  out.trace = o.trace;
  return out;
}

OrderView OrderBookOfRecord::view(Ref ref, std::span<const VenueName> venues) const {
  const OrderRecord& o = order(ref);
  OrderView v;
  v.order = id_of(ref);
  v.request.account = account(o.account).name;
  v.request.client_order_id = o.client_order_id;
  v.request.symbol = symbols_.of(o.symbol);
  v.request.side = o.side;
  v.request.type = o.type;
  v.request.time_in_force = o.time_in_force;
  v.request.price = o.received_price;
  v.request.quantity = o.received_quantity;
  v.request.attribution = attributions_.of(o.attribution);
  v.request.trace = o.trace;
  v.state = o.facts.state;
  v.client_order_id =
      o.confirmed_request != 0 ? request(o.confirmed_request).client_order_id : o.client_order_id;
  v.price = o.price;
  v.quantity = o.facts.quantity;
  v.cumulative_quantity = o.facts.cumulative;
  v.leaves_quantity = o.facts.leaves;
  v.cumulative_notional = o.cumulative_notional;
  if (o.venue != 0 && o.venue <= venues.size()) v.venue = venues[o.venue - 1];
  if (o.wire_confirmed != 0) v.wire_order_id = wire_id(v.order, o.wire_confirmed);
  v.venue_order_id = o.venue_order_id;
  v.reason = o.reason;
  if (const ReasonText* text = text_of(ref))
    v.text = *text;
  else if (o.reason != Reason::kNone)
    v.text = ReasonText(words_of(o.reason));
  v.created = o.created;
  v.updated = o.updated;
  return v;
}

void OrderBookOfRecord::steps(Ref ref, std::vector<OrderStep>& out) const {
  const OrderRecord& o = order(ref);
  OrderStep first;
  first.index = o.created_index;
  first.time = o.created;
  first.last_quantity = o.received_quantity;
  first.last_price = o.received_price;
  const auto admission = [&](OrderEvent event, OrderState from, OrderState to) {
    first.event = event;
    first.from = from;
    first.to = to;
    out.push_back(first);
  };
  // The steps of an admission are one journal event: told again from its outcome.
  if (o.admitted) {
    admission(OrderEvent::kValidate, OrderState::kNew, OrderState::kValidated);
    admission(OrderEvent::kApprove, OrderState::kValidated, OrderState::kRiskApproved);
    admission(OrderEvent::kRoute, OrderState::kRiskApproved, OrderState::kRouted);
  }
  each_step(o, [&](const StepRecord& s) {
    OrderStep step;
    step.index = s.index;
    step.time = s.time;
    step.event = s.event;
    step.from = s.from;
    step.to = s.to;
    step.reason = s.reason;
    step.anomaly = s.anomaly;
    if (s.request != 0) step.client_order_id = request(s.request).client_order_id;
    step.last_quantity = s.quantity;
    step.last_price = s.price;
    out.push_back(step);
  });
}

std::size_t OrderBookOfRecord::bytes() const {
  std::size_t reports = 0;
  for (std::size_t i = 0; i < accounts_.size(); ++i) reports += accounts_[i].reports.bytes();
  return reports + orders_.bytes() + requests_.bytes() + executions_.bytes() + chunks_.bytes() +
         by_client_.bytes() + by_execution_.bytes();
}

}  // namespace holdfast::orders
