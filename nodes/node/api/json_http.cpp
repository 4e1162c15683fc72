#include "nodes/node/api/json_http.hpp"

#include <chrono>
#include <cstdio>

#include "nodes/node/api/order_id.hpp"

namespace holdfast::operator_api {
namespace {

template <typename T>
Json list(const std::vector<T>& items) {
  auto json = Json::array();
  for (const auto& item : items) json.push_back(to_json(item));
  return json;
}

/// 16 hex digits, null while there is nothing to show.
Json hex_json(Index at, uint64_t hash) {
  if (!at) return nullptr;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

template <typename Name>
Json text_or_null(const Name& name) {
  return name.empty() ? Json(nullptr) : Json(std::string(std::string_view(name)));
}
template <std::size_t N>
Json text_or_null(const Text<N>& name) {
  return name.empty() ? Json(nullptr) : Json(name.str());
}

Json reason_json(Reason reason) {
  return reason == Reason::kNone ? Json(nullptr) : Json(std::string(name_of(reason)));
}

// A policy's number in its own unit: messages, time, else money, price or quantity.
std::string policy_number(Reason policy, int64_t number) {
  if (policy == Reason::kMessageRate) return format_limit(LimitUnit::kCount, number);
  if (policy == Reason::kDuplicateOrder) return format_limit(LimitUnit::kDuration, number);
  return fixed_point::format(number);
}

Json check_json(const PolicyCheck& check) {
  return {{"policy", name_of(check.policy)},
          {"passed", check.passed},
          {"value", check.value},
          {"limit", check.limit},
          {"value_text", policy_number(check.policy, check.value)},
          {"limit_text", policy_number(check.policy, check.limit)}};
}

Json step_json(const OrderStep& step) {
  return {{"index", step.index.value},
          {"epoch", step.epoch.value},
          {"time", time_json(step.time)},
          {"event", name_of(step.event)},
          {"from", name_of(step.from)},
          {"to", name_of(step.to)},
          {"reason", reason_json(step.reason)},
          {"anomaly", step.anomaly},
          {"client_order_id", text_or_null(step.client_order_id)},
          {"last_quantity", step.last_quantity.str()},
          {"last_price", step.last_price.str()}};
}

Json group_json(const GroupJournalView& group) {
  return {{"group", group.group.value},
          {"name", group.name},
          {"role", group.role},
          {"epoch", group.epoch.value},
          {"appended", group.appended.value},
          {"committed", group.committed.value},
          {"applied", group.applied.value},
          {"snapshot", group.snapshot.value},
          {"first", group.first.value},
          {"entries_in_flight", group.entries_in_flight}};
}

}  // namespace

Json time_json(WallTime time) {
  if (time.ns <= 0) return nullptr;
  using namespace std::chrono;
  const sys_seconds second{seconds(time.ns / 1'000'000'000)};
  const auto day = floor<days>(second);
  const year_month_day date{day};
  const hh_mm_ss clock{second - day};
  char text[40];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02ld:%02ld:%02ld.%09ldZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<long>(clock.hours().count()), static_cast<long>(clock.minutes().count()),
      static_cast<long>(clock.seconds().count()), static_cast<long>(time.ns % 1'000'000'000));
  return text;
}

std::string shard_name(GroupId group) {
  return "orders/" + std::to_string(group.value - 1);  // shard s is group 1 + s
}

Json to_json(const AsOf& as_of) {
  return {{"group", as_of.group.value},
          {"name", as_of.name},
          {"epoch", as_of.epoch.value},
          {"index", as_of.index.value}};
}

Json to_json(const HealthView& view) {
  Json checks = Json::array();
  for (const auto& check : view.checks)
    checks.push_back({{"name", check.name}, {"ok", check.ok}, {"text", check.text}});
  return {{"live", view.live},
          {"ready", view.ready},
          {"node", view.node},
          {"version", view.version},
          {"durability", name_of(view.durability)},
          {"started", time_json(view.started)},
          {"now", time_json(view.now)},
          {"checks", checks}};
}

Json to_json(const TreeNodeView& view) {
  return {{"path", view.path},
          {"name", view.name},
          {"kind", view.kind},
          {"state", view.state},
          {"restarts", view.restarts},
          {"mailbox_depth", view.mailbox_depth},
          {"messages", view.messages},
          {"messages_per_second", view.messages_per_second},
          {"since", time_json(view.since)},
          {"last_exit", text_or_null(view.last_exit)},
          {"children", list(view.children)}};
}

Json to_json(const OrderView& view) {
  const auto& request = view.request;
  return {{"order", format_order_id(view.order)},
          {"account", request.account.str()},
          {"client_order_id", view.client_order_id.str()},
          {"original_client_order_id", request.client_order_id.str()},
          {"symbol", request.symbol.str()},
          {"side", name_of(request.side)},
          {"type", name_of(request.type)},
          {"time_in_force", name_of(request.time_in_force)},
          {"state", name_of(view.state)},
          {"open", !is_terminal(view.state)},
          {"price", view.price.str()},
          {"quantity", view.quantity.str()},
          {"cumulative_quantity", view.cumulative_quantity.str()},
          {"leaves_quantity", view.leaves_quantity.str()},
          {"cumulative_notional", view.cumulative_notional.str()},
          {"venue", text_or_null(view.venue)},
          {"wire_order_id", text_or_null(view.wire_order_id)},
          {"venue_order_id", text_or_null(view.venue_order_id)},
          {"reason", reason_json(view.reason)},
          {"text", text_or_null(view.text)},
          {"algo", text_or_null(request.attribution.algo)},
          {"trader", text_or_null(request.attribution.trader)},
          {"desk", text_or_null(request.attribution.desk)},
          {"trace", std::to_string(request.trace.value)},
          {"created", time_json(view.created)},
          {"updated", time_json(view.updated)},
          {"as_of_index", view.as_of.value}};
}

Json to_json(const OrderPage& page) {
  return {{"orders", list(page.orders)},
          {"more", page.more},
          {"next", page.more ? Json(format_order_id(page.next)) : Json(nullptr)},
          {"as_of", list(page.as_of)}};
}

Json to_json(const OrderHistory& history) {
  Json steps = Json::array(), checks = Json::array(), wire = Json::array();
  for (const auto& step : history.steps) steps.push_back(step_json(step));
  for (const auto& check : history.checks) checks.push_back(check_json(check));
  for (const auto& id : history.wire_ids) wire.push_back(id.str());
  return {{"order", to_json(history.order)},
          {"steps", steps},
          {"steps_dropped", history.steps_dropped},
          {"checks", checks},
          {"limits_version", history.limits.value},
          {"wire_order_ids", wire},
          {"as_of",
           {{"group", history.group.value},
            {"name", shard_name(history.group)},
            {"index", history.as_of.value}}}};
}

Json to_json(const KillSwitch& kill) {
  return {{"scope", name_of(kill.scope)},
          {"name", text_or_null(kill.name)},
          {"mode", name_of(kill.mode)},
          {"operator", text_or_null(kill.operator_name)},
          {"reason", text_or_null(kill.reason)}};
}

Json to_json(const FanOutView& view) {
  Json parts = Json::array();
  for (const auto& part : view.parts)
    parts.push_back({{"name", part.name},
                     {"confirmed", part.confirmed},
                     {"text", text_or_null(part.text)},
                     {"orders", part.orders},
                     {"index", part.index.value}});
  return {{"complete", view.complete}, {"parts", parts}};
}

Json to_json(const ReloadView& view) {
  Json changes = Json::array();
  for (const auto& change : view.changes)
    changes.push_back({{"what", change.what}, {"from", change.from}, {"to", change.to}});
  return {{"dry_run", view.dry_run},     {"from_version", view.from.value},
          {"to_version", view.to.value}, {"changes", changes},
          {"errors", view.errors},       {"applied", to_json(view.applied)}};
}

Json to_json(const VenueSessionView& view) {
  return {{"name", view.venue.str()},
          {"group", view.group.value},
          {"state", name_of(view.state)},
          {"since", time_json(view.since)},
          {"sender", view.sender},
          {"target", view.target},
          {"endpoint", view.endpoint},
          {"next_outbound", view.next_outbound},
          {"next_inbound", view.next_inbound},
          {"session_created", time_json(view.session_created)},
          {"in_flight", view.in_flight},
          {"in_flight_limit", view.in_flight_limit},
          {"waiting", view.waiting},
          {"open_orders", view.open_orders},
          {"unknown_orders", view.unknown_orders},
          {"requests_taken", view.requests_taken},
          {"requests_sent", view.requests_sent},
          {"requests_refused", view.requests_refused},
          {"messages_sent", view.messages_sent},
          {"messages_received", view.messages_received},
          {"connects", view.connects},
          {"connect_failures", view.connect_failures},
          {"garbage", view.garbage},
          {"unmapped_reports", view.unmapped_reports},
          {"reports_outstanding", view.reports_outstanding},
          {"last_sent", time_json(view.last_sent)},
          {"last_received", time_json(view.last_received)},
          {"halted", view.halted},
          {"halt_code", reason_json(view.halt_code)},
          {"halted_by", text_or_null(view.halted_by)},
          {"halt_reason", text_or_null(view.halt_reason)},
          {"kills", list(view.kills)},
          {"last_error", text_or_null(view.last_error)},
          {"logon",
           {{"refused", view.logon_refused},
            {"status", view.logon_refused ? "logon refused, retrying" : ""},
            {"refusals", view.logon_refusals},
            {"refusals_total", view.logon_refusals_total},
            {"refused_since", time_json(view.logon_refused_since)},
            {"next_try", time_json(view.next_try)}}},
          {"as_of", {{"epoch", view.epoch.value}, {"index", view.as_of.value}}}};
}

Json to_json(const VenuesView& view) { return {{"venues", list(view.venues)}}; }

Json to_json(const VenueCommandAnswer& answer) {
  return {{"accepted", answer.accepted},
          {"text", text_or_null(answer.text)},
          {"venue", to_json(answer.view)}};
}

Json to_json(const ReconciliationAnswer& answer) {
  const ReconciliationView& view = *answer;
  const ReconciliationCounters& c = view.counters;
  const DropCopyView& copy = view.drop_copy;
  uint64_t open = 0;
  Json orders = Json::array();
  for (const Reconciliation& row : view.rows) {
    open += row.by == SettledBy::kOpen;
    orders.push_back({{"order", format_order_id(row.order)},
                      {"clordid", row.wire.str()},
                      {"account", row.account.str()},
                      {"symbol", row.symbol.str()},
                      {"side", name_of(row.side)},
                      {"cause", name_of(row.cause)},
                      {"since", time_json(row.since)},
                      {"asked", row.asked},
                      {"settled_by", name_of(row.by)},
                      {"settled", time_json(row.settled)},
                      {"venue_state", name_of(row.venue_state)}});
  }
  return {{"name", view.venue.str()},
          {"group", view.group.value},
          {"state", name_of(view.state)},
          {"open", open},
          {"doubted", c.doubted},
          {"settled_by",
           {{"report", c.by_report},
            {"resend", c.by_resend},
            {"status", c.by_status},
            {"drop_copy", c.by_drop_copy},
            {"not_sent", c.not_sent}}},
          {"status_requests", c.asked},
          {"orders", std::move(orders)},
          {"drop_copy",
           {{"configured", copy.configured},
            {"connected", copy.connected},
            {"sender", text_or_null(copy.sender)},
            {"target", text_or_null(copy.target)},
            {"endpoint", text_or_null(copy.endpoint)},
            {"next_inbound", copy.next_inbound},
            {"received", copy.received},
            {"matched", copy.matched},
            {"held", copy.held},
            {"used", c.copies_used},
            {"connects", copy.connects},
            {"last_received", time_json(copy.last_received)},
            {"last_error", text_or_null(copy.last_error)}}},
          {"as_of", {{"epoch", view.epoch.value}, {"index", view.as_of.value}}}};
}

Json to_json(const JournalView& view) {
  Json groups = Json::array();
  for (const auto& group : view.groups) groups.push_back(group_json(group));
  return {{"durability", name_of(view.durability)},
          {"directory", view.directory},
          {"bytes", view.bytes},
          {"disk_free_bytes", view.disk_free_bytes},
          {"disk_total_bytes", view.disk_total_bytes},
          {"disk_free_bytes_min", view.disk_free_bytes_min},
          {"intake_stopped", view.intake_stopped},
          {"groups", groups}};
}

Json to_json(const OrchestratorView& view) {
  Json decisions = Json::array();
  for (const auto& one : view.decisions)
    decisions.push_back({{"number", one.number},
                         {"at", time_json(one.at)},
                         {"failure", one.failure},
                         {"member", one.member},
                         {"path", one.path},
                         {"text", one.text},
                         {"remedy", one.remedy},
                         {"target", one.target},
                         {"reason", one.reason},
                         {"outcome", one.outcome},
                         {"outcome_text", one.outcome_text}});
  return {{"member", view.member},   {"leader", view.leader},   {"as_of", view.as_of.value},
          {"pending", view.pending}, {"dropped", view.dropped}, {"decisions", decisions}};
}

Json to_json(const ReplicaGroupsView& view) {
  Json groups = Json::array();
  for (const auto& group : view.groups) {
    Json peers = Json::array();
    for (const auto& peer : group.peers)
      peers.push_back({{"member", peer.member},
                       {"linked", peer.linked},
                       {"streaming", peer.streaming},
                       {"in_sync", peer.in_sync},
                       {"acknowledged", peer.acknowledged.value}});
    groups.push_back({{"group", group.group.value},
                      {"name", group.name},
                      {"state", group.state},
                      {"epoch", group.epoch.value},
                      {"leader", group.leader},
                      {"in_sync", group.in_sync},
                      {"last", group.last.value},
                      {"committed", group.committed.value},
                      {"unprotected", group.unprotected},
                      {"parked", group.parked},
                      {"entries_in_flight", group.entries_in_flight},
                      {"hand_over_to", text_or_null(group.hand_over_to)},
                      {"hand_over_left_ms", group.hand_over_left.ms()},
                      {"format", group.format},
                      {"state_hash_at", group.state_hash_at.value},
                      {"state_hash", hex_json(group.state_hash_at, group.state_hash)},
                      {"egress_held", group.egress_held},
                      {"egress_refused", group.egress_refused},
                      {"window_full", group.window_full},
                      {"stale_acks", group.stale_acks},
                      {"stale_epochs", group.stale_epochs},
                      {"ejected", group.ejected},
                      {"peers", peers}});
  }
  return {{"member", view.member}, {"groups", groups}};
}

Json to_json(const HandOverView& view) {
  return {{"group", view.group},
          {"to", view.to},
          {"state", view.state},
          {"fast", view.fast},
          {"entries_in_flight", view.entries_in_flight},
          {"orders_in_flight", view.orders_in_flight},
          {"within_ms", view.within.ms()}};
}

Json to_json(const BackupView& view) {
  return {{"directory", view.directory}, {"bytes", view.bytes}, {"groups", list(view.groups)}};
}

Json to_json(const RestartView& view) { return {{"path", view.path}, {"state", view.state}}; }

}  // namespace holdfast::operator_api
