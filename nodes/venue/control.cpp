#include "nodes/venue/control.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "nodes/venue/json_line.hpp"

namespace holdfast::exchange {

namespace {

struct Call {
  Exchange& exchange;
  Faults& faults;
  Now now;
  std::string_view argument;
  std::string& out;
};

struct Command {
  std::string_view name;
  std::string_view argument;  // as shown in help
  std::string_view says;
  void (*run)(Call&);
};

void fail(std::string& out, std::string_view why) {
  JsonLine(out).boolean("ok", false).text("error", why).end();
}

void done(Call& call) { JsonLine(call.out).boolean("ok", true).end(); }

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > 1'000'000'000)
    return std::nullopt;
  return value;
}

void set_number(Call& call, uint64_t& target) {
  const auto value = whole_number(call.argument);
  if (!value) return fail(call.out, "a whole number from 0 to 1000000000 is expected");
  target = *value;
  done(call);
}

void set_switch(Call& call, bool& target) {
  if (call.argument != "on" && call.argument != "off")
    return fail(call.out, "'on' or 'off' is expected");
  target = call.argument == "on";
  done(call);
}

void set_halted(Call& call, bool halted) {
  const auto symbol = IdText::parse(call.argument);
  if (!symbol || symbol.value().empty()) return fail(call.out, "a symbol is expected");
  const auto result = call.exchange.desk().set_halted(symbol.value(), halted);
  if (!result) return fail(call.out, result.error().text);
  done(call);
}

void clear_faults(Call& call) {
  call.faults = {};
  call.exchange.desk().faults() = {};
  done(call);
}

void end_day(Call& call) {
  const uint32_t expired = call.exchange.end_day(call.now);
  JsonLine(call.out).boolean("ok", true).number("expired", expired).end();
}

void drop_now(Call& call) {
  call.exchange.drop_all();
  done(call);
}

void show_faults(Call& call) {
  const Faults& f = call.faults;
  const DeskFaults& d = call.exchange.desk().faults();
  std::string halted = "[";
  for (const std::string& symbol : call.exchange.desk().halted_symbols()) {
    if (halted.size() > 1) halted += ',';
    std::string quoted;
    JsonLine(quoted).text("s", symbol);
    halted += quoted.substr(5);
  }
  halted += ']';
  JsonLine(call.out)
      .boolean("ok", true)
      .number("reject_next", static_cast<int64_t>(d.reject_next))
      .number("reject_every", static_cast<int64_t>(d.reject_every))
      .boolean("accept_duplicates", d.accept_duplicates)
      .number("delay_ms", static_cast<int64_t>(f.delay_ms))
      .boolean("silent", f.silent)
      .boolean("frozen", f.frozen)
      .number("drop_after", static_cast<int64_t>(f.drop_after))
      .number("duplicate_reports", static_cast<int64_t>(f.duplicate_reports))
      .number("refuse_logons", static_cast<int64_t>(f.refuse_logons))
      .number("refuse_relogon_ms", static_cast<int64_t>(f.refuse_relogon_ms))
      .raw("halted", halted)
      .end();
}

void show_stats(Call& call) {
  const Counters& c = call.exchange.counters();
  JsonLine line(call.out);
  line.boolean("ok", true);
  const auto add = [&line](std::string_view key, uint64_t value) {
    line.number(key, static_cast<int64_t>(value));
  };
  add("sessions_online", c.sessions_online);
  add("open_orders", call.exchange.desk().open_orders());
  add("orders", call.exchange.desk().engine().orders());
  add("trades", call.exchange.desk().engine().trades());
  add("connections", c.connections);
  add("garbage", c.garbage);
  add("garbled", c.garbled);
  add("malformed", c.malformed);
  add("logons", c.logons);
  add("logons_refused", c.logons_refused);
  add("logouts", c.logouts);
  add("messages", c.messages);
  add("possible_duplicates", c.possible_duplicates);
  add("accepted", c.accepted);
  add("rejected", c.rejected);
  add("duplicates", c.duplicates);
  add("executions", c.executions);
  add("cancelled", c.cancelled);
  add("replaced", c.replaced);
  add("expired", c.expired);
  add("cancel_rejected", c.refused);
  add("statuses", c.statuses);
  add("copies", c.copies);
  add("connections_cut", c.connections_cut);
  add("faults", c.faults);
  line.end();
}

void show_help(Call& call);

constexpr Command kCommands[] = {
    {"help", "", "this list", show_help},
    {"stats", "", "everything that is counted", show_stats},
    {"faults", "", "what is switched on", show_faults},
    {"clear", "", "switches every fault off; halts stay", clear_faults},
    {"reject-next", "N", "rejects the next N orders",
     [](Call& c) { set_number(c, c.exchange.desk().faults().reject_next); }},
    {"reject-every", "N", "rejects every Nth order; 0 stops it",
     [](Call& c) { set_number(c, c.exchange.desk().faults().reject_every); }},
    {"accept-duplicates", "on|off", "a ClOrdID used before makes another order instead of a reject",
     [](Call& c) { set_switch(c, c.exchange.desk().faults().accept_duplicates); }},
    {"delay", "MS", "everything sent waits MS milliseconds; 0 stops it",
     [](Call& c) { set_number(c, c.faults.delay_ms); }},
    {"silent", "on|off",
     "works on what comes in but sends nothing; what was due is lost on the wire and "
     "left to resend requests",
     [](Call& c) { set_switch(c, c.faults.silent); }},
    {"freeze", "on|off", "neither reads nor sends, as a stopped process",
     [](Call& c) { set_switch(c, c.faults.frozen); }},
    {"drop-now", "", "cuts all FIX connections at once", drop_now},
    {"drop-after", "N",
     "cuts the connection of the Nth application message from now, unanswered; 0 never",
     [](Call& c) { set_number(c, c.faults.drop_after); }},
    {"duplicate-reports", "N", "sends the next N reports twice: same ExecID, next MsgSeqNum",
     [](Call& c) { set_number(c, c.faults.duplicate_reports); }},
    {"refuse-logons", "N", "refuses the next N logons",
     [](Call& c) { set_number(c, c.faults.refuse_logons); }},
    {"refuse-relogon", "MS", "a session that went offline can't log on again for MS milliseconds",
     [](Call& c) { set_number(c, c.faults.refuse_relogon_ms); }},
    {"halt", "SYMBOL", "orders and replaces in SYMBOL are rejected, cancels pass",
     [](Call& c) { set_halted(c, true); }},
    {"resume", "SYMBOL", "ends the halt", [](Call& c) { set_halted(c, false); }},
    {"end-day", "", "expires DAY orders; ClOrdIDs of closed orders may be used again", end_day},
};

void show_help(Call& call) {
  std::string list = "[";
  for (const Command& command : kCommands) {
    if (list.size() > 1) list += ',';
    std::string usage(command.name);
    if (!command.argument.empty()) (usage += ' ') += command.argument;
    JsonLine(list).text("command", usage).text("does", command.says);
    list += '}';
  }
  list += ']';
  JsonLine(call.out).boolean("ok", true).raw("commands", list).end();
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

void run_command(std::string_view line, Exchange& exchange, Faults& faults, Now now,
                 std::string& out) {
  line = trim(line);
  const std::size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const std::string_view argument =
      space == std::string_view::npos ? std::string_view{} : trim(line.substr(space));
  for (const Command& command : kCommands) {
    if (command.name != name) continue;
    if (command.argument.empty() && !argument.empty())
      return fail(out, std::string(name) + " takes no argument");
    Call call{exchange, faults, now, argument, out};
    return command.run(call);
  }
  fail(out, "unknown command '" + std::string(name.substr(0, 40)) + "'; 'help' lists them");
}

}  // namespace holdfast::exchange
