#include "nodes/node/api/telemetry_http.hpp"

#include <charconv>
#include <numeric>

#include "actors/telemetry/otlp/otlp_http.hpp"
#include "messages/telemetry/samples_capnp.hpp"
#include "nodes/node/api/endpoints_http.hpp"

namespace holdfast::operator_api {

using telemetry::OutsideSamples;
using telemetry::OutsideTaken;
using telemetry::Refusal;
using telemetry::RefusalCounts;
using telemetry::TelemetryQuery;

namespace {

constexpr uint32_t kPointsMax = 36'000;

std::string names_of_domains() {
  std::string names;
  for (uint8_t d = 1; d <= telemetry::kDomains; ++d)
    names += " " + std::string(to_text(static_cast<telemetry::Domain>(d)));
  return names;
}

/// kInvalid says what is wrong with which parameter.
Result<TelemetryQuery> query_of(const Request& request) {
  TelemetryQuery query;
  for (const auto& [name, value] : request.query) {
    if (value.empty()) continue;
    if (name == "domain") {
      for (uint8_t d = 1; d <= telemetry::kDomains; ++d)
        if (to_text(static_cast<telemetry::Domain>(d)) == value)
          query.domain = static_cast<telemetry::Domain>(d);
      if (!query.domain)
        return Error{ErrorCode::kInvalid,
                     "domain: there is no domain " + value + "; known are:" + names_of_domains()};
    } else if (name == "metric") {
      const auto* info = telemetry::find_metric(std::string_view(value));
      if (!info)
        return Error{ErrorCode::kInvalid, "metric: there is no metric " + value +
                                              "; GET /v1/telemetry shows those that are measured"};
      query.metric = info->metric;
    } else if (name == "points") {
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), query.points);
      if (error != std::errc{} || end != value.data() + value.size() || query.points > kPointsMax)
        return Error{ErrorCode::kInvalid,
                     "points: expected a number from 0 to " + std::to_string(kPointsMax)};
    } else {
      return Error{ErrorCode::kInvalid,
                   "unknown parameter " + name + "; known are: domain metric points"};
    }
  }
  if (query.points > 0 && !query.domain && !query.metric)
    return Error{ErrorCode::kInvalid, "points: name a domain or a metric too"};
  return query;
}

Json refused_json(const RefusalCounts& refused) {
  Json json = Json::object();
  for (std::size_t cause = 0; cause < telemetry::kRefusals; ++cause)
    json[std::string(telemetry::to_text(static_cast<Refusal>(cause)))] = refused[cause];
  return json;
}

