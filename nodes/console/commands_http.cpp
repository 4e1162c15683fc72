#include "nodes/console/commands_http.hpp"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <sstream>
#include <thread>

namespace holdfast::console {
namespace {

int exit_code_of(unsigned status) {
  switch (status) {
    case 400:
    case 405:
      return kUsage;
    case 401:
    case 403:
      return kRefused;
    case 503:
    case 504:
      return kUnreachable;
    default:
      return kNotClean;
  }
}

// What the API said was wrong.
int refused(const Console& console, const Target& target, const ApiAnswer& answer) {
  const auto& error = answer.body.is_object() ? answer.body["error"] : Json();
  auto what_to_do = text_of(error, "what_to_do");
  if (answer.status == 401 && !target.token_problem.empty()) what_to_do = target.token_problem;
  if (!error.is_object())
    return fail(console, kUnreachable, "not_holdfast",
                target.host + ":" + target.port +
                    " answered, but not as a Holdfast node does (HTTP " +
                    std::to_string(answer.status) + ")",
                "check the port: it must be that of [operator_api]");
  return fail(console, exit_code_of(answer.status), text_of(error, "code"), text_of(error, "text"),
              what_to_do);
}

bool complete(const Json& json) { return json.value("complete", false); }

Json kill_body(const KillOptions& kill) {
  Json body = {{"scope", kill.scope}, {"reason", kill.reason}};
  if (!kill.name.empty()) body["name"] = kill.name;
  if (kill.force) body["force"] = true;
  return body;
}

std::string whom(const KillOptions& kill) {
  return kill.scope + (kill.name.empty() ? "" : " " + kill.name);
}

}  // namespace

int fail(const Console& console, int code, const std::string& word, const std::string& text,
         const std::string& what_to_do) {
  if (console.json) {
    *console.out
        << Json{{"error", {{"code", word}, {"text", text}, {"what_to_do", what_to_do}}}}.dump(2)
        << "\n";
  } else {
    *console.err << "holdfast: " << text << "\n";
    if (!what_to_do.empty()) *console.err << "  " << what_to_do << "\n";
  }
  return code;
}

int ask(const Console& console, const std::string& method, const std::string& path,
        const Json& body, const ShowAnswer& show, const IsClean& clean) {
  const auto target = find_node(console.where, console.environment);
  if (!target) {
    const bool usage = target.error().code == ErrorCode::kInvalid;
    return fail(console, usage ? kUsage : kUnreachable, usage ? "usage" : "no_node",
                target.error().text, "");
  }
  const auto answer = call(target.value(), method, path, body, console.within);
  if (!answer) return fail(console, kUnreachable, "unreachable", answer.error().text, "");
  const auto& json = answer.value().body;
  if (answer.value().status == 200 && json.is_null()) {  // /metrics: text as it is
    *console.out << answer.value().text << std::flush;
    return kClean;
  }
  const bool is_error = json.is_object() && json.contains("error");
  // A node that is not ready answers health with 503 and a whole view.
  if (is_error || !json.is_object() || (answer.value().status >= 400 && !json.contains("ready")))
    return refused(console, target.value(), answer.value());
  *console.out << (console.json ? json.dump(2) + "\n" : show(json)) << std::flush;
  return !clean || clean(json) ? kClean : kNotClean;
}

int run_health(const Console& console) {
  return ask(
      console, "GET", "/v1/health", nullptr,
      [&](const Json& json) {
        auto text = show_health(json, console.screen);
        if (!json.contains("node"))
          text += "no details: the node was asked without a token (--token-file)\n";
        return text;
      },
      [](const Json& json) { return json.value("live", false) && json.value("ready", false); });
}

int run_tree(const Console& console, const std::string& path, uint32_t depth) {
  return ask(console, "GET",
             "/v1/tree?depth=" + std::to_string(depth) +
                 (path.empty() ? "" : "&path=" + percent_encode(path)),
             nullptr, [&](const Json& json) { return show_tree(json, console.screen); });
}

int run_restart(const Console& console, const std::string& path, const std::string& reason) {
  return ask(console, "POST", "/v1/tree/restart", {{"path", path}, {"reason", reason}},
             [](const Json& json) {
               return text_of(json, "path") + " is " + text_of(json, "state") +
                      ": `holdfast tree` shows when it runs again\n";
             });
}

int run_kill_actor(const Console& console, const std::string& path, const std::string& reason) {
  return ask(console, "POST", "/v1/tree/kill", {{"path", path}, {"reason", reason}},
             [](const Json& json) {
               return text_of(json, "path") + " is " + text_of(json, "state") +
                      ": `holdfast tree` shows what its supervisor does, `holdfast orchestrator` "
                      "what came of it if that gave up\n";
             });
}

int run_orders(const Console& console, const OrderFilter& filter) {
  std::string path = "/v1/orders?limit=" + std::to_string(filter.limit);
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) path += std::string("&") + name + "=" + percent_encode(value);
  };
  add("account", filter.account);
  add("symbol", filter.symbol);
  add("client_order_id", filter.client_order_id);
  add("state", filter.state);
  add("after", filter.after);
  return ask(console, "GET", path, nullptr,
             [&](const Json& json) { return show_orders(json, console.screen); });
}

