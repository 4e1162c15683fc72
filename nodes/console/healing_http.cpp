#include "nodes/console/healing_http.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "nodes/console/show_healing_http.hpp"

namespace holdfast::console {
namespace {

// "?a=b&c=d" of what is not empty.
std::string query_of(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string query;
  for (const auto& [name, value] : values)
    if (!value.empty()) query += (query.empty() ? "?" : "&") + name + "=" + percent_encode(value);
  return query;
}

std::string number_or_none(uint64_t number) { return number == 0 ? "" : std::to_string(number); }

bool nothing_needs_you(const Json& json, const char* field) {
  for (const auto& one : json.value(field, Json::array()))
    if (one.value("needs_you", false)) return false;
  return true;
}

// "member=node-1,instance=vda" as an object; a single name as it is. Nothing: a word is wrong.
std::optional<Json> target_of(const std::string& words) {
  if (words.find('=') == std::string::npos) return Json(words);
  Json target = Json::object();
  std::size_t from = 0;
  while (from <= words.size()) {
    const auto end = std::min(words.find(',', from), words.size());
    const auto word = words.substr(from, end - from);
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == word.size())
      return std::nullopt;
    target[word.substr(0, equals)] = word.substr(equals + 1);
    from = end + 1;
  }
  return target;
}

void add_reason(CLI::App* command, std::string& reason) {
  command->add_option("--reason,-r", reason, "Why; kept in the audit log with your name")
      ->required();
}

void add_looking(CLI::App& app, const AddCommand& add) {
  const auto finding = std::make_shared<FindingFilter>();
  auto* findings = add(&app, "findings", "What agents find to be wrong now, worst first",
                       [finding](Console& c) { return run_findings(c, *finding); });
  findings->add_option("--domain", finding->domain, "cpu, network, io, execution or http");
  findings->add_option("--fault", finding->fault, "One class of faults: slow_disk");
  findings->add_option("--limit,-n", finding->limit, "At most so many (default 100)")
      ->check(CLI::Range(1, 2'048));
  findings->footer(
      "\nA finding is one agent's word about one place, with what it measured. Several with one\n"
      "cause are an incident: `holdfast incidents` says what is done about it. Examples:\n"
      "  holdfast findings --domain io\n"
      "  holdfast findings --json | jq '.findings[].evidence'");

  const auto incident = std::make_shared<IncidentFilter>();
  auto* incidents = add(&app, "incidents", "What is wrong, where, since when, what is being done",
                        [incident](Console& c) { return run_incidents(c, *incident); });
  incidents->add_option("NUMBER", incident->number, "One in full: findings, proposals, remedies")
      ->check(CLI::PositiveNumber);
  incidents->add_flag("--open", incident->open, "Only those that are not over");
  incidents->add_option("--limit,-n", incident->limit, "At most so many (default 20)")
      ->check(CLI::Range(1, 192));
  incidents->footer(
      "\nOpen ones first. The last column says what is being done now; a line that needs you is\n"
      "named below the table, and then the exit is 1. Examples:\n"
      "  holdfast incidents --open --watch\n"
      "  holdfast incidents 7                       why, what was measured, what was tried\n"
      "  holdfast audit export --incident 7         its whole trail, from the audit log");

  const auto remedy = std::make_shared<RemedyFilter>();
  auto* remedies = add(&app, "remedies", "What is and was done about incidents, and how it ended",
                       [remedy](Console& c) { return run_remedies(c, *remedy); });
  remedies->add_option("NUMBER", remedy->number, "One in full: plan, steps, what was measured")
      ->check(CLI::PositiveNumber);
  remedies->add_flag("--active", remedy->active, "Only those that run or wait for approval");
  remedies->add_option("--incident", remedy->incident, "Only of this incident");
  remedies->add_option("--limit,-n", remedy->limit, "At most so many (default 20)")
      ->check(CLI::Range(1, 216));
  remedies->footer(
      "\nExit 1 while one waits for approval. Examples:\n"
      "  holdfast remedies --active\n"
      "  holdfast remedies 12 && holdfast approve 12 --reason \"agreed with the desk\"");

  add(&app, "advice", "What would be done if, reasoned in advance; what is only recommended",
      [](Console& c) { return run_advice(c); })
      ->footer(
          "\nAn entry is no permission: whoever uses one asks the policy again. With none that\n"
          "fits, the deterministic strategy decides. Below it: questions that no advisor has\n"
          "answered yet, and proposals that policy or limits let nobody carry out, with why.");
}

void add_words(CLI::App& app, const AddCommand& add) {
  struct Words {
    uint64_t number = 0;
    std::string reason;
  };
  const auto words = std::make_shared<Words>();
  const auto verb = [&](const char* word, const char* about) {
    auto* command = add(&app, word, about, [words, word](Console& c) {
      return run_word(c, word, words->number, words->reason);
    });
    command->add_option("NUMBER", words->number, "The remedy, as `holdfast remedies` numbers it")
        ->required()
        ->check(CLI::PositiveNumber);
    add_reason(command, words->reason);
    return command;
  };
  verb("approve", "Say yes to a remedy that waits for a person (approver)")
      ->footer(
          "\nWhere policy wants two persons, two have to say so; nobody approves what they "
          "proposed\n"
          "themselves. A yes counts until the time that `holdfast remedies` shows. Example:\n"
          "  holdfast remedies 12                       what it would do, and why\n"
          "  holdfast approve 12 --reason \"agreed with the desk\"");
  verb("reject", "Say no to a remedy that waits for a person, which ends it")
      ->footer("\nExample:\n  holdfast reject 12 --reason \"we are about to close anyway\"");
}

void add_propose(CLI::App& app, const AddCommand& add) {
  const auto options = std::make_shared<ProposeOptions>();
  auto* propose = add(&app, "propose", "Have an action done by the loop, if policy lets it",
                      [options](Console& c) { return run_propose(c, *options); });
  propose->add_option("ACTION", options->action, "restart_actor, migrate, drain, throttle, ...")
      ->required();
  propose->add_option("--target,-t", options->target,
                      "What it is done to: a member, a group, a venue, or "
                      "member=NAME,group=NAME,instance=NAME");
  propose->add_option("--to", options->to, "Of migrate and promote: the member that shall lead");
  propose->add_option("--amount", options->amount,
                      "Of throttle: ppm of the usual; of scale_*: how many");
  propose->add_option("--incident", options->incident,
                      "The incident that it is for; its place is meant where no target is named");
  add_reason(propose, options->reason);
  propose->footer(
      "\nIt passes the policy and the limits as every proposal does, is carried out step by step,\n"
      "measured, and undone when it does not help. `holdfast remedies` shows it, or `holdfast\n"
      "advice` why it was not begun. `holdfast policy explain` asks without proposing. Examples:\n"
      "  holdfast propose migrate --target orders/0 --to node-2 --reason \"node-1 is slow\"\n"
      "  holdfast propose drain --target node-1 --reason \"disk is to be changed\"\n"
      "  holdfast propose halt_venue --target XSIM --incident 7 --reason \"bad prices\"\n"
      "  holdfast propose restart_actor --target member=node-1,instance=node/orders/shard-0 "
      "--reason \"stuck\"\n"
      "  holdfast propose throttle --amount 500000 --reason \"half of the usual\"");
}

void add_switch(CLI::App& app, const AddCommand& add) {
  struct Words {
    std::string word, reason;
  };
  const auto words = std::make_shared<Words>();
  auto* remediation =
      add(&app, "remediation", "Is the self-healing loop on; switch it on or off",
          [words](Console& c) { return run_remediation(c, words->word, words->reason); });
  remediation->add_option("SWITCH", words->word, "on (approver) or off; nothing: show it")
      ->check(CLI::IsMember({"on", "off"}));
  remediation->add_option("--reason,-r", words->reason, "Why; needed with on and off");
  remediation->footer(
      "\nOff stops all remedies of all nodes at once: what runs ends, nothing new begins, also "
      "not\n"
      "by operators' proposals. Findings and incidents go on, and so do the reflexes of the tree\n"
      "and of replication. Examples:\n"
      "  holdfast remediation\n"
      "  holdfast remediation off --reason \"maintenance until 04:00\"");
}

}  // namespace

void add_healing_commands(CLI::App& app, const HealingCommands& commands) {
  add_looking(app, commands.add_watched);
  add_words(app, commands.add);
  add_propose(app, commands.add);
  add_switch(app, commands.add);
}

int run_findings(const Console& console, const FindingFilter& filter) {
  return ask(console, "GET",
             "/v1/findings" + query_of({{"domain", filter.domain},
                                        {"fault", filter.fault},
                                        {"limit", std::to_string(filter.limit)}}),
             nullptr, [&](const Json& json) { return show_findings(json, console.screen); });
}

int run_incidents(const Console& console, const IncidentFilter& filter) {
  const bool one = filter.number != 0;
  const auto query = one ? query_of({{"number", std::to_string(filter.number)}})
                         : query_of({{"open", filter.open ? "true" : ""},
                                     {"limit", std::to_string(filter.limit)}});
  return ask(
      console, "GET", "/v1/incidents" + query, nullptr,
      [&](const Json& json) {
        return one ? show_incident(json, console.screen) : show_incidents(json, console.screen);
      },
      [](const Json& json) { return nothing_needs_you(json, "incidents"); });
}

int run_remedies(const Console& console, const RemedyFilter& filter) {
  const bool one = filter.number != 0;
  const auto query = one ? query_of({{"number", std::to_string(filter.number)}})
                         : query_of({{"active", filter.active ? "true" : ""},
                                     {"incident", number_or_none(filter.incident)},
                                     {"limit", std::to_string(filter.limit)}});
  return ask(
      console, "GET", "/v1/remedies" + query, nullptr,
      [&](const Json& json) {
        return one ? show_remedy(json, console.screen) : show_remedies(json, console.screen);
      },
      [](const Json& json) { return nothing_needs_you(json, "remedies"); });
}

int run_advice(const Console& console) {
  return ask(console, "GET", "/v1/advice", nullptr,
             [&](const Json& json) { return show_advice(json, console.screen); });
}

int run_word(const Console& console, const std::string& verb, uint64_t number,
             const std::string& reason) {
  const auto which = std::to_string(number);
  return ask(console, "POST", "/v1/remedies/" + which + "/" + verb, {{"reason", reason}},
             [&](const Json& json) {
               const auto text = text_of(json, "text");
               return (verb == "approve" ? "approved: remedy " : "rejected: remedy ") + which +
                      (text.empty() ? "" : ": " + text) + "; `holdfast remedies " + which +
                      "` shows what becomes of it\n";
             });
}

int run_propose(const Console& console, const ProposeOptions& options) {
  Json body = {{"action", options.action}, {"reason", options.reason}};
  if (!options.target.empty()) {
    const auto target = target_of(options.target);
    if (!target)
      return fail(console, kUsage, "usage", "--target: expected a name, or KEY=NAME,KEY=NAME",
                  "as in member=node-1,instance=node/orders/shard-0");
    body["target"] = *target;
  }
  if (!options.to.empty()) body["to"] = options.to;
  if (options.amount) body["amount"] = *options.amount;
  if (options.incident != 0) body["incident"] = options.incident;
  return ask(console, "POST", "/v1/remedies", body, [&](const Json& json) {
    const auto text = text_of(json, "text");
    return "proposed: " + options.action + (text.empty() ? "" : ": " + text) +
           "; `holdfast remedies` shows what becomes of it, `holdfast advice` why it is not "
           "begun\n";
  });
}

int run_remediation(const Console& console, const std::string& word, const std::string& reason) {
  if (word.empty())
    return ask(
        console, "GET", "/v1/remediation", nullptr,
        [&](const Json& json) { return show_remediation(json, console.screen); },
        [](const Json& json) {
          return json.value("on", false) &&
                 json.value("incidents_that_need_you", Json::array()).empty() &&
                 json.value("remedies_that_wait_for_approval", Json::array()).empty();
        });
  if (reason.empty())
    return fail(console, kUsage, "usage", "--reason is required",
                "it is kept in the audit log with your name");
  return ask(console, "POST", "/v1/remediation", {{"on", word == "on"}, {"reason", reason}},
             [&](const Json& json) {
               const auto text = text_of(json, "text");
               return "remediation is switched " + word + (text.empty() ? "" : ": " + text) +
                      "; `holdfast remediation` shows it\n";
             });
}

}  // namespace holdfast::console
