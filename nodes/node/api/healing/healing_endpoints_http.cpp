#include "nodes/node/api/healing/healing_endpoints_http.hpp"

#include <algorithm>

#include "nodes/node/api/healing/healing_json_http.hpp"
#include "nodes/node/api/healing/proposal_http.hpp"
#include "nodes/node/api/request_http.hpp"

namespace holdfast::operator_api {

using orchestrator::HealingTaken;
using orchestrator::remediation::Phase;
using orchestrator::remediation::Remedy;

namespace {

constexpr std::size_t kFindingsListed = 500, kFindingsListedMax = 2'048;
constexpr std::size_t kIncidentsListed = 100, kIncidentsListedMax = 192;  // as many as are kept
constexpr std::size_t kRemediesListed = 100, kRemediesListedMax = 216;
constexpr std::size_t kAdviceListed = 512;

using Show = std::function<Response(const HealingBoard&)>;

/// Asks the backend how the loop stands; `show` runs on the server's thread.
void show_board(OperatorBackend& backend, const Request& request, const Reply& reply, Show show) {
  backend.healing(call_of(request), [reply, show](Result<HealingBoard> result) {
    auto held = std::make_shared<Result<HealingBoard>>(std::move(result));
    reply(
        [held, show] { return held->ok() ? show(held->value()) : error_response(held->error()); });
  });
}

Response no_such(const std::string& what, uint64_t number, const std::string& path) {
  return error_response(404, "not_found", "there is no " + what + " " + std::to_string(number),
                        "GET " + path +
                            " lists those that are known; old ones are forgotten, the " +
                            "audit log has them");
}

std::optional<telemetry::Domain> domain_from(const std::string& word) {
  if (word.empty()) return std::nullopt;
  std::string known;
  for (uint8_t code = 1; code <= telemetry::kDomains; ++code) {
    const auto domain = static_cast<telemetry::Domain>(code);
    if (to_text(domain) == word) return domain;
    known += " " + std::string(to_text(domain));
  }
  throw BadRequest{"domain: there is no domain " + word, "known are:" + known};
}

FaultClass fault_from(const std::string& word) {
  if (word.empty()) return FaultClass::kNone;
  if (const auto fault = fault_class_of(word); fault != FaultClass::kNone) return fault;
  std::string known;
  for (const FaultClass fault : fault_classes()) known += " " + std::string(to_text(fault));
  throw BadRequest{"fault: there is no fault " + word, "known are:" + known};
}

/// Adds what `show` makes of each that it wants, up to `limit`, and whether there were more.
template <typename List, typename Wanted, typename ShowOne>
Response listed(const HealingBoard& board, const char* name, const List& list, std::size_t limit,
                Wanted wanted, ShowOne show) {
  Json json = head_json(board), found = Json::array();
  bool more = false;
  for (const auto& one : list) {
    if (!wanted(one)) continue;
    more = found.size() == limit;
    if (more) break;
    found.push_back(show(one));
  }
  json[name] = std::move(found);
  json["more"] = more;
  return json_response(json);
}

Response one_of(const HealingBoard& board, const char* name, Json one) {
  Json json = head_json(board);
  json[name] = Json::array({std::move(one)});
  json["more"] = false;
  return json_response(json);
}

// ---- questions

void add_findings(Router& router, OperatorBackend& backend) {
  router.add(
      {"GET", "/v1/findings", Role::kViewer, Effect::kNone, Duration::seconds(5),
       "what agents find to be wrong now, over all incidents: ?domain= &fault= &limit=",
       checked([&backend](const Request& request, const Reply& reply) {
         const Query query(request, {"domain", "fault", "limit"});
         const auto domain = domain_from(query.text("domain"));
         const auto fault = fault_from(query.text("fault"));
         const auto limit = query.number("limit", kFindingsListed, kFindingsListedMax);
         show_board(backend, request, reply, [domain, fault, limit](const HealingBoard& board) {
           struct Row {
             const Finding* finding;
             const Incident* incident;
           };
           std::vector<Row> rows;
           for (const Incident& incident : board.view->incidents)
             for (const Finding& finding : incident.findings)
               if (incident.closed == WallTime{}) rows.push_back({&finding, &incident});
           std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
             return a.finding->severity > b.finding->severity;
           });
           const auto wanted = [&](const Row& row) {
             return !row.finding->over && (!domain || row.finding->agent.domain == *domain) &&
                    (fault == FaultClass::kNone || row.finding->fault == fault);
           };
           return listed(board, "findings", rows, limit, wanted, [&](const Row& row) {
             Json json = to_json(*row.finding, board.names, Detail::kFull);
             json["incident"] = row.incident->number;
             return json;
           });
         });
       })});
}

