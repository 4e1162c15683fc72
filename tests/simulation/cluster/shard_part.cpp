#include "tests/simulation/cluster/parts.hpp"

namespace holdfast::cluster_simulation {

using namespace orders;
using replication::GroupLeadsTo;

namespace {
constexpr std::size_t kItemsPerMessage = 512;
constexpr Duration kRetransmit = ms(200);
constexpr Duration kLookUp = ms(2);
constexpr Duration kCheck = ms(5);
const ShardCodecInUse kCodec;
}  // namespace

std::shared_ptr<const ReferenceData> reference_data() {
  static const auto data = [] {
    auto made = std::make_shared<ReferenceData>();
    VenueEntry venue;
    venue.name = "XSIM";
    venue.group = kVenueGroup;
    venue.in_flight_max = 100'000;
    made->venues.push_back(venue);
    Instrument i;
    i.symbol = "AAPL";
    i.tick = Price::from_units(kScale / 100);
    i.lot = Quantity::whole(1);
    i.price_max = Price::whole(10'000);
    i.quantity_max = Quantity::whole(1'000'000);
    i.previous_close = Price::whole(100);
    i.previous_close_time = WallTime{1'772'461'000'000'000'000};
    i.venues = {"XSIM"};
    made->instruments.push_back(i);
    return made;
  }();
  return data;
}

std::shared_ptr<const RiskLimits> risk_limits() {
  static const auto limits = [] {
    auto made = std::make_shared<RiskLimits>();
    made->version = {1};
    made->firm.set(LimitKind::kOrderQuantityMax, Quantity::whole(10'000).units);
    made->firm.set(LimitKind::kOrderNotionalMax, Notional::whole(100'000'000).units);
    made->firm.set(LimitKind::kPriceCollar, 5'000);
    made->firm.set(LimitKind::kLastTradeAgeMax, Duration::seconds(3'600).ns);
    made->firm.set(LimitKind::kPreviousCloseAgeMax, Duration::seconds(86'400).ns);
    made->firm.set(LimitKind::kBuyingPower, Notional::whole(1'000'000'000).units);
    made->firm.set(LimitKind::kPositionMax, Quantity::whole(1'000'000).units);
    made->firm.set(LimitKind::kDuplicateWindow, 0);
    made->firm.set(LimitKind::kMessagesMax, 1'000'000);
    made->firm.set(LimitKind::kMessageWindow, Duration::seconds(1).ns);
    for (const char* account : kAccounts) {
      AccountLimits a;
      a.account = account;
      a.self_trade_group = account;
      made->accounts.push_back(a);
    }
    return made;
  }();
  return limits;
}

// ---- life

ShardPart::ShardPart(Process& process) : process_(process) {}
ShardPart::~ShardPart() = default;

void ShardPart::later(Duration delay, std::function<void()> function) {
  process_.later(delay, [this, made = incarnation_, function = std::move(function)] {
    if (made == incarnation_) function();
  });
}

void ShardPart::start() {
  incarnation_ += 1;
  handle_ = process_.next_handle();
  begun_ = waiting_to_lead_ = failed_ = false;
  finding_ = check_armed_ = flush_due_ = false;
  peer_ = {};
  venues_ = {};
  released_.clear();
  parked_.clear();
  log_ = planted_log(process_.shell(kShardGroup).log(),
                     [this](std::function<void()> f) { process_.defer(std::move(f)); });
  Host::Hooks hooks;
  hooks.wall = [this] { return process_.wall(); };
  hooks.defer = [this](std::function<void()> f) { process_.defer(std::move(f)); };
  hooks.release = [this](replication::Committed<Effect>&& e) { release(std::move(e)); };
  hooks.failed = [this](const Error& error) {
    failed_ = true;
    process_.sim().fail("the shard's log failed: " + error.text);
  };
  hooks.led = [this] { waiting_to_lead_ ? later({}, [this] { begin(); }) : begin(); };
  hooks.deposed = [this](const std::string& why) {
    failed_ = true;
    process_.sim().say(process_.node().id, "the shard leads no more", 0, 0, why);
    later({}, [this] { restart("deposed"); });
  };
  hooks.parked = [this](bool parked) {
    if (parked) return;
    later({}, [this] {
      for (auto waiting = std::exchange(parked_, {}); OrderRequest & one : waiting) take(one);
    });
  };
  host_ = std::make_unique<Host>(kShardGroup, *log_, kCodec, std::move(hooks));
  if (const auto recovered = host_->recover(); !recovered)
    return process_.sim().fail("the shard can't recover: " + recovered.error().text);
  if (const auto joined = host_->join(); !joined)
    return process_.sim().fail("the shard can't join: " + joined.error().text);
  waiting_to_lead_ = !begun_;
}

void ShardPart::restart(const char* why) {
  process_.sim().say(process_.node().id, "the shard's actor ends", 0, 0, why);
  process_.part_ended(kShardGroup);
  incarnation_ += 1;
  handle_ = 0;
  begun_ = false;
  peer_ = {};
  host_.reset();
  log_.reset();
  later(process_.sim().random().between(us(50), ms(2)), [this] { start(); });
}

void ShardPart::begin() {
  if (begun_ || host_->failed()) return;
  const Epoch epoch = host_->replica().epoch();
  process_.sim().say(process_.node().id, "the shard leads epoch", epoch.value);
  process_.world().history.led(kShardGroup, epoch,
                               process_.node().id * 1'000'000ull + process_.node().life);
  if (s().reference) venues_.load(*s().reference);
  for (const VenueLink& link : s().links) {
    peer_.sent = link.outbox.acknowledged();
    peer_.released = std::max(peer_.released, peer_.sent);
  }
  begun_ = true;
  if (!s().reference) host_->submit(LoadReferenceData{0, 0, 1, reference_data()});
  LoadRisk load;
  load.limits = risk_limits();
  host_->submit(load);
  find_gateway();
  arm_check();
}

// ---- clients

void ShardPart::take(const OrderRequest& request) {
  if (serving()) return submit(request);
  if (host_ && begun_ && !failed_ && host_->parked()) {
    parked_.push_back(request);
    process_.sim().sometimes("a request waited for a hand-over");
    return;
  }
  refuse(request);
}

void ShardPart::submit(const OrderRequest& request) {
  refresh(venues_, s());
  host_->submit(Submit{&request, &venues_});
}

void ShardPart::refuse(const OrderRequest& request) {
  OrderReply reply;
  reply.ticket = request.ticket;
  reply.reason = Reason::kNotServing;
  process_.world().reply(request.ticket.session.value, reply);
}

void ShardPart::take(const OrderQuery& query) {
  if (process_.sim().bug() == Bug::kQueryUnconfirmed && host_ && !failed_) {
    replication::Decision<ShardCore> decision;
    ShardCore::decide(s(), Ask{query, 0}, process_.wall(), decision);
    for (Effect& effect : decision.replies) out(effect);
    return;
  }
  if (serving()) return host_->submit(Ask{query, 0});
  OrderQueryReply reply;
  reply.ticket = query.ticket;
  reply.reason = Reason::kNotServing;
  process_.world().answer(query.ticket.session.value, reply);
}

// ---- effects

void ShardPart::release(replication::Committed<Effect>&& effect) {
  released_.push_back(std::move(effect).take());
  if (std::exchange(flush_due_, true)) return;
  process_.defer([this, made = incarnation_] {
    if (made == incarnation_) flush_out();
  });
}

void ShardPart::flush_out() {
  flush_due_ = false;
  for (auto batch = std::exchange(released_, {}); Effect & effect : batch) out(effect);
  pump();
  if (serving() && SimShardCore::next_deadline(s())) host_->submit(Tick{});
  arm_check();
}

void ShardPart::out(Effect& effect) {
  Simulation& sim = process_.sim();
  if (auto* reply = std::get_if<ReplyEffect>(&effect)) {
    process_.world().reply(reply->reply.ticket.session.value, reply->reply);
  } else if (auto* report = std::get_if<ReportEffect>(&effect)) {
    process_.world().history.heard(report->report);
  } else if (auto* deliver = std::get_if<DeliverEffect>(&effect)) {
    peer_.released = std::max(peer_.released, deliver->sequence);
  } else if (auto* acknowledge = std::get_if<AcknowledgeEffect>(&effect)) {
    peer_.cursor = std::max(peer_.cursor, acknowledge->cursor);
    peer_.acknowledge = true;
  } else if (auto* resync = std::get_if<ResyncEffect>(&effect)) {
    peer_.cursor = std::max(peer_.cursor, resync->cursor);
    sim.sometimes("the shard saw a gap of reports");
    lead_to();
  } else if (auto* reference = std::get_if<ReferenceEffect>(&effect)) {
    venues_.load(*reference->data);
    find_gateway();
  } else if (auto* anomaly = std::get_if<AnomalyEffect>(&effect)) {
    sim.say(process_.node().id, "anomaly of an order", anomaly->order.value, 0,
            anomaly->wire.str());
    if (anomaly->disposition == Disposition::kAnomaly || anomaly->overfill ||
        anomaly->disposition == Disposition::kBookedLate)
      sim.sometimes("an anomaly");
  } else if (auto* answer = std::get_if<AnswerEffect>(&effect)) {
    if (auto* query = std::get_if<OrderQueryReply>(&answer->answer))
      process_.world().answer(query->ticket.session.value, *query);
  }
}

// ---- the venue group (shard_venues_actor.cpp)

void ShardPart::take(const VenueReportDelivery& delivery) {
  process_.sim().say(
      process_.node().id,
      serving() ? "the shard gets reports from, items" : "the shard can't take reports from, items",
      delivery->first.value, delivery->items.size());
  if (!serving()) return process_.sim().sometimes("reports came while the shard did not serve");
  const Delivery<VenueReport>& d = *delivery;
  const VenueLink* link = s().link(d.from);
  if (!link || d.epoch < link->inbox.epoch) return;
  if (d.acknowledged > link->outbox.acknowledged()) {
    host_->submit(TakeAcknowledgement{d.from, d.acknowledged});
    peer_.progress = process_.now();
    pump();
  }
  if (d.items.empty()) return;
  using Verdict = replication::InboxCursor::Verdict;
  const auto judged = link->inbox.judge(d.epoch, d.first, d.items.size());
  if (judged.verdict == Verdict::kNothingNew) process_.sim().sometimes("reports came twice");
  const std::size_t first = judged.verdict == Verdict::kTake ? judged.skip : d.items.size() - 1;
  for (std::size_t i = first; i < d.items.size(); ++i) host_->submit(TakeReport{&d, i});
}

void ShardPart::take(const GroupLeads& leads, Handle from) {
  if (!serving()) return;
  const VenueLink* link = s().link(leads.group);
  if (!link || leads.epoch < link->inbox.epoch) return;
  if (from != 0 && peer_.handle != from) adopt(from);
  if (leads.cursor > link->outbox.last())
    return process_.sim().fail("the gateway has taken more than the shard has given out");
  if (leads.cursor > link->outbox.acknowledged())
    host_->submit(TakeAcknowledgement{leads.group, leads.cursor});
  peer_.sent = std::min(peer_.sent, leads.cursor);
  peer_.progress = process_.now();
  pump(true);
}

void ShardPart::take(const VenueStatus& status) {
  if (venues_.set_status(status) && host_) refresh(venues_, s());
}

void ShardPart::gone(Handle handle) {
  if (handle == 0 || peer_.handle != handle) return;
  peer_.last = std::exchange(peer_.handle, 0);
  find_gateway();
}

void ShardPart::find_gateway() {
  if (!begun_ || peer_.handle != 0) return;
  const Handle found = process_.find(kVenueGroup);
  if (found != 0 && found != peer_.last) return adopt(found);
  if (std::exchange(finding_, true)) return;
  later(kLookUp, [this] {
    finding_ = false;
    find_gateway();
  });
}

void ShardPart::adopt(Handle gateway) {
  peer_.handle = gateway;
  if (const VenueLink* link = s().link(kVenueGroup)) peer_.sent = link->outbox.acknowledged();
  peer_.progress = process_.now();
  lead_to();
  pump();
}

void ShardPart::lead_to() {
  if (peer_.handle == 0 || host_->replica().committed().value == 0) return;
  process_.send(kShardGroup, peer_.handle,
                GroupLeadsTo{kVenueGroup, {kShardGroup, host_->replica().epoch(), peer_.cursor}});
}

void ShardPart::pump(bool acknowledge) {
  const VenueLink* link = s().link(kVenueGroup);
  if (peer_.handle == 0 || !link) return;
  const OutboxSeq acknowledged = link->outbox.acknowledged();
  if (peer_.sent <= acknowledged) {
    peer_.sent = acknowledged;
    peer_.progress = process_.now();
  }
  const OutboxSeq end{
      std::min(peer_.released.value, acknowledged.value + limits::kOutboxInFlightMax)};
  const bool many = peer_.cursor.value - peer_.told.value >= limits::kOutboxInFlightMax / 4;
  bool due = acknowledge || (peer_.acknowledge && many);
  while (peer_.sent < end || due) {
    auto d = std::make_shared<Delivery<VenueRequest>>();
    d->from = kShardGroup;
    d->to = kVenueGroup;
    d->epoch = host_->replica().epoch();
    d->first = {peer_.sent.value + 1};
    d->acknowledged = peer_.cursor;
    while (peer_.sent < end && d->items.size() < kItemsPerMessage) {
      peer_.sent.value += 1;
      d->items.push_back(link->outbox.at(peer_.sent));
    }
    peer_.acknowledge = due = false;
    peer_.told = peer_.cursor;
    process_.send(kShardGroup, peer_.handle, VenueRequestDelivery(std::move(d)));
  }
  if (process_.sim().bug() == Bug::kPrunedTooEarly && serving() && peer_.sent > acknowledged)
    host_->submit(TakeAcknowledgement{kVenueGroup, peer_.sent});
}

void ShardPart::check() {
  if (!host_ || failed_) return;
  const VenueLink* link = s().link(kVenueGroup);
  if (link && peer_.handle != 0 && peer_.sent > link->outbox.acknowledged() &&
      process_.now() - peer_.progress >= kRetransmit) {
    process_.sim().sometimes("the shard delivered again");
    peer_.sent = link->outbox.acknowledged();
    pump(true);
    peer_.progress = process_.now();
  }
  if (peer_.acknowledge) pump(true);
  if (serving() && SimShardCore::next_deadline(s())) host_->submit(Tick{});
  arm_check();
}

void ShardPart::arm_check() {
  const VenueLink* link = s().link(kVenueGroup);
  const bool needed = !s().sweeps.empty() || peer_.acknowledge || (link && !link->outbox.empty());
  if (!needed || !begun_ || std::exchange(check_armed_, true)) return;
  later(kCheck, [this] {
    check_armed_ = false;
    check();
  });
}

}  // namespace holdfast::cluster_simulation