int run_order(const Console& console, const std::string& which) {
  const auto slash = which.find('/');
  const auto path = slash == std::string::npos
                        ? "/v1/orders/" + percent_encode(which)
                        : "/v1/accounts/" + percent_encode(which.substr(0, slash)) + "/orders/" +
                              percent_encode(which.substr(slash + 1));
  return ask(console, "GET", path, nullptr,
             [&](const Json& json) { return show_order(json, console.screen); });
}

int run_risk(const Console& console, const std::string& account) {
  return ask(console, "GET",
             "/v1/risk" + (account.empty() ? "" : "?account=" + percent_encode(account)), nullptr,
             [&](const Json& json) { return show_risk(json, console.screen); });
}

int run_kill(const Console& console, const KillOptions& kill) {
  auto body = kill_body(kill);
  body["mode"] = kill.reduce_only ? "reduce-only" : "full";
  const auto done = (kill.reduce_only ? "reduce-only: " : "killed: ") + whom(kill);
  return ask(
      console, "POST", "/v1/risk/kill", body,
      [&](const Json& json) { return show_fan_out(json, done, console.screen); }, complete);
}

int run_resume(const Console& console, const KillOptions& kill) {
  return ask(
      console, "POST", "/v1/risk/resume", kill_body(kill),
      [&](const Json& json) {
        return show_fan_out(json, "resumed: " + whom(kill), console.screen);
      },
      complete);
}

int run_reload(const Console& console, bool dry_run, const std::string& reason) {
  return ask(
      console, "POST", "/v1/risk/reload", {{"dry_run", dry_run}, {"reason", reason}},
      [&](const Json& json) { return show_reload(json, console.screen); },
      [&](const Json& json) {
        return json["errors"].empty() &&
               (dry_run || json["changes"].empty() || complete(json["applied"]));
      });
}

int run_venues(const Console& console) {
  return ask(console, "GET", "/v1/venues", nullptr,
             [&](const Json& json) { return show_venues(json, console.screen); });
}

int run_venue_show(const Console& console, const std::string& name) {
  const auto find = [&](const Json& json) -> Json {
    for (const auto& venue : json["venues"])
      if (text_of(venue, "name") == name) return venue;
    return nullptr;
  };
  Console text = console;  // the answer holds all venues: the JSON of one is picked here
  text.json = false;
  return ask(
      text, "GET", "/v1/venues", nullptr,
      [&](const Json& json) {
        const auto venue = find(json);
        if (venue.is_null()) return "there is no venue " + name + "\n";
        return console.json ? venue.dump(2) + "\n" : show_venue(venue, console.screen);
      },
      [&](const Json& json) { return !find(json).is_null(); });
}

int run_reconciliation(const Console& console, const std::string& name) {
  if (!name.empty())
    return ask(
        console, "GET", "/v1/venues/" + percent_encode(name) + "/reconciliation", nullptr,
        [&](const Json& json) { return show_reconciliation(json, console.screen); },
        [](const Json& json) { return json.value("open", uint64_t{0}) == 0; });
  std::vector<std::string> names;
  std::ostringstream unused;
  Console quiet = console;
  quiet.json = false;
  quiet.out = &unused;
  const int listed = ask(quiet, "GET", "/v1/venues", nullptr, [&](const Json& json) {
    for (const auto& venue : json["venues"]) names.push_back(text_of(venue, "name"));
    return std::string();
  });
  if (listed != kClean) return listed;
  int worst = kClean;
  for (const auto& one : names) worst = std::max(worst, run_reconciliation(console, one));
  return worst;
}

