#include "nodes/console/show_http.hpp"

#include <algorithm>
#include <cctype>

namespace holdfast::console {
namespace {

Style style_of_state(std::string state) {
  std::transform(state.begin(), state.end(), state.begin(), ::tolower);
  if (state == "running" || state == "open" || state == "up") return Style::kGood;
  if (state == "stopped" || state == "down" || state == "quarantined" || state == "killed")
    return Style::kBad;
  return Style::kWarn;
}

const Json& list_in(const Json& json, const char* field) {
  static const Json kNone = Json::array();
  return json.is_object() && json.contains(field) && json[field].is_array() ? json[field] : kNone;
}

uint64_t number_in(const Json& json, const char* field) {
  return json.is_object() && json.contains(field) && json[field].is_number_unsigned()
             ? json[field].get<uint64_t>()
             : 0;
}

bool flag_in(const Json& json, const char* field) {
  return json.is_object() && json.contains(field) && json[field].is_boolean() &&
         json[field].get<bool>();
}

// A number that is worth a look when it is not zero.
Table::Cell count(const Json& json, const char* field, Style when_not_zero) {
  return {text_of(json, field), number_in(json, field) ? when_not_zero : Style::kPlain};
}

void add_tree_rows(const Json& node, const std::string& lead, const std::string& lead_below,
                   Table& table) {
  const auto state = text_of(node, "state");
  table.add({lead + text_of(node, "name"),
             {state, style_of_state(state)},
             count(node, "restarts", Style::kWarn),
             text_of(node, "mailbox_depth"),
             text_of(node, "messages_per_second"),
             text_of(node, "messages"),
             clock_of(node, "since"),
             {text_of(node, "last_exit"), Style::kDim}});
  const auto& children = list_in(node, "children");
  for (std::size_t i = 0; i < children.size(); ++i) {
    const bool last = i + 1 == children.size();
    add_tree_rows(children[i], lead_below + (last ? "└─ " : "├─ "),
                  lead_below + (last ? "   " : "│  "), table);
  }
}

}  // namespace

std::string text_of(const Json& json, const char* field) {
  if (!json.is_object() || !json.contains(field)) return "";
  const auto& value = json[field];
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : value.dump();
}

std::string money_of(const Json& json, const char* field) {
  auto text = text_of(json, field);
  const auto point = std::min(text.find('.'), text.size());
  text.resize(std::min(text.size(), point + 3));
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  for (auto at = point; at > first + 3;) text.insert(at -= 3, ",");
  return text;
}

std::string clock_of(const Json& json, const char* field, bool date) {
  const auto text = text_of(json, field);  // 2026-11-20T18:41:33.123456789Z
  if (text.size() < 23) return "";
  return (date ? text.substr(0, 10) + " " : "") + text.substr(11, 12);
}

std::string size_text(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  uint64_t tenths = bytes * 10;
  while (tenths >= 10'240 && unit + 1 < std::size(kUnits)) {
    tenths /= 1'024;
    ++unit;
  }
  const auto whole = std::to_string(tenths / 10);
  return (unit == 0 ? whole : whole + "." + std::to_string(tenths % 10)) + " " + kUnits[unit];
}

std::string as_of_line(const Json& json, const Screen& screen) {
  std::string text;
  for (const auto& as_of : list_in(json, "as_of")) {
    const auto name = text_of(as_of, "name");
    text += (text.empty() ? "as of " : ", ") +
            (name.empty() ? "group " + text_of(as_of, "group") : name) + " #" +
            text_of(as_of, "index");
  }
  return text.empty() ? "" : styled(text, Style::kDim, screen) + "\n";
}

std::string show_health(const Json& json, const Screen& screen) {
  const bool live = flag_in(json, "live"), ready = flag_in(json, "ready");
  std::string out =
      "node " + text_of(json, "node") + " " +
      styled(live ? "live" : "NOT LIVE", live ? Style::kGood : Style::kBad, screen) + ", " +
      styled(ready ? "ready" : "NOT READY", ready ? Style::kGood : Style::kBad, screen);
  if (json.is_object() && json.contains("started"))
    out += ", durability " + text_of(json, "durability") + ", version " + text_of(json, "version") +
           ", up since " + clock_of(json, "started", true) + " UTC";
  out += "\n";
  Table table({{"CHECK", false, false}, {"", false, false}, {"", false, true}});
  for (const auto& check : list_in(json, "checks")) {
    const bool ok = flag_in(check, "ok");
    table.add({text_of(check, "name"),
               {ok ? "ok" : "NOT OK", ok ? Style::kGood : Style::kBad},
               text_of(check, "text")});
  }
  if (!table.empty()) out += table.str(screen);
  if (json.is_object() && json.contains("you"))
    out += styled("you are " + text_of(json["you"], "name") + ", " + text_of(json["you"], "role"),
                  Style::kDim, screen) +
           "\n";
  return out;
}

std::string show_tree(const Json& json, const Screen& screen) {
  Table table({{"ACTOR", false, false},
               {"STATE", false, false},
               {"RESTARTS", true, false},
               {"MAILBOX", true, false},
               {"MSG/S", true, false},
               {"MESSAGES", true, false},
               {"SINCE UTC", false, false},
               {"LAST EXIT", false, true}});
  add_tree_rows(json, "", "", table);
  return table.str(screen);
}

std::string show_fan_out(const Json& json, const std::string& done, const Screen& screen) {
  const bool complete = flag_in(json, "complete");
  Table table({{"GROUP", false, false},
               {"", false, false},
               {"CANCELLING", true, false},
               {"INDEX", true, false},
               {"", false, true}});
  for (const auto& part : list_in(json, "parts")) {
    const bool confirmed = flag_in(part, "confirmed");
    table.add({text_of(part, "name"),
               {confirmed ? "confirmed" : "MISSING", confirmed ? Style::kGood : Style::kBad},
               text_of(part, "orders"),
               confirmed ? text_of(part, "index") : "",
               text_of(part, "text")});
  }
  return (complete ? styled(done + ": every group has committed it", Style::kGood, screen)
                   : styled(done + ": NOT COMPLETE, the missing groups are named below; ask again",
                            Style::kBad, screen)) +
         "\n" + (table.empty() ? "" : table.str(screen));
}

std::string show_venues(const Json& json, const Screen& screen) {
  Table table({{"VENUE", false, false},
               {"STATE", false, false},
               {"SINCE UTC", false, false},
               {"OUT", true, false},
               {"IN", true, false},
               {"IN FLIGHT", true, false},
               {"WAITING", true, false},
               {"OPEN", true, false},
               {"UNKNOWN", true, false},
               {"LAST IN", false, false},
               {"NOTE", false, true}});
  for (const auto& venue : list_in(json, "venues")) {
    const auto state = text_of(venue, "state");
    std::string note;
    if (flag_in(venue, "halted"))
      note = "halted by " + text_of(venue, "halted_by") + ": " + text_of(venue, "halt_reason");
    const Json logon = venue.value("logon", Json::object());
    if (note.empty() && flag_in(logon, "refused"))
      note = text_of(logon, "status") + " (" + text_of(logon, "refusals") + " times since " +
             clock_of(logon, "refused_since") + "): " + text_of(venue, "last_error");
    if (note.empty()) note = text_of(venue, "last_error");
    table.add({text_of(venue, "name"),
               {state, style_of_state(state)},
               clock_of(venue, "since"),
               text_of(venue, "next_outbound"),
               text_of(venue, "next_inbound"),
               text_of(venue, "in_flight") + "/" + text_of(venue, "in_flight_limit"),
               count(venue, "waiting", Style::kWarn),
               text_of(venue, "open_orders"),
               count(venue, "unknown_orders", Style::kBad),
               clock_of(venue, "last_received"),
               note});
  }
  return table.str(screen);
}

std::string show_venue(const Json& json, const Screen& screen) {
  Table table({{"VENUE " + text_of(json, "name"), false, false}, {"", false, true}});
  for (const auto& [field, value] : json.items()) {
    if (value.is_null() || value.is_array() || value.is_object() || field == "name") continue;
    const auto text = text_of(json, field.c_str());
    table.add({field, {text, field == "state" ? style_of_state(text) : Style::kPlain}});
  }
  return table.str(screen);
}

std::string show_reconciliation(const Json& json, const Screen& screen) {
  const uint64_t open = number_in(json, "open");
  const Json by = json.value("settled_by", Json::object());
  const Json copy = json.value("drop_copy", Json::object());
  std::string out = "venue " + text_of(json, "name") + " " + text_of(json, "state") + ": " +
                    styled(std::to_string(open) + " of unknown outcome",
                           open == 0 ? Style::kGood : Style::kBad, screen) +
                    ", " + text_of(json, "doubted") + " ever: settled by resend " +
                    text_of(by, "resend") + ", report " + text_of(by, "report") + ", status " +
                    text_of(by, "status") + ", drop copy " + text_of(by, "drop_copy") +
                    ", not sent " + text_of(by, "not_sent") + "\n";
  if (!flag_in(copy, "configured"))
    out += "drop copy: not configured\n";
  else
    out += "drop copy " + text_of(copy, "sender") + ": " +
           (flag_in(copy, "connected") ? styled("connected", Style::kGood, screen)
                                       : styled("not connected", Style::kWarn, screen) +
                                             (text_of(copy, "last_error").empty()
                                                  ? ""
                                                  : " (" + text_of(copy, "last_error") + ")")) +
           ", " + text_of(copy, "received") + " copies, " + text_of(copy, "matched") +
           " told by the session too, " + text_of(copy, "held") + " waiting for it, " +
           text_of(copy, "used") + " were news\n";
  Table table({{"ORDER", false, false},
               {"CLORDID", false, false},
               {"ACCOUNT", false, false},
               {"SYMBOL", false, false},
               {"SIDE", false, false},
               {"WHY", false, false},
               {"SINCE UTC", false, false},
               {"ASKED", true, false},
               {"SETTLED BY", false, false},
               {"AT", false, false},
               {"VENUE SAYS", false, true}});
  for (const auto& row : list_in(json, "orders")) {
    const auto settled = text_of(row, "settled_by");
    const bool is_open = settled == "Open";
    table.add({text_of(row, "order"),
               text_of(row, "clordid"),
               text_of(row, "account"),
               text_of(row, "symbol"),
               text_of(row, "side"),
               text_of(row, "cause"),
               clock_of(row, "since"),
               text_of(row, "asked"),
               {is_open ? "OPEN" : settled, is_open ? Style::kBad : Style::kGood},
               clock_of(row, "settled"),
               is_open ? "" : text_of(row, "venue_state")});
  }
  return out + (table.empty() ? "" : table.str(screen));
}

std::string show_journal(const Json& json, const Screen& screen) {
  const auto free = number_in(json, "disk_free_bytes"),
             least = number_in(json, "disk_free_bytes_min");
  std::string out =
      "journal " + text_of(json, "directory") + ", durability " + text_of(json, "durability") +
      ", " + size_text(number_in(json, "bytes")) + ", disk " +
      styled(size_text(free) + " free", free < 2 * least ? Style::kBad : Style::kGood, screen) +
      " of " + size_text(number_in(json, "disk_total_bytes")) + " (intake stops below " +
      size_text(least) + ")\n";
  if (flag_in(json, "intake_stopped"))
    out += styled("INTAKE IS STOPPED: make room on that disk", Style::kBad, screen) + "\n";
  Table table({{"GROUP", false, false},
               {"ROLE", false, false},
               {"EPOCH", true, false},
               {"APPENDED", true, false},
               {"COMMITTED", true, false},
               {"IN FLIGHT", true, false},
               {"SNAPSHOT", true, false},
               {"FIRST", true, false}});
  for (const auto& group : list_in(json, "groups"))
    table.add({text_of(group, "name"), text_of(group, "role"), text_of(group, "epoch"),
               text_of(group, "appended"), text_of(group, "committed"),
               text_of(group, "entries_in_flight"), text_of(group, "snapshot"),
               text_of(group, "first")});
  return out + table.str(screen);
}

std::string show_hand_over(const Json& json) {
  if (flag_in(json, "fast"))
    return "fast cut of " + text_of(json, "group") + ": " + text_of(json, "to") +
           " fences the leader, takes over, and reconciles\n";
  return "draining " + text_of(json, "group") + " for " + text_of(json, "to") + ": " +
         text_of(json, "entries_in_flight") + " entries and " + text_of(json, "orders_in_flight") +
         " orders in flight, intake waits, called off after " + text_of(json, "within_ms") +
         " ms\n";
}

std::string show_orchestrator(const Json& json, const Screen& screen) {
  const auto leader = text_of(json, "leader");
  std::string out = leader.empty() ? "" : "led by " + leader + ", ";
  out += "as of " + text_of(json, "as_of") + "\n";
  if (list_in(json, "decisions").empty())
    return out + "no failure has reached the root of a node's tree\n";
  Table table({{"NO", true, false},
               {"AT UTC", false, false},
               {"MEMBER", false, false},
               {"FAILURE", false, false},
               {"OF", false, false},
               {"DECISION", false, false},
               {"OUTCOME", false, false},
               {"WHY", false, true}});
  for (const auto& one : list_in(json, "decisions")) {
    const auto outcome = text_of(one, "outcome");
    const auto target = text_of(one, "target");
    table.add({text_of(one, "number"),
               text_of(one, "at"),
               text_of(one, "member"),
               text_of(one, "failure"),
               text_of(one, "path"),
               text_of(one, "remedy") + (target.empty() ? "" : " " + target),
               {outcome, outcome == "done" ? Style::kGood : Style::kWarn},
               text_of(one, "reason") + "; " + text_of(one, "outcome_text")});
  }
  return out + table.str(screen);
}

std::string show_groups(const Json& json, const Screen& screen) {
  if (list_in(json, "groups").empty()) return "this node is by itself: it has no replica groups\n";
  Table table({{"GROUP", false, false},
               {"STATE", false, false},
               {"LEADER", false, false},
               {"EPOCH", true, false},
               {"IN SYNC", false, true},
               {"LAST", true, false},
               {"COMMITTED", true, false},
               {"STATE HASH", false, true},
               {"", false, false}});
  for (const auto& group : list_in(json, "groups")) {
    std::string in_sync;
    for (const auto& member : list_in(group, "in_sync"))
      in_sync += (in_sync.empty() ? "" : ", ") + member.get<std::string>();
    const auto state = text_of(group, "state");
    const bool good = state == "serving" || state == "following";
    std::string note = flag_in(group, "unprotected") ? "UNPROTECTED" : "";
    if (!text_of(group, "hand_over_to").empty())
      note = "handing over to " + text_of(group, "hand_over_to") + ", " +
             text_of(group, "entries_in_flight") + " entries in flight, " +
             text_of(group, "hand_over_left_ms") + " ms left";
    table.add({text_of(group, "name"),
               {state, good ? Style::kGood : Style::kWarn},
               text_of(group, "leader"),
               text_of(group, "epoch"),
               in_sync,
               text_of(group, "last"),
               text_of(group, "committed"),
               number_in(group, "state_hash_at")
                   ? text_of(group, "state_hash") + " at " + text_of(group, "state_hash_at")
                   : "",
               {note, Style::kBad}});
  }
  return "member " + text_of(json, "member") + "\n" + table.str(screen);
}

std::string show_telemetry(const Json& json, const Screen& screen) {
  Table table({{"METRIC", false, false},
               {"INSTANCE", false, true},
               {"GROUP", true, false},
               {"VALUE", true, false},
               {"UNIT", false, false},
               {"TIME", false, false},
               {"", false, false}});
  for (const auto& series : list_in(json, "series"))
    table.add({text_of(series, "metric"),
               text_of(series, "instance"),
               text_of(series, "group"),
               text_of(series, "value"),
               text_of(series, "unit"),
               clock_of(series, "time"),
               {flag_in(series, "outside") ? "outside" : "", Style::kDim}});
  const Json& counts = json.contains("counts") ? json["counts"] : Json();
  std::string lost;
  if (number_in(counts, "lost"))
    lost += ", " + text_of(counts, "lost") + " lost by slow subscribers";
  uint64_t refused = 0;
  if (counts.contains("refused"))
    for (const auto& [cause, count] : counts["refused"].items())
      refused += number_in(counts["refused"], cause.c_str());
  if (refused) lost += ", " + std::to_string(refused) + " refused from outside";
  if (number_in(counts, "export_lost"))
    lost += ", " + text_of(counts, "export_lost") + " not taken by the OTLP endpoint";
  return table.str(screen) + "every " + text_of(json, "interval_ms") + " ms, " +
         text_of(counts, "busy_us_mean") + " us of CPU each" + lost + "\n";
}

std::string show_guard(const Json& json, const Screen& screen) {
  Table table({{"GUARD", false, false}, {"", false, true}});
  for (const auto& [field, value] : json.items()) {
    if (field == "ok") continue;
    auto text = text_of(json, field.c_str());
    if (field == "loops") {  // each with the time since it last moved
      text.clear();
      for (const auto& loop : value)
        text += (text.empty() ? "" : ", ") + text_of(loop, "name") + " still for " +
                text_of(loop, "stalled_ms") + " ms";
    }
    if (text.empty()) continue;
    table.add({field, {text, field == "state" ? style_of_state(text) : Style::kPlain}});
  }
  return table.empty() ? "done\n" : table.str(screen);
}

std::string show_backup(const Json& json, const Screen& screen) {
  std::string out = "backed up to " + styled(text_of(json, "directory"), Style::kBold, screen) +
                    ", " + size_text(number_in(json, "bytes")) + "\n";
  Table table({{"GROUP", false, false}, {"EPOCH", true, false}, {"INDEX", true, false}});
  for (const auto& group : list_in(json, "groups"))
    table.add({text_of(group, "name"), text_of(group, "epoch"), text_of(group, "index")});
  return out + (table.empty() ? "" : table.str(screen));
}

}  // namespace holdfast::console
