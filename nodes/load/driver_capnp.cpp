#include "nodes/load/driver_capnp.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>

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
  Driver(const DriverSettings& settings, const std::vector<Action>& actions, Ledger& ledger)
      : settings_(settings), actions_(actions), ledger_(ledger) {}

  Result<DriverResult> run() {
    auto connected = client::Client::connect(loop_, settings_.client);
    if (!connected) return connected.error();
    client_ = std::move(connected).value();
    auto opened = client_->wait_open(Duration::seconds(20));
    if (!opened) return opened.error();
    for (const Account& account : flow_accounts())
      client_->subscribe(account, {1}, [this](std::span<const ExecutionReport> reports) {
        for (const auto& report : reports) ledger_.reported(report);
      });
    result_.reply_ns.reserve(actions_.size());
    start_ = shown_ = loop_.now();
    last_answer_ = start_;
    while (next_ < actions_.size() && loop_.now() - last_answer_ < settings_.settle) step();
    settle();
    result_.elapsed = loop_.now() - start_;
    query_unsettled();
    show(true);
    result_.stats = client_->stats();
    client_->logout();
    return std::move(result_);
  }

 private:
  MonoTime due(std::size_t n) const {
    if (settings_.speed > 0)
      return start_ + Duration{static_cast<int64_t>(static_cast<double>(actions_[n].at.ns) /
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
    while (next_ < actions_.size()) {
      if (paced()) {
        const MonoTime when = due(next_);
        if (when > now) {
          wait = std::min(wait, when - now);
          break;
        }
        // A node that is away is not flooded for ever: what is held is bounded by the client.
        if (client_->unanswered() >= settings_.client.requests_max - 1) break;
      } else if (client_->unanswered() >= settings_.in_flight) {
        break;
      }
      kill_when_due();
      send(actions_[next_], paced() ? due(next_) : now);
      next_ += 1;
      if (settings_.cut_every && next_ % settings_.cut_every == 0) cut_due_ = true;
    }
    kill_when_due();
    loop_.poll(wait);
    if (cut_due_ &&
        client_->unanswered() > 0) {  // what was sent is on its way: its answers are lost
      cut_due_ = false;
      result_.cuts += 1;
      client_->cut();
    }
    show(false);
  }

  void send(const Action& action, MonoTime since) {
    result_.requests += 1;
    const bool probes = !kills_open_.empty();
    switch (action.kind) {
      case Action::Kind::kSubmit:
        ledger_.sent(action.order);
        client_->submit(action.order,
                        [this, since, probes, account = action.order.account,
                         id = action.order.client_order_id](const client::Answer& answer) {
                          ledger_.replied(account, id, answer.reply);
                          answered(since, probes);
                        });
        return;
      case Action::Kind::kReplace:
        client_->submit(action.replace, [this, since](const client::Answer& answer) {
          ledger_.request_replied(answer.reply);
          answered(since, false);
        });
        return;
      case Action::Kind::kCancel:
        client_->submit(action.cancel, [this, since](const client::Answer& answer) {
          ledger_.request_replied(answer.reply);
          answered(since, false);
        });
        return;
    }
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

  /// Kills come one at a time: the next waits until the node has answered an order made after the
  /// last.
  void kill_when_due() {
    if (killed_ >= settings_.kill_node_at.size() || !kills_open_.empty()) return;
    const uint32_t percent = settings_.kill_node_at[killed_];
    if (next_ * 100 < actions_.size() * percent) return;
    auto pid = node_pid(settings_.state_directory);
    if (!pid || kill(static_cast<pid_t>(pid.value()), SIGKILL) != 0)
      return;  // not back yet: next turn
    killed_ += 1;
    kills_open_.emplace_back(result_.kills.size(), loop_.now());
    result_.kills.push_back({percent, pid.value(), {}});
    if (settings_.progress)
      std::fprintf(stderr, "\n  kill -9 of the node (pid %lld) with %zu of %zu requests sent\n",
                   static_cast<long long>(pid.value()), next_, actions_.size());
  }

  void settle() {
    const MonoTime until = loop_.now() + settings_.settle;
    while (loop_.now() < until) {
      loop_.poll(Duration::milliseconds(5));
      show(false);
      if (client_->unanswered() == 0 && loop_.now() >= next_look_) {
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
        client_->query(account, id, [this, &open, account, id](const Result<OrderView>& view) {
          open -= 1;
          if (view)
            ledger_.queried(account, id, view.value().state, view.value().cumulative_quantity);
        });
      }
      loop_.poll(Duration::milliseconds(5));
    }
    // Callbacks hold a reference to `open`: none may come after this returns.
    if (open > 0) client_->logout();
  }

  void show(bool last) {
    const MonoTime now = loop_.now();
    if (!settings_.progress || (!last && now - shown_ < Duration::milliseconds(250))) return;
    shown_ = now;
    std::fprintf(stderr, "\r  %zu of %zu sent, %llu answered, %llu orders ended, %zu unanswered   ",
                 next_, actions_.size(), static_cast<unsigned long long>(result_.replies),
                 static_cast<unsigned long long>(ledger_.terminal_count()), client_->unanswered());
    if (last) std::fprintf(stderr, "\n");
    std::fflush(stderr);
  }

  const DriverSettings& settings_;
  const std::vector<Action>& actions_;
  Ledger& ledger_;
  client::Loop loop_;
  std::unique_ptr<client::Client> client_;
  DriverResult result_;
  std::size_t next_ = 0, killed_ = 0;
  std::vector<std::pair<std::size_t, MonoTime>>
      kills_open_;  // no answer since, index into result_.kills
  bool cut_due_ = false;
  MonoTime start_, shown_, next_look_, last_answer_;
};

}  // namespace

Result<DriverResult> drive(const DriverSettings& settings, const std::vector<Action>& actions,
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
