#include "nodes/load/driver_capnp.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace holdfast::load {

namespace {

Result<nlohmann::json> node_file(const std::string& state_directory) {
  const std::string path = state_directory + "/order_entry.json";
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object())
    return Error{ErrorCode::kNotFound,
                 "can't read " + path + ": is the node running, with this state directory?"};
  return json;
}

class Driver {
 public:
  Driver(const DriverSettings& settings, const ActionSource& actions, Ledger& ledger)
      : settings_(settings), actions_(actions), ledger_(ledger) {}

  ~Driver() {
    if (killer_) pclose(killer_);
    if (timeline_) std::fclose(timeline_);
  }

  Result<DriverResult> run() {
    if (!settings_.timeline.empty()) {
      timeline_ = std::fopen(settings_.timeline.c_str(), "w");
      if (!timeline_) return Error{ErrorCode::kIo, "can't write " + settings_.timeline};
    }
    if (auto connected = connect(); !connected) return connected.error();
    for (const Account& account : flow_accounts())
      client_for(account).subscribe(account, {1}, [this](std::span<const ExecutionReport> reports) {
        for (const auto& report : reports) {
          ledger_.reported(report);
          if (timeline_) acknowledged(report);
          if (!after_kill_.empty()) trades_again(report);
        }
      });
    result_.reply_ns.reserve(std::min<std::size_t>(actions_.total, 1'000'000));
    start_ = shown_ = loop_.now();
    last_answer_ = start_;
    while (next_ < actions_.total && !stopped() && loop_.now() - last_answer_ < settings_.settle)
      step();
    settle();
    result_.elapsed = loop_.now() - start_;
    query_unsettled();
    show(true);
    for (const auto& client : clients_) {
      add(client->stats(), result_.stats);
      client->logout();
    }
    return std::move(result_);
  }

 private:
  /// One client for all accounts; in a cluster one for each, since their shards may be led by
  /// different nodes.
  Result<> connect() {
    const bool cluster = settings_.client.address.find(',') != std::string::npos;
    for (const Account& account : flow_accounts()) {
      if (!cluster && !clients_.empty()) break;
      auto options = settings_.client;
      if (cluster) options.only_for = {account};
      auto connected = client::Client::connect(loop_, options);
      if (!connected) return connected.error();
      clients_.push_back(std::move(connected).value());
      if (cluster) client_of_.emplace(account, clients_.back().get());
    }
    for (const auto& client : clients_)
      if (auto opened = client->wait_open(Duration::seconds(20)); !opened) return opened.error();
    return success();
  }
  client::Client& client_for(const Account& account) {
    const auto found = client_of_.find(account);
    return found == client_of_.end() ? *clients_.front() : *found->second;
  }
  std::size_t unanswered() const {
    std::size_t n = 0;
    for (const auto& client : clients_) n += client->unanswered();
    return n;
  }
  static void add(const client::ClientStats& from, client::ClientStats& to) {
    to.connects += from.connects;
    to.requests += from.requests;
    to.sent += from.sent;
    to.sent_again += from.sent_again;
    to.answers += from.answers;
    to.batches += from.batches;
    to.reports += from.reports;
    to.reports_repeated += from.reports_repeated;
    to.subscriptions_resumed += from.subscriptions_resumed;
    to.led_elsewhere += from.led_elsewhere;
    to.malformed += from.malformed;
  }

  bool stopped() const { return settings_.stop && settings_.stop->load(std::memory_order_relaxed); }
  /// The action that comes next, made when it is first asked for.
  const Action& upcoming() {
    if (made_ == next_) {
      action_ = actions_.make(next_);
      made_ += 1;
    }
    return action_;
  }

