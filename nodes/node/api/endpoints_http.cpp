#include "nodes/node/api/endpoints_http.hpp"

#include "nodes/node/api/healing/healing_endpoints_http.hpp"
#include "nodes/node/api/order_id.hpp"
#include "nodes/node/api/request_http.hpp"
#include "nodes/node/api/telemetry_http.hpp"

namespace holdfast::operator_api {
namespace {

constexpr uint32_t kOrdersPageDefault = 100;
OrderId order_id_from(const std::string& what, const std::string& word) {
  const auto id = parse_order_id(word);
  if (!id)
    throw BadRequest{what + ": expected an order id like 0-42, found \"" + word + "\"",
                     "it is SHARD-NUMBER, as GET /v1/orders shows it"};
  return *id;
}

std::optional<OrderState> state_from(const std::string& word) {
  if (word.empty() || word == "open") return std::nullopt;
  std::string known;
  for (int i = 0; i <= static_cast<int>(OrderState::kNotSent); ++i) {
    const auto state = static_cast<OrderState>(i);
    if (name_of(state) == word) return state;
    known += " " + std::string(name_of(state));
  }
  throw BadRequest{"state: there is no state " + word, "known are: open" + known};
}

// ---- the endpoints, by subject

void add_health(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/health", std::nullopt, Effect::kNone, Duration::seconds(2),
              "live and ready; with a token why",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                const auto who = request.who;
                backend.health(call_of(request), [reply, who](Result<HealthView> result) {
                  auto held = std::make_shared<Result<HealthView>>(std::move(result));
                  reply([held, who] {
                    if (!held->ok()) return error_response(held->error());
                    const auto& view = held->value();
                    const unsigned status = view.live && view.ready ? 200 : 503;
                    if (!who)
                      return json_response({{"live", view.live}, {"ready", view.ready}}, status);
                    auto json = to_json(view);
                    json["you"] = {{"name", who->name}, {"role", name_of(who->role)}};
                    return json_response(json, status);
                  });
                });
              })});
}

void add_tree(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/tree", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "the live actor tree: ?path= below, ?depth= levels",
              checked([&backend](const Request& request, const Reply& reply) {
                const Query query(request, {"path", "depth"});
                TreeQuery tree;
                tree.path = query.text("path");
                tree.depth = static_cast<uint32_t>(
                    query.number("depth", limits::kTreeDepthMax, limits::kTreeDepthMax));
                backend.tree(call_of(request), tree, shown<TreeNodeView>(reply));
              })});
  router.add({"POST", "/v1/tree/restart", Role::kOperator, Effect::kOther, Duration::seconds(10),
              "restarts one actor from its journal: path, reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const Body body(request, {"path"});
                const auto path = body.text("path");
                if (path.empty())
                  throw BadRequest{"path: expected an actor's path", "GET /v1/tree shows them"};
                backend.restart(call_of(request, body.reason()), path, shown<RestartView>(reply));
              })});
  router.add({"POST", "/v1/tree/kill", Role::kOperator, Effect::kOther, Duration::seconds(10),
              "kills one actor as if it had crashed; its supervisor counts it: path, reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const Body body(request, {"path"});
                const auto path = body.text("path");
                if (path.empty())
                  throw BadRequest{"path: expected an actor's path", "GET /v1/tree shows them"};
                backend.kill(call_of(request, body.reason()), path, shown<RestartView>(reply));
              })});
}

OrdersQuery orders_query(const Query& query) {
  OrdersQuery orders;
  orders.account = name_from<Account>("account", query.text("account"));
  orders.symbol = name_from<Symbol>("symbol", query.text("symbol"));
  orders.client_order_id =
      name_from<ClientOrderId>("client_order_id", query.text("client_order_id"));
  orders.state = state_from(query.text("state"));
  orders.open_only = query.text("state") == "open";
  orders.limit = static_cast<uint32_t>(query.number("limit", kOrdersPageDefault, kOrdersPageMax));
  if (const auto after = query.text("after"); !after.empty())
    orders.after = order_id_from("after", after);
  return orders;
}

