// holdfast-load: sends order flow through a node and says what became of every order.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "nodes/load/driver_capnp.hpp"
#include "nodes/load/venue_record.hpp"

namespace holdfast::load {
namespace {

struct Options {
  std::string flow = "synthetic:1", ids = "S", symbol = "AAPL", price = "585.00", state_directory,
              node, client_id = "demo", credential, venue_record, json, timeline;
  uint64_t orders = 0, rate = 0, cut_every = 0;
  std::size_t in_flight = 256, batch = 64;
  double speed = 0;
  uint32_t settle_s = 30;
  std::vector<uint32_t> kill_node_at;
  std::vector<std::string> kill_with;
  bool quiet = false;
};

int fail(int code, const std::string& text) {
  std::fprintf(stderr, "holdfast-load: %s\n", text.c_str());
  return code;
}

std::atomic<bool> stop_asked{false};
void on_signal(int) { stop_asked.store(true, std::memory_order_relaxed); }

/// A file whole in memory, so that reading it costs the run nothing; what is generated is made on
/// the way, so that a flow may be long.
Result<ActionSource> make_flow(const Options& options, FlowCounts& counts) {
  auto symbol = Symbol::parse(options.symbol);
  if (!symbol) return symbol.error();
  if (options.flow.starts_with("lobster:")) {
    std::vector<Action> actions;
    const std::string path = options.flow.substr(8);
    std::ifstream file(path);
    if (!file) return Error{ErrorCode::kNotFound, "can't read " + path};
    LobsterFlow flow(symbol.value());
    for (std::string line; std::getline(file, line);) {
      if (auto action = flow.next(line)) actions.push_back(*action);
      if (options.orders && actions.size() >= options.orders) break;
    }
    counts = flow.counts();
    if (actions.empty())
      return Error{ErrorCode::kInvalid,
                   path + " holds no row that makes a request: is it a LOBSTER message file?"};
    const auto total = actions.size();
    return ActionSource{total,
                        [kept = std::move(actions)](std::size_t n) -> Action { return kept[n]; }};
  }
  uint64_t seed = 1;
  if (options.flow.starts_with("synthetic:")) {
    const std::string text = options.flow.substr(10);
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos ||
        text.size() > 18)
      return Error{ErrorCode::kInvalid,
                   "the seed in --flow synthetic:SEED is not a number: " + text};
    seed = std::stoull(text);
  } else if (options.flow != "synthetic") {
    return Error{ErrorCode::kInvalid,
                 "--flow is synthetic[:SEED] or lobster:FILE, not " + options.flow};
  }
  auto price = Price::parse(options.price);
  if (!price) return price.error();
  const auto flow = std::make_shared<SyntheticFlow>(symbol.value(), seed, price.value(),
                                                    Duration::microseconds(250), options.ids);
  return ActionSource{options.orders ? options.orders : 20'000, [flow, &counts](std::size_t) {
                        Action action = flow->next();
                        counts = flow->counts();
                        return action;
                      }};
}

std::string milliseconds(Duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(d.ns) / 1e6);
  return text;
}

