// The baseline: a plain QuickFIX initiator as an application would write it, SocketNodelay=Y, with
// MemoryStore or FileStore, against the same venue binary that the order path is measured with. No
// risk checks, no journal of orders, no client protocol, no failover: what QuickFIX alone costs.
#include <CLI/CLI.hpp>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "actors/venues/quickfix.hpp"
#include "tests/bench/latency.hpp"

namespace holdfast::bench {
namespace {

struct Plan {
  std::string mode = "window", store = "memory", directory;
  uint16_t port = 0;
  uint64_t orders = 20'000, window = 100, rate = 5'000, warmup = 2'000;
};

class Initiator : public FIX::Application {
 public:
  explicit Initiator(const Plan& plan) : plan_(plan) {
    sent_.resize(plan.orders + plan.warmup + 1);
    latencies_.reserve(plan.orders);
  }

  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID& id) override {
    std::lock_guard lock(mutex_);
    session_ = id;
    logged_on_ = true;
    changed_.notify_all();
  }
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) override {}
  void fromApp(const FIX::Message& message, const FIX::SessionID&) override {
    if (message.getField(150) != "0") return;  // ExecType New
    const auto number = std::stoull(message.getField(11));
    const int64_t now = now_ns();
    if (number > plan_.warmup) {
      if (latencies_.size() == 0) {
        first_ = sent_[number];
        cpu_ -= process_cpu_ns();
      }
      latencies_.add(now - sent_[number]);
      last_ = now;
    }
    if (plan_.mode != "open") send_next();
    if (latencies_.size() == plan_.orders) {
      cpu_ += process_cpu_ns();
      std::lock_guard lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
  }

  void send_next() {
    const uint64_t number = next_;
    if (number >= sent_.size()) return;
    next_ += 1;
    sent_[number] = plan_.mode == "open" ? due_ : now_ns();
    FIX44::NewOrderSingle order(FIX::ClOrdID(std::to_string(number)), FIX::Side('1'),
                                FIX::TransactTime(), FIX::OrdType('2'));
    order.setField(1, "M1");
    order.setField(21, "1");
    order.setField(38, "100");
    order.setField(44, "585." + std::to_string(10 + number % 10));
    order.setField(55, "AAPL");
    order.setField(59, "0");
    order.setField(526, std::to_string(number));
    FIX::Session::sendToTarget(order, session_);
  }

  bool run() {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, std::chrono::seconds(10), [this] { return logged_on_; }))
        return false;
    }
    if (plan_.mode == "open") {
      // Due times are fixed in advance and latency counts from them: no coordinated omission.
      const int64_t gap = 1'000'000'000 / static_cast<int64_t>(plan_.rate), start = now_ns();
      for (uint64_t n = 1; n < sent_.size(); ++n) {
        due_ = start + static_cast<int64_t>(n) * gap;
        while (now_ns() < due_)
          std::this_thread::sleep_for(std::chrono::nanoseconds(due_ - now_ns()));
        send_next();
      }
    } else {
      const uint64_t flight = plan_.mode == "one" ? 1 : plan_.window;
      for (uint64_t i = 0; i < flight; ++i) send_next();
    }
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(120), [this] { return done_; });
  }
  std::string json() { return latencies_.json_fields(last_ - first_, cpu_); }

 private:
  const Plan plan_;
  FIX::SessionID session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool logged_on_ = false, done_ = false;
  std::atomic<uint64_t> next_{1};  // the initiator's thread sends after the first ones are out
  int64_t due_ = 0, first_ = 0, last_ = 0, cpu_ = 0;
  std::vector<int64_t> sent_;
  Latencies latencies_;
};

int run(const Plan& plan) {
  FIX::Dictionary settings;
  settings.setString("ConnectionType", "initiator");
  settings.setString("SocketConnectHost", "127.0.0.1");
  settings.setString("SocketConnectPort", std::to_string(plan.port));
  settings.setString("SocketNodelay", "Y");
  settings.setString("HeartBtInt", "30");
  settings.setString("ReconnectInterval", "1");
  settings.setString("StartTime", "00:00:00");
  settings.setString("EndTime", "00:00:00");
  settings.setString("UseDataDictionary", "N");
  settings.setString("ResetOnLogon", "Y");
  settings.setString("FileStorePath", plan.directory);
  FIX::SessionSettings sessions;
  sessions.set(FIX::SessionID("FIX.4.4", "PLAIN-" + plan.store + "-" + plan.mode, "VENUE"),
               settings);
  Initiator application(plan);
  FIX::MemoryStoreFactory memory;
  FIX::FileStoreFactory file(plan.directory);
  FIX::MessageStoreFactory& store =
      plan.store == "file" ? static_cast<FIX::MessageStoreFactory&>(file) : memory;
  FIX::SocketInitiator initiator(application, store, sessions);
  initiator.start();
  const bool finished = application.run();
  if (finished)
    std::printf("{\"store\":\"%s\",\"mode\":\"%s\",%s}\n", plan.store.c_str(), plan.mode.c_str(),
                application.json().c_str());
  else
    std::fprintf(stderr, "plain-quickfix: no logon, or not every order was answered\n");
  std::fflush(stdout);
  initiator.stop(true);
  return finished ? 0 : 1;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  holdfast::bench::Plan plan;
  CLI::App app(
      "Measures a plain QuickFIX initiator against holdfast-venue: order to execution report. "
      "Prints one JSON line.");
  app.add_option("--port", plan.port, "the venue's FIX port")->required();
  app.add_option("--store", plan.store, "memory or file")->check(CLI::IsMember({"memory", "file"}));
  app.add_option("--directory", plan.directory, "where FileStore writes");
  app.add_option("--mode", plan.mode,
                 "one: one in flight; window: --window in flight; open: --rate orders a second")
      ->check(CLI::IsMember({"one", "window", "open"}));
  app.add_option("--orders", plan.orders, "orders measured");
  app.add_option("--warmup", plan.warmup, "orders before that, not measured");
  app.add_option("--window", plan.window, "orders in flight");
  app.add_option("--rate", plan.rate, "orders a second, open loop");
  CLI11_PARSE(app, argc, argv);
  return holdfast::bench::run(plan);
}