int run_venue(const Console& console, const std::string& name, const std::string& action,
              std::optional<uint64_t> number, const std::string& reason) {
  Json body = {{"reason", reason}};
  if (number) body["number"] = *number;
  return ask(console, "POST", "/v1/venues/" + percent_encode(name) + "/" + action, body,
             [&](const Json& json) {
               return show_venues({{"venues", Json::array({json["venue"]})}}, console.screen);
             });
}

int run_journal(const Console& console) {
  return ask(
      console, "GET", "/v1/journal", nullptr,
      [&](const Json& json) { return show_journal(json, console.screen); },
      [](const Json& json) { return !json.value("intake_stopped", false); });
}

int run_groups(const Console& console) {
  return ask(
      console, "GET", "/v1/groups", nullptr,
      [&](const Json& json) { return show_groups(json, console.screen); },
      [](const Json& json) {
        for (const auto& group : json.value("groups", Json::array()))
          if (group.value("leader", "").empty() || group.value("unprotected", false)) return false;
        return true;
      });
}

int run_telemetry(const Console& console, const std::string& domain, const std::string& metric) {
  std::string path = "/v1/telemetry";
  for (const auto& [name, value] : {std::pair("domain", domain), std::pair("metric", metric)})
    if (!value.empty())
      path += (path.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" + value;
  return ask(console, "GET", path, nullptr,
             [&](const Json& json) { return show_telemetry(json, console.screen); });
}

int run_orchestrator(const Console& console) {
  return ask(
      console, "GET", "/v1/orchestrator", nullptr,
      [&](const Json& json) { return show_orchestrator(json, console.screen); },
      [](const Json& json) {
        for (const auto& one : json.value("decisions", Json::array()))
          if (one.value("outcome", "") == "failed") return false;
        return true;
      });
}

int run_hand_over(const Console& console, const HandOverOptions& options) {
  const Json body = {{"group", options.group},
                     {"to", options.to},
                     {"fast", options.fast},
                     {"reason", options.reason}};
  Json begun;
  std::ostringstream unused;
  Console quiet = console;
  quiet.json = false;
  quiet.out = &unused;
  const auto before = std::chrono::steady_clock::now();
  const int asked = ask(quiet, "POST", "/v1/groups/hand-over", body, [&](const Json& json) {
    begun = json;
    return std::string();
  });
  if (asked != kClean) return asked;
  if (!console.json) *console.out << show_hand_over(begun) << std::flush;
  const auto within =
      std::chrono::milliseconds(begun.value("within_ms", int64_t{0})) + std::chrono::seconds(2);
  bool led = options.no_wait, off = false;
  while (!led && !off && std::chrono::steady_clock::now() - before < within) {
    const int looked = ask(quiet, "GET", "/v1/groups", nullptr, [&](const Json& json) {
      for (const auto& group : json.value("groups", Json::array())) {
        if (text_of(group, "name") != options.group) continue;
        const bool serves = !options.fast || text_of(group, "state") == "serving";
        led = text_of(group, "leader") == options.to && serves;
        off = !options.fast && text_of(group, "hand_over_to").empty() &&
              text_of(group, "state") == "serving";
      }
      return std::string();
    });
    if (looked != kClean && looked != kNotClean) break;
    if (!led) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - before)
                        .count();
  if (!options.no_wait) begun["state"] = led ? "done" : "called off";
  if (console.json)
    *console.out << begun.dump(2) << "\n" << std::flush;
  else if (options.no_wait)
    *console.out << "`holdfast groups` shows who leads\n" << std::flush;
  else if (led)
    *console.out << options.group << " is led by " << options.to << ", seen after " << took
                 << " ms\n"
                 << std::flush;
  else
    *console.out << options.group << " is NOT led by " << options.to
                 << ": called off, whoever led leads on; `holdfast groups` shows it\n"
                 << std::flush;
  return led ? kClean : kNotClean;
}

int run_backup(const Console& console, const std::string& directory, const std::string& reason) {
  return ask(console, "POST", "/v1/backup", {{"directory", directory}, {"reason", reason}},
             [&](const Json& json) { return show_backup(json, console.screen); });
}

int run_note(const Console& console, const std::string& reason) {
  return ask(console, "POST", "/v1/note", {{"reason", reason}}, [](const Json& json) {
    return "noted as " + json.value("name", std::string()) + "\n";
  });
}

int run_get(const Console& console, const std::string& path) {
  return ask(console, "GET", path, nullptr, [](const Json& json) { return json.dump(2) + "\n"; });
}

}  // namespace holdfast::console
