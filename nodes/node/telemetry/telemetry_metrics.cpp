#include "nodes/node/telemetry/telemetry_metrics.hpp"

namespace holdfast::node {

void add_telemetry(operator_api::MetricsText& text, const telemetry::TelemetryView& view) {
  const auto& c = view.counts;
  const auto counter = [&](const char* name, const char* help, uint64_t value) {
    text.counter(std::string("holdfast_telemetry_") + name + "_total", help, value);
  };
  const auto gauge = [&](const char* name, const char* help, uint64_t value) {
    text.gauge(std::string("holdfast_telemetry_") + name, help, static_cast<int64_t>(value));
  };
  counter("intervals", "Readings taken.", c.intervals);
  counter("intervals_late", "Readings begun more than an interval late.", c.intervals_late);
  counter("busy_microseconds", "CPU time that readings took.", c.busy_ns / 1'000);
  gauge("busy_max_microseconds", "CPU time of the costliest reading.", c.busy_ns_max / 1'000);
  counter("loop_skipped", "Intervals for which the hot loop had not answered.", c.loop_skipped);
  counter("published", "Samples published.", c.published);
  counter("lost", "Samples dropped because a subscriber was slow.", c.lost);
  counter("impossible", "Own samples with a value that their metric can't have.", c.impossible);
  counter("admitted", "Samples taken from outside.", c.admitted);
  for (std::size_t cause = 0; cause < telemetry::kRefusals; ++cause)
    text.counter("holdfast_telemetry_refused_total", "Samples from outside refused, by cause.",
                 c.refused[cause],
                 {{"cause", telemetry::to_text(static_cast<telemetry::Refusal>(cause))}});
  gauge("series_count", "Series known.", c.series);
  gauge("subscribers_count", "Subscribers of the bus.", c.subscribers);
  gauge("sources_count", "Outside sources known.", c.sources);
  counter("exported", "Samples sent by OTLP.", c.exported);
  counter("export_lost", "Samples that the OTLP endpoint did not take in time.", c.export_lost);
  counter("export_failures", "OTLP requests that failed for good.", c.export_failures);
  counter("export_retries", "OTLP requests tried again.", c.export_retries);
  for (const auto& series : view.series) {
    const auto& info = telemetry::info_of(series.last.metric);
    const std::string member = std::to_string(series.last.member.value);
    const std::string group = std::to_string(series.last.group.value);
    operator_api::MetricLabels labels{
        {"metric", info.name}, {"unit", info.unit}, {"domain", telemetry::to_text(info.domain)}};
    if (series.last.member) labels.push_back({"member", member});
    if (series.last.group) labels.push_back({"group", group});
    if (!series.last.instance.empty()) labels.push_back({"instance", series.last.instance.view()});
    text.gauge("holdfast_telemetry_value", "The last sample of a series, in its unit.",
               series.last.value, labels);
  }
}

}  // namespace holdfast::node
