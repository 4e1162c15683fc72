#include "tests/simulation/cluster/parts.hpp"

namespace holdfast::cluster_simulation {

using namespace venues;
using replication::GroupLeadsTo;
using replication::VenueStatusTo;

namespace {
constexpr Duration kTick = ms(10);
constexpr Duration kFindEvery = ms(2);
const GatewayCodecInUse kCodec;

SessionRules session_rules() {
  SessionRules rules;
  rules.venue = "XSIM";
  rules.answer_timeout = Duration::seconds(3);
  rules.reconcile_timeout = Duration::seconds(3);
  return rules;
}
}  // namespace

GatewayPart::GatewayPart(Process& process) : process_(process) {
  status_.venue = "XSIM";
  status_.group = kVenueGroup;
}
GatewayPart::~GatewayPart() = default;

WallTime GatewayPart::now() const {
  const WallTime journaled = host_ ? host_->replica().journaled_time() : WallTime{};
  return std::max(process_.wall(), journaled);
}

void GatewayPart::later(Duration delay, std::function<void()> function) {
  process_.later(delay, [this, made = incarnation_, function = std::move(function)] {
    if (made == incarnation_) function();
  });
}

// ---- life

void GatewayPart::start() {
  incarnation_ += 1;
  handle_ = process_.next_handle();
  waiting_to_lead_ = led_ = finding_ = flushing_ = ask_again_ = false;
  connecting_ = connect_timer_ = heard_ = false;
  connection_ = link_ = 0;
  tries_ = refusals_ = 0;
  shard_ = {};
  status_.state = VenueSessionState::kDown;
  log_ = planted_log(process_.shell(kVenueGroup).log(),
                     [this](std::function<void()> f) { process_.defer(std::move(f)); });
  Host::Hooks hooks;
  hooks.wall = [this] { return now(); };
  hooks.defer = [this](std::function<void()> f) { process_.defer(std::move(f)); };
  hooks.release = [this](replication::Committed<GatewayEffect>&& effect) {
    release(std::move(effect).take());
  };
  hooks.failed = [this](const Error& error) {
    process_.sim().fail("the gateway's log failed: " + error.text);
  };
  hooks.led = [this] { waiting_to_lead_ ? later({}, [this] { led(); }) : led(); };
  hooks.deposed = [this](const std::string& why) {
    close("this gateway leads no more");
    process_.sim().say(process_.node().id, "the gateway leads no more", 0, 0, why);
    later({}, [this] { restart("deposed"); });
  };
  host_ = std::make_unique<Host>(kVenueGroup, *log_, kCodec, std::move(hooks));
  if (const auto recovered = host_->recover(); !recovered)
    return process_.sim().fail("the gateway can't recover: " + recovered.error().text);
  if (const auto joined = host_->join(); !joined)
    return process_.sim().fail("the gateway can't join: " + joined.error().text);
  waiting_to_lead_ = session_ == nullptr;
  tick(incarnation_);
}

void GatewayPart::restart(const char* why) {
  process_.sim().say(process_.node().id, "the gateway's actor ends", 0, 0, why);
  close("its actor ended");
  process_.part_ended(kVenueGroup);
  incarnation_ += 1;
  handle_ = 0;
  session_.reset();
  host_.reset();
  log_.reset();
  later(process_.sim().random().between(us(50), ms(2)), [this] { start(); });
}

void GatewayPart::led() {
  if (host_->failed()) return;
  const Epoch epoch = host_->replica().epoch();
  process_.sim().say(process_.node().id, "the gateway leads epoch", epoch.value);
  process_.world().history.led(kVenueGroup, epoch,
                               process_.node().id * 1'000'000ull + process_.node().life);
  const auto inbox = state().inboxes.find(kShardGroup);
  if (inbox != state().inboxes.end()) shard_.cursor = inbox->second.cursor;
  submit(command::Start{session_rules()});
  session_ = std::make_unique<SessionModel>(
      static_cast<GatewayPort&>(*this), process_.sim(),
      SessionModel::Hooks{[this] { return process_.now(); },
                          [this](Duration delay, std::function<void()> f) {
                            later(delay, [this, f = std::move(f)] {
                              if (serving()) f();
                            });
                          }});
  carry_on();
  find_shard();
}

void GatewayPart::carry_on() {
  if (!session_ || !serving()) return;
  session_->pump();
  connect_when_due();
  flush_later();
}

void GatewayPart::tick(uint64_t incarnation) {
  if (incarnation != incarnation_) return;
  if (serving() && session_) {
    session_->tick();
    connect_when_due();
    if (shard_.acknowledge) deliver();
    flush_later();
    if (std::exchange(ask_again_, false)) lead_to();
  }
  // A standby has nothing to do at a tick: it looks again when it leads.
  later(session_ ? kTick : kTick * 3, [this, incarnation] { tick(incarnation); });
}

// ---- the venue's side

void GatewayPart::connect_when_due() {
  if (!session_ || connection_ != 0 || connect_timer_) return;
  if (state().phase != SessionPhase::kDown || !connection_wanted(state(), now())) return;
  Duration wait = connect_delay(tries_);
  if (refusals_ > 0) wait = std::max(wait, ms(250) * (int64_t{1} << std::min(refusals_, 7u)));
  tries_ += 1;
  connect_timer_ = true;
  later(wait, [this] {
    connect_timer_ = false;
    if (serving() && connection_ == 0 && connection_wanted(state(), now())) connect();
  });
}

void GatewayPart::connect() {
  Node& node = process_.node();
  connection_ = process_.next_handle();
  const auto in = [&node, life = node.life](auto function) {
    node.enter(life, [function](Process& process) { function(process.gateway()); });
  };
  process_.world().venue.connect(
      node.id, connection_,
      {[in](uint64_t c) { in([c](GatewayPart& g) { g.connected(c); }); },
       [in](uint64_t c, const std::string& m) { in([c, m](GatewayPart& g) { g.received(c, m); }); },
       [in](uint64_t c, const std::string& w) { in([c, w](GatewayPart& g) { g.closed(c, w); }); }});
}

void GatewayPart::connected(uint64_t connection) {
  if (connection != connection_) return process_.world().venue.reset(connection, "not wanted");
  if (!serving() || state().phase != SessionPhase::kDown) return close("not ready");
  heard_ = false;
  link_ = state().link + 1;
  session_->link_up();
  flush_later();
}

void GatewayPart::received(uint64_t connection, const std::string& message) {
  if (connection != connection_ || link_ == 0) return;
  heard_ = true;
  if (serving()) session_->receive(message);
  carry_on();
}

/// The connection, or the try, has ended.
void GatewayPart::closed(uint64_t connection, const std::string& why) {
  if (connection != connection_) return;
  connection_ = 0;
  const bool was_up = std::exchange(link_, 0) != 0;
  if (!host_ || host_->failed() || !session_) return;
  if (was_up && heard_ && tries_ > 0) refusals_ += 1;
  if (was_up && state().phase != SessionPhase::kDown && serving()) session_->link_lost(why, heard_);
  carry_on();
}

void GatewayPart::close(const char* why) {
  if (connection_ == 0) return;
  const uint64_t connection = connection_;
  process_.world().venue.reset(connection, why);
  later(us(1), [this, connection, why = std::string(why)] { closed(connection, why); });
}

void GatewayPart::cut_egress() { close("egress is cut"); }

// ---- the shard's side

void GatewayPart::find_shard() {
  if (!session_ || shard_.handle != 0) return;
  const Handle found = process_.find(kShardGroup);
  if (found != 0 && found != shard_.last) {
    shard_.handle = found;
    if (led_) shard_found();
    return;
  }
  if (std::exchange(finding_, true)) return;
  later(kFindEvery, [this] {
    finding_ = false;
    find_shard();
  });
}

void GatewayPart::shard_found() {
  lead_to();
  process_.send(kVenueGroup, shard_.handle, VenueStatusTo{kShardGroup, status_});
  const auto outbox = state().outboxes.find(kShardGroup);
  const auto inbox = state().inboxes.find(kShardGroup);
  if (outbox == state().outboxes.end() || outbox->second.empty() || !serving()) return;
  const Epoch epoch = inbox == state().inboxes.end() ? Epoch{} : inbox->second.epoch;
  shard_.reports.clear();
  submit(command::PeerLeads{{kShardGroup, epoch, outbox->second.acknowledged()}});
}

void GatewayPart::gone(Handle handle) {
  if (handle == 0 || shard_.handle != handle) return;
  shard_.last = std::exchange(shard_.handle, 0);
  shard_.reports.clear();
  find_shard();
}

void GatewayPart::take(const VenueRequestDelivery& delivery) {
  if (!serving() || !session_) {
    ask_again_ = true;
    return;
  }
  submit(command::RequestsDelivered{delivery});
  carry_on();
}

void GatewayPart::take(const GroupLeads& leads, Handle) {
  if (!serving() || !session_) return;
  submit(command::PeerLeads{leads});
  carry_on();
}

void GatewayPart::lead_to() {
  if (shard_.handle == 0) return;
  process_.send(kVenueGroup, shard_.handle,
                GroupLeadsTo{kShardGroup, {kVenueGroup, host_->replica().epoch(), shard_.cursor}});
}

void GatewayPart::flush_later() {
  if (std::exchange(flushing_, true)) return;
  process_.defer([this, made = incarnation_] {
    if (made != incarnation_) return;
    flushing_ = false;
    const bool many = shard_.cursor.value - shard_.told.value >= limits::kOutboxInFlightMax / 4;
    if (!shard_.reports.empty() || (shard_.acknowledge && many)) deliver();
  });
}

void GatewayPart::deliver() {
  shard_.acknowledge = false;
  shard_.told = shard_.cursor;
  auto delivery = std::make_shared<Delivery<VenueReport>>();
  delivery->from = kVenueGroup;
  delivery->to = kShardGroup;
  delivery->epoch = host_->replica().epoch();
  delivery->first = shard_.first;
  delivery->items = std::exchange(shard_.reports, {});
  delivery->acknowledged = shard_.cursor;
  process_.send(kVenueGroup, shard_.handle, VenueReportDelivery(std::move(delivery)));
}

// ---- effects

void GatewayPart::release(GatewayEffect&& effect) {
  Simulation& sim = process_.sim();
  if (auto* bytes = std::get_if<effect::SendBytes>(&effect)) {
    if (link_ != 0 && bytes->link == link_) process_.world().venue.send(connection_, bytes->bytes);
  } else if (auto* report = std::get_if<effect::Deliver>(&effect)) {
    const uint64_t next = shard_.first.value + shard_.reports.size();
    if (!shard_.reports.empty() && report->seq.value != next) deliver();
    if (shard_.reports.empty()) shard_.first = report->seq;
    if (report->report.kind == VenueReportKind::kUnknown) sim.sometimes("an order became unknown");
    if (report->report.kind == VenueReportKind::kNotSent)
      sim.sometimes("an order was proven not sent");
    shard_.reports.push_back(std::move(report->report));
    flush_later();
  } else if (const auto* taken = std::get_if<effect::Acknowledge>(&effect)) {
    shard_.cursor = std::max(shard_.cursor, taken->cursor);
    shard_.acknowledge = true;
    flush_later();
  } else if (std::holds_alternative<effect::AskAgain>(effect)) {
    sim.sometimes("the gateway saw a gap of requests");
    lead_to();
  } else if (const auto* gone = std::get_if<effect::CloseLink>(&effect)) {
    if (link_ != 0 && gone->link == link_) close("the core ended it");
  } else if (const auto* status = std::get_if<effect::StatusChanged>(&effect)) {
    if (status_.state != status->state)
      sim.say(process_.node().id, "the venue session is", 0, 0,
              std::string(name_of(status->state)) + " " + state().last_error);
    status_.state = status->state;
    status_.in_flight = status->in_flight;
    if (past_barrier(state())) tries_ = refusals_ = 0;
    process_.send(kVenueGroup, shard_.handle, VenueStatusTo{kShardGroup, status_});
  } else if (std::holds_alternative<effect::Leads>(effect)) {
    led_ = true;
    lead_to();
  }
}

}  // namespace holdfast::cluster_simulation
