#include "actors/orders/shard/shard_capnp.hpp"

#include <capnp/serialize.h>
#include <kj/exception.h>

#include "actors/orders/shard/shard_fields_capnp.hpp"
#include "actors/orders/shard/shard_stream_capnp.hpp"
#include "actors/risk/risk_capnp.hpp"

namespace holdfast::orders {

using replication::Bytes;
using replication::ByteView;

namespace {

// ---- writing

struct EventWriter {
  wire::Event::Builder to;

  void operator()(const OrderAdmitted& e) {
    auto out = to.initOrderAdmitted();
    write(e.order, out.initOrder());
    out.setRouted(e.routed);
    out.setVenue(e.venue);
    out.setReason(raw(e.reason));
    put_text(e.text, [&](unsigned n) { return out.initText(n); });
    if (e.decision) risk::write(*e.decision, out.initDecision());
  }
  void operator()(const RequestAdmitted& e) {
    auto out = to.initRequestAdmitted();
    write(e, out);
    if (e.decision) risk::write(*e.decision, out.initDecision());
  }
  void operator()(const ReportTaken& e) {
    auto out = to.initReportTaken();
    out.setGroup(raw(e.group));
    out.setEpoch(raw(e.epoch));
    out.setSequence(raw(e.sequence));
    write(e.report, out.initReport());
  }
  void operator()(const OutboxAcknowledged& e) {
    auto out = to.initOutboxAcknowledged();
    out.setGroup(raw(e.group));
    out.setUpto(raw(e.upto));
  }
  void operator()(const SweepStarted& e) {
    auto out = to.initSweepStarted();
    write(e, out);
    if (e.is_kill) write(e.kill, out.initKill());
  }
  void operator()(const SweepAdvanced& e) { to.setSweepAdvanced(e.orders); }
  void operator()(const ReferenceLoaded& e) {
    write_reference(e.shard, e.version, *e.data, to.initReferenceLoaded());
  }
  void operator()(const RiskChanged& e) { risk::write(e.delta, to.initRiskChanged()); }
};

// ---- reading

template <typename Reader>
void read_decision(Reader from, std::optional<risk::RiskDecision>& to, Wrong& wrong) {
  if (!from.hasDecision()) return;
  auto decision = risk::read(from.getDecision());
  if (decision)
    to = decision.value();
  else
    wrong.say("decision", decision.error().text);
}

ShardEvent read_event(wire::Event::Reader from, Wrong& wrong) {
  switch (from.which()) {
    case wire::Event::ORDER_ADMITTED: {
      OrderAdmitted e;
      const auto in = from.getOrderAdmitted();
      read(in.getOrder(), e.order, wrong);
      e.routed = in.getRouted();
      e.venue = in.getVenue();
      take(in.getReason(), e.reason, "reason", wrong);
      take(in.getText(), e.text, "text", wrong);
      read_decision(in, e.decision, wrong);
      if (e.routed && (e.venue == 0 || !e.decision || !e.decision->approved))
        wrong.say("routed", "without a venue or an approval");
      return e;
    }
    case wire::Event::REQUEST_ADMITTED: {
      RequestAdmitted e;
      read(from.getRequestAdmitted(), e, wrong);
      read_decision(from.getRequestAdmitted(), e.decision, wrong);
      if (e.kind == RequestKind::kMassCancel) wrong.say("kind", "is of a mass cancel");
      return e;
    }
    case wire::Event::REPORT_TAKEN: {
      ReportTaken e;
      const auto in = from.getReportTaken();
      e.group = {in.getGroup()};
      e.epoch = {in.getEpoch()};
      e.sequence = {in.getSequence()};
      read(in.getReport(), e.report, wrong);
      return e;
    }
    case wire::Event::OUTBOX_ACKNOWLEDGED: {
      const auto in = from.getOutboxAcknowledged();
      return OutboxAcknowledged{{in.getGroup()}, {in.getUpto()}};
    }
    case wire::Event::SWEEP_STARTED: {
      SweepStarted e;
      read(from.getSweepStarted(), e, wrong);
      if (e.is_kill) read(from.getSweepStarted().getKill(), e.kill, wrong);
      return e;
    }
    case wire::Event::SWEEP_ADVANCED:
      return SweepAdvanced{from.getSweepAdvanced()};
    case wire::Event::REFERENCE_LOADED: {
      ReferenceLoaded e;
      const auto in = from.getReferenceLoaded();
      e.shard = in.getShard();
      e.version = in.getVersion();
      e.data = read_reference(in, wrong);
      return e;
    }
    case wire::Event::RISK_CHANGED: {
      auto delta = risk::read(from.getRiskChanged());
      if (delta) return RiskChanged{std::move(delta).value()};
      wrong.say("riskChanged", delta.error().text);
      return SweepAdvanced{};
    }
  }
  wrong.say("event", "of a kind that this build does not know");
  return SweepAdvanced{};
}

}  // namespace

void write_reference(uint32_t shard, uint64_t version, const ReferenceData& data,
                     wire::Reference::Builder to) {
  to.setShard(shard);
  to.setVersion(version);
  auto venues = to.initVenues(static_cast<unsigned>(data.venues.size()));
  for (unsigned i = 0; i < venues.size(); ++i) write(data.venues[i], venues[i]);
  auto instruments = to.initInstruments(static_cast<unsigned>(data.instruments.size()));
  for (unsigned i = 0; i < instruments.size(); ++i) {
    const Instrument& from = data.instruments[i];
    write(from, instruments[i]);
    auto names = instruments[i].initVenues(static_cast<unsigned>(from.venues.size()));
    for (unsigned v = 0; v < names.size(); ++v)
      put_text(from.venues[v], [&](unsigned n) { return names.init(v, n); });
  }
}

std::shared_ptr<const ReferenceData> read_reference(wire::Reference::Reader from, Wrong& wrong) {
  auto data = std::make_shared<ReferenceData>();
  if (from.getVenues().size() > limits::kVenuesMax) wrong.say("venues", "too many");
  if (from.getInstruments().size() > limits::kSymbolsMax) wrong.say("instruments", "too many");
  if (wrong.any()) return data;
  for (const auto venue : from.getVenues()) read(venue, data->venues.emplace_back(), wrong);
  for (const auto instrument : from.getInstruments()) {
    Instrument& to = data->instruments.emplace_back();
    read(instrument, to, wrong);
    if (instrument.getVenues().size() > limits::kVenuesMax) wrong.say("venues", "too many");
    if (wrong.any()) return data;
    for (const auto name : instrument.getVenues())
      take(name, to.venues.emplace_back(), "venues", wrong);
  }
  if (wrong.any()) return data;
  if (const auto valid = validate(*data); !valid) wrong.say("reference data", valid.error().text);
  return data;
}

void ShardCodec::encode_events(std::span<const ShardEvent> events, Bytes& out) const {
  MessageWriter<wire::Events> message;
  auto list = message.root().initEvents(static_cast<unsigned>(events.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    EventWriter writer{list[i]};
    std::visit(writer, events[i]);
  }
  message.append_to(out);
}

Result<> ShardCodec::decode_events(ByteView bytes, std::vector<ShardEvent>& out) const {
  const auto invalid = [](const std::string& why) {
    return Error{ErrorCode::kInvalid, "order shard events: " + why};
  };
  try {
    const AlignedWords words(bytes);
    capnp::FlatArrayMessageReader message(words.get(), reader_options(bytes.size()));
    const auto list = message.getRoot<wire::Events>().getEvents();
    if (list.size() > limits::kEventsPerEntryMax)
      return invalid(std::to_string(list.size()) + " events in one entry, at most " +
                     std::to_string(limits::kEventsPerEntryMax) + " are allowed");
    out.reserve(out.size() + list.size());
    for (unsigned i = 0; i < list.size(); ++i) {
      Wrong wrong;
      ShardEvent event = read_event(list[i], wrong);
      if (wrong.any()) return invalid("event " + std::to_string(i) + ": " + wrong.text());
      out.push_back(std::move(event));
    }
    return success();
  } catch (const kj::Exception& e) {
    return invalid(std::string("malformed message: ") + e.getDescription().cStr());
  }
}

}  // namespace holdfast::orders