void print(const Options& options, const Verdict& v, const FlowCounts& counts, DriverResult& run) {
  const auto row = [](const char* name, uint64_t n, const char* what = "") {
    std::printf("  %-14s %10llu  %s\n", name, static_cast<unsigned long long>(n), what);
  };
  std::printf("\nReconciliation of %s, every order against the venue's own record\n",
              options.flow.c_str());
  row("sent", v.sent, "distinct client order ids; the sum of these:");
  row("filled", v.filled);
  row("cancelled", v.cancelled);
  row("expired", v.expired);
  row("rejected", v.rejected);
  row("open", v.open);
  row("not_sent", v.not_sent, "proven never to have reached the venue");
  row("unknown", v.unknown);
  row("lost", v.lost);
  std::printf("\n");
  row("acked", v.acked, "accepted by the node");
  row("duplicated", v.duplicated);
  row("contradicted", v.contradicted);
  row("refused", v.requests_refused, "cancels and replaces (most came after the order's end)");
  for (const auto& [reason, n] : v.rejected_by_reason)
    std::printf("  rejected: %-24s %llu\n", reason.c_str(), static_cast<unsigned long long>(n));
  for (const auto& [reason, n] : v.requests_refused_by_reason)
    std::printf("  refused:  %-24s %llu\n", reason.c_str(), static_cast<unsigned long long>(n));
  std::printf(
      "\n  source: %llu rows, %llu submits, %llu takers, %llu replaces, %llu cancels, %llu hidden "
      "(skipped), %llu orphans, "
      "%llu halts, %llu malformed\n",
      static_cast<unsigned long long>(counts.rows), static_cast<unsigned long long>(counts.submits),
      static_cast<unsigned long long>(counts.takers),
      static_cast<unsigned long long>(counts.replaces),
      static_cast<unsigned long long>(counts.cancels),
      static_cast<unsigned long long>(counts.skipped_hidden),
      static_cast<unsigned long long>(counts.orphans),
      static_cast<unsigned long long>(counts.halts),
      static_cast<unsigned long long>(counts.malformed));
  auto& ns = run.reply_ns;
  std::sort(ns.begin(), ns.end());
  if (!ns.empty())
    std::printf("  request to reply: p50 %s, p99 %s, max %s; %llu requests in %s\n",
                milliseconds({ns[ns.size() / 2]}).c_str(),
                milliseconds({ns[ns.size() * 99 / 100]}).c_str(), milliseconds({ns.back()}).c_str(),
                static_cast<unsigned long long>(run.requests), milliseconds(run.elapsed).c_str());
  if (run.cuts)
    std::printf("  connection cut %llu times, %llu requests sent again\n",
                static_cast<unsigned long long>(run.cuts),
                static_cast<unsigned long long>(run.stats.sent_again));
  for (const Kill& kill : run.kills)
    std::printf(
        "  kill -9 at %u %%%s%s: first reply to an order made after it %s, first word of the venue "
        "on one %s\n",
        kill.percent, kill.whom.empty() ? "" : ", ", kill.whom.c_str(),
        milliseconds(kill.first_reply).c_str(), milliseconds(kill.first_ack).c_str());
  for (const auto& finding : v.findings) std::printf("  ! %s\n", finding.c_str());
  std::printf("\n  %s\n", v.clean() ? "CLEAN: every order is accounted for" : "NOT CLEAN");
}

int run(const Options& options) {
  FlowCounts counts;
  auto actions = make_flow(options, counts);
  if (!actions) return fail(2, actions.error().text);
  DriverSettings settings;
  settings.client.address = options.node;
  if (settings.client.address.empty()) {
    auto address = node_address(options.state_directory);
    if (!address) return fail(3, address.error().text);
    settings.client.address = address.value();
  }
  settings.client.client_id = options.client_id;
  settings.client.credential = options.credential;
  settings.client.batch_max = options.batch;
  settings.rate = options.rate;
  settings.speed = options.speed;
  settings.in_flight = options.in_flight;
  settings.settle = Duration::seconds(options.settle_s);
  settings.state_directory = options.state_directory;
  settings.cut_every = options.cut_every;
  settings.kill_node_at = options.kill_node_at;
  settings.kill_with = options.kill_with;
  std::sort(settings.kill_node_at.begin(), settings.kill_node_at.end());
  settings.progress = !options.quiet;
  settings.timeline = options.timeline;
  settings.stop = &stop_asked;
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  Ledger ledger;
  auto driven = drive(settings, actions.value(), ledger);
  if (!driven) return fail(3, driven.error().text);
  auto record = read_venue_record(options.venue_record);
  if (!record) return fail(3, record.error().text);
  Verdict verdict = ledger.judge(record.value());
  if (!stop_asked && driven.value().requests < actions.value().total) {
    verdict.unfinished = actions.value().total - driven.value().requests;
    verdict.findings.push_back(std::to_string(verdict.unfinished) +
                               " requests were never sent: answers stopped coming");
  }
  FILE* to = stdout;
  if (driven.value().kills_failed) {
    verdict.unfinished += driven.value().kills_failed;
    verdict.findings.push_back(std::to_string(driven.value().kills_failed) +
                               " kills did not come to pass");
  }
  if (options.json != "-") print(options, verdict, counts, driven.value());
  std::fflush(to);
  if (!options.json.empty()) {
    const auto json = to_json(verdict, options.flow, counts.skipped_hidden, counts.orphans,
                              counts.halts, counts.malformed, driven.value().kills.size(),
                              static_cast<uint64_t>(driven.value().elapsed.ms()));
    if (options.json == "-") {
      std::fputs(json.c_str(), stdout);
    } else {
      std::ofstream file(options.json);
      file << json;
      if (!file.flush()) return fail(3, "can't write " + options.json);
    }
  }
  return verdict.clean() ? 0 : 1;
}

}  // namespace
}  // namespace holdfast::load

