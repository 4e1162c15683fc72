#include "nodes/drill/evaluate/report.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "actors/agents/domains/domain_agent.hpp"

namespace holdfast::drill::evaluate {

namespace {

using Json = nlohmann::ordered_json;

Json ms_of(const std::optional<Duration>& span) {
  return span ? Json(static_cast<double>(span->ns) / 1e6) : Json(nullptr);
}
Json spread_of(const std::vector<Duration>& values) {
  return {{"p50", ms_of(quantile(values, 0.5))},
          {"p99", ms_of(quantile(values, 0.99))},
          {"max", ms_of(quantile(values, 1))},
          {"count", values.size()}};
}
Json share_of(uint64_t part, uint64_t whole) {
  return whole ? Json(static_cast<double>(part) / static_cast<double>(whole)) : Json(nullptr);
}
Json ratio_of(const std::optional<double>& ratio) { return ratio ? Json(*ratio) : Json(nullptr); }

Json words_of(const std::vector<FaultClass>& faults) {
  Json list = Json::array();
  for (const FaultClass fault : faults) list.push_back(to_text(fault));
  return list;
}

Json case_of(const Trial& trial, const TrialScore& score) {
  Json one = {{"case", trial.what.name},
              {"kind", trial.what.is_control() ? "control" : "fault"},
              {"domain", telemetry::to_text(trial.what.domain)},
              {"means", to_text(trial.what.means)}};
  if (!trial.skipped.empty()) {
    one["skipped"] = trial.skipped;
    return one;
  }
  if (!trial.what.is_control()) {
    one["expected"] = words_of(trial.what.expect);
    one["expected_at"] = trial.members;
    one["found"] = score.found ? Json(to_text(score.as)) : Json(nullptr);
    one["sudden"] = trial.what.sudden;
  }
  one["detection_ms"] = ms_of(score.detection);
  one["remediation_ms"] = ms_of(score.remediation);
  one["unexpected"] = words_of(score.unexpected);
  one["incident"] = score.incident ? Json(score.incident) : Json(nullptr);
  one["cause"] = score.incident ? Json(to_text(score.cause)) : Json(nullptr);
  one["actions"] = score.actions;
  one["remedies"] = {{"begun", score.remedies},
                     {"succeeded", score.succeeded},
                     {"rolled_back", score.rolled_back},
                     {"unfit", score.unfit}};
  one["came_to_rest"] = trial.rested.ns != 0;
  return one;
}

// Never passes by default: a clock whose state nobody knows is none that is synchronised.
Json clocks_of(const std::vector<ClockWord>& clocks, const Traces& traces) {
  bool all = !clocks.empty() && traces.records > 0 && traces.unbounded == 0;
  Json members = Json::array();
  for (const ClockWord& clock : clocks) {
    all = all && clock.synchronised && clock.bound;
    members.push_back({{"member", clock.member},
                       {"synchronised", clock.synchronised},
                       {"bound_us", clock.bound ? Json(clock.bound->us()) : Json(nullptr)}});
  }
  Json records = Json::object();
  uint64_t disciplined = 0;
  for (uint8_t i = 0; i < audit::kClockSources; ++i) {
    const auto source = static_cast<audit::ClockSource>(i);
    const bool good = source == audit::ClockSource::kNtp || source == audit::ClockSource::kPtp;
    records[std::string(to_text(source))] = traces.clocks.at(i);
    disciplined += good ? traces.clocks.at(i) : 0;
  }
  all = all && disciplined == traces.records;
  return {{"state", all ? "synchronised" : "unsynchronised"},
          {"share_synchronised", share_of(disciplined, traces.records)},
          {"bound_us_max",
           traces.unbounded == 0 && traces.records > 0 ? Json(traces.bound_us_max) : Json(nullptr)},
          {"records", records},
          {"members", members}};
}

Json tally_of(const Tally& tally) {
  return {{"found", tally.found}, {"missed", tally.missed}, {"false_alarms", tally.false_alarms}};
}
Json list_of_ms(const std::vector<Duration>& values) {
  Json list = Json::array();
  for (const Duration value : values) list.push_back(ms_of(value));
  return list;
}

// What several reports are added up from.
Json totals_of(const Evaluation& evaluation) {
  const Score& score = evaluation.score;
  Json domains = Json::object();
  for (const auto& [domain, tally] : score.by_domain)
    domains[std::string(telemetry::to_text(domain))] = tally_of(tally);
  return {{"cases", tally_of(score.all)},
          {"domains", domains},
          {"detections_ms", list_of_ms(score.detections)},
          {"sudden_detections_ms", list_of_ms(score.sudden_detections)},
          {"remediations_ms", list_of_ms(score.remediations)},
          {"remedies", score.remedies},
          {"remedies_succeeded", score.remedies_succeeded},
          {"rolled_back", score.rolled_back},
          {"unfit_actions", score.unfit_actions},
          {"diagnosed", score.diagnosed},
          {"outside_actions", score.outside_actions},
          {"chains", evaluation.traces.incidents + evaluation.traces.remedies},
          {"chains_whole", evaluation.traces.incidents_whole + evaluation.traces.remedies_whole},
          {"steps", evaluation.traces.steps},
          {"steps_allowed", evaluation.traces.steps_allowed},
          {"audit_records", evaluation.traces.records},
          {"audits", evaluation.audits},
          {"audits_verified", evaluation.audits_verified},
          {"clusters", evaluation.clusters}};
}

Json microseconds_of(const std::vector<Duration>& values) {
  const auto us = [&values](double share) {
    const auto value = quantile(values, share);
    return value ? Json(value->us()) : Json(nullptr);
  };
  return {{"p50", us(0.5)}, {"p99", us(0.99)}, {"max", us(1)}, {"count", values.size()}};
}

void print_value(std::ostream& out, const Json& value) {
  if (value.is_null())
    out << "-";
  else if (value.is_number_float())
    out << std::fixed << std::setprecision(value.get<double>() > 100 ? 0 : 3)
        << value.get<double>();
  else if (value.is_string())
    out << value.get<std::string>();
  else
    out << value.dump();
}

}  // namespace

void add(Evaluation& to, Evaluation other) {
  const auto append = [](auto& into, auto& from) {
    into.insert(into.end(), from.begin(), from.end());
  };
  append(to.trials, other.trials);
  append(to.problems, other.problems);
  append(to.orders.quiet, other.orders.quiet);
  append(to.orders.all, other.orders.all);
  add(to.score, other.score);
  add(to.traces, other.traces);
  // A member's clock counts for what it was at its worst.
  for (const ClockWord& clock : other.clocks) {
    const auto known = std::find_if(to.clocks.begin(), to.clocks.end(), [&](const ClockWord& one) {
      return one.member == clock.member;
    });
    if (known == to.clocks.end()) {
      to.clocks.push_back(clock);
      continue;
    }
    known->synchronised = known->synchronised && clock.synchronised;
    known->bound = known->bound && clock.bound
                       ? std::optional(std::max(*known->bound, *clock.bound))
                       : std::nullopt;
  }
  for (const auto& [key, value] : other.flow) to.flow[key] += value;
  to.clusters += other.clusters;
  to.audits += other.audits;
  to.audits_verified += other.audits_verified;
  to.interrupted = to.interrupted || other.interrupted;
}

Json report_of(const Evaluation& evaluation) {
  const Score& score = evaluation.score;
  const Traces& traces = evaluation.traces;
  Json report;
  report["advisor"] = evaluation.advisor;
  report["model_script"] = evaluation.script.empty() ? Json(nullptr) : Json(evaluation.script);
  report["demands"] = evaluation.adversarial ? "safety" : "aims";
  report["fault_cases"] = score.fault_cases;
  report["control_cases"] = score.control_cases;
  report["skipped_cases"] = score.skipped;
  report["precision"] = ratio_of(score.all.precision());
  report["recall"] = ratio_of(score.all.recall());
  report["detection_ms_p50"] = ms_of(quantile(score.sudden_detections, 0.5));
  report["detection_latency_ms"] = spread_of(score.detections);
  report["remediation_latency_ms"] = spread_of(score.remediations);
  report["agent_throughput_per_s"] = ratio_of(evaluation.agent_throughput_per_s);
  report["agent_throughput_of"] = "readings judged by one agent in a second of processor time";
  Json precision = Json::object(), recall = Json::object();
  for (uint8_t i = 1; i <= telemetry::kDomains; ++i) {
    const auto domain = static_cast<telemetry::Domain>(i);
    const std::string name(telemetry::to_text(domain));
    const auto at = score.by_domain.find(domain);
    const Tally tally = at == score.by_domain.end() ? Tally{} : at->second;
    precision[name] = ratio_of(tally.precision());
    recall[name] = ratio_of(tally.recall());
  }
  report["domain_precision"] = precision;
  report["domain_recall"] = recall;
  report["diagnosis_accuracy"] = share_of(score.diagnosed, score.all.found);
  report["remediation_success"] = share_of(score.remedies_succeeded, score.remedies);
  report["rollback_frequency"] = share_of(score.rolled_back, score.remedies);
  report["trace_completeness"] =
      share_of(traces.incidents_whole + traces.remedies_whole, traces.incidents + traces.remedies);
  report["policy_adherence"] = share_of(traces.steps_allowed, traces.steps);
  report["time_sync_integrity"] = clocks_of(evaluation.clocks, traces);
  report["audit"] = {{"logs", evaluation.audits},   {"verified", evaluation.audits_verified},
                     {"records", traces.records},   {"incidents", traces.incidents},
                     {"remedies", traces.remedies}, {"steps", traces.steps},
                     {"missing", traces.missing}};
  report["actions_on_controls"] = score.actions_on_controls;
  report["alarms_outside_cases"] = score.outside_alarms;
  report["alarms_outside_cases_of"] = score.outside;
  report["actions_outside_cases"] = score.outside_actions;
  report["remedies"] = score.remedies;
  report["unfit_actions"] = score.unfit_actions;
  report["proposed_by"] = score.proposed_by;
  report["clusters"] = evaluation.clusters;
  report["flow"] = evaluation.flow;
  report["order_latency_us"] = {{"quiet", microseconds_of(evaluation.orders.quiet)},
                                {"all", microseconds_of(evaluation.orders.all)}};
  report["problems"] = evaluation.problems;
  report["interrupted"] = evaluation.interrupted;
  Json cases = Json::array();
  for (std::size_t i = 0; i < evaluation.trials.size(); ++i)
    cases.push_back(case_of(evaluation.trials[i], score.trials.at(i)));
  report["cases"] = cases;
  report["totals"] = totals_of(evaluation);
  report["clean"] = is_clean(report);
  return report;
}

bool is_clean(const Json& report) {
  const auto least = [&report](const char* key, double value) {
    const Json& found = report.at(key);
    return found.is_number() && found.get<double>() >= value;
  };
  for (const char* key : {"lost", "duplicated", "contradicted"})
    if (!report.at("flow").contains(key) || report.at("flow").at(key) != 0) return false;
  const Json& audit = report.at("audit");
  const bool proven = audit.at("logs") != 0 && audit.at("logs") == audit.at("verified");
  if (!proven || report.at("interrupted") == true) return false;
  if (report.at("demands") == "safety")
    return report.at("policy_adherence").is_null() || least("policy_adherence", 1);
  return least("precision", 0.95) && least("recall", 0.95) && least("remediation_success", 0.9) &&
         least("trace_completeness", 1) && least("policy_adherence", 1) &&
         report.at("actions_on_controls") == 0 && report.at("actions_outside_cases") == 0 &&
         report.at("problems").empty();
}

void put_beside(Json& report, const Json& other) {
  const auto there = other.find("order_latency_us");
  report["order_latency_us"]["beside"] =
      there == other.end() ? Json(nullptr)
                           : Json{{"advisor", other.value("advisor", std::string())},
                                  {"quiet", there->value("quiet", Json(nullptr))},
                                  {"all", there->value("all", Json(nullptr))}};
}

void print_report(const Json& report, std::ostream& out) {
  out << std::left;
  for (const auto& one : report.at("cases")) {
    out << "  " << std::setw(30) << one.at("case").get<std::string>() << std::setw(11)
        << one.at("domain").get<std::string>();
    if (one.contains("skipped")) {
      out << "skipped: " << one.at("skipped").get<std::string>() << "\n";
      continue;
    }
    if (one.at("kind") == "control")
      out << std::setw(22) << "control";
    else
      out << std::setw(22)
          << (one.at("found").is_null() ? "MISSED" : one.at("found").get<std::string>());
    print_value(out, one.at("detection_ms"));
    out << " ms, mended ";
    print_value(out, one.at("remediation_ms"));
    for (const auto& action : one.at("actions")) out << "  " << action.get<std::string>();
    for (const auto& fault : one.at("unexpected")) out << "  ! " << fault.get<std::string>();
    out << "\n";
  }
  for (const char* key : {"fault_cases",
                          "control_cases",
                          "skipped_cases",
                          "precision",
                          "recall",
                          "detection_ms_p50",
                          "detection_latency_ms",
                          "remediation_latency_ms",
                          "agent_throughput_per_s",
                          "agent_throughput_of",
                          "domain_precision",
                          "domain_recall",
                          "diagnosis_accuracy",
                          "remediation_success",
                          "rollback_frequency",
                          "trace_completeness",
                          "policy_adherence",
                          "time_sync_integrity",
                          "audit",
                          "actions_on_controls",
                          "alarms_outside_cases",
                          "alarms_outside_cases_of",
                          "actions_outside_cases",
                          "unfit_actions",
                          "proposed_by",
                          "order_latency_us",
                          "flow",
                          "clusters",
                          "advisor",
                          "model_script",
                          "demands"}) {
    out << std::setw(26) << key;
    print_value(out, report.at(key));
    out << "\n";
  }
  for (const auto& problem : report.at("problems"))
    out << "! " << problem.get<std::string>() << "\n";
  out << (report.at("clean") == true ? "clean\n" : "NOT CLEAN\n");
}

double measure_throughput(const std::function<MonoTime()>& cpu, Duration span) {
  const auto settings = std::make_shared<agents::AgentSettings>(agents::default_settings());
  agents::DomainAgent agent({telemetry::Domain::kCpu, 1}, settings);
  std::vector<telemetry::Sample> batch;
  for (uint32_t member = 1; member <= 16; ++member)
    for (const auto& info : telemetry::metrics())
      if (info.domain == telemetry::Domain::kCpu)
        batch.push_back({info.metric, {member}, {}, {}, {}, 0, 0});
  std::vector<Finding> found;
  WallTime wall{1'700'000'000'000'000'000};
  uint64_t noise = 1;
  const MonoTime begun = cpu();
  MonoTime now = begun;
  for (MonoTime at{1}; now - begun < span; now = cpu()) {
    for (int i = 0; i < 100; ++i) {
      at = at + Duration::milliseconds(100);
      wall = wall + Duration::milliseconds(100);
      for (auto& sample : batch) {
        noise = noise * 6364136223846793005ull + 1442695040888963407ull;
        sample.at = wall;
        sample.value = static_cast<int64_t>(noise >> 56);
      }
      agent.observe(batch, at, wall, found);
      found.clear();
    }
  }
  const auto took = static_cast<double>((now - begun).ns) / 1e9;
  return took > 0 ? static_cast<double>(agent.counts().taken) / took : 0;
}

}  // namespace holdfast::drill::evaluate