void add_orders(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/orders", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "orders by rising id: ?account= &symbol= &client_order_id= &state= &limit= &after=",
              checked([&backend](const Request& request, const Reply& reply) {
                const Query query(
                    request, {"account", "symbol", "client_order_id", "state", "limit", "after"});
                backend.orders(call_of(request), orders_query(query), shown<OrderPage>(reply));
              })});
  router.add({"GET", "/v1/orders/{id}", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "one order's whole history, by its id",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                OrderHistoryQuery query;
                query.order = order_id_from("id", request.names.at("id"));
                backend.order(call_of(request), query, shown<OrderHistory>(reply));
              })});
  router.add(
      {"GET", "/v1/accounts/{account}/orders/{client_order_id}", Role::kViewer, Effect::kNone,
       Duration::seconds(5), "one order's whole history, by account and client order id",
       checked([&backend](const Request& request, const Reply& reply) {
         Query(request, {});
         OrderHistoryQuery query;
         query.account = name_from<Account>("account", request.names.at("account"));
         query.client_order_id =
             name_from<ClientOrderId>("client_order_id", request.names.at("client_order_id"));
         backend.order(call_of(request), query, shown<OrderHistory>(reply));
       })});
}

KillScope scope_from(const std::string& word) {
  std::string known;
  for (auto scope : {KillScope::kFirm, KillScope::kDesk, KillScope::kAccount, KillScope::kAlgo}) {
    if (name_of(scope) == word) return scope;
    known += " " + std::string(name_of(scope));
  }
  throw BadRequest{"scope: expected a scope, found \"" + word + "\"", "known are:" + known};
}

KillSwitch kill_from(const Body& body, const Request& request, KillMode mode) {
  KillSwitch kill;
  kill.scope = scope_from(body.text("scope"));
  kill.name = name_from<Text<limits::kNameBytes>>("name", body.text("name"));
  if ((kill.scope == KillScope::kFirm) != kill.name.empty())
    throw BadRequest{kill.scope == KillScope::kFirm
                         ? "name: the firm has none"
                         : "name: whose " + std::string(name_of(kill.scope)) + " is missing",
                     kill.scope == KillScope::kFirm ? "leave the name out" : "add it, as in M1"};
  kill.mode = mode;
  kill.operator_name = name_from<Label>("operator", request.who->name);
  kill.reason = name_from<ReasonText>("reason", body.reason());
  return kill;
}

void add_risk(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/risk", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "limits, their version, exposures, kills: ?account=",
              checked([&backend](const Request& request, const Reply& reply) {
                const Query query(request, {"account"});
                const ShardRiskQuery risk{0, name_from<Account>("account", query.text("account"))};
                backend.risk(call_of(request), risk, shown<RiskView>(reply));
              })});
  router.add({"POST", "/v1/risk/kill", Role::kOperator, Effect::kProtective, Duration::seconds(10),
              "blocks new orders and cancels open ones: scope, name, mode, force, reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const Body body(request, {"scope", "name", "mode", "force"});
                const auto mode = body.text("mode");
                if (mode != "" && mode != "full" && mode != "reduce-only")
                  throw BadRequest{"mode: expected full or reduce-only"};
                const auto kill = kill_from(
                    body, request, mode == "reduce-only" ? KillMode::kReduceOnly : KillMode::kFull);
                backend.set_kill(call_of(request, body.reason()), {kill, body.flag("force")},
                                 shown<FanOutView>(reply));
              })});
  router.add({"POST", "/v1/risk/resume", Role::kApprover, Effect::kOther, Duration::seconds(10),
              "ends a kill: scope, name, force, reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const Body body(request, {"scope", "name", "force"});
                const auto kill = kill_from(body, request, KillMode::kNone);
                backend.set_kill(call_of(request, body.reason()), {kill, body.flag("force")},
                                 shown<FanOutView>(reply));
              })});
  router.add({"POST", "/v1/risk/reload", Role::kApprover, Effect::kOther, Duration::seconds(10),
              "reads risk.toml again: dry_run, reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const Body body(request, {"dry_run"});
                backend.reload_risk(call_of(request, body.reason()), {body.flag("dry_run")},
                                    shown<ReloadView>(reply));
              })});
}

struct VenueVerb {
  const char* word;
  VenueCommandKind kind;
  Role role;
  Effect effect;
  bool numbered;
  const char* summary;
};
constexpr VenueVerb kVenueVerbs[] = {
    {"halt", VenueCommandKind::kHalt, Role::kOperator, Effect::kProtective, false,
     "no new orders and replaces; cancels still go"},
    {"resume", VenueCommandKind::kResume, Role::kOperator, Effect::kOther, false, "ends a halt"},
    {"reconnect", VenueCommandKind::kReconnect, Role::kOperator, Effect::kOther, false,
     "logs out and on again under the same numbers"},
    {"logout", VenueCommandKind::kLogout, Role::kOperator, Effect::kProtective, false,
     "logs out and stays out"},
    {"logon", VenueCommandKind::kLogon, Role::kOperator, Effect::kOther, false, "ends a logout"},
    {"set-outbound", VenueCommandKind::kSetOutbound, Role::kAdmin, Effect::kOther, true,
     "next MsgSeqNum out: number; the session must be down"},
    {"set-inbound", VenueCommandKind::kSetInbound, Role::kAdmin, Effect::kOther, true,
     "next MsgSeqNum expected: number; the session must be down"},
    {"reset-sequence", VenueCommandKind::kResetSequence, Role::kAdmin, Effect::kOther, false,
     "both numbers to 1 with the next Logon; the session must be down"},
};

