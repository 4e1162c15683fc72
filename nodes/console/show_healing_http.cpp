#include "nodes/console/show_healing_http.hpp"

#include <cstdio>
#include <ctime>
#include <optional>

namespace holdfast::console {
namespace {

const Json& part_of(const Json& json, const char* field) {
  static const Json kNone;
  return json.is_object() && json.contains(field) ? json[field] : kNone;
}
const Json& list_in(const Json& json, const char* field) {
  static const Json kNone = Json::array();
  const Json& list = part_of(json, field);
  return list.is_array() ? list : kNone;
}
bool flag_in(const Json& json, const char* field) {
  const Json& flag = part_of(json, field);
  return flag.is_boolean() && flag.get<bool>();
}

Style style_of_severity(const std::string& severity) {
  if (severity == "critical") return Style::kBad;
  return severity == "warning" ? Style::kWarn : Style::kPlain;
}
Style style_of_outcome(const std::string& outcome) {
  if (outcome == "succeeded") return Style::kGood;
  if (outcome == "failed") return Style::kBad;
  return outcome == "not_needed" ? Style::kDim : Style::kWarn;
}

// "93 %" of parts per million.
std::string percent_of(const Json& json, const char* field) {
  const Json& ppm = part_of(json, field);
  return ppm.is_number_unsigned() ? std::to_string((ppm.get<uint64_t>() + 5'000) / 10'000) + " %"
                                  : "";
}

std::optional<int64_t> seconds_of(const std::string& iso) {
  std::tm tm{};
  if (std::sscanf(iso.c_str(), "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                  &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
    return std::nullopt;
  tm.tm_year -= 1'900;
  tm.tm_mon -= 1;
  return static_cast<int64_t>(::timegm(&tm));
}

// Since when: for how long, as of the answer.
std::string age_of(const Json& json, const char* field, const Json& head) {
  return span_text(text_of(json, field), text_of(head, "now"));
}

// Who answers, how far its copy goes, and whether remediation is off.
std::string head_of(const Json& json, const Screen& screen) {
  const auto member = text_of(json, "member"), leader = text_of(json, "leader");
  std::string out = "as of " + text_of(json, "as_of") + (member.empty() ? "" : " at " + member);
  if (!leader.empty()) out += ", led by " + leader;
  out = styled(out, Style::kDim, screen) + "\n";
  if (json.is_object() && json.contains("remediation_on") && !flag_in(json, "remediation_on"))
    out += styled("REMEDIATION IS OFF", Style::kBad, screen) +
           ": what is found is told, nothing is done; `holdfast remediation` shows by whom\n";
  return out;
}

std::string more_line(const Json& json) {
  return flag_in(json, "more") ? "more: raise --limit\n" : "";
}

void add_field(Table& table, const char* name, const std::string& text,
               Style style = Style::kPlain) {
  if (!text.empty()) table.add({{name, Style::kDim}, {text, style}});
}

// "net.rtt 4100 us, usual 300"
std::string evidence_text(const Json& evidence) {
  if (!evidence.is_object()) return "";
  const auto text = text_of(evidence, "metric") + " " + text_of(evidence, "value") + " " +
                    text_of(evidence, "unit");
  return text_of(evidence, "detector") == "event"
             ? text
             : text + ", usual " + text_of(evidence, "expected");
}

std::string findings_table(const Json& findings, const Json& head, bool with_incident,
                           const Screen& screen) {
  Table table({{"SEVERITY", false, false},
               {"FAULT", false, false},
               {"WHERE", false, false},
               {"FOR", true, false},
               {"SURE", true, false},
               {"AGENT", false, false},
               {"INCIDENT", true, false},
               {"", false, false},
               {"EVIDENCE", false, true}});
  for (const auto& finding : findings) {
    const auto severity = text_of(finding, "severity");
    const bool over = flag_in(finding, "over");
    const auto& evidence = list_in(finding, "evidence");
    table.add({{severity, over ? Style::kDim : style_of_severity(severity)},
               {text_of(finding, "fault"), Style::kBold},
               text_of(part_of(finding, "place"), "text"),
               age_of(finding, "began", head),
               percent_of(finding, "confidence_ppm"),
               text_of(finding, "agent"),
               with_incident ? text_of(finding, "incident") : "",
               {over ? "over" : "", Style::kDim},
               evidence.empty() ? "" : evidence_text(evidence.front())});
  }
  return table.str(screen);
}

// "model", "operator ann".
std::string who_proposed(const Json& remedy) {
  const auto proposer = text_of(remedy, "proposer");
  const auto advisor = text_of(part_of(remedy, "proposal"), "advisor");
  return proposer.empty() ? advisor : advisor + " " + proposer;
}

std::string action_text(const Json& proposal) {
  return text_of(part_of(proposal, "action"), "text");
}

std::string state_of(const Json& remedy) {
  const auto outcome = text_of(remedy, "outcome");
  return outcome == "open" ? text_of(remedy, "phase") : outcome;
}

Style style_of_remedy(const Json& remedy) {
  if (flag_in(remedy, "needs_you")) return Style::kBad;
  const auto outcome = text_of(remedy, "outcome");
  return outcome == "open" ? Style::kWarn : style_of_outcome(outcome);
}

// What became of a proposal: "held: cooldown", "recommend by rule night".
std::string fate_of(const Json& considered) {
  if (const auto unfit = text_of(considered, "unfit"); !unfit.empty()) return "unfit: " + unfit;
  if (const auto held = text_of(considered, "held"); !held.empty()) return "held back: " + held;
  const Json& decision = part_of(considered, "decision");
  return text_of(decision, "verdict") + " by rule " + text_of(decision, "rule");
}

std::string considered_table(const Json& list, const Screen& screen) {
  Table table({{"INCIDENT", true, false},
               {"FROM", false, false},
               {"ACTION", false, false},
               {"POLICY", false, false},
               {"REASON", false, true}});
  for (const auto& one : list)
    table.add({text_of(one, "incident"), text_of(one, "source"),
               action_text(part_of(one, "proposal")), fate_of(one),
               text_of(part_of(one, "proposal"), "reason")});
  return table.str(screen);
}

// ---- one remedy

std::string steps_of(const Json& remedy, const Screen& screen) {
  Table table({{"STEP", false, false},
               {"ACTION", false, false},
               {"BEGUN UTC", false, false},
               {"OUTCOME", false, false},
               {"", false, true}});
  for (const auto& step : list_in(remedy, "steps")) {
    const auto outcome = text_of(step, "outcome");
    table.add(
        {text_of(step, "id"),
         text_of(part_of(step, "action"), "text"),
         clock_of(step, "intended"),
         {outcome.empty() ? "under way" : outcome, outcome == "done" ? Style::kGood : Style::kWarn},
         text_of(step, "text")});
  }
  return table.empty() ? "no step was begun\n" : table.str(screen);
}

std::string measured_of(const Json& remedy, const Screen& screen) {
  Table table({{"OBJECTIVE", false, true},
               {"", false, false},
               {"BEFORE", true, false},
               {"NOW", true, false},
               {"MET", false, false}});
  const Json& measured = part_of(remedy, "measured");
  const auto add = [&](const char* when, const char* field) {
    for (const auto& one : list_in(measured, field)) {
      const Json& met = part_of(one, "met");
      table.add({text_of(one, "objective"),
                 {when, Style::kDim},
                 text_of(one, "before"),
                 text_of(one, "value"),
                 {met.is_boolean() ? (met.get<bool>() ? "yes" : "no") : "",
                  met.is_boolean() && met.get<bool>() ? Style::kGood : Style::kWarn}});
    }
  };
  add("first", "before");
  add("after", "after");
  return table.empty() ? "" : table.str(screen);
}

std::string words_of(const Json& remedy) {
  std::string text;
  for (const auto& word : list_in(remedy, "words"))
    text += (text.empty() ? "" : ", ") + text_of(word, "person") +
            (flag_in(word, "yes") ? ": yes at " : ": no at ") + clock_of(word, "at") + " UTC";
  return text;
}

std::string one_remedy(const Json& remedy, const Json& head, const Screen& screen) {
  const Json& proposal = part_of(remedy, "proposal");
  const Json& decision = part_of(remedy, "decision");
  std::string out = styled("remedy " + text_of(remedy, "number"), Style::kBold, screen) + "  " +
                    action_text(proposal) + "  " +
                    styled(state_of(remedy), style_of_remedy(remedy), screen) + "\n";
  Table table({{"", false, false}, {"", false, false}});  // long lines wrap: nothing is cut
  const auto incident = text_of(remedy, "incident");
  add_field(table, "now", text_of(remedy, "doing"),
            flag_in(remedy, "needs_you") ? Style::kBad : Style::kPlain);
  if (incident != "0")
    add_field(table, "for",
              "incident " + incident + ": " + text_of(remedy, "cause") + " of " +
                  text_of(part_of(remedy, "place"), "text"));
  add_field(table, "proposed by",
            who_proposed(remedy) + ", " + percent_of(proposal, "confidence_ppm") + " sure");
  add_field(table, "because", text_of(proposal, "reason"));
  add_field(table, "policy",
            text_of(decision, "verdict") + " by rule " + text_of(decision, "rule") + ": " +
                text_of(decision, "reason"));
  add_field(table, "approve by", clock_of(remedy, "approve_by", true));
  add_field(table, "said", words_of(remedy));
  const Json& plan = part_of(remedy, "plan");
  if (plan.is_object())
    add_field(table, "plan",
              text_of(plan, "workflow") + ": " + std::to_string(list_in(plan, "steps").size()) +
                  " steps, blast radius " + text_of(plan, "blast_radius") +
                  (flag_in(plan, "rollback") ? ", undone when it does not help" : "") + ", then " +
                  text_of(plan, "escalate_to"));
  add_field(table, "opened",
            clock_of(remedy, "opened", true) + " UTC, " + age_of(remedy, "opened", head) + " ago");
  if (const auto took = span_text(text_of(remedy, "started"), text_of(remedy, "ended"));
      !took.empty())
    add_field(table, "took", took);
  return out + table.str(screen) + "\n" + steps_of(remedy, screen) + measured_of(remedy, screen);
}

}  // namespace

std::string span_text(const std::string& from, const std::string& to) {
  const auto a = seconds_of(from), b = seconds_of(to);
  if (!a || !b) return "";
  const int64_t seconds = *b > *a ? *b - *a : 0;
  char text[48];
  if (seconds < 60)
    std::snprintf(text, sizeof(text), "%llds", static_cast<long long>(seconds));
  else if (seconds < 3'600)
    std::snprintf(text, sizeof(text), "%lldm%02llds", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  else if (seconds < 86'400)
    std::snprintf(text, sizeof(text), "%lldh%02lldm", static_cast<long long>(seconds / 3'600),
                  static_cast<long long>(seconds / 60 % 60));
  else
    std::snprintf(text, sizeof(text), "%lldd%02lldh", static_cast<long long>(seconds / 86'400),
                  static_cast<long long>(seconds / 3'600 % 24));
  return text;
}

std::string show_findings(const Json& json, const Screen& screen) {
  const auto& findings = list_in(json, "findings");
  if (findings.empty()) return head_of(json, screen) + "nothing is found to be wrong\n";
  return head_of(json, screen) + findings_table(findings, json, true, screen) + more_line(json);
}

std::string show_incidents(const Json& json, const Screen& screen) {
  const auto& incidents = list_in(json, "incidents");
  std::string out = head_of(json, screen);
  if (incidents.empty()) return out + "no incident: nothing was found to be wrong\n";
  Table table({{"NO", true, false},
               {"", false, false},
               {"SEVERITY", false, false},
               {"CAUSE", false, false},
               {"WHERE", false, false},
               {"SINCE UTC", false, false},
               {"FOR", true, false},
               {"SURE", true, false},
               {"WHAT IS BEING DONE", false, true}});
  std::string needing;
  for (const auto& one : incidents) {
    const auto severity = text_of(one, "severity"), closed = text_of(one, "closed");
    const bool open = closed.empty(), needs_you = flag_in(one, "needs_you");
    if (needs_you) needing += (needing.empty() ? "" : ", ") + text_of(one, "number");
    table.add({text_of(one, "number"),
               {open ? "open" : "over", open ? Style::kWarn : Style::kDim},
               {severity, open ? style_of_severity(severity) : Style::kDim},
               {text_of(one, "cause"), open ? Style::kBold : Style::kPlain},
               text_of(part_of(one, "place"), "text"),
               clock_of(one, "began"),
               open ? age_of(one, "began", json) : span_text(text_of(one, "began"), closed),
               percent_of(one, "confidence_ppm"),
               {text_of(one, "doing"), needs_you ? Style::kBad
                                       : open    ? Style::kPlain
                                                 : Style::kDim}});
  }
  out += table.str(screen) + more_line(json);
  if (!needing.empty())
    out += styled("needs you: incident " + needing, Style::kBad, screen) +
           "; `holdfast incidents NUMBER` shows all of one\n";
  return out;
}

std::string show_incident(const Json& json, const Screen& screen) {
  const auto& incidents = list_in(json, "incidents");
  if (incidents.empty()) return "no such incident\n";
  const Json& one = incidents.front();
  const auto severity = text_of(one, "severity");
  const bool open = text_of(one, "closed").empty();
  std::string out =
      head_of(json, screen) + styled("incident " + text_of(one, "number"), Style::kBold, screen) +
      "  " + styled(severity, style_of_severity(severity), screen) + "  " + text_of(one, "cause") +
      " of " + text_of(part_of(one, "place"), "text") + "  " +
      styled(open ? "open" : "over", open ? Style::kWarn : Style::kGood, screen) + "\n";
  Table table({{"", false, false}, {"", false, false}});  // long lines wrap: nothing is cut
  add_field(table, "now", text_of(one, "doing"),
            flag_in(one, "needs_you") ? Style::kBad : Style::kPlain);
  add_field(table, "sure", percent_of(one, "confidence_ppm"));
  add_field(table, "began",
            clock_of(one, "began", true) + " UTC, " + age_of(one, "began", json) + " ago");
  if (!open) add_field(table, "over", clock_of(one, "closed", true) + " UTC");
  out += table.str(screen) + "\n" + findings_table(list_in(one, "findings"), json, false, screen);
  if (const auto& considered = list_in(one, "considered"); !considered.empty())
    out += "\nnot done, as policy or limits have it:\n" + considered_table(considered, screen);
  for (const auto& remedy : list_in(one, "remedies"))
    out += "\n" + one_remedy(remedy, json, screen);
  return out;
}

std::string show_remedies(const Json& json, const Screen& screen) {
  const auto& remedies = list_in(json, "remedies");
  std::string out = head_of(json, screen);
  if (remedies.empty()) return out + "nothing is being done, and nothing was\n";
  Table table({{"NO", true, false},
               {"FOR", true, false},
               {"ACTION", false, false},
               {"BY", false, false},
               {"RULE", false, false},
               {"OPENED UTC", false, false},
               {"TOOK", true, false},
               {"STATE", false, false},
               {"", false, true}});
  std::string waiting;
  for (const auto& one : remedies) {
    if (flag_in(one, "needs_you"))
      waiting += (waiting.empty() ? "" : ", ") + text_of(one, "number") + " until " +
                 clock_of(one, "approve_by") + " UTC";
    table.add({text_of(one, "number"),
               text_of(one, "incident"),
               action_text(part_of(one, "proposal")),
               who_proposed(one),
               text_of(part_of(one, "decision"), "rule"),
               clock_of(one, "opened"),
               span_text(text_of(one, "started"), text_of(one, "ended")),
               {state_of(one), style_of_remedy(one)},
               text_of(one, "text")});
  }
  out += table.str(screen) + more_line(json);
  if (!waiting.empty())
    out += styled("waits for approval: remedy " + waiting, Style::kBad, screen) +
           "; `holdfast approve NUMBER` or `reject`\n";
  return out;
}

std::string show_remedy(const Json& json, const Screen& screen) {
  const auto& remedies = list_in(json, "remedies");
  if (remedies.empty()) return "no such remedy\n";
  return head_of(json, screen) + one_remedy(remedies.front(), json, screen);
}

std::string show_advice(const Json& json, const Screen& screen) {
  std::string out = head_of(json, screen);
  const auto& standing = list_in(json, "standing");
  Table table({{"WHEN", false, false},
               {"OF", false, false},
               {"DO", false, false},
               {"BY", false, false},
               {"RULE", false, false},
               {"ONLY WHILE", false, false},
               {"EXPIRES IN", true, false},
               {"REASON", false, true}});
  for (const auto& one : standing) {
    const Json& proposal = part_of(one, "proposal");
    const auto orders = text_of(one, "open_orders_max"), phase = text_of(one, "session_phase");
    std::string only = orders.empty() ? "" : "open orders <= " + orders;
    if (!phase.empty()) only += (only.empty() ? "" : ", ") + std::string("session ") + phase;
    table.add({text_of(one, "failure"), text_of(one, "actor"),
               text_of(part_of(proposal, "action"), "kind"), text_of(proposal, "advisor"),
               text_of(one, "rule"), only, span_text(text_of(json, "now"), text_of(one, "expires")),
               text_of(proposal, "reason")});
  }
  out += standing.empty() ? "no advice stands: the deterministic strategy decides\n"
                          : table.str(screen);
  for (const auto& ask : list_in(json, "asks")) {
    const auto incident = text_of(ask, "incident");
    out += "asked " + age_of(ask, "made", json) + " ago, no answer yet: " +
           (incident.empty() ? text_of(ask, "failure") + " of " + text_of(ask, "actor")
                             : "incident " + incident) +
           "\n";
  }
  if (const auto& shown = list_in(json, "recommended"); !shown.empty())
    out += "\nproposed, but not done:\n" + considered_table(shown, screen);
  return out + more_line(json);
}

std::string show_remediation(const Json& json, const Screen& screen) {
  const bool on = flag_in(json, "on");
  const auto by = text_of(json, "switched_by");
  std::string out =
      "remediation is " + styled(on ? "on" : "OFF", on ? Style::kGood : Style::kBad, screen);
  if (!by.empty())
    out += ", switched by " + by + " at " + clock_of(json, "switched_at", true) + " UTC";
  out += "\n";
  Table table({{"", false, false}, {"", false, false}});  // long lines wrap: nothing is cut
  const auto numbers = [&](const char* field) {
    std::string text;
    for (const auto& one : list_in(json, field)) text += (text.empty() ? "" : ", ") + one.dump();
    return text;
  };
  add_field(table, "needs you: incidents", numbers("incidents_that_need_you"), Style::kBad);
  add_field(table, "waits for approval: remedies", numbers("remedies_that_wait_for_approval"),
            Style::kBad);
  add_field(table, "incidents open", text_of(json, "incidents_open"));
  add_field(table, "remedies at work", text_of(json, "remedies_active"));
  add_field(table, "questions to advisors open", text_of(json, "asks_open"));
  add_field(table, "advice that stands", text_of(json, "standing"));
  add_field(table, "lines the audit has yet to write", text_of(json, "notes_waiting"));
  const Json& counters = part_of(json, "counters");
  std::string counted;
  if (counters.is_object())
    for (const auto& [name, value] : counters.items())
      counted += (counted.empty() ? "" : ", ") + value.dump() + " " + name;
  add_field(table, "ever", counted);
  return out + table.str(screen) + head_of(json, screen);
}

}  // namespace holdfast::console