void add_incidents(Router& router, OperatorBackend& backend) {
  router.add(
      {"GET", "/v1/incidents", Role::kViewer, Effect::kNone, Duration::seconds(5),
       "what is wrong, why, and what is done about it, open ones first: ?open= &limit=, or "
       "?number= in full",
       checked([&backend](const Request& request, const Reply& reply) {
         const Query query(request, {"open", "number", "limit"});
         const bool open = query.flag("open");
         const auto number = query.number("number", 0, UINT64_MAX);
         const auto limit = query.number("limit", kIncidentsListed, kIncidentsListedMax);
         show_board(backend, request, reply, [open, number, limit](const HealingBoard& board) {
           const auto& incidents = board.view->incidents;
           if (number != 0) {
             const auto found =
                 std::find_if(incidents.begin(), incidents.end(),
                              [&](const Incident& one) { return one.number == number; });
             if (found == incidents.end()) return no_such("incident", number, "/v1/incidents");
             return one_of(board, "incidents", to_json(*found, board, Detail::kFull));
           }
           return listed(
               board, "incidents", incidents, limit,
               [&](const Incident& one) { return !open || one.closed == WallTime{}; },
               [&](const Incident& one) { return to_json(one, board, Detail::kListed); });
         });
       })});
}

void add_remedies(Router& router, OperatorBackend& backend) {
  router.add(
      {"GET", "/v1/remedies", Role::kViewer, Effect::kNone, Duration::seconds(5),
       "what is and was done, those that run first: ?active= &incident= &limit=, or ?number= in "
       "full",
       checked([&backend](const Request& request, const Reply& reply) {
         const Query query(request, {"active", "incident", "number", "limit"});
         const bool active = query.flag("active");
         const auto incident = query.number("incident", 0, UINT64_MAX);
         const auto number = query.number("number", 0, UINT64_MAX);
         const auto limit = query.number("limit", kRemediesListed, kRemediesListedMax);
         show_board(backend, request, reply, [=](const HealingBoard& board) {
           const auto& remedies = board.view->remedies;
           if (number != 0) {
             const auto found =
                 std::find_if(remedies.begin(), remedies.end(),
                              [&](const Remedy& one) { return one.number == number; });
             if (found == remedies.end()) return no_such("remedy", number, "/v1/remedies");
             return one_of(board, "remedies", to_json(*found, board.names, Detail::kFull));
           }
           return listed(
               board, "remedies", remedies, limit,
               [&](const Remedy& one) {
                 return (!active || one.phase != Phase::kEnded) &&
                        (incident == 0 || one.incident == incident);
               },
               [&](const Remedy& one) { return to_json(one, board.names, Detail::kListed); });
         });
       })});
}

void add_advice(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/advice", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "what would be done if, reasoned in advance; open questions to advisors; what policy "
              "only recommends: ?limit=",
              checked([&backend](const Request& request, const Reply& reply) {
                const Query query(request, {"limit"});
                const auto limit = query.number("limit", kAdviceListed, kAdviceListed);
                show_board(backend, request, reply, [limit](const HealingBoard& board) {
                  return json_response(advice_json(board, limit));
                });
              })});
  router.add({"GET", "/v1/remediation", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "is the self-healing loop on, what waits for a person, what it counts",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                show_board(backend, request, reply, [](const HealingBoard& board) {
                  return json_response(remediation_json(board));
                });
              })});
}

// ---- commands

Label identity_of(const Request& request) {
  return name_from<Label>("operator", request.who->name);
}

