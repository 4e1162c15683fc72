// The telemetry actor: once an interval it calls the sources, of its own loop and of the hot loop,
// publishes what they read, and sends each subscriber its batch. It lives on a control-plane loop;
// of the hot loop it asks one short function an interval, and does not wait for it. A subscriber
// that does not take its batches costs itself samples, counted, and nobody else anything. It acts
// on nothing that it measures.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "actors/telemetry/publish/bus.hpp"
#include "actors/telemetry/publish/intake.hpp"
#include "actors/telemetry/readings.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/telemetry_messages.hpp"

namespace holdfast::telemetry {

/// What a telemetry actor is made of. The same one serves for every restart.
struct TelemetrySetup {
  MemberId self;
  Duration interval = Duration::milliseconds(100);
  Duration retention = Duration::seconds(60);  // of points that are kept to be looked at
  std::function<WallTime()> wall;
  /// CPU time of this thread, for the cost that telemetry tells of itself; may be null.
  std::function<Duration()> thread_cpu;
  /// Whether a member belongs to this cluster: whose samples may come from outside.
  std::function<bool(MemberId)> known_member;
  /// Called on this actor's loop, each interval, in order.
  std::vector<TelemetrySource> sources;
  /// Called on `hot_loop`, each interval, in order; both go together.
  EventLoop* hot_loop = nullptr;
  std::vector<TelemetrySource> hot_sources;
  /// Gets every batch of every domain, on this actor's loop; must not block. May be null.
  std::function<void(SharedBatch)> exporter;
  /// What the exporter counts, added to the view; may be null.
  std::function<void(TelemetryCounts&)> exporter_counts;
  /// One line for operators; may be null.
  std::function<void(const std::string& line)> on_event;
};

/// Batches that a subscriber has been sent and has not taken; beyond it they wait in its queue.
inline constexpr std::size_t kBatchesInFlight = 4;

/// Readings of the hot loop, handed there and back: one of the two has them.
struct HotReadings {
  explicit HotReadings(MemberId member) : readings(member) {}
  Readings readings;
  MonoTime asked, ran;
};
/// From the hot loop to the telemetry actor. Never null.
struct HotRead {
  std::shared_ptr<HotReadings> readings;
};

/// Takes SubscribeSamples (answers SubscribedSamples), UnsubscribeSamples, PublishSamples,
/// OutsideSamples (answers OutsideTaken), TelemetryQuery (answers SharedView). Sends subscribers
/// SharedBatch; a batch counts as taken when its handler has returned.
class TelemetryActor final : public LoopActor {
 public:
  TelemetryActor(ActorConfig& config, TelemetrySetup setup);
  ~TelemetryActor() override;
  Behavior make_behavior() override;
  const char* name() const override { return "telemetry"; }
  std::string detail() const override;

 private:
  struct Subscriber {
    ActorHandle actor;
    SubscriberId id;
    std::size_t in_flight = 0;
  };
  /// Lets go of its subscribers, who hold this actor too.
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override;
  using SubscriberKey = std::pair<ActorAddress, Domain>;

  void tick();
  void ask_hot_loop(MonoTime now);
  void hot_read(const HotRead& read);
  void publish(std::vector<Sample>& samples);
  void deliver();
  void export_all();
  void deliver_to(const SubscriberKey& key, Subscriber& subscriber);
  caf::result<SubscribedSamples> subscribe(const Subscription& subscription);
  void forget(const ActorAddress& address);
  OutsideTaken take(const OutsideSamples& outside);
  SharedView view(const TelemetryQuery& query) const;
  TelemetryCounts counts() const;

  TelemetrySetup setup_;
  std::shared_ptr<const std::vector<TelemetrySource>> hot_sources_;
  Bus bus_;
  SeriesTable series_;
  Intake intake_;
  Readings readings_;
  std::map<SubscriberKey, Subscriber> subscribers_;
  std::vector<SubscriberId> exported_;  // one a domain
  std::shared_ptr<HotReadings> hot_;    // null while the hot loop has it
  MonoTime hot_asked_, due_;
  Duration late_;  // this loop's own last wake-up
  TelemetryCounts counts_;
};

}  // namespace holdfast::telemetry

HOLDFAST_LOCAL_MESSAGE(holdfast::telemetry::HotRead)
