#include "nodes/node/telemetry/telemetry_part_actor.hpp"

#include <time.h>

#include "actors/telemetry/collect/system_linux.hpp"
#include "nodes/node/process_linux.hpp"
#include "nodes/node/telemetry/node_sources_linux.hpp"
#include "nodes/node/telemetry/trading_probe_actor.hpp"

namespace holdfast::node {

using telemetry::TelemetrySource;

namespace {

Duration thread_cpu() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return {t.tv_sec * 1'000'000'000 + t.tv_nsec};
}

template <typename Answer, typename Question>
void ask(PoolActor& self, const RefRegistry& registry, Duration within, Question question,
         const std::function<void(Result<Answer>)>& done) {
  const auto actor = registry.find(kTelemetryPath);
  if (!actor)
    return done(Error{ErrorCode::kUnavailable,
                      "telemetry is not running: [telemetry] in node.toml turns it on"});
  request_within(&self, actor, {"telemetry question", within}, std::move(question))
      .then([done](const Answer& answer) { done(answer); },
            [done](const ActorError& error) {
              done(Error{ErrorCode::kUnavailable, describe(error)});
            });
}

}  // namespace

TelemetryPart::TelemetryPart(const settings::Settings& settings, HotLoop& hot_loop,
                             std::shared_ptr<RefRegistry> registry,
                             std::function<ActorHandle()> root,
                             std::shared_ptr<TradingState> trading)
    : settings_(settings),
      hot_loop_(hot_loop),
      registry_(std::move(registry)),
      root_(std::move(root)),
      trading_(std::move(trading)),
      loop_(HotLoopSettings{.heartbeat = Duration::seconds(1)}) {
  if (settings_.cluster)
    if (const auto* self = settings_.cluster->find(settings_.node.name)) self_ = self->id;
  add_hot(loop_source(hot_loop_));
  const auto& wanted = settings_.node.telemetry;
  if (wanted.enabled && !wanted.otlp_endpoint.empty()) {
    telemetry::OtlpSettings otlp;
    otlp.endpoint = wanted.otlp_endpoint;
    otlp.every = wanted.otlp_every;
    otlp.resource = {settings_.node.name, HOLDFAST_VERSION};
    exporter_ = std::make_unique<telemetry::OtlpExporter>(std::move(otlp), say);
    add(exporter_->source());
  }
  thread_ = std::thread([this] { loop_.run(); });
}

TelemetryPart::~TelemetryPart() { close(); }

void TelemetryPart::add(TelemetrySource source) { sources_.push_back(std::move(source)); }
void TelemetryPart::add_hot(TelemetrySource source) { hot_sources_.push_back(std::move(source)); }

telemetry::TelemetrySetup TelemetryPart::setup() const {
  const auto& wanted = settings_.node.telemetry;
  telemetry::TelemetrySetup setup;
  setup.self = self_;
  setup.interval = wanted.interval;
  setup.retention = wanted.retention;
  setup.wall = wall_now;
  setup.thread_cpu = thread_cpu;
  setup.known_member = [cluster = settings_.cluster](MemberId member) {
    return cluster && cluster->find(member) != nullptr;
  };
  telemetry::SystemPaths paths;
  paths.journal = settings_.node.journal_directory();
  setup.sources.push_back(telemetry::system_source(std::move(paths), say));
  setup.sources.insert(setup.sources.end(), sources_.begin(), sources_.end());
  setup.hot_loop = &hot_loop_;
  setup.hot_sources = hot_sources_;
  if (exporter_) {
    setup.exporter = [exporter = exporter_.get()](telemetry::SharedBatch batch) {
      exporter->offer(std::move(batch));
    };
    setup.exporter_counts = [exporter = exporter_.get()](telemetry::TelemetryCounts& counts) {
      exporter->add_counts(counts);
    };
  }
  return setup;
}

std::vector<ChildDefinition> TelemetryPart::children() {
  if (!settings_.node.telemetry.enabled) return {};
  std::vector<ChildDefinition> children;
  children.push_back({{.id = "telemetry"}, [this](const ChildContext& context) -> ActorHandle {
                        return spawn_on<telemetry::TelemetryActor>(context.system, loop_, setup());
                      }});
  TradingProbeSetup probe;
  probe.settings = &settings_;
  probe.self = self_;
  probe.interval = settings_.node.telemetry.interval;
  probe.registry = registry_;
  probe.root = root_;
  probe.trading = trading_;
  children.push_back(
      {{.id = "trading-probe"}, [this, probe](const ChildContext& context) -> ActorHandle {
         return spawn_on<TradingProbeActor>(context.system, loop_, probe);
       }});
  return children;
}

void TelemetryPart::close() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  loop_.close();
  exporter_.reset();
}

void ask_telemetry(PoolActor& self, const RefRegistry& registry, Duration within,
                   const telemetry::TelemetryQuery& query,
                   const std::function<void(Result<telemetry::SharedView>)>& done) {
  ask<telemetry::SharedView>(self, registry, within, query, done);
}

void hand_in_samples(PoolActor& self, const RefRegistry& registry, Duration within,
                     telemetry::OutsideSamples samples,
                     const std::function<void(Result<telemetry::OutsideTaken>)>& done) {
  ask<telemetry::OutsideTaken>(self, registry, within, std::move(samples), done);
}

}  // namespace holdfast::node