// A refused venue command is a conflict, told with the venue's state.
Answer<VenueCommandAnswer> venue_shown(const Reply& reply) {
  return [reply](Result<VenueCommandAnswer> result) {
    auto held = std::make_shared<Result<VenueCommandAnswer>>(std::move(result));
    reply([held] {
      if (!held->ok()) return error_response(held->error());
      if (held->value().accepted) return json_response(to_json(held->value()));
      return error_response(409, "conflict", held->value().text,
                            "GET /v1/venues shows the session's state");
    });
  };
}

void add_venues(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/venues", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "FIX sessions: state, numbers, orders, counters",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                backend.venues(call_of(request), shown<VenuesView>(reply));
              })});
  router.add({"GET", "/v1/venues/{name}/reconciliation", Role::kViewer, Effect::kNone,
              Duration::seconds(5),
              "orders whose outcome was not known: why, and what settled each; drop copy",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                const auto venue = name_from<VenueName>("name", request.names.at("name"));
                backend.reconciliation(call_of(request), venue, shown<ReconciliationAnswer>(reply));
              })});
  for (const auto& verb : kVenueVerbs) {
    router.add({"POST", std::string("/v1/venues/{name}/") + verb.word, verb.role, verb.effect,
                Duration::seconds(10), std::string(verb.summary) + "; reason",
                checked([&backend, verb](const Request& request, const Reply& reply) {
                  const Body body(request, verb.numbered ? std::vector<std::string>{"number"}
                                                         : std::vector<std::string>{});
                  VenueCommand command;
                  command.kind = verb.kind;
                  if (verb.numbered) command.number = body.number("number");
                  command.operator_name = name_from<Label>("operator", request.who->name);
                  command.reason = name_from<ReasonText>("reason", body.reason());
                  const auto venue = name_from<VenueName>("name", request.names.at("name"));
                  backend.venue_command(call_of(request, body.reason()), venue, command,
                                        venue_shown(reply));
                })});
  }
}

void add_journal(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/journal", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "journal groups: appended, committed, snapshots, disk",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                backend.journal(call_of(request), shown<JournalView>(reply));
              })});
  router.add({"POST", "/v1/backup", Role::kOperator, Effect::kOther, Duration::seconds(300),
              "a consistent copy of the journal while running: directory, reason",
              checked([&backend](const Request& request, const Reply& reply) {
                const Body body(request, {"directory"});
                const BackupRequest backup{body.text("directory")};
                if (!backup.directory.starts_with('/') || backup.directory.size() > 4'096)
                  throw BadRequest{"directory: expected an absolute path on the node's host"};
                backend.backup(call_of(request, body.reason()), backup, shown<BackupView>(reply));
              })});
  router.add({"POST", "/v1/note", Role::kOperator, Effect::kOther, Duration::seconds(5),
              "a line of the audit log and nothing else: reason",
              checked([](const Request& request, const Reply& reply) {
                const Body body(request, {});
                const auto name = request.who.value_or(Identity{}).name;
                reply([name] { return json_response({{"noted", true}, {"name", name}}); });
              })});
}

void add_groups(Router& router, OperatorBackend& backend) {
  router.add({"GET", "/v1/orchestrator", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "failures that reached the root of a node, what was decided, and how it ended",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                backend.orchestrator(call_of(request), shown<OrchestratorView>(reply));
              })});
  router.add({"GET", "/v1/groups", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "replica groups: state, leader, epoch, in-sync set, as this node's members know them",
              checked([&backend](const Request& request, const Reply& reply) {
                Query(request, {});
                backend.groups(call_of(request), shown<ReplicaGroupsView>(reply));
              })});
  router.add(
      {"POST", "/v1/groups/hand-over", Role::kOperator, Effect::kOther, Duration::seconds(10),
       "a planned change of leader: group, to, reason; fast, of the node that takes over "
       "from a leader that does not answer",
       checked([&backend](const Request& request, const Reply& reply) {
         const Body body(request, {"group", "to", "fast"});
         HandOverRequest wanted{body.text("group"), body.text("to")};
         wanted.fast = body.flag("fast");
         if (wanted.group.empty())
           throw BadRequest{"group: expected a group's name", "GET /v1/groups shows them"};
         if (wanted.to.empty()) throw BadRequest{"to: expected a member's name"};
         backend.hand_over(call_of(request, body.reason()), wanted, shown<HandOverView>(reply));
       })});
}