int main(int argc, char** argv) {
  holdfast::load::Options options;
  CLI::App app(
      "Sends order flow through a node by Cap'n Proto, and checks what became of every order "
      "against the venue's\n"
      "own record.\n\n"
      "  holdfast-load --state-dir build/state --venue-record venue.jsonl --flow synthetic:7 "
      "--orders 10000\n"
      "  holdfast-load --node 127.0.0.1:9700 --venue-record venue.jsonl --flow "
      "lobster:messages.csv --speed 10\n\n"
      "SIGTERM or ^C: sends nothing more, waits for what is under way, and judges.\n"
      "Exit: 0 clean; 1 something lost, duplicated, contradicted or unknown; 2 usage; 3 can't "
      "reach the node or\n"
      "read the record.");
  app.add_option("--flow", options.flow, "synthetic[:SEED] or lobster:FILE")->capture_default_str();
  app.add_option("--ids", options.ids,
                 "what client order ids of the synthetic flow begin with; another one on a cluster "
                 "that had such a flow before, since an id is heard once")
      ->capture_default_str()
      ->check([](const std::string& text) {
        return text.empty() || text.size() > 16 ? "1 to 16 characters" : std::string();
      });
  app.add_option("--orders", options.orders,
                 "stop after so many requests (0: all, or 20000 synthetic)");
  app.add_option("--symbol", options.symbol, "the instrument")->capture_default_str();
  app.add_option("--price", options.price, "where the synthetic flow starts")
      ->capture_default_str();
  app.add_option("--rate", options.rate,
                 "requests a second, open loop (0: as many as --in-flight allows)");
  app.add_option("--speed", options.speed, "recorded times divided by it (1: as recorded)");
  app.add_option("--in-flight", options.in_flight,
                 "unanswered requests at most, when neither is given")
      ->check(CLI::Range(1, 65'000))
      ->capture_default_str();
  app.add_option("--batch", options.batch, "requests in one call at most")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--node,--connect", options.node,
                 "HOST:PORT or unix:PATH of order entry (default: from --state-dir); in a cluster "
                 "those of all nodes, with commas between");
  app.add_option("--state-dir", options.state_directory,
                 "the node's state directory: its address, and its pid for kills")
      ->envname("HOLDFAST_STATE_DIR");
  app.add_option("--client", options.client_id, "client id")->capture_default_str();
  app.add_option("--credential", options.credential,
                 "64 hex digits (default: the development client's of config/clients.toml)")
      ->envname("HOLDFAST_CREDENTIAL")
      ->default_val("9c38d906a6246db074beb9ac63f28f32c1ddb6f270069eb0d1f4fd18ba4af9b0");
  app.add_option("--venue-record", options.venue_record, "the venue's --record file")->required();
  app.add_option("--kill-node-at", options.kill_node_at,
                 "SIGKILL the node when so many percent are sent; repeatable")
      ->check(CLI::Range(0, 99));
  app.add_option("--kill-with", options.kill_with,
                 "a command that kills instead, at each --kill-node-at, where the node to kill is "
                 "not the one of --state-dir; repeatable: one for each kill, in turn. When it has "
                 "killed it prints a line: PID SECONDS-SINCE-1970 WORDS");
  app.add_option("--cut-every", options.cut_every,
                 "cut the own connection every N requests, with answers under way, as a failing "
                 "network would");
  app.add_option("--settle", options.settle_s,
                 "seconds that an answer may take; then the run gives up")
      ->capture_default_str();
  app.add_option("--json", options.json, "the result as JSON into a file; -: to stdout");
  app.add_option("--timeline", options.timeline,
                 "a line for each order that the venue answered: when it was due, submitted and "
                 "acknowledged");
  app.add_flag("--quiet", options.quiet, "no progress");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return holdfast::load::run(options);
}
