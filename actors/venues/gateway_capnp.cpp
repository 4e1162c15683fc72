#include "actors/venues/gateway_capnp.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>

#include "actors/venues/venue_records_capnp.hpp"

namespace holdfast::venues {

namespace {
struct EventWriter {
  wire::Event::Builder out;

  void operator()(const event::Started& in) { put(out.initStarted(), in.rules); }
  void operator()(const event::RequestsTaken& in) {
    auto to = out.initRequestsTaken();
    to.setFrom(in.from.value);
    to.setEpoch(in.epoch.value);
    to.setCursor(in.cursor.value);
    to.setAcknowledged(in.acknowledged.value);
    auto list = to.initRequests(static_cast<unsigned>(in.requests.size()));
    for (unsigned i = 0; i < in.requests.size(); ++i) put(list[i], in.requests[i]);
  }
  void operator()(const event::PeerAcknowledged& in) {
    auto to = out.initPeerAcknowledged();
    to.setFrom(in.from.value);
    to.setEpoch(in.epoch.value);
    to.setCursor(in.cursor.value);
  }
  void operator()(const event::PhaseChanged& in) {
    auto to = out.initPhaseChanged();
    to.setPhase(static_cast<uint8_t>(in.phase));
    to.setCut(in.cut);
    to.setHeard(in.heard);
    to.setWhy(in.why.c_str());
  }
  void operator()(const event::MessageSent& in) {
    auto to = out.initMessageSent();
    to.setNumber(in.number);
    to.setType(static_cast<uint8_t>(in.type));
    to.setKind(static_cast<uint8_t>(in.kind));
    to.setBarrier(in.barrier);
    to.setOrder(in.order.value);
    if (!in.wire.empty()) to.setWire(in.wire.str().c_str());
    if (!in.original.empty()) to.setOriginal(in.original.str().c_str());
    const bool kept = in.kind != SentKind::kAdmin && in.kind != SentKind::kStatus;
    if (kept && in.bytes != nullptr) to.setBytes(data(*in.bytes));
  }
  void operator()(const event::MessageTaken& in) {
    auto to = out.initMessageTaken();
    to.setNumber(in.number);
    to.setRefersTo(in.refers_to);
    to.setUnknownOrder(in.unknown_order);
    if (in.report) put(to.initReport(), *in.report);
  }
  void operator()(const event::NumbersSet& in) {
    auto to = out.initNumbersSet();
    to.setNextOut(in.next_out);
    to.setNextIn(in.next_in);
    to.setFresh(in.fresh);
    to.setFlag(in.flag);
    to.setWhy(in.why.c_str());
  }
  void operator()(const event::ResendDecided& in) {
    auto to = out.initResendDecided();
    to.setBegin(in.begin);
    to.setEnd(in.end);
    auto list = to.initGapFilled(static_cast<unsigned>(in.gap_filled.size()));
    for (unsigned i = 0; i < in.gap_filled.size(); ++i) list.set(i, in.gap_filled[i]);
  }
  void operator()(const event::AnswerOverdue& in) {
    auto list = out.initAnswerOverdue(static_cast<unsigned>(in.numbers.size()));
    for (unsigned i = 0; i < in.numbers.size(); ++i) list.set(i, in.numbers[i]);
  }
  void operator()(const event::RequestRefused& in) {
    auto to = out.initRequestRefused();
    to.setReason(static_cast<uint16_t>(in.reason));
    to.setWire(in.wire.str().c_str());
  }
  void operator()(const event::HaltChanged& in) {
    auto to = out.initHaltChanged();
    to.setHalted(in.halted);
    to.setCode(static_cast<uint16_t>(in.code));
    to.setBy(in.by.str().c_str());
    to.setReason(in.reason.str().c_str());
  }
  void operator()(const event::KillChanged& in) { put(out.initKillChanged(), in.kill); }
  void operator()(const event::WantedChanged& in) {
    out.setWantedChanged(static_cast<uint8_t>(in.want));
  }
  void operator()(const event::DropCopyTaken& in) { put(out.initDropCopyTaken(), in.report); }
  void operator()(const event::DropCopyNumbered& in) {
    auto to = out.initDropCopyNumbered();
    to.setNextOut(in.next_out);
    to.setNextIn(in.next_in);
  }
  void operator()(const event::AwayTooLong& in) {
    auto to = out.initAwayTooLong();
    to.setMore(in.more);
    auto list = to.initOrders(static_cast<unsigned>(in.orders.size()));
    for (unsigned i = 0; i < in.orders.size(); ++i) list.set(i, in.orders[i].value);
  }
  void operator()(const event::DeliveryRefused& in) { out.setDeliveryRefused(in.gap); }
};

event::RequestsTaken read(wire::Event::RequestsTaken::Reader in) {
  event::RequestsTaken out;
  out.from = {in.getFrom()};
  out.epoch = {in.getEpoch()};
  out.cursor = {in.getCursor()};
  out.acknowledged = {in.getAcknowledged()};
  out.requests.reserve(in.getRequests().size());
  for (auto request : in.getRequests()) out.requests.push_back(get(request));
  return out;
}

event::MessageSent read(wire::Event::MessageSent::Reader in) {
  event::MessageSent out;
  out.number = in.getNumber();
  out.type = static_cast<char>(in.getType());
  out.kind = enumerator(in.getKind(), SentKind::kStatus, "message kind", 1);
  out.barrier = in.getBarrier();
  out.order = {in.getOrder()};
  out.wire = text_of<limits::kWireOrderIdBytes>(in.getWire());
  out.original = text_of<limits::kWireOrderIdBytes>(in.getOriginal());
  out.bytes = bytes_of(in.getBytes());
  return out;
}

event::MessageTaken read(wire::Event::MessageTaken::Reader in) {
  event::MessageTaken out{in.getNumber(), in.getRefersTo(), in.getUnknownOrder(), {}};
  if (in.hasReport()) out.report = get(in.getReport());
  return out;
}

event::ResendDecided read(wire::Event::ResendDecided::Reader in) {
  event::ResendDecided out{in.getBegin(), in.getEnd(), {}};
  for (uint32_t number : in.getGapFilled()) out.gap_filled.push_back(number);
  return out;
}

GatewayEvent read(wire::Event::Reader in) {
  switch (in.which()) {
    case wire::Event::STARTED:
      return event::Started{get(in.getStarted())};
    case wire::Event::REQUESTS_TAKEN:
      return read(in.getRequestsTaken());
    case wire::Event::PEER_ACKNOWLEDGED: {
      auto from = in.getPeerAcknowledged();
      return event::PeerAcknowledged{{from.getFrom()}, {from.getEpoch()}, {from.getCursor()}};
    }
    case wire::Event::PHASE_CHANGED: {
      auto from = in.getPhaseChanged();
      return event::PhaseChanged{enumerator(from.getPhase(), SessionPhase::kLoggingOut, "phase"),
                                 string_of(from.getWhy()), from.getCut(), from.getHeard()};
    }
    case wire::Event::MESSAGE_SENT:
      return read(in.getMessageSent());
    case wire::Event::MESSAGE_TAKEN:
      return read(in.getMessageTaken());
    case wire::Event::NUMBERS_SET: {
      auto from = in.getNumbersSet();
      return event::NumbersSet{from.getNextOut(), from.getNextIn(), from.getFresh(), from.getFlag(),
                               string_of(from.getWhy())};
    }
    case wire::Event::RESEND_DECIDED:
      return read(in.getResendDecided());
    case wire::Event::REQUEST_REFUSED: {
      auto from = in.getRequestRefused();
      return event::RequestRefused{text_of<limits::kWireOrderIdBytes>(from.getWire()),
                                   reason_of(from.getReason())};
    }
    case wire::Event::HALT_CHANGED: {
      auto from = in.getHaltChanged();
      return event::HaltChanged{from.getHalted(), reason_of(from.getCode()),
                                text_of<limits::kNameBytes>(from.getBy()),
                                text_of<limits::kReasonTextBytes>(from.getReason())};
    }
    case wire::Event::KILL_CHANGED:
      return event::KillChanged{get(in.getKillChanged())};
    case wire::Event::WANTED_CHANGED:
      return event::WantedChanged{enumerator(in.getWantedChanged(), Want::kOut, "want")};
    case wire::Event::DELIVERY_REFUSED:
      return event::DeliveryRefused{in.getDeliveryRefused()};
    case wire::Event::ANSWER_OVERDUE: {
      event::AnswerOverdue out;
      for (uint32_t number : in.getAnswerOverdue()) out.numbers.push_back(number);
      return out;
    }
    case wire::Event::DROP_COPY_TAKEN:
      return event::DropCopyTaken{get(in.getDropCopyTaken())};
    case wire::Event::DROP_COPY_NUMBERED: {
      auto from = in.getDropCopyNumbered();
      return event::DropCopyNumbered{from.getNextOut(), from.getNextIn()};
    }
    case wire::Event::AWAY_TOO_LONG: {
      event::AwayTooLong out;
      out.more = in.getAwayTooLong().getMore();
      for (uint64_t id : in.getAwayTooLong().getOrders()) out.orders.push_back({id});
      return out;
    }
  }
  throw BadRecord("an event of a kind that is not known");
}
}  // namespace

void GatewayCodec::encode_events(std::span<const GatewayEvent> events,
                                 replication::Bytes& out) const {
  // Entries are small and frequent: one scratch segment a thread, which the builder leaves zeroed.
  static thread_local kj::Array<capnp::word> scratch = [] {
    auto words = kj::heapArray<capnp::word>(1 << 14);
    std::memset(words.begin(), 0, words.asBytes().size());
    return words;
  }();
  capnp::MallocMessageBuilder builder(scratch);
  auto list = builder.initRoot<wire::Entry>().initEvents(static_cast<unsigned>(events.size()));
  for (unsigned i = 0; i < events.size(); ++i) std::visit(EventWriter{list[i]}, events[i]);
  const auto words = capnp::messageToFlatArray(builder);
  const auto* bytes = reinterpret_cast<const std::byte*>(words.begin());
  out.insert(out.end(), bytes, bytes + words.asBytes().size());
}

Result<> GatewayCodec::decode_events(replication::ByteView bytes,
                                     std::vector<GatewayEvent>& out) const {
  const auto corrupt = [](const std::string& why) {
    return Error{ErrorCode::kCorrupt, "venue events: " + why};
  };
  if (bytes.size() % sizeof(capnp::word) != 0) return corrupt("not a whole number of words");
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  if (!bytes.empty()) std::memcpy(words.begin(), bytes.data(), bytes.size());
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 4 * limits::kEntryBytesMax / sizeof(capnp::word);
    options.nestingLimit = 8;
    capnp::FlatArrayMessageReader reader(words, options);
    for (auto event : reader.getRoot<wire::Entry>().getEvents()) {
      if (out.size() >= limits::kEventsPerEntryMax) return corrupt("too many events");
      out.push_back(read(event));
    }
  } catch (const kj::Exception& error) {
    return corrupt(error.getDescription().cStr());
  } catch (const BadRecord& error) {
    return corrupt(error.what());
  }
  return success();
}

replication::ChainHash state_hash(const GatewayState& state) {
  replication::Bytes bytes;
  GatewayCodec().encode_state(state, bytes);
  return replication::hash_of(bytes);
}

}  // namespace holdfast::venues