  MonoTime due(std::size_t n) {
    if (settings_.speed > 0)
      return start_ + Duration{static_cast<int64_t>(static_cast<double>(upcoming().at.ns) /
                                                    settings_.speed)};
    if (settings_.rate > 0)
      return start_ + Duration{static_cast<int64_t>(
                          n * (1'000'000'000.0 / static_cast<double>(settings_.rate)))};
    return start_;
  }
  bool paced() const { return settings_.speed > 0 || settings_.rate > 0; }

  void step() {
    const MonoTime now = loop_.now();
    Duration wait = Duration::milliseconds(1);
    while (next_ < actions_.total) {
      if (paced()) {
        const MonoTime when = due(next_);
        if (when > now) {
          wait = std::min(wait, when - now);
          break;
        }
        // A node that is away is not flooded for ever: what is held is bounded by the client.
        if (unanswered() >= settings_.client.requests_max - 1) break;
      } else if (unanswered() >= settings_.in_flight) {
        break;
      }
      kill_when_due();
      send(upcoming(), paced() ? due(next_) : now);
      next_ += 1;
      if (settings_.cut_every && next_ % settings_.cut_every == 0) cut_due_ = true;
    }
    kill_when_due();
    loop_.poll(wait);
    if (cut_due_ && unanswered() > 0) {  // what was sent is on its way: its answers are lost
      cut_due_ = false;
      result_.cuts += 1;
      for (const auto& client : clients_) client->cut();
    }
    show(false);
  }

  void send(const Action& action, MonoTime since) {
    result_.requests += 1;
    const bool probes = !kills_open_.empty();
    switch (action.kind) {
      case Action::Kind::kSubmit:
        ledger_.sent(action.order);
        if (ack_open_) after_kill_.insert({action.order.account, action.order.client_order_id});
        if (timeline_)
          unacknowledged_[{action.order.account, action.order.client_order_id}] = {since,
                                                                                   loop_.now()};
        client_for(action.order.account)
            .submit(action.order,
                    [this, since, probes, account = action.order.account,
                     id = action.order.client_order_id](const client::Answer& answer) {
                      ledger_.replied(account, id, answer.reply);
                      answered(since, probes);
                    });
        return;
      case Action::Kind::kReplace:
        client_for(action.replace.account)
            .submit(action.replace, [this, since](const client::Answer& answer) {
              ledger_.request_replied(answer.reply);
              answered(since, false);
            });
        return;
      case Action::Kind::kCancel:
        client_for(action.cancel.account)
            .submit(action.cancel, [this, since](const client::Answer& answer) {
              ledger_.request_replied(answer.reply);
              answered(since, false);
            });
        return;
    }
  }

  /// The venue's first word on an order: what the node alone decides does not count.
  void acknowledged(const ExecutionReport& report) {
    if (report.type != ExecType::kNew && report.type != ExecType::kTrade) return;
    const auto found = unacknowledged_.find({report.account, report.client_order_id});
    if (found == unacknowledged_.end()) return;
    std::fprintf(timeline_, "%lld %lld %lld %s %s\n", static_cast<long long>(found->second.due.ns),
                 static_cast<long long>(found->second.submitted.ns),
                 static_cast<long long>(loop_.now().ns), report.account.str().c_str(),
                 report.client_order_id.str().c_str());
    unacknowledged_.erase(found);
  }

  void answered(MonoTime since, bool probe) {
    const MonoTime now = loop_.now();
    result_.replies += 1;
    last_answer_ = now;
    result_.reply_ns.push_back((now - since).ns);
    if (!probe) return;
    for (const auto& [index, at] : kills_open_) result_.kills[index].first_reply = now - at;
    kills_open_.clear();
  }

  /// The venue's first word on an order that was first made after the last kill.
  void trades_again(const ExecutionReport& report) {
    if (report.type != ExecType::kNew && report.type != ExecType::kTrade) return;
    if (!after_kill_.contains({report.account, report.client_order_id})) return;
    auto& kill = result_.kills.back();
    kill.first_ack = loop_.now() - killed_at_;
    ack_open_ = false;
    after_kill_.clear();
    if (settings_.progress)
      say("kill %zu: the venue's first word on an order made after it: %.1f ms after the kill",
          result_.kills.size(), static_cast<double>(kill.first_ack.ns) / 1e6);
  }

  /// Kills come one at a time: the next waits until the venue has answered an order made after the
  /// last.
  void kill_when_due() {
    if (killer_) return killer_says();
    if (killed_ >= settings_.kill_node_at.size() || !kills_open_.empty() || ack_open_) return;
    const uint32_t percent = settings_.kill_node_at[killed_];
    if (next_ * 100 < actions_.total * percent) return;
    if (!settings_.kill_with.empty()) return kill_by_command();
    auto pid = node_pid(settings_.state_directory);
    if (!pid || kill(static_cast<pid_t>(pid.value()), SIGKILL) != 0)
      return;  // not back yet: next turn
    killed_ += 1;
    if (settings_.progress)
      say("kill -9 of the node (pid %lld) with %zu of %zu requests sent",
          static_cast<long long>(pid.value()), next_, actions_.total);
    was_killed({percent, pid.value(), {}, {}, {}}, loop_.now());
  }

  void was_killed(Kill kill, MonoTime at) {
    kills_open_.emplace_back(result_.kills.size(), at);
    result_.kills.push_back(std::move(kill));
    killed_at_ = at;
    ack_open_ = true;
    after_kill_.clear();
  }

  void kill_by_command() {
    const std::string& text = settings_.kill_with[killed_ % settings_.kill_with.size()];
    killed_ += 1;
    if (settings_.progress)
      say("%s, with %zu of %zu requests sent", text.c_str(), next_, actions_.total);
    killer_ = popen(text.c_str(), "re");
    if (!killer_) {
      result_.kills_failed += 1;
      return;
    }
    const int fd = fileno(killer_);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }

  /// Takes what the command has printed so far; at its end the kill has happened, or has failed.
  void killer_says() {
    char bytes[256];
    ssize_t n = 0;
    while ((n = read(fileno(killer_), bytes, sizeof bytes)) > 0)
      if (killer_line_.size() < 4'096) killer_line_.append(bytes, static_cast<std::size_t>(n));
    if (n < 0) return;  // it is still at work
    const bool done = pclose(killer_) == 0;
    killer_ = nullptr;
    const std::string line = std::exchange(killer_line_, {});
    long long pid = 0;
    double seconds = 0;
    int words = 0;
    if (!done || std::sscanf(line.c_str(), "%lld %lf %n", &pid, &seconds, &words) < 2 || pid <= 1) {
      result_.kills_failed += 1;
      return;
    }
    std::string whom = line.substr(static_cast<std::size_t>(words));
    whom.erase(std::min(whom.find('\n'), whom.size()));
    if (settings_.progress) say("kill -9 of pid %lld: %s", pid, whom.c_str());
    const double now = static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count()) /
                       1e6;
    // How long ago: a command in the same machine, a clock that may be stepped in between.
    const double ago = std::clamp(now - seconds, 0.0, 1.0);
    was_killed({settings_.kill_node_at[killed_ - 1], pid, std::move(whom), {}, {}},
               loop_.now() + Duration{-static_cast<int64_t>(ago * 1e9)});
  }

  void settle() {
    const MonoTime until = loop_.now() + settings_.settle;
    while (loop_.now() < until) {
      loop_.poll(Duration::milliseconds(5));
      if (killer_) killer_says();
      show(false);
      if (unanswered() == 0 && !killer_ && loop_.now() >= next_look_) {
        if (ledger_.in_doubt() == 0) return;
        next_look_ = loop_.now() + Duration::milliseconds(50);
      }
    }
  }

  /// Orders that rest, or whose outcome was not heard, are asked for: the answer is the shard's
  /// last word.
  void query_unsettled() {
    std::size_t open = 0;
    auto list = ledger_.unsettled();
    std::deque<std::pair<Account, ClientOrderId>> queue(list.begin(), list.end());
    const MonoTime until = loop_.now() + settings_.settle;
    while ((!queue.empty() || open > 0) && loop_.now() < until) {
      while (!queue.empty() && open < 128) {
        const auto [account, id] = queue.front();
        queue.pop_front();
        open += 1;
        client_for(account).query(
            account, id, [this, &open, account, id](const Result<OrderView>& view) {
              open -= 1;
              if (view)
                ledger_.queried(account, id, view.value().state, view.value().cumulative_quantity);
            });
      }
      loop_.poll(Duration::milliseconds(5));
    }
    // Callbacks hold a reference to `open`: none may come after this returns.
    if (open > 0)
      for (const auto& client : clients_) client->logout();
  }

  void show(bool last) {
    const MonoTime now = loop_.now();
    if (timeline_ && (last || now - flushed_ >= Duration::milliseconds(20))) {
      flushed_ = now;
      std::fflush(timeline_);
    }
    const Duration every = terminal_ ? Duration::milliseconds(250) : Duration::seconds(1);
    if (!settings_.progress || (!last && now - shown_ < every)) return;
    shown_ = now;
    std::fprintf(stderr, "%s  %zu of %zu sent, %llu answered, %llu orders ended, %zu unanswered%s",
                 terminal_ ? "\r" : "", next_, actions_.total,
                 static_cast<unsigned long long>(result_.replies),
                 static_cast<unsigned long long>(ledger_.terminal_count()), unanswered(),
                 terminal_ ? "\033[K" : "\n");
    open_line_ = terminal_;
    if (last) end_line();
    std::fflush(stderr);
  }

  /// A progress line that is written over ends before anything else is said.
  void end_line() {
    if (std::exchange(open_line_, false)) std::fprintf(stderr, "\n");
  }
  template <typename... Args>
  void say(const char* format, Args... args) {
    end_line();
    std::fprintf(stderr, "  ");
    std::fprintf(stderr, format, args...);
    std::fprintf(stderr, "\n");
  }

  const DriverSettings& settings_;
  const ActionSource& actions_;
  Ledger& ledger_;
  client::Loop loop_;
  std::vector<std::unique_ptr<client::Client>> clients_;
  std::map<Account, client::Client*> client_of_;  // empty: one client for all
  DriverResult result_;
  struct Submitted {
    MonoTime due, submitted;
  };
  std::FILE* timeline_ = nullptr;
  std::map<std::pair<Account, ClientOrderId>, Submitted> unacknowledged_;
  Action action_;
  std::size_t next_ = 0, made_ = 0, killed_ = 0;
  std::vector<std::pair<std::size_t, MonoTime>>
      kills_open_;  // no answer since, index into result_.kills
  std::set<std::pair<Account, ClientOrderId>> after_kill_;  // until the venue answers one of them
  std::FILE* killer_ = nullptr;                             // the command that is to kill
  std::string killer_line_;
  const bool terminal_ = isatty(STDERR_FILENO) == 1;
  bool cut_due_ = false, ack_open_ = false, open_line_ = false;
  MonoTime killed_at_;
  MonoTime start_, shown_, flushed_, next_look_, last_answer_;
};

}  // namespace

Result<DriverResult> drive(const DriverSettings& settings, const ActionSource& actions,
                           Ledger& ledger) {
  return Driver(settings, actions, ledger).run();
}

Result<int64_t> node_pid(const std::string& state_directory) {
  auto file = node_file(state_directory);
  if (!file) return file.error();
  const int64_t pid = file.value().value("pid", int64_t{0});
  if (pid <= 1) return Error{ErrorCode::kNotFound, "order_entry.json names no process"};
  return pid;
}

Result<std::string> node_address(const std::string& state_directory) {
  auto file = node_file(state_directory);
  if (!file) return file.error();
  const auto address = file.value().value("ingress", std::string());
  if (address.empty())
    return Error{ErrorCode::kNotFound, "order_entry.json names no order entry address"};
  return address;
}

}  // namespace holdfast::load