void add_metrics(Router& router, OperatorBackend& backend,
                 std::shared_ptr<const ServerCounters> counters) {
  router.add({"GET", "/metrics", Role::kViewer, Effect::kNone, Duration::seconds(5),
              "Prometheus text",
              checked([&backend, counters](const Request& request, const Reply& reply) {
                Query(request, {});
                backend.metrics(call_of(request), [reply, counters](Result<std::string> result) {
                  auto held = std::make_shared<Result<std::string>>(std::move(result));
                  reply([held, counters] {
                    if (!held->ok()) return error_response(held->error());
                    MetricsText own;
                    counters->write(own);
                    return Response{200, "text/plain; version=0.0.4",
                                    held->value() + std::move(own).take()};
                  });
                });
              })});
}

// GET /v1: what there is. Added last, so that it knows all others.
void add_index(Router& router) {
  Json endpoints = Json::array();
  for (const auto& route : router.routes())
    endpoints.push_back({{"method", route.method},
                         {"path", route.pattern},
                         {"role", route.role ? Json(name_of(*route.role)) : Json(nullptr)},
                         {"summary", route.summary}});
  router.add({"GET", "/v1", Role::kViewer, Effect::kNone, Duration::seconds(1), "this list",
              [endpoints](const Request&, const Reply& reply) {
                reply([endpoints] { return json_response({{"endpoints", endpoints}}); });
              }});
}

}  // namespace

Response json_response(const Json& json, unsigned status) {
  // Bytes that are not UTF-8 (a damaged text of a venue) are replaced, never thrown over.
  return {status, "application/json",
          json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Response error_response(unsigned status, std::string_view code, std::string_view text,
                        std::string_view what_to_do) {
  return json_response({{"error", {{"code", code}, {"text", text}, {"what_to_do", what_to_do}}}},
                       status);
}

Response error_response(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return error_response(400, "bad_request", error.text, kCorrectIt);
    case ErrorCode::kDenied:
      return error_response(403, "denied", error.text, "ask somebody whose role allows it");
    case ErrorCode::kNotFound:
      return error_response(404, "not_found", error.text, "check the name");
    case ErrorCode::kConflict:
      return error_response(409, "conflict", error.text, "look at the present state, then decide");
    case ErrorCode::kFull:
      return error_response(429, "full", error.text, "try again in a moment");
    case ErrorCode::kUnavailable:
      return error_response(503, "unavailable", error.text,
                            "try again; GET /v1/health tells why the node is not ready");
    case ErrorCode::kCorrupt:
      return error_response(500, "corrupt", error.text,
                            "stop and look: stored bytes are damaged; restore from a backup");
    case ErrorCode::kIo:
      return error_response(500, "io", error.text, "look at the disk and at the node's log");
  }
  return error_response(500, "internal", error.text, "look at the node's log");
}

Result<std::unique_ptr<Server>> start_operator_api(ServerSettings settings, Tokens tokens,
                                                   OperatorBackend& backend, AuditSink audit,
                                                   WallClock clock) {
  auto counters = std::make_shared<ServerCounters>();
  return Server::start(std::move(settings), std::move(tokens), operator_routes(backend, counters),
                       counters, std::move(audit), std::move(clock));
}

std::string reason_in(const std::string& body) {
  const auto json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("reason") || !json["reason"].is_string()) return "";
  return json["reason"].get<std::string>().substr(0, limits::kReasonTextBytes);
}

Router operator_routes(OperatorBackend& backend, std::shared_ptr<const ServerCounters> counters) {
  Router router;
  add_health(router, backend);
  add_tree(router, backend);
  add_orders(router, backend);
  add_risk(router, backend);
  add_venues(router, backend);
  add_journal(router, backend);
  add_groups(router, backend);
  add_metrics(router, backend, std::move(counters));
  add_telemetry(router, backend);
  add_healing(router, backend);
  add_index(router);
  return router;
}

}  // namespace holdfast::operator_api
