#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>

#include "actors/venues/gateway_capnp.hpp"
#include "actors/venues/venue_records_capnp.hpp"

namespace holdfast::venues {

namespace {
template <typename C>
unsigned size_of(const C& container) {
  return static_cast<unsigned>(container.size());
}

void put_session(wire::State::Builder out, const GatewayState& in) {
  put(out.initRules(), in.rules);
  out.setNextOut(in.next_out);
  out.setNextIn(in.next_in);
  out.setCreated(in.created.ns);
  out.setFlagReset(in.flag_reset);
  out.setSwept(in.swept);
  out.setPhase(static_cast<uint8_t>(in.phase));
  out.setPhaseSince(in.phase_since.ns);
  out.setLink(in.link);
  out.setLogonNumber(in.logon_number);
  out.setLogonAt(in.logon_at.ns);
  out.setLogonHeard(in.logon_heard);
  out.setBarrierSent(in.barrier_sent);
  out.setResendDecided(in.resend_decided.ns);
  out.setWant(static_cast<uint8_t>(in.want));
  out.setLastError(in.last_error.c_str());
  auto sent = out.initSent(size_of(in.sent));
  unsigned i = 0;
  for (const auto& [number, message] : in.sent) {
    auto to = sent[i++];
    to.setNumber(number);
    to.setKind(static_cast<uint8_t>(message.kind));
    to.setOrder(message.order.value);
    to.setSent(message.sent.ns);
    to.setIntake(message.intake.ns);
    to.setWire(message.wire.str().c_str());
    if (message.bytes != nullptr) to.setBytes(data(*message.bytes));
  }
  out.setHeard(in.heard.ns);
  out.setGoneSince(in.gone_since.ns);
  out.setAwayDue(in.away_due);
  out.setCopyOut(in.copy_out);
  out.setCopyIn(in.copy_in);
  auto halt = out.initHalt();
  halt.setHalted(in.halted);
  halt.setCode(static_cast<uint16_t>(in.halt_code));
  halt.setBy(in.halted_by.str().c_str());
  halt.setReason(in.halt_reason.str().c_str());
  auto kills = out.initKills(size_of(in.kills));
  for (unsigned k = 0; k < in.kills.size(); ++k) put(kills[k], in.kills[k]);
}

void put_order(wire::Order::Builder out, const VenueOrder& in) {
  out.setId(in.id.value);
  out.setShard(in.shard.value);
  out.setSide(static_cast<uint8_t>(in.side));
  out.setDone(in.done);
  out.setInDoubt(in.in_doubt);
  out.setStatusAsked(in.status_asked);
  out.setStatusDue(in.status_due.ns);
  out.setAccount(in.account.str().c_str());
  out.setSymbol(in.symbol.str().c_str());
  out.setVenueOrderId(in.venue_order_id.str().c_str());
  auto wires = out.initWires(size_of(in.wires));
  for (unsigned i = 0; i < in.wires.size(); ++i) {
    const Wire& from = in.wires[i];
    wires[i].setKind(static_cast<uint8_t>(from.kind));
    wires[i].setState(static_cast<uint8_t>(from.state));
    wires[i].setNumber(from.number);
    wires[i].setId(from.id.str().c_str());
    wires[i].setOriginal(from.original.str().c_str());
  }
}

void put_flow(wire::State::Builder out, const GatewayState& in) {
  auto inboxes = out.initInboxes(size_of(in.inboxes));
  unsigned i = 0;
  for (const auto& [group, inbox] : in.inboxes) {
    inboxes[i].setGroup(group.value);
    inboxes[i].setEpoch(inbox.epoch.value);
    inboxes[i++].setCursor(inbox.cursor.value);
  }
  auto outboxes = out.initOutboxes(size_of(in.outboxes));
  i = 0;
  for (const auto& [group, outbox] : in.outboxes) {
    auto to = outboxes[i++];
    to.setGroup(group.value);
    to.setAcknowledged(outbox.acknowledged().value);
    auto items = to.initItems(size_of(outbox));
    for (unsigned k = 0; k < outbox.size(); ++k)
      put(items[k], outbox.at({outbox.acknowledged().value + 1 + k}));
  }
  auto waiting = out.initWaiting(size_of(in.waiting));
  for (unsigned k = 0; k < in.waiting.size(); ++k) put(waiting[k], in.waiting[k]);
  std::vector<OrderId> ids;
  ids.reserve(in.orders.size());
  for (const auto& [id, order] : in.orders) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  auto orders = out.initOrders(size_of(ids));
  for (unsigned k = 0; k < ids.size(); ++k) put_order(orders[k], in.orders.at(ids[k]));
  auto done = out.initDone(size_of(in.done));
  for (unsigned k = 0; k < in.done.size(); ++k) done.set(k, in.done[k].value);
  auto unknown = out.initUnknown(size_of(in.unknown));
  i = 0;
  for (OrderId id : in.unknown) unknown.set(i++, id.value);
  out.setInFlight(in.in_flight);
}

template <typename Counters, typename F>
void each_counter(Counters& counters, F&& visit) {
  visit(counters.taken);
  visit(counters.sent);
  visit(counters.refused);
  visit(counters.reports);
  visit(counters.unmapped);
  visit(counters.stale_epoch);
  visit(counters.gaps);
  visit(counters.gap_filled);
  visit(counters.not_sent);
  visit(counters.resets);
}
constexpr unsigned kCounters = sizeof(GatewayCounters) / sizeof(uint64_t);

template <typename Counters, typename F>
void each_reconciled(Counters& counters, F&& visit) {
  visit(counters.doubted);
  visit(counters.by_report);
  visit(counters.by_resend);
  visit(counters.by_status);
  visit(counters.by_drop_copy);
  visit(counters.not_sent);
  visit(counters.asked);
  visit(counters.copies_used);
}
constexpr unsigned kReconciled = sizeof(ReconciliationCounters) / sizeof(uint64_t);

void put_reconciliation(wire::State::Builder out, const ReconciliationLedger& in) {
  auto list = out.initReconciliations(size_of(in.pending()) + size_of(in.settled()));
  unsigned i = 0;
  const auto add = [&](const Reconciliation& row) {
    auto to = list[i++];
    to.setOrder(row.order.value);
    to.setSide(static_cast<uint8_t>(row.side));
    to.setCause(static_cast<uint8_t>(row.cause));
    to.setBy(static_cast<uint8_t>(row.by));
    to.setVenueState(static_cast<uint8_t>(row.venue_state));
    to.setAsked(row.asked);
    to.setSince(row.since.ns);
    to.setSettled(row.settled.ns);
    to.setWire(row.wire.str().c_str());
    to.setAccount(row.account.str().c_str());
    to.setSymbol(row.symbol.str().c_str());
  };
  for (const auto& [id, row] : in.pending()) add(row);
  for (const Reconciliation& row : in.settled()) add(row);
  auto counters = out.initReconciliationCounters(kReconciled);
  i = 0;
  each_reconciled(in.counters(), [&](const uint64_t& counter) { counters.set(i++, counter); });
}

void get_reconciliation(wire::State::Reader in, ReconciliationLedger& out) {
  std::vector<Reconciliation> rows;
  for (auto from : in.getReconciliations()) {
    Reconciliation& row = rows.emplace_back();
    row.order = {from.getOrder()};
    row.side = enumerator(from.getSide(), Side::kSell, "side", 1);
    row.cause = enumerator(from.getCause(), DoubtCause::kAway, "cause of doubt", 1);
    row.by = enumerator(from.getBy(), SettledBy::kNotSent, "way of settling");
    row.venue_state = enumerator(from.getVenueState(), OrderState::kNotSent, "order state");
    row.asked = from.getAsked();
    row.since = {from.getSince()};
    row.settled = {from.getSettled()};
    row.wire = text_of<limits::kWireOrderIdBytes>(from.getWire());
    row.account = text_of<limits::kAccountBytes>(from.getAccount());
    row.symbol = text_of<limits::kSymbolBytes>(from.getSymbol());
  }
  // A snapshot of an earlier release has none.
  ReconciliationCounters counters;
  if (in.getReconciliationCounters().size() >= kReconciled) {
    unsigned i = 0;
    each_reconciled(counters,
                    [&](uint64_t& counter) { counter = in.getReconciliationCounters()[i++]; });
  }
  out.restore(counters, std::move(rows));
}

void get_session(wire::State::Reader in, GatewayState& out) {
  out.rules = get(in.getRules());
  out.next_out = in.getNextOut();
  out.next_in = in.getNextIn();
  out.created = {in.getCreated()};
  out.flag_reset = in.getFlagReset();
  out.swept = in.getSwept();
  out.phase = enumerator(in.getPhase(), SessionPhase::kLoggingOut, "phase");
  out.phase_since = {in.getPhaseSince()};
  out.link = in.getLink();
  out.logon_number = in.getLogonNumber();
  out.logon_at = {in.getLogonAt()};
  out.logon_heard = in.getLogonHeard();
  out.barrier_sent = in.getBarrierSent();
  out.resend_decided = {in.getResendDecided()};
  out.want = enumerator(in.getWant(), Want::kOut, "want");
  out.last_error = string_of(in.getLastError());
  for (auto from : in.getSent()) {
    SentMessage message;
    message.kind = enumerator(from.getKind(), SentKind::kStatus, "message kind", 1);
    message.order = {from.getOrder()};
    message.sent = {from.getSent()};
    message.intake = {from.getIntake()};
    message.wire = text_of<limits::kWireOrderIdBytes>(from.getWire());
    message.bytes = bytes_of(from.getBytes());
    out.sent.emplace(from.getNumber(), std::move(message));
  }
  out.heard = {in.getHeard()};
  out.gone_since = {in.getGoneSince()};
  out.away_due = in.getAwayDue();
  out.copy_out = in.getCopyOut();
  out.copy_in = in.getCopyIn();
  auto halt = in.getHalt();
  out.halted = halt.getHalted();
  out.halt_code = reason_of(halt.getCode());
  out.halted_by = text_of<limits::kNameBytes>(halt.getBy());
  out.halt_reason = text_of<limits::kReasonTextBytes>(halt.getReason());
  if (in.getKills().size() > limits::kKillSwitchesMax) throw BadRecord("too many kills");
  for (auto kill : in.getKills()) out.kills.push_back(get(kill));
}

VenueOrder get_order(wire::Order::Reader in) {
  VenueOrder out;
  out.id = {in.getId()};
  out.shard = {in.getShard()};
  out.side = enumerator(in.getSide(), Side::kSell, "side", 1);
  out.done = in.getDone();
  out.in_doubt = in.getInDoubt();
  out.status_asked = in.getStatusAsked();
  out.status_due = {in.getStatusDue()};
  out.account = text_of<limits::kAccountBytes>(in.getAccount());
  out.symbol = text_of<limits::kSymbolBytes>(in.getSymbol());
  out.venue_order_id = text_of<limits::kVenueTextBytes>(in.getVenueOrderId());
  for (auto from : in.getWires())
    out.wires.push_back({text_of<limits::kWireOrderIdBytes>(from.getId()),
                         text_of<limits::kWireOrderIdBytes>(from.getOriginal()),
                         enumerator(from.getKind(), VenueRequestKind::kStatus, "request kind", 1),
                         enumerator(from.getState(), WireState::kClosed, "wire state"),
                         from.getNumber()});
  return out;
}

void get_flow(wire::State::Reader in, GatewayState& out) {
  for (auto from : in.getInboxes())
    out.inboxes[{from.getGroup()}] = {{from.getEpoch()}, {from.getCursor()}};
  for (auto from : in.getOutboxes()) {
    auto& outbox = out.outboxes[{from.getGroup()}];
    if (!outbox.empty()) throw BadRecord("a shard's outbox comes twice");
    if (from.getItems().size() > limits::kOutboxItemsMax) throw BadRecord("an outbox is too long");
    outbox.restore({from.getAcknowledged()});
    for (auto item : from.getItems()) outbox.push(get(item));
  }
  for (auto request : in.getWaiting()) {
    out.waiting.push_back(get(request));
    out.status_waiting += out.waiting.back().kind == VenueRequestKind::kStatus;
  }
  for (auto from : in.getOrders()) {
    VenueOrder order = get_order(from);
    for (const Wire& wire : order.wires) {
      out.wires.emplace(wire.id, order.id);
      if (wire.state == WireState::kSent) ++out.in_flight;
    }
    out.orders.emplace(order.id, std::move(order));
  }
  for (uint64_t id : in.getDone()) out.done.push_back({id});
  for (uint64_t id : in.getUnknown()) {
    if (!out.orders.contains({id})) throw BadRecord("an unknown order that is not there");
    if (out.unknown.insert({id}).second) out.to_ask.push_back({id});
  }
  if (out.in_flight != in.getInFlight()) throw BadRecord("requests in flight do not add up");
  if (in.getCounters().size() < kCounters) throw BadRecord("counters are missing");
  unsigned i = 0;
  each_counter(out.counters, [&](uint64_t& counter) { counter = in.getCounters()[i++]; });
}
}  // namespace

void GatewayCodec::encode_state(const GatewayState& state, replication::Bytes& out) const {
  capnp::MallocMessageBuilder builder(1 << 16);
  auto root = builder.initRoot<wire::State>();
  put_session(root, state);
  put_flow(root, state);
  put_reconciliation(root, state.reconciliation);
  auto counters = root.initCounters(kCounters);
  unsigned i = 0;
  each_counter(state.counters, [&](const uint64_t& counter) { counters.set(i++, counter); });
  const auto words = capnp::messageToFlatArray(builder);
  const auto* bytes = reinterpret_cast<const std::byte*>(words.begin());
  out.insert(out.end(), bytes, bytes + words.asBytes().size());
}

Result<> GatewayCodec::decode_state(replication::ByteView bytes, GatewayState& out) const {
  const auto corrupt = [](const std::string& why) {
    return Error{ErrorCode::kCorrupt, "venue snapshot: " + why};
  };
  if (bytes.size() % sizeof(capnp::word) != 0) return corrupt("not a whole number of words");
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  if (!bytes.empty()) std::memcpy(words.begin(), bytes.data(), bytes.size());
  out = GatewayState{};
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 2 * words.size() + 1024;
    options.nestingLimit = 8;
    capnp::FlatArrayMessageReader reader(words, options);
    const auto root = reader.getRoot<wire::State>();
    get_session(root, out);
    get_flow(root, out);
    get_reconciliation(root, out.reconciliation);
  } catch (const kj::Exception& error) {
    return corrupt(error.getDescription().cStr());
  } catch (const BadRecord& error) {
    return corrupt(error.what());
  }
  return success();
}

}  // namespace holdfast::venues
