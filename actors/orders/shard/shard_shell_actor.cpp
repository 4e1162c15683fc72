#include "actors/orders/shard/shard_shell_actor.hpp"

namespace holdfast::orders {

ActorHandle spawn_shard(caf::actor_system& system, EventLoop& loop, const ShardSetup& setup) {
  return caf::actor_cast<ActorHandle>(spawn_on<ShardShell>(system, loop, setup));
}

// ---- life

ShardShell::ShardShell(ActorConfig& config, ShardSetup setup)
    : LoopActor(config), setup_(std::move(setup)) {
  CHECK(setup_.make_log != nullptr);
  CHECK(setup_.wall != nullptr);
  CHECK(setup_.find_risk != nullptr && setup_.find_routing != nullptr);
  CHECK(setup_.find_gateway != nullptr);
  CHECK(setup_.memory != nullptr);
}

ShardShell::~ShardShell() = default;

Behavior ShardShell::make_behavior() {
  set_down_handler([this](DownMessage& down) { went_down(down.source); });
  if (setup_.memory->blame())
    event("input_quarantined",
          "an input made the shard fail twice: it is refused from now on, look at the journal and "
          "the log, then forgive it",
          true);
  if (const auto started = start(); !started) {
    start_error_ = started.error();
    give_up();
    return {};
  }
  return {
      [this](const OrderRequestBatch& batch) { take(batch); },
      [this](const risk::RiskVerdicts& verdicts) { heard(verdicts); },
      [this](const risk::RiskNotReady& answer) { heard(answer); },
      [this](const routing::Routes& routes) { heard(routes); },
      [this](const routing::RoutingNotReady& answer) { heard(answer); },
      [this](const VenueReportDelivery& delivery) { take(delivery); },
      [this](const GroupLeads& leads) { take(leads); },
      [this](const VenueStatus& status) { take(status); },
      [this](const SubscribeReports& request) { subscribe(request); },
      [this](const UnsubscribeReports& r) { unsubscribe(r.session, r.account); },
      [this](const OrderQuery& query) { return ask(query); },
      [this](const OrdersQuery& query) { return ask(query); },
      [this](const OrderHistoryQuery& query) { return ask(query); },
      [this](const ShardQuery& query) { return ask(query); },
      [this](const ShardRiskQuery& query) { return ask(query); },
      [this](const LeafQuery& query) {
        OrdersQuery rows;
        rows.after = state().book.id_of(
            static_cast<Ref>(std::min<uint64_t>(query.offset, state().book.orders())));
        if (query.offset == 0) rows.after = {};
        rows.limit = static_cast<uint32_t>(std::min<uint64_t>(query.limit, kOrdersPageMax));
        Asker asker;
        asker.leaf = true;
        return ask(rows, std::move(asker));
      },
      [this](const SetKill& kill) { return command(kill); },
      [this](const CancelOpenOrders& all) { return command(all); },
      [this](const LoadRisk& load) { return command(load); },
      [this](const LoadReference& load) {
        return command(LoadReferenceData{load.ticket, setup_.shard, load.version, load.data});
      },
      [this](const SetReferencePrice& set) {
        return command(ChangeRisk{
            set.ticket, risk::ReferencePriceSet{set.symbol, risk::ReferenceSource::kPreviousClose,
                                                set.price, wall()}});
      },
      [this](const ForgivePoison& forgive) {
        setup_.memory->forgive();
        event("quarantine_ended", "by an operator");
        ShardCommandDone done;
        done.ticket = forgive.ticket;
        done.group = setup_.group;
        done.ok = true;
        return done;
      },
      [this](const PauseOrders& pause) { paused_ = pause.paused; },
  };
}

Result<> ShardShell::start() {
  auto log = setup_.make_log();
  if (!log) return log.error();
  log_ = std::move(log).value();
  Host::Hooks hooks;
  hooks.wall = setup_.wall;
  hooks.defer = [this](std::function<void()> turn_end) { defer(std::move(turn_end)); };
  hooks.release = [this](Effect&& effect) { release(std::move(effect)); };
  hooks.failed = [this](const Error& error) {
    failed_ = true;
    event("journal_failed", error.text + "; the shard serves no more until it is restarted", true);
  };
  hooks.led = [this] { waiting_to_lead_ ? post([this] { begin(); }) : begin(); };
  hooks.deposed = [this](const std::string& why) {
    failed_ = true;
    post([this, why] {
      event("deposed", why);
      quit(error_text("deposed: " + why));
    });
  };
  hooks.parked = [this](bool parked) {
    event(parked ? "parked" : "unparked", "for a hand-over");
    if (!parked) post([this] { kick(); });
  };
  host_ = std::make_unique<Host>(setup_.group, *log_, codec_, std::move(hooks));
  starting_ = true;
  host_->start(std::make_shared<const ShardCodec>(),
               [this](const auto& recovered) { started(recovered); });
  starting_ = false;
  // A standby gets no further until it is told to lead; a group of one member leads within start().
  waiting_to_lead_ = !begun_;
  if (start_error_) return *start_error_;
  return success();
}

void ShardShell::started(const Result<replication::Recovered>& recovered) {
  if (!recovered) {
    start_error_ = recovered.error();
    if (!starting_) post([this] { give_up(); });
  } else if (!host_->replica().leading()) {
    event("follows", std::to_string(host_->replayed()) + " entries replayed, up to " +
                         std::to_string(host_->replica().appended().value));
  }
}

void ShardShell::give_up() {
  const Error& error = *start_error_;
  event("start_failed", error.text, true);
  quit(error.code == ErrorCode::kCorrupt ? error_poison(error.text) : error_text(error.text));
}

void ShardShell::begin() {
  if (!host_ || host_->failed()) return;  // deposed before its turn came
  if (state().reference) venues_.load(*state().reference);
  venues_.set_grace(setup_.venue_grace, wall());
  for (const VenueLink& link : state().links) {
    Peer& p = peer(link.group);
    // What may go out, and what may be said to be taken, comes with the epoch start's commit. That
    // may have been already; and what is in the log's tail before it may be lost yet.
    p.sent = link.outbox.acknowledged();
    p.released = std::max(p.released, p.sent);
  }
  begun_ = true;
  event("leads", "epoch " + std::to_string(host_->replica().epoch().value) + ", " +
                     std::to_string(host_->replayed()) + " entries replayed, " +
                     std::to_string(state().book.orders()) + " orders, " +
                     std::to_string(state().book.open()) + " open");
  load_at_start();
  find_stages();
  find_gateways();
  arm_check();
}

// What is configured is in force before the first request; a later start finds it so.
void ShardShell::load_at_start() {
  if (setup_.reference.data) {
    const auto& data = setup_.reference.data;
    if (!state().reference || !(*state().reference == *data))
      host_->submit(LoadReferenceData{0, setup_.shard, setup_.reference.version, data});
  }
  LoadRisk load = setup_.risk;
  load.ticket = 0;
  if (load.limits || load.restricted) host_->submit(load);
}

void ShardShell::event(std::string_view name, const std::string& text, bool alarm) const {
  if (setup_.on_event) setup_.on_event(name, text, alarm);
}

std::string ShardShell::detail() const {
  if (!host_) return "not started";
  return (host_->replica().leading() ? "" : "standby, ") + std::to_string(state().book.orders()) +
         " orders, " + std::to_string(state().book.open()) + " open, " +
         std::to_string(pipeline_.waiting()) + " waiting, " + std::to_string(held_back_) +
         " held back, epoch " + std::to_string(host_->replica().epoch().value);
}

uint64_t ShardShell::leaves() const { return host_ ? state().book.orders() : 0; }

bool ShardShell::cleanup(ActorError&& reason, caf::execution_unit* host) {
  // The log belongs to the next incarnation: this one lets go of it now, not when the last handle
  // to this actor is dropped.
  host_.reset();
  log_.reset();
  return LoopActor::cleanup(std::move(reason), host);
}

void ShardShell::went_down(const ActorAddress& address) {
  if (risk_ && risk_.address() == address) {
    event("risk_down", "orders wait until it is back, or their deadline");
    last_risk_ = address;
    risk_ = nullptr;
  }
  if (routing_ && routing_.address() == address) {
    event("routing_down", "orders wait until it is back, or their deadline");
    last_routing_ = address;
    routing_ = nullptr;
  }
  if (!stages()) {
    if (pipeline_.in_flight()) pipeline_.abandon();
    find_stages();
  }
  for (auto& [group, p] : peers_) {
    if (!p.handle || p.handle.address() != address) continue;
    p.last = address;
    p.handle = nullptr;
    gateway_lost(p.group);
    find_gateways();
  }
  std::erase(watched_, address);
  for (auto it = sessions_.begin(); it != sessions_.end();)
    it = it->second.address() == address ? sessions_.erase(it) : std::next(it);
  for (auto& [account, list] : subscriptions_)
    std::erase_if(list, [&](const Subscription& s) { return s.to.address() == address; });
}

void ShardShell::check() {
  refuse_expired();
  retransmit();
  for (auto& [group, p] : peers_)
    if (p.acknowledge) pump(p, true);
  tick();
  kick();
  arm_check();
}

// The next step of a kill or mass cancel.
void ShardShell::tick() {
  if (!serving()) return;
  const auto due = ShardCore::next_deadline(state());
  if (due && *due <= wall()) host_->submit(Tick{});
}

void ShardShell::arm_check() {
  bool needed = pipeline_.waiting() != 0 || !state().sweeps.empty();
  for (const VenueLink& link : state().links) needed |= !link.outbox.empty();
  for (const auto& [group, p] : peers_) needed |= p.acknowledge || awaits_word(p);
  if (!needed || check_armed_) return;
  check_armed_ = true;
  after(setup_.check, [this] {
    check_armed_ = false;
    check();
  });
}

// ---- pipeline

void ShardShell::take(const OrderRequestBatch& batch) {
  if (!batch) return;
  const ActorHandle from = asking();
  const MonoTime fallback = now() + setup_.patience;
  for (const OrderRequest& request : *batch) {
    remember(request.ticket.session, from);
    const bool adds = std::holds_alternative<NewOrder>(request.body) ||
                      std::holds_alternative<ReplaceOrder>(request.body);
    // During a hand-over, or while other members are behind, requests wait: clients are held by
    // their credits, not refused.
    const bool waits = begun_ && !failed_ && (host_->parked() || host_->full());
    if (waits) held_back_ += 1;
    if ((!serving() && !waits) || (paused_ && adds))
      refuse(from, request, Reason::kNotServing);
    else if (setup_.memory->poisonous(fingerprint(request))) {
      setup_.memory->refused += 1;
      refuse(from, request, Reason::kQuarantined);
    } else if (!pipeline_.push(request, request.deadline.ns != 0 ? request.deadline : fallback)) {
      refuse(from, request, Reason::kFull);
    }
  }
  kick();
  arm_check();
}

void ShardShell::kick() {
  while (serving() && !pipeline_.in_flight() && pipeline_.form(state(), setup_.memory.get())) {
    if (!pipeline_.batch().asks_risk) {
      decide_batch();
      continue;
    }
    if (!stages()) {
      pipeline_.abandon();
      return overtake();
    }
    return ask_risk();
  }
}

void ShardShell::ask_risk() {
  const JudgedBatch& batch = pipeline_.batch();
  asked_at_ = std::max(wall(), state().last.time);
  send(risk_, risk::RiskCheckBatch{batch.id, generation_, asked_at_, batch.questions});
}

void ShardShell::heard(const risk::RiskVerdicts& verdicts) {
  if (!pipeline_.in_flight() || pipeline_.batch().id != verdicts.batch ||
      verdicts.generation != generation_)
    return;  // of a batch that was given up
  pipeline_.judged(*verdicts.decisions);
  if (pipeline_.batch().routes->empty()) {
    decide_batch();
    return kick();
  }
  ask_routing();
}

void ShardShell::heard(const risk::RiskNotReady& answer) {
  if (pipeline_.in_flight() && pipeline_.batch().id == answer.batch) rebuild_risk();
}

void ShardShell::ask_routing() {
  refresh(venues_, state());
  for (const routing::VenueRecord& venue : venues_.venues())
    if (venue.heard)
      send(routing_,
           routing::VenueHeard{{venue.entry.name, venue.entry.group, venue.state, venue.reported},
                               asked_at_});
  send(routing_, routing::RouteBatch{pipeline_.batch().id, pipeline_.batch().routes, asked_at_});
}

void ShardShell::heard(const routing::Routes& routes) {
  if (!pipeline_.in_flight() || pipeline_.batch().id != routes.batch || !pipeline_.batch().routes)
    return;
  pipeline_.routed(*routes.decisions);
  decide_batch();
  kick();
}

void ShardShell::heard(const routing::RoutingNotReady& answer) {
  if (!pipeline_.in_flight() || pipeline_.batch().id != answer.batch) return;
  rebuild_routing();
  ask_routing();
}

void ShardShell::decide_batch() {
  for (const JudgedRequest& judged : pipeline_.batch().requests) decide(judged);
  // Ids were given out to risk before the decisions; should they differ, its copy is void.
  const bool agreed = pipeline_.batch().orders_after == state().book.orders();
  pipeline_.done();
  if (!agreed) rebuild_risk();
}

void ShardShell::decide(const JudgedRequest& judged) {
  setup_.memory->begin(fingerprint(judged.request));
  host_->submit(Admit{&judged});
  setup_.memory->end();
}

void ShardShell::refuse_expired() {
  if (!serving()) return;
  // A stage that does not answer in time: its reservations are void, and it starts over.
  const bool stuck = pipeline_.batch_expired(now());
  if (stuck) pipeline_.abandon();
  const Reason reason = stages() ? Reason::kDeadlineMissed : Reason::kRiskUnavailable;
  for (OrderRequest& request : pipeline_.take_expired(now())) {
    JudgedRequest judged;
    judged.request = std::move(request);
    judged.refusal = reason;
    decide(judged);
  }
  if (stuck) rebuild_risk();
}

void ShardShell::overtake() {
  for (OrderRequest& request : pipeline_.take_cancels(state())) {
    JudgedRequest judged;
    judged.request = std::move(request);
    decide(judged);
  }
}

void ShardShell::rebuild_risk() {
  if (pipeline_.in_flight()) pipeline_.abandon();
  generation_.value += 1;
  rebuilt_at_ = state().risk_deltas;
  deltas_.clear();
  if (!risk_) return;
  send(risk_, risk::RiskRebuild{generation_, std::make_shared<risk::RiskState>(state().risk)});
  kick();
}

void ShardShell::rebuild_routing() {
  if (routing_)
    send(routing_, routing::RoutingRebuild{std::make_shared<routing::RoutingState>(venues_)});
}

void ShardShell::find_stages() {
  const auto look = [this](ActorHandle& now_there, const ActorAddress& last,
                           const std::function<ActorHandle()>& find) {
    if (now_there) return false;
    ActorHandle found = find();
    if (!found || found.address() == last) return false;
    now_there = std::move(found);
    monitor_exit(this, now_there);
    return true;
  };
  if (look(routing_, last_routing_, setup_.find_routing)) rebuild_routing();
  if (look(risk_, last_risk_, setup_.find_risk)) rebuild_risk();
  if (stages()) return kick();
  if (std::exchange(finding_stages_, true)) return;
  after(setup_.look_up, [this] {
    finding_stages_ = false;
    find_stages();
  });
}

}  // namespace holdfast::orders
