// The whole order path, seen by a client: submit by Cap'n Proto, through ingress, orders, risk,
// routing, two journals and the FIX gateway to the venue, and back as an execution report at the
// client. The same orders in the same three ways as plain-quickfix, so that the two can be set side
// by side.
#include <CLI/CLI.hpp>
#include <thread>

#include "actors/ingress/client/client_capnp.hpp"
#include "tests/bench/latency.hpp"

namespace holdfast::bench {
namespace {

struct Plan {
  std::string mode = "window", node, credential;
  uint64_t orders = 20'000, warmup = 2'000, window = 100, rate = 5'000;
  std::size_t batch = 64;
  bool spin = false;
};

class Bench {
 public:
  explicit Bench(const Plan& plan) : plan_(plan) {
    total_ = plan.orders + plan.warmup;
    sent_.resize(total_ + 1);
    latencies_.reserve(plan.orders);
    replies_.reserve(plan.orders);
  }

  int run() {
    client::ClientOptions options;
    options.address = plan_.node;
    options.client_id = "demo";
    options.credential = plan_.credential;
    options.batch_max = plan_.batch;
    auto connected = client::Client::connect(loop_, options);
    if (!connected) return fail(connected.error().text);
    client_ = std::move(connected).value();
    auto opened = client_->wait_open(Duration::seconds(10));
    if (!opened) return fail(opened.error().text);
    run_id_ = std::to_string(now_ns() % 1'000'000'000);
    client_->subscribe(Account("M1"), {1},
                       [this](std::span<const ExecutionReport> reports) { heard(reports); });
    for (int i = 0; i < 100; ++i) loop_.poll(Duration::milliseconds(1));
    const Duration wait = plan_.spin ? Duration{} : Duration::milliseconds(5);
    const int64_t start = now_ns(), deadline = start + 120'000'000'000;
    const int64_t gap = 1'000'000'000 / static_cast<int64_t>(plan_.rate);
    while (latencies_.size() < plan_.orders && now_ns() < deadline) {
      if (plan_.mode == "open") {
        // Due times are fixed in advance and latency counts from them: no coordinated omission.
        const int64_t now = now_ns();
        while (next_ <= total_ && start + static_cast<int64_t>(next_) * gap <= now)
          send(start + static_cast<int64_t>(next_) * gap);
        const int64_t until = start + static_cast<int64_t>(next_) * gap - now_ns();
        loop_.poll(plan_.spin || next_ > total_ ? wait : Duration{std::max<int64_t>(until, 0)});
      } else {
        const uint64_t flight = plan_.mode == "one" ? 1 : plan_.window;
        while (next_ <= total_ && next_ - 1 - heard_ < flight) send(now_ns());
        loop_.poll(wait);
      }
    }
    if (latencies_.size() < plan_.orders)
      return fail("only " + std::to_string(latencies_.size()) + " of " +
                  std::to_string(plan_.orders) + " orders were acknowledged by the venue (" +
                  refused_ + ")");
    cpu_ += process_cpu_ns();
    std::printf("{\"mode\":\"%s\",\"batch\":%zu,%s,\"reply_p50_us\":%.1f}\n", plan_.mode.c_str(),
                plan_.batch, latencies_.json_fields(last_ - first_, cpu_).c_str(),
                replies_.percentile_us(500));
    client_->logout();
    return 0;
  }

 private:
  static int fail(const std::string& text) {
    std::fprintf(stderr, "order-path: %s\n", text.c_str());
    return 1;
  }

  void send(int64_t since) {
    NewOrder order;
    order.account = "M1";
    order.client_order_id = ClientOrderId(run_id_ + "-" + std::to_string(next_));
    order.symbol = "AAPL";
    order.side = Side::kBuy;
    order.price =
        Price::from_units(585 * kScale + static_cast<int64_t>(10 + next_ % 10) * kScale / 100);
    order.quantity = Quantity::whole(100);
    sent_[next_] = since;
    client_->submit(order, [this, since](const client::Answer& answer) {
      if (!answer.reply.accepted && refused_.empty())
        refused_ = std::string(words_of(answer.reply.reason));
      replies_.add(now_ns() - since);
    });
    next_ += 1;
  }

  void heard(std::span<const ExecutionReport> reports) {
    const int64_t now = now_ns();
    for (const auto& report : reports) {
      if (report.type != ExecType::kNew) continue;
      const auto id = report.client_order_id.view();
      if (!id.starts_with(run_id_ + "-")) continue;
      const auto number = std::stoull(std::string(id.substr(run_id_.size() + 1)));
      heard_ += 1;
      if (number <= plan_.warmup) continue;
      if (latencies_.size() == 0) {
        first_ = sent_[number];
        cpu_ -= process_cpu_ns();
      }
      latencies_.add(now - sent_[number]);
      last_ = now;
    }
  }

  const Plan plan_;
  client::Loop loop_;
  std::unique_ptr<client::Client> client_;
  std::string run_id_, refused_;
  uint64_t total_ = 0, next_ = 1, heard_ = 0;
  int64_t first_ = 0, last_ = 0, cpu_ = 0;
  std::vector<int64_t> sent_;
  Latencies latencies_, replies_;
};

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  holdfast::bench::Plan plan;
  CLI::App app(
      "Measures the order path from a client's submit to the execution report at the client. "
      "Prints one JSON line.");
  app.add_option("--node", plan.node, "HOST:PORT of order entry")->required();
  app.add_option("--credential", plan.credential, "64 hex digits")
      ->envname("HOLDFAST_CREDENTIAL")
      ->default_val("9c38d906a6246db074beb9ac63f28f32c1ddb6f270069eb0d1f4fd18ba4af9b0");
  app.add_option("--mode", plan.mode,
                 "one: one in flight; window: --window in flight; open: --rate orders a second")
      ->check(CLI::IsMember({"one", "window", "open"}));
  app.add_option("--orders", plan.orders, "orders measured");
  app.add_option("--warmup", plan.warmup, "orders before that, not measured");
  app.add_option("--window", plan.window, "orders in flight");
  app.add_option("--rate", plan.rate, "orders a second, open loop");
  app.add_option("--batch", plan.batch, "orders in one call at most; 1: each alone");
  app.add_flag("--spin", plan.spin, "poll without sleeping");
  CLI11_PARSE(app, argc, argv);
  return holdfast::bench::Bench(plan).run();
}
