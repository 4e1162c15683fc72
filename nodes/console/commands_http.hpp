// What each `holdfast` command does: asks the node, prints text or JSON, and says by its exit code
// how it went. The command line itself is main.cpp's; nothing here parses words.
#pragma once

#include <iosfwd>
#include <optional>

#include "nodes/console/api_client_http.hpp"
#include "nodes/console/show_http.hpp"

namespace holdfast::console {

/// 0 clean, 1 verdict not clean, 2 usage, 3 can't reach, 4 refused by policy or role.
enum ExitCode : int { kClean = 0, kNotClean = 1, kUsage = 2, kUnreachable = 3, kRefused = 4 };

/// Where a command looks and writes.
struct Console {
  Where where;
  bool json = false;
  Duration within = Duration::seconds(10);
  Screen screen;
  std::function<const char*(const char*)> environment;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
};

struct OrderFilter {
  std::string account, symbol, client_order_id, state, after;
  uint32_t limit = 50;
};

struct KillOptions {
  std::string scope, name, reason;
  bool reduce_only = false;
  bool force = false;  // also a name that risk.toml does not have
};

int run_health(const Console& console);
int run_tree(const Console& console, const std::string& path, uint32_t depth);
int run_restart(const Console& console, const std::string& path, const std::string& reason);
int run_kill_actor(const Console& console, const std::string& path, const std::string& reason);
int run_orders(const Console& console, const OrderFilter& filter);
/// `which`: an order id "0-42", or "ACCOUNT/CLORDID".
int run_order(const Console& console, const std::string& which);
int run_risk(const Console& console, const std::string& account);
int run_kill(const Console& console, const KillOptions& kill);
int run_resume(const Console& console, const KillOptions& kill);
int run_reload(const Console& console, bool dry_run, const std::string& reason);
int run_venues(const Console& console);
/// `action` as the API spells it: "halt", "set-outbound".
int run_venue(const Console& console, const std::string& name, const std::string& action,
              std::optional<uint64_t> number, const std::string& reason);
/// Everything about one venue.
int run_venue_show(const Console& console, const std::string& name);
/// Orders of a venue whose outcome was, or is, not known; of all venues when `name` is empty. Not
/// clean while any is open.
int run_reconciliation(const Console& console, const std::string& name);
int run_journal(const Console& console);
int run_groups(const Console& console);
int run_orchestrator(const Console& console);
/// What the node measures; of one domain and metric, or all when empty.
int run_telemetry(const Console& console, const std::string& domain, const std::string& metric);
struct HandOverOptions {
  std::string group, to, reason;
  bool fast = false;     // of the node that takes over, from a leader that does not answer
  bool no_wait = false;  // for the outcome
};
/// Not clean when the other member does not lead in time.
int run_hand_over(const Console& console, const HandOverOptions& options);
int run_backup(const Console& console, const std::string& directory, const std::string& reason);
/// A line in the node's audit log, for what is done to it by other means.
int run_note(const Console& console, const std::string& reason);
/// Any GET of the API, as it comes.
int run_get(const Console& console, const std::string& path);

using ShowAnswer = std::function<std::string(const Json&)>;
/// Whether an answer is a clean verdict.
using IsClean = std::function<bool(const Json&)>;
/// One call of the API from the search for the node to the exit code; `show` where text is wanted.
int ask(const Console& console, const std::string& method, const std::string& path,
        const Json& body, const ShowAnswer& show, const IsClean& clean = nullptr);

/// Tells an error: as JSON on `out`, else in words on `err`. Returns `code`.
int fail(const Console& console, int code, const std::string& word, const std::string& text,
         const std::string& what_to_do);

}  // namespace holdfast::console