Json counts_json(const telemetry::TelemetryCounts& c) {
  return {{"intervals", c.intervals},
          {"intervals_late", c.intervals_late},
          {"busy_us", c.busy_ns / 1'000},
          {"busy_us_max", c.busy_ns_max / 1'000},
          {"busy_us_mean", c.intervals ? c.busy_ns / c.intervals / 1'000 : 0},
          {"loop_skipped", c.loop_skipped},
          {"published", c.published},
          {"delivered", c.delivered},
          {"unheard", c.unheard},
          {"lost", c.lost},
          {"impossible", c.impossible},
          {"admitted", c.admitted},
          {"refused", refused_json(c.refused)},
          {"series", c.series},
          {"subscribers", c.subscribers},
          {"sources", c.sources},
          {"exported", c.exported},
          {"export_lost", c.export_lost},
          {"export_failures", c.export_failures},
          {"export_retries", c.export_retries}};
}

Json series_json(const telemetry::SeriesView& series) {
  const auto& info = telemetry::info_of(series.last.metric);
  const auto or_null = [](auto id) { return id ? Json(id.value) : Json(nullptr); };
  Json json = {
      {"metric", info.name},
      {"domain", to_text(info.domain)},
      {"unit", info.unit},
      {"member", or_null(series.last.member)},
      {"group", or_null(series.last.group)},
      {"instance", series.last.instance.empty() ? Json(nullptr) : Json(series.last.instance.str())},
      {"time", time_json(series.last.at)},
      {"value", series.last.value},
      {"trials", series.last.trials},
      {"samples", series.count},
      {"outside", series.outside}};
  if (series.points.empty()) return json;
  auto points = Json::array();
  for (const auto& point : series.points) points.push_back({point.at.ns, point.value});
  json["points"] = std::move(points);
  return json;
}

/// Decodes a body by `decode` and hands it in.
template <typename Decode>
Handler intake(OperatorBackend& backend, Decode decode) {
  return [&backend, decode](const Request& request, const Reply& reply) {
    OutsideSamples samples;
    samples.source = request.who->name;
    if (auto decoded = decode(request.body, samples); !decoded)
      return reply([error = decoded.error()] { return error_response(error); });
    backend.take_samples({*request.who, "", request.within}, std::move(samples),
                         [reply](Result<OutsideTaken> taken) {
                           reply([taken = std::move(taken)] {
                             return taken.ok() ? response_to(taken.value())
                                               : error_response(taken.error());
                           });
                         });
  };
}

}  // namespace

Json to_json(const telemetry::TelemetryView& view) {
  auto series = Json::array();
  for (const auto& one : view.series) series.push_back(series_json(one));
  return {{"member", view.member ? Json(view.member.value) : Json(nullptr)},
          {"now", time_json(view.now)},
          {"interval_ms", view.interval.ms()},
          {"counts", counts_json(view.counts)},
          {"series", std::move(series)}};
}

Response response_to(const OutsideTaken& taken) {
  const uint64_t refused = std::accumulate(taken.refused.begin(), taken.refused.end(), uint64_t{0});
  if (refused == 0) return json_response(Json::object());
  if (taken.admitted == 0 && taken.refused[static_cast<std::size_t>(Refusal::kFlooding)] == refused)
    return error_response(429, "full", "this source sends more samples than it may",
                          "send fewer, or less often");
  std::string why;
  for (std::size_t cause = 0; cause < telemetry::kRefusals; ++cause)
    if (taken.refused[cause] > 0)
      why += (why.empty() ? "" : ", ") +
             std::string(telemetry::to_text(static_cast<Refusal>(cause))) + " " +
             std::to_string(taken.refused[cause]);
  return json_response(
      {{"partialSuccess",
        {{"rejectedDataPoints", std::to_string(refused)}, {"errorMessage", why}}}});
}

void add_telemetry(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/telemetry", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "what the node measures: ?domain= &metric= &points= of each series",
              [&backend](const Request& request, const Reply& reply) {
                auto query = query_of(request);
                if (!query) return reply([error = query.error()] { return error_response(error); });
                backend.telemetry({request.who.value_or(Identity{}), "", request.within},
                                  query.value(), [reply](Result<telemetry::SharedView> view) {
                                    reply([view = std::move(view)] {
                                      return view.ok() ? json_response(to_json(*view.value()))
                                                       : error_response(view.error());
                                    });
                                  });
              }});
  router.add({"POST", "/v1/metrics", Role::kOperator, Effect::kNone, Duration::seconds(5),
              "samples from outside, OTLP/HTTP JSON",
              intake(backend,
                     [&backend](const std::string& body, OutsideSamples& out) {
                       return telemetry::decode_otlp(
                           body,
                           [&backend](std::string_view name) { return backend.member_named(name); },
                           out);
                     }),
              limits::kTelemetryBodyBytesMax});
  router.add(
      {"POST", "/v1/telemetry", Role::kOperator, Effect::kNone, Duration::seconds(5),
       "samples from outside, one SampleBatch of telemetry.capnp",
       intake(backend, [](const std::string& body,
                          OutsideSamples& out) { return telemetry::decode_outside(body, out); }),
       limits::kTelemetryBodyBytesMax});
}

}  // namespace holdfast::operator_api
