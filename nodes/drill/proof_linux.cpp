#include "nodes/drill/proof_linux.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <ostream>
#include <set>

#include "nodes/drill/foreign_linux.hpp"

namespace holdfast::drill {

namespace {

using Json = nlohmann::ordered_json;
using drills::Distribution;

double in_ms(Duration span) { return std::round(static_cast<double>(span.ns) / 1e4) / 100; }

Json to_json(const Distribution& d) {
  return {{"count", d.count}, {"p50", in_ms(d.p50)}, {"p99", in_ms(d.p99)}, {"max", in_ms(d.max)}};
}

template <typename Span>
Json spans_to_json(const std::vector<Run>& runs, Span span) {
  std::vector<Duration> spans;
  for (const Run& run : runs)
    if (const std::optional<Duration> found = span(run)) spans.push_back(*found);
  return to_json(drills::distribution_of(std::move(spans)));
}

Json latency(const Outcome& outcome) {
  std::vector<drills::Disturbance> disturbances;
  std::vector<std::optional<Duration>> first_acks;
  for (const Run& run : outcome.runs) {
    disturbances.push_back(run.disturbance);
    first_acks.push_back(run.spans.first_ack);
  }
  const auto found = drills::latency_of(disturbances, first_acks, outcome.acknowledged);
  return {{"before", to_json(found.before)},
          {"during", to_json(found.during)},
          {"after", to_json(found.after)}};
}

std::string number(const Json& value) {
  if (!value.is_number_float()) return value.dump();
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value.get<double>());
  return text;
}

std::string row(const std::string& name, const Json& d) {
  char text[160];
  std::snprintf(text, sizeof text, "  %-22s p50 %9s   p99 %9s   max %9s   of %s\n", name.c_str(),
                number(d.at("p50")).c_str(), number(d.at("p99")).c_str(),
                number(d.at("max")).c_str(), number(d.at("count")).c_str());
  return text;
}

std::string counts(const Json& object) {
  std::string text;
  for (const auto& [name, value] : object.items())
    if (!value.is_structured()) text += (text.empty() ? "" : ", ") + value.dump() + " " + name;
  return text.empty() ? "nothing" : text;
}

/// One text for all members, or each with its own.
std::string alike(const Json& members) {
  std::set<std::string> texts;
  std::string each;
  for (const auto& [name, text] : members.items()) {
    texts.insert(text.get<std::string>());
    each += (each.empty() ? "" : ", ") + text.get<std::string>() + " on " + name;
  }
  return texts.size() == 1 ? *texts.begin() + " on all " + std::to_string(members.size()) : each;
}

std::string utc(WallTime at) {
  const auto seconds = static_cast<time_t>(at.ns / 1'000'000'000);
  tm parts{};
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", ::gmtime_r(&seconds, &parts));
  return text;
}

const char* clean_words(bool flow) {
  return flow ? "CLEAN: every order is accounted for" : "CLEAN: every step went as it must";
}

}  // namespace

Json proof_of(const DrillOptions& options, const Outcome& outcome) {
  const auto& scenario = options.scenario;
  Json proof;
  proof["scenario"] = scenario.name;
  if (!outcome.skipped.empty()) proof["skipped"] = outcome.skipped;
  const bool flow = has_flow(options);
  if (const auto& cluster = options.cluster; !cluster.foreign.empty()) {
    proof["cluster"] = cluster.foreign;
    proof["reason"] = options.reason;
    proof["operator"] = outcome.by;
    proof["user"] = user_name();
    proof["begun"] = outcome.begun.ns;
    proof["notes"] = outcome.notes;
  }
  proof["flow"] = flow;
  proof["target"] = drills::name_of(scenario.aim);
  proof["arbiter"] = options.cluster.etcd ? "etcd" : "embedded";
  proof["fence"] = options.cluster.fence ? "on" : "off";
  proof["seed"] = options.seed;
  proof["rate"] = scenario.rate;
  proof["runs"] = outcome.runs.size();
  const auto told = [&](const char* key) {
    return outcome.flow.is_object() ? outcome.flow.value(key, uint64_t{0}) : uint64_t{0};
  };
  for (const char* key : {"lost", "duplicated", "contradicted", "unknown", "not_sent"})
    proof[key] = flow ? Json(told(key)) : Json();  // without orders nothing can be said
  proof["refused"] = flow ? Json(told("rejected")) : Json();
  proof["detect_ms"] = spans_to_json(outcome.runs, [](const Run& r) { return r.spans.detect; });
  proof["lead_ms"] = spans_to_json(outcome.runs, [](const Run& r) { return r.spans.lead; });
  proof["logon_ms"] = spans_to_json(outcome.runs, [](const Run& r) { return r.spans.logon; });
  proof["first_ack_ms"] =
      spans_to_json(outcome.runs, [](const Run& r) { return r.spans.first_ack; });
  proof["pause_ms"] = spans_to_json(outcome.runs, [](const Run& r) { return r.spans.pause; });
  proof["whole_ms"] = spans_to_json(outcome.runs, [](const Run& r) { return r.whole; });
  uint64_t resumed = 0;
  uint64_t succeeded = 0;
  for (const Run& run : outcome.runs) {
    resumed += run.resumed_alive;
    succeeded += run.resumed_succeeded;
  }
  proof["resumed_alive"] = resumed;
  proof["resumed_succeeded"] = succeeded;
  const auto counter = [&](const char* name) {
    const auto found = outcome.counters.find(name);
    return found == outcome.counters.end() ? uint64_t{0} : found->second;
  };
  proof["stale_acks_seen"] = counter("stale_acks");
  proof["egress_refused"] = counter("egress_refused");
  proof["counters"] = outcome.counters;
  proof["order_latency_ms"] = latency(outcome);
  proof["memory_bytes"] = outcome.memory;
  uint64_t most = 0;
  for (const auto& [node, bytes] : outcome.memory) most = std::max(most, bytes);
  proof["rss_anon_mb"] = std::round(static_cast<double>(most) / 1e4) / 100;
  Json& clients = proof["told"] = Json::object();
  for (const char* key : {"sent", "acked", "filled", "cancelled", "expired", "rejected", "open",
                          "not_sent", "unknown", "lost"})
    clients[key] = told(key);
  proof["journal"] = outcome.journal;
  proof["state_hash"] = outcome.state_hash;
  proof["replayed"] = outcome.replayed;
  proof["venue"] = outcome.venue;
  if (outcome.flow.is_object()) {
    proof["rejected_by_reason"] =
        outcome.flow.value("rejected_by_reason", nlohmann::json::object());
    proof["flow_findings"] = outcome.flow.value("findings", nlohmann::json::array());
  }
  proof["findings"] = outcome.findings;
  proof["interrupted"] = outcome.interrupted;
  Json& steps = proof["steps"] = Json::array();
  const auto span = [](const std::optional<Duration>& s) { return s ? Json(in_ms(*s)) : Json(); };
  for (const Run& run : outcome.runs)
    steps.push_back({{"what", run.what},
                     {"at", run.disturbance.at.ns},
                     {"detect_ms", span(run.spans.detect)},
                     {"lead_ms", span(run.spans.lead)},
                     {"logon_ms", span(run.spans.logon)},
                     {"first_ack_ms", span(run.spans.first_ack)},
                     {"pause_ms", span(run.spans.pause)},
                     {"whole_ms", span(run.whole)}});
  proof["clean"] = outcome.skipped.empty() && outcome.findings.empty() &&
                   (flow ? told("sent") > 0 : !outcome.runs.empty()) &&
                   told("lost") + told("duplicated") + told("contradicted") + told("unknown") == 0;
  return proof;
}

bool is_clean(const Json& proof) { return proof.value("clean", false); }

void print_proof(const Json& proof, std::ostream& out) {
  out << "\n" << proof.at("scenario").get<std::string>() << ": ";
  if (proof.contains("skipped")) {
    out << "skipped: " << proof.at("skipped").get<std::string>() << "\n";
    return;
  }
  const bool flow = proof.at("flow").get<bool>();
  out << proof.at("runs").dump() << " runs "
      << (flow ? "at " + proof.at("rate").dump() + " requests a second"
               : "without orders of its own")
      << ", seed " << proof.at("seed").dump() << "\n\n";
  if (proof.contains("cluster")) {
    out << "  cluster   " << proof.at("cluster").get<std::string>() << "\n  reason    "
        << proof.at("reason").get<std::string>() << "\n  operator  "
        << proof.at("operator").get<std::string>() << " (user "
        << proof.at("user").get<std::string>() << "), "
        << utc(WallTime{proof.at("begun").get<int64_t>()}) << "\n";
    for (const auto& note : proof.at("notes"))
      out << "  note      " << note.get<std::string>() << "\n";
  }
  if (flow) out << "  told      " << counts(proof.at("told")) << "\n";
  if (proof.at("journal").is_object())
    for (const auto& [group, held] : proof.at("journal").items())
      out << "  journal   " << group << ": " << counts(held) << "\n";
  for (const auto& [key, from] :
       {std::pair{"state_hash", "state     "}, {"replayed", "replayed  "}})
    if (proof.at(key).is_object())
      for (const auto& [group, members] : proof.at(key).items())
        out << "  " << from << group << ": " << alike(members) << "\n";
  if (flow) out << "  venue     " << counts(proof.at("venue")) << "\n";
  out << "  counters  " << counts(proof.at("counters")) << ", " << proof.at("resumed_alive").dump()
      << " resumed_alive, " << proof.at("resumed_succeeded").dump() << " of them succeeded\n";
  out << "  verdict   ";
  for (const char* key : {"lost", "duplicated", "contradicted", "unknown", "not_sent", "refused"})
    if (flow) out << key << " " << proof.at(key).dump() << "  ";
  if (!flow) out << "none on orders: the drill sent none";
  out << "\n\n";
  for (const char* key :
       {"detect_ms", "lead_ms", "logon_ms", "first_ack_ms", "pause_ms", "whole_ms"})
    if (proof.at(key).at("count") != 0) out << row(key, proof.at(key));
  for (const char* key : {"before", "during", "after"})
    if (flow) out << row(std::string("order latency ") + key, proof.at("order_latency_ms").at(key));
  out << "  rss_anon_mb            most " << number(proof.at("rss_anon_mb"))
      << "   RssAnon less AnonHugePages of a node before a step\n";
  for (const auto& [node, bytes] : proof.at("memory_bytes").items()) {
    char text[96];
    std::snprintf(text, sizeof text, "  memory of %-10s   %.1f MB\n", node.c_str(),
                  bytes.get<double>() / 1e6);
    out << text;
  }
  for (const char* key : {"findings", "flow_findings"})
    if (proof.contains(key))
      for (const auto& finding : proof.at(key)) out << "  ! " << finding.get<std::string>() << "\n";
  if (proof.at("interrupted").get<bool>()) out << "  interrupted before its end\n";
  out << "\n  " << (is_clean(proof) ? clean_words(flow) : "NOT CLEAN") << "\n";
}

}  // namespace holdfast::drill
