#include "actors/telemetry/telemetry_actor.hpp"

#include <algorithm>

namespace holdfast::telemetry {

namespace {
// A batch that was not taken by then is given up: its subscriber hangs, and its queue is bounded.
constexpr Deadline kTaken{"telemetry batch", Duration::seconds(5)};

std::size_t points_of(const TelemetrySetup& setup) {
  return static_cast<std::size_t>(std::max<int64_t>(1, setup.retention.ns / setup.interval.ns));
}
}  // namespace

TelemetryActor::TelemetryActor(ActorConfig& config, TelemetrySetup setup)
    : LoopActor(config),
      setup_(std::move(setup)),
      hot_sources_(std::make_shared<std::vector<TelemetrySource>>(setup_.hot_sources)),
      series_(points_of(setup_)),
      intake_(series_, setup_.known_member),
      readings_(setup_.self),
      hot_(std::make_shared<HotReadings>(setup_.self)) {
  CHECK(setup_.interval.ns > 0);
  CHECK(setup_.wall && setup_.known_member);
}
TelemetryActor::~TelemetryActor() = default;

Behavior TelemetryActor::make_behavior() {
  set_down_handler([this](const DownMessage& down) { forget(down.source); });
  if (setup_.exporter)
    for (uint8_t domain = 1; domain <= kDomains; ++domain) {
      Subscription wanted;
      wanted.domain = static_cast<Domain>(domain);
      auto id = bus_.subscribe(wanted);
      CHECK(id.ok());
      exported_.push_back(id.value());
    }
  due_ = now() + setup_.interval;
  at(due_, [this] { tick(); });
  return {
      [this](const SubscribeSamples& wanted) { return subscribe(wanted.subscription); },
      [this](const UnsubscribeSamples& unwanted) {
        const SubscriberKey key{caf::actor_cast<ActorAddress>(current_sender()), unwanted.domain};
        const auto at = subscribers_.find(key);
        if (at == subscribers_.end()) return;
        bus_.unsubscribe(at->second.id);
        subscribers_.erase(at);
      },
      [this](const PublishSamples& more) {
        auto samples = more.samples;
        for (Sample& sample : samples) {
          if (sample.at.ns == 0) sample.at = setup_.wall();
          if (!sample.member) sample.member = setup_.self;
        }
        publish(samples);
      },
      [this](const OutsideSamples& outside) { return take(outside); },
      [this](const HotRead& read) { hot_read(read); },
      [this](const TelemetryQuery& query) { return view(query); },
  };
}

// ---- readings

void TelemetryActor::tick() {
  const MonoTime begun = now();
  const Duration cpu = setup_.thread_cpu ? setup_.thread_cpu() : Duration{};
  ++counts_.intervals;
  late_ = begun - due_;
  due_ = due_ + setup_.interval;
  if (due_ <= begun) {  // behind by a whole interval or more: those are gone
    ++counts_.intervals_late;
    due_ = begun + setup_.interval;
  }
  at(due_, [this] { tick(); });
  readings_.begin(setup_.wall(), begun);
  for (const auto& source : setup_.sources) source(readings_);
  ask_hot_loop(begun);
  publish(readings_.samples());
  deliver();
  export_all();
  if (!setup_.thread_cpu) return;
  const auto took = static_cast<uint64_t>((setup_.thread_cpu() - cpu).ns);
  counts_.busy_ns += took;
  counts_.busy_ns_max = std::max(counts_.busy_ns_max, took);
}

void TelemetryActor::ask_hot_loop(MonoTime begun) {
  if (!setup_.hot_loop) return;
  if (!hot_) {
    // Not answered yet: that it is late is the news.
    ++counts_.loop_skipped;
    readings_.add(Metric::kHotLoopLate, (begun - hot_asked_).us());
    return;
  }
  hot_asked_ = begun;
  hot_->asked = begun;
  const WallTime wall = readings_.wall();
  setup_.hot_loop->post([hot = std::exchange(hot_, nullptr), sources = hot_sources_, wall,
                         loop = setup_.hot_loop, self = ActorHandle(this)] {
    hot->ran = loop->now();
    hot->readings.begin(wall, hot->ran);
    // Whatever a source does, the readings go back: without them there would be no more.
    struct Return {
      const ActorHandle& to;
      const std::shared_ptr<HotReadings>& what;
      ~Return() { holdfast::anon_send(to, HotRead{what}); }
    } const giving_back{self, hot};
    for (const auto& source : *sources) source(hot->readings);
  });
}

void TelemetryActor::hot_read(const HotRead& read) {
  hot_ = read.readings;
  // Between two questions the whole process may have stood still: then this loop was late as well.
  const Duration late = std::max(hot_->ran - hot_->asked, late_);
  hot_->readings.add(Metric::kHotLoopLate, std::max<int64_t>(0, late.us()));
  publish(hot_->readings.samples());
}

void TelemetryActor::publish(std::vector<Sample>& samples) {
  const MonoTime at = turn_time();
  std::erase_if(samples, [&](const Sample& sample) {
    const auto* info = find_metric(static_cast<uint16_t>(sample.metric));
    if (info && possible(*info, sample.value)) return false;
    ++counts_.impossible;
    return true;
  });
  for (const Sample& sample : samples) series_.put(sample, kThisProcess, at);
  bus_.publish(samples);
}

OutsideTaken TelemetryActor::take(const OutsideSamples& outside) {
  OutsideTaken taken;
  const MonoTime mono = now();
  const WallTime wall = setup_.wall();
  taken.refused = outside.refused;
  for (std::size_t cause = 0; cause < kRefusals; ++cause)
    if (outside.refused[cause] > 0)
      intake_.refuse(outside.source, static_cast<Refusal>(cause), outside.refused[cause], mono);
  std::vector<Sample> admitted;
  for (const Sample& sample : outside.samples) {
    if (const auto refusal = intake_.admit(outside.source, sample, wall, mono))
      ++taken.refused[static_cast<std::size_t>(*refusal)];
    else
      admitted.push_back(sample);
  }
  taken.admitted = admitted.size();
  bus_.publish(admitted);
  return taken;
}

// ---- subscribers

caf::result<SubscribedSamples> TelemetryActor::subscribe(const Subscription& subscription) {
  const auto actor = caf::actor_cast<ActorHandle>(current_sender());
  if (!actor) return error_text("a subscription without a sender: nobody to send batches to");
  const SubscriberKey key{actor.address(), subscription.domain};
  if (const auto at = subscribers_.find(key); at != subscribers_.end()) {
    bus_.unsubscribe(at->second.id);
    subscribers_.erase(at);
  }
  auto id = bus_.subscribe(subscription);
  if (!id) return error_text(id.error().text);
  monitor_exit(this, actor);
  subscribers_[key] = {actor, id.value(), 0};
  return SubscribedSamples{subscription.domain, setup_.interval};
}

void TelemetryActor::forget(const ActorAddress& address) {
  std::erase_if(subscribers_, [&](const auto& entry) {
    if (entry.first.first != address) return false;
    bus_.unsubscribe(entry.second.id);
    return true;
  });
}

void TelemetryActor::deliver() {
  for (auto& [key, subscriber] : subscribers_) deliver_to(key, subscriber);
}

void TelemetryActor::export_all() {
  for (const SubscriberId id : exported_) {
    auto batch = std::make_shared<SampleBatch>();
    if (bus_.take(id, *batch)) setup_.exporter(std::move(batch));
  }
}

void TelemetryActor::deliver_to(const SubscriberKey& key, Subscriber& subscriber) {
  while (subscriber.in_flight < kBatchesInFlight) {
    auto batch = std::make_shared<SampleBatch>();
    if (!bus_.take(subscriber.id, *batch)) return;
    ++subscriber.in_flight;
    // The id tells a later subscription of the same actor apart.
    const auto taken = [this, key, id = subscriber.id] {
      const auto at = subscribers_.find(key);
      if (at != subscribers_.end() && at->second.id == id && at->second.in_flight > 0)
        --at->second.in_flight;
    };
    request_within(this, subscriber.actor, kTaken, SharedBatch(std::move(batch)))
        .then([taken] { taken(); }, [taken](const ActorError&) { taken(); });
  }
}

// ---- what is known

TelemetryCounts TelemetryActor::counts() const {
  TelemetryCounts counts = counts_;
  counts.published = bus_.stats().published;
  counts.delivered = bus_.stats().delivered;
  counts.unheard = bus_.stats().unheard;
  counts.lost = bus_.stats().lost;
  counts.admitted = intake_.stats().admitted;
  counts.refused = intake_.stats().refused;
  counts.series = series_.size();
  counts.subscribers = bus_.subscribers();
  counts.sources = intake_.sources();
  if (setup_.exporter_counts) setup_.exporter_counts(counts);
  return counts;
}

SharedView TelemetryActor::view(const TelemetryQuery& query) const {
  auto view = std::make_shared<TelemetryView>();
  view->member = setup_.self;
  view->now = setup_.wall();
  view->interval = setup_.interval;
  view->counts = counts();
  for (const Series* series : series_.list(query.domain, query.metric)) {
    SeriesView& one = view->series.emplace_back();
    one.last = series->name();
    one.last.at = series->last().at;
    one.last.value = series->last().value;
    one.last.trials = series->last().trials;
    one.count = series->count();
    one.outside = series->owner() != kThisProcess;
    if (query.points == 0) continue;
    for (const Point& point : series->points(query.points))
      one.points.push_back({point.at, point.value});
  }
  return view;
}

std::string TelemetryActor::detail() const {
  return std::to_string(series_.size()) + " series, " + std::to_string(bus_.subscribers()) +
         " subscribers, " + std::to_string(intake_.stats().refused_total()) + " refused";
}

bool TelemetryActor::cleanup(ActorError&& reason, caf::execution_unit* host) {
  subscribers_.clear();
  return LoopActor::cleanup(std::move(reason), host);
}

}  // namespace holdfast::telemetry
