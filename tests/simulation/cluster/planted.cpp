#include "tests/simulation/cluster/planted.hpp"

#include "actors/venues/session_plan.hpp"

namespace holdfast::cluster_simulation {

using namespace replication;

namespace {

using namespace venues;

/// At the Logon, whatever was not answered yet is reported as not sent: nobody is asked.
void skip_barrier(const GatewayState& state, std::vector<GatewayEvent>& events) {
  for (const auto& [number, message] : state.sent) {
    if (message.kind != SentKind::kNew) continue;
    const auto order = state.orders.find(message.order);
    const Wire* wire = order == state.orders.end() ? nullptr : order->second.find(message.wire);
    if (!wire || wire->state != WireState::kSent) continue;
    event::MessageTaken taken;
    taken.unknown_order = true;
    taken.report.emplace();
    taken.report->wire = message.wire;
    events.push_back(taken);
  }
  events.push_back(event::PhaseChanged{SessionPhase::kReconciling, {}, false, false});
}

}  // namespace

void spoil(const GatewayState& state, const GatewayCommand& command,
           std::vector<GatewayEvent>& events) {
  if (planted.bug == Bug::kCursorNotJournaled) {
    for (GatewayEvent& event : events)
      if (auto* taken = std::get_if<event::RequestsTaken>(&event)) {
        const auto inbox = state.inboxes.find(taken->from);
        taken->cursor = inbox == state.inboxes.end() ? OutboxSeq{} : inbox->second.cursor;
      }
  } else if (planted.bug == Bug::kBarrierSkipped) {
    if (std::holds_alternative<command::LogonComplete>(command) && !events.empty())
      skip_barrier(state, events);
  }
}

namespace {

/// Releases what is appended; or applies nothing of the tail on promotion.
class PlantedLog final : public Log, private LogClient {
 public:
  PlantedLog(std::unique_ptr<Log> log, std::function<void(std::function<void()>)> defer)
      : log_(std::move(log)), defer_(std::move(defer)), alive_(std::make_shared<bool>(true)) {}

  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return log_->latest_snapshot();
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    planted.promoting = promoting_;
    auto read = log_->read(from, visit);
    planted.promoting = false;
    return read;
  }
  Index known_committed() const override { return log_->known_committed(); }
  Result<> join(LogClient& client, Index applied, Epoch seen) override {
    client_ = &client;
    return log_->join(*this, applied, seen);
  }
  void append(Index index, ByteView entry) override {
    log_->append(index, entry);
    if (planted.bug != Bug::kReleaseBeforeCommit) return;
    defer_([this, index, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) committed_(index);
    });
  }
  void on_committed(std::function<void(Index)> callback) override {
    committed_ = callback;
    log_->on_committed(std::move(callback));
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    log_->on_failed(std::move(callback));
  }
  void diverged(const std::string& why) override { log_->diverged(why); }
  void keep(std::shared_ptr<void> state) override { log_->keep(std::move(state)); }
  std::shared_ptr<void> kept() override { return log_->kept(); }
  bool replaced() override { return log_->replaced(); }
  Durability durability() const override { return log_->durability(); }
  Result<Epoch> raise_epoch(Epoch seen) override { return log_->raise_epoch(seen); }

 private:
  void follow(Index index, ByteView entry) override { client_->follow(index, entry); }
  void lead(Epoch epoch) override {
    promoting_ = true;
    client_->lead(epoch);
    promoting_ = false;
  }
  void deposed(const std::string& why) override { client_->deposed(why); }
  void park(bool parked) override { client_->park(parked); }
  void format(uint16_t format) override { client_->format(format); }

  std::unique_ptr<Log> log_;
  std::function<void(std::function<void()>)> defer_;
  std::shared_ptr<bool> alive_;
  LogClient* client_ = nullptr;
  std::function<void(Index)> committed_;
  bool promoting_ = false;
};

}  // namespace

std::unique_ptr<Log> planted_log(std::unique_ptr<Log> log,
                                 std::function<void(std::function<void()>)> defer) {
  if (planted.bug != Bug::kReleaseBeforeCommit && planted.bug != Bug::kPromotionWithoutTail)
    return log;
  return std::make_unique<PlantedLog>(std::move(log), std::move(defer));
}

}  // namespace holdfast::cluster_simulation