uint64_t number_in_path(const Request& request) {
  const auto& word = request.names.at("number");
  uint64_t number = 0;
  const bool digits =
      !word.empty() && word.size() <= 19 &&
      std::all_of(word.begin(), word.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
  if (digits) number = std::stoull(word);
  if (number == 0)
    throw BadRequest{"number: expected a remedy's number, found \"" + word + "\"",
                     "GET /v1/remedies?active=true shows those that wait"};
  return number;
}

/// Tells what became of a command; `what_to_do` where it was in vain.
Answer<HealingTaken> taken_shown(const Reply& reply, std::string what_to_do) {
  return [reply, what_to_do](Result<HealingTaken> result) {
    auto held = std::make_shared<Result<HealingTaken>>(std::move(result));
    reply([held, what_to_do] {
      if (held->ok())
        return json_response(
            {{"taken", true}, {"text", held->value().text}, {"as_of", held->value().as_of}});
      const Error& error = held->error();
      if (error.code == ErrorCode::kNotFound)
        return error_response(404, "not_found", error.text, what_to_do);
      if (error.code == ErrorCode::kConflict)
        return error_response(409, "conflict", error.text, what_to_do);
      return error_response(error);
    });
  };
}

const char* const kLookAtRemedies =
    "GET /v1/remedies?active=true (`holdfast remedies`) shows what waits for approval";

void add_words(Router& router, OperatorBackend& backend) {
  router.add({"POST", "/v1/remedies/{number}/approve", Role::kApprover, Effect::kOther,
              Duration::seconds(10), "a person's yes to a remedy that waits for it: reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const auto number = number_in_path(request);
                const Body body(request, {});
                backend.healing_command(
                    call_of(request, body.reason()),
                    {orchestrator::healing::Approve{number, identity_of(request)}, nullptr},
                    taken_shown(reply, kLookAtRemedies));
              })});
  router.add(
      {"POST", "/v1/remedies/{number}/reject", Role::kOperator, Effect::kProtective,
       Duration::seconds(10), "a person's no, which ends the matter: reason",
       checked([&backend](const Request& request, const Reply& reply) {
         const auto number = number_in_path(request);
         const Body body(request, {});
         backend.healing_command(
             call_of(request, body.reason()),
             {orchestrator::healing::Reject{number, identity_of(request), body.reason()}, nullptr},
             taken_shown(reply, kLookAtRemedies));
       })});
  router.add({"POST", "/v1/remedies", Role::kOperator, Effect::kOther, Duration::seconds(10),
              "proposes an action; policy judges it: action, target, to, amount, incident, reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const Body body(request, {"action", "target", "to", "amount", "incident"});
                backend.healing_command(
                    call_of(request, body.reason()),
                    {orchestrator::healing::Propose{proposal_from(body, backend.place_names()),
                                                    identity_of(request)},
                     nullptr},
                    taken_shown(reply,
                                "GET /v1/incidents lists incidents, GET /v1/remediation "
                                "tells whether remediation is on"));
              })});
}

void add_switch(Router& router, OperatorBackend& backend) {
  router.add(
      {"POST", "/v1/remediation", Role::kOperator, Effect::kProtective, Duration::seconds(10),
       "switches remediation off, or on again (approver); findings go on either way: on, reason",
       checked([&backend](const Request& request, const Reply& reply) {
         const Body body(request, {"on"});
         if (!body.has("on")) throw BadRequest{"on: expected true or false"};
         const bool on = body.flag("on");
         if (on && request.who->role < Role::kApprover)
           return reply([who = *request.who] {
             return error_response(403, "forbidden",
                                   "switching remediation on needs the role approver; " + who.name +
                                       " is " + std::string(name_of(who.role)),
                                   "use the token of somebody with that role");
           });
         backend.healing_command(
             call_of(request, body.reason()),
             {orchestrator::healing::KillSwitch{!on, identity_of(request), body.reason()}, nullptr},
             taken_shown(reply, "GET /v1/remediation shows who switched it"));
       })});
}

}  // namespace

void add_healing(Router& router, OperatorBackend& backend) {
  add_findings(router, backend);
  add_incidents(router, backend);
  add_remedies(router, backend);
  add_advice(router, backend);
  add_words(router, backend);
  add_switch(router, backend);
}

}  // namespace holdfast::operator_api
