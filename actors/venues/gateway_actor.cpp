#include "actors/venues/gateway_actor.hpp"

#include <algorithm>
#include <utility>

#include "actors/venues/session_plan.hpp"

namespace holdfast::venues {

namespace {
constexpr const char* kNotLeading =
    "this gateway does not lead its session: ask the node that does";
}

GatewayActor::GatewayActor(ActorConfig& config, GatewayActorSetup setup)
    : LoopActor(config), setup_(std::move(setup)) {
  CHECK(setup_.make_log != nullptr);
  CHECK(setup_.codec != nullptr);
  CHECK(setup_.make_session != nullptr);
  CHECK(setup_.make_transport != nullptr);
  CHECK(setup_.wall != nullptr);
  CHECK(setup_.find_shard != nullptr);
  for (GroupId shard : setup_.shards) shards_[shard];
  status_.venue = setup_.rules.venue;
  status_.group = setup_.group;
}

GatewayActor::~GatewayActor() = default;

Behavior GatewayActor::make_behavior() {
  set_down_handler([this](DownMessage& down) { shard_went_down(down.source); });
  if (auto started = start(); !started) {
    quit(error_text("venue " + setup_.rules.venue.str() + ": " + started.error().text));
    return {};
  }
  waiting_to_lead_ = session_ == nullptr;
  if (!waiting_to_lead_) find_shards();
  tick();
  return handlers();
}

Result<> GatewayActor::start() {
  if (auto valid = check(setup_.rules); !valid) return valid;
  log_ = setup_.make_log();
  host_ = std::make_unique<replication::ReplicaHost<GatewayCore>>(
      setup_.group, *log_, *setup_.codec,
      replication::ReplicaHost<GatewayCore>::Hooks{
          [this] { return now_wall(); },
          [this](std::function<void()> function) { defer(std::move(function)); },
          [this](replication::Committed<GatewayEffect>&& effect) {
            release(std::move(effect).take());
          },
          [this](const Error& error) {
            // The journal calls from outside of this actor: end as one of its own handlers would.
            post([this, text = error.text] {
              quit(error_text("venue " + setup_.rules.venue.str() + ": journal: " + text));
            });
          },
          [this] { starting_ ? led() : post([this] { led(); }); },
          [this](const std::string& why) {
            // At once: what the log says from here on is for the next incarnation.
            if (transport_ != nullptr) transport_->close("this gateway leads no more");
            post([this] { copy_.reset(); });
            say("leads no more: " + why);
            post([this, why] { quit(error_text("deposed: " + why)); });
          },
          {}});
  starting_ = true;
  host_->start(setup_.codec, [this](const auto& recovered) {
    if (recovered) return;
    begun_ = recovered.error();
    if (!starting_)
      post([this] {
        quit(error_text("venue " + setup_.rules.venue.str() + ": " + begun_.error().text));
      });
  });
  starting_ = false;
  // A standby gets no further until it is told to lead; a group of one member leads within start().
  return begun_;
}

void GatewayActor::led() {
  if (host_ == nullptr || host_->failed()) return;  // deposed before its turn came
  for (auto& [group, shard] : shards_) {
    const auto inbox = host_->state().inboxes.find(group);
    if (inbox != host_->state().inboxes.end()) shard.cursor = inbox->second.cursor;
  }
  begun_ = begin();
  if (!waiting_to_lead_) return;
  if (!begun_)
    return quit(error_text("venue " + setup_.rules.venue.str() + ": " + begun_.error().text));
  find_shards();
}

Result<> GatewayActor::begin() {
  if (setup_.fence != nullptr) setup_.fence->lift();
  submit(command::Start{setup_.rules});
  auto session = setup_.make_session(*this);
  if (!session) return session.error();
  session_ = std::move(session).value();
  auto transport = setup_.make_transport(
      *this, {[this] { connected(); }, [this](std::string_view bytes) { received(bytes); },
              [this](const std::string& why) { closed(why); }});
  if (!transport) return transport.error();
  transport_ = std::move(transport).value();
  if (setup_.drop_copy) {
    copy_.reset(new DropCopyLink(*setup_.drop_copy, *this, *this));
    if (auto ready = copy_->start(); !ready) return ready;
  }
  carry_on();
  return success();
}

Behavior GatewayActor::handlers() {
  return {
      [this](const VenueRequestDelivery& delivery) { take(delivery); },
      [this](const GroupLeads& leads) {
        if (!shards_.contains(leads.group) || !serving()) return;
        submit(command::PeerLeads{leads});
        if (led_) tell_status(shards_[leads.group]);
        carry_on();
      },
      [this](const KillSwitch& kill) {
        auto promise = make_response_promise<VenueKillApplied>();
        if (!serving()) {
          promise.deliver(error_text(kNotLeading));
          return promise;
        }
        waiting_answers_[++tickets_] = [this, promise](const effect::Answered& answered) mutable {
          if (answered.accepted)
            promise.deliver(
                VenueKillApplied{setup_.group, setup_.rules.venue, host_->replica().committed()});
          else
            promise.deliver(error_text(answered.text));
        };
        submit(command::Kill{kill, tickets_});
        carry_on();
        return promise;
      },
      [this](VenueSessionQuery) { return view(); },
      [this](ReconciliationQuery) { return reconciliation(); },
      [this](const VenueCommand& command) {
        auto promise = make_response_promise<VenueCommandAnswer>();
        if (!serving()) {
          promise.deliver(error_text(kNotLeading));
          return promise;
        }
        waiting_answers_[++tickets_] = [this, promise](const effect::Answered& answered) mutable {
          promise.deliver(VenueCommandAnswer{answered.accepted, answered.text, view()});
        };
        submit(command::Operate{command, tickets_});
        carry_on();
        return promise;
      },
      [this](VenueStop stop) {
        stop_promise_ = make_response_promise<VenueStopped>();
        stopping_ = true;
        if (!serving()) {
          finish_stop(true);
          return stop_promise_;
        }
        say("stopping: logging out");
        submit(command::Stop{});
        carry_on();
        if (link_ == 0) finish_stop(false);
        after(stop.within, [this] { finish_stop(false); });
        return stop_promise_;
      },
  };
}

// ---- turns and time

WallTime GatewayActor::now_wall() const {
  // One time for all of a turn: what is planned at it is decided at it.
  if (turn_ != turn_time()) {
    turn_ = turn_time();
    turn_wall_ = setup_.wall();
  }
  const WallTime journaled = host_ == nullptr ? WallTime{} : host_->replica().journaled_time();
  return std::max(turn_wall_, journaled);
}

void GatewayActor::carry_on() {
  if (session_ == nullptr || !serving()) return;
  session_->pump();
  connect_when_due();
  flush_later();
  again_if_busy();
}

/// The rest of a long piece of work: other members' heartbeats are answered between two turns.
void GatewayActor::again_if_busy() {
  if (!session_->busy() || std::exchange(again_, true)) return;
  post([this] {
    again_ = false;
    carry_on();
  });
}

void GatewayActor::tick() {
  if (serving() && session_ != nullptr) {
    if (copy_ != nullptr) copy_->tick();
    session_->tick();
    connect_when_due();
    acknowledge();
    flush_later();
    again_if_busy();
    if (std::exchange(ask_again_, false))
      for (auto& [group, shard] : shards_) lead_to(group, shard);
  }
  hold_back();
  after(setup_.tick, [this] { tick(); });
}

// ---- the venue's side

void GatewayActor::watch_fd(int fd, uint32_t events, FdWatcher::Callback callback) {
  watch(fd, events, std::move(callback));
}

void GatewayActor::connect_when_due() {
  if (transport_ == nullptr || !transport_->idle() || connect_timer_) return;
  if (state().phase != SessionPhase::kDown || !connection_wanted(state(), now())) return;
  if (setup_.fence != nullptr && setup_.fence->fenced()) return;
  Duration wait = connect_delay(tries_);
  if (refusals_ > 0) {
    // The venue spoke and refused: each try costs a sequence number. In the first half minute it
    // may still hold the connection of a predecessor for alive.
    const uint32_t doublings = refusals_ <= 16 ? std::min(refusals_, 3u) : refusals_ - 13;
    wait = std::max(wait, Duration::milliseconds(250) * (int64_t{1} << std::min(doublings, 7u)));
  }
  tries_ += 1;
  next_try_ = now() + wait;
  connect_timer_ = after(wait, [this] {
    connect_timer_ = {};
    next_try_ = {};
    if (transport_->idle() && connection_wanted(state(), now())) transport_->connect();
  });
}

void GatewayActor::connected() {
  if (!serving() || state().phase != SessionPhase::kDown)
    return transport_->close("not ready for a connection");
  framer_.clear();
  heard_ = false;
  if (paused_) transport_->pause(true);
  link_ = state().link + 1;
  session_->link_up();
  CHECK(link_ == state().link || state().phase == SessionPhase::kDown);
  flush_later();
}

void GatewayActor::received(std::string_view bytes) {
  heard_ = true;
  last_received_ = now();
  framer_.push(bytes);
  while (serving() && link_ != 0) {
    const auto message = framer_.next();
    if (!message) break;
    session_->receive(*message);
  }
  carry_on();
  hold_back();
}

void GatewayActor::closed(const std::string& why) {
  const bool was_up = std::exchange(link_, 0) != 0;
  // Deposed, or without a journal: what becomes of the session is for the next incarnation.
  if (host_ == nullptr || host_->failed()) return;
  // `tries_` is zero once a connection came past its barrier.
  if (was_up && tries_ > 0) {
    if (heard_) refusals_ += 1;
    if (logon_refusals_++ == 0) logon_refused_since_ = now();
    logon_refusals_total_ += 1;
    if (logon_refusals_ == 1) say("logon refused, retrying: " + why);
  }
  if (was_up && state().phase != SessionPhase::kDown) session_->link_lost(why, heard_);
  if (stopping_ && was_up)
    finish_stop(state().last_error.find("did not answer") == std::string::npos);
  carry_on();
}

void GatewayActor::hold_back() {
  if (transport_ == nullptr || host_ == nullptr) return;
  // A shard that takes nothing, or a journal that is behind, slows the venue down instead of
  // filling memory.
  std::size_t owed = 0;
  for (const auto& [group, outbox] : state().outboxes) owed = std::max(owed, outbox.size());
  const bool full = owed > limits::kOutboxItemsMax / 2 || !serving();
  const bool drained = owed < limits::kOutboxItemsMax / 4 && serving();
  if (!paused_ && full) transport_->pause(paused_ = true);
  if (paused_ && drained) {
    transport_->pause(paused_ = false);
    while (serving() && link_ != 0) {  // what had come before the pause
      const auto message = framer_.next();
      if (!message) break;
      session_->receive(*message);
    }
  }
}

// ---- the shards' side

void GatewayActor::find_shards() {
  bool missing = false;
  for (auto& [group, shard] : shards_) {
    if (shard.handle) continue;
    auto found = setup_.find_shard(group);
    if (!found || found.address() == shard.last) {
      missing = true;
      continue;
    }
    shard.handle = std::move(found);
    monitor_exit(this, shard.handle);
    if (led_) shard_found(group, shard);
  }
  if (!missing || std::exchange(finding_, true)) return;
  after(setup_.find_every, [this] {
    finding_ = false;
    find_shards();
  });
}

void GatewayActor::shard_found(GroupId group, Shard& shard) {
  lead_to(group, shard);
  tell_status(shard);
  // It may never have had what was sent to its predecessor.
  const auto outbox = state().outboxes.find(group);
  const auto inbox = state().inboxes.find(group);
  if (outbox == state().outboxes.end() || outbox->second.empty() || !serving()) return;
  const Epoch epoch = inbox == state().inboxes.end() ? Epoch{} : inbox->second.epoch;
  shard.reports.clear();
  submit(command::PeerLeads{{group, epoch, outbox->second.acknowledged()}});
}

void GatewayActor::shard_went_down(const ActorAddress& address) {
  for (auto& [group, shard] : shards_) {
    if (!shard.handle || shard.handle.address() != address) continue;
    shard.handle = nullptr;
    shard.last = address;
    shard.reports.clear();
  }
  find_shards();
}

void GatewayActor::take(const VenueRequestDelivery& delivery) {
  CHECK(delivery != nullptr);
  if (!shards_.contains(delivery->from) || delivery->to != setup_.group) return;
  if (!serving()) {
    ask_again_ = true;  // it stays in the shard's outbox
    return;
  }
  submit(command::RequestsDelivered{delivery});
  carry_on();
}

void GatewayActor::lead_to(GroupId group, Shard& shard) {
  if (shard.handle)
    send(shard.handle, GroupLeads{setup_.group, host_->replica().epoch(), shard.cursor});
  (void)group;
}

void GatewayActor::tell_status(const Shard& shard) {
  if (shard.handle) send(shard.handle, status_);
}

void GatewayActor::flush_later() {
  if (std::exchange(flushing_, true)) return;
  defer([this] { flush(); });
}

void GatewayActor::flush() {
  flushing_ = false;
  if (transport_ != nullptr) transport_->flush();
  for (auto& [group, shard] : shards_) {
    // A shard journals what it is told: told alone, an order's cursor would cost it an entry.
    const bool many = shard.cursor.value - shard.told.value >= limits::kOutboxInFlightMax / 4;
    if (!shard.reports.empty() || (shard.acknowledge && many)) deliver(group, shard);
  }
}

void GatewayActor::acknowledge() {
  for (auto& [group, shard] : shards_)
    if (shard.acknowledge) deliver(group, shard);
}

void GatewayActor::deliver(GroupId group, Shard& shard) {
  shard.acknowledge = false;
  shard.told = shard.cursor;
  auto delivery = std::make_shared<Delivery<VenueReport>>();
  delivery->from = setup_.group;
  delivery->to = group;
  delivery->epoch = host_->replica().epoch();
  delivery->first = shard.first;
  delivery->items = std::exchange(shard.reports, {});
  delivery->acknowledged = shard.cursor;
  if (shard.handle) send(shard.handle, VenueReportDelivery(std::move(delivery)));
}

// ---- effects

void GatewayActor::release(GatewayEffect&& effect) {
  if (auto* bytes = std::get_if<effect::SendBytes>(&effect)) {
    if (link_ == 0 || bytes->link != link_ || transport_ == nullptr) return;
    last_sent_ = now();
    transport_->send(std::move(bytes->bytes));
    flush_later();
  } else if (auto* report = std::get_if<effect::Deliver>(&effect)) {
    Shard& shard = shards_[report->to];
    const uint64_t next = shard.first.value + shard.reports.size();
    if (!shard.reports.empty() && report->seq.value != next) deliver(report->to, shard);
    if (shard.reports.empty()) shard.first = report->seq;
    if (copy_ != nullptr) copy_->reported(report->report);
    if (setup_.meter != nullptr) measure(report->report);
    shard.reports.push_back(std::move(report->report));
    flush_later();
  } else if (const auto* taken = std::get_if<effect::Acknowledge>(&effect)) {
    Shard& shard = shards_[taken->to];
    shard.cursor = std::max(shard.cursor, taken->cursor);
    shard.acknowledge = true;
    flush_later();
  } else if (const auto* again = std::get_if<effect::AskAgain>(&effect)) {
    lead_to(again->to, shards_[again->to]);
  } else if (const auto* gone = std::get_if<effect::CloseLink>(&effect)) {
    if (link_ != 0 && gone->link == link_ && transport_ != nullptr)
      transport_->close(state().last_error);
  } else if (const auto* status = std::get_if<effect::StatusChanged>(&effect)) {
    const bool changed = status_.state != status->state;
    status_.state = status->state;
    status_.in_flight = status->in_flight;
    if (past_barrier(state())) {
      tries_ = refusals_ = 0;
      if (logon_refusals_ != 0)
        say("logged on after " + std::to_string(logon_refusals_) + " refusals");
      logon_refusals_ = 0;
      logon_refused_since_ = {};
    }
    for (const auto& [group, shard] : shards_) tell_status(shard);
    if (changed) say(std::string(name_of(status->state)));
  } else if (const auto* numbers = std::get_if<effect::DropCopyReserved>(&effect)) {
    if (copy_ != nullptr) copy_->reserved(numbers->next_out);
  } else if (std::holds_alternative<effect::Leads>(effect)) {
    led_ = true;
    for (auto& [group, shard] : shards_) lead_to(group, shard);
  } else if (const auto* answered = std::get_if<effect::Answered>(&effect)) {
    answer(*answered);
  }
}

void GatewayActor::answer(const effect::Answered& answered) {
  auto node = waiting_answers_.extract(answered.ticket);
  if (!node.empty()) node.mapped()(answered);
}

void GatewayActor::finish_stop(bool logged_out) {
  if (!stop_promise_.pending()) return;
  stop_promise_.deliver(VenueStopped{setup_.group, logged_out});
}

void GatewayActor::say(const std::string& line) {
  if (!setup_.on_event) return;
  std::string text = setup_.rules.venue.str() + ": " + line;
  if (state().phase == SessionPhase::kDown && !state().last_error.empty())
    text += " (" + state().last_error + ")";
  setup_.on_event(text);
}

bool GatewayActor::cleanup(ActorError&& reason, caf::execution_unit* host) {
  copy_.reset();
  transport_.reset();
  session_.reset();
  host_.reset();
  log_.reset();
  return LoopActor::cleanup(std::move(reason), host);
}

}  // namespace holdfast::venues
