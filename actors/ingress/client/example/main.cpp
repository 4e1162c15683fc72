// holdfast-example: sends one order, follows its reports, cancels what is left: all that a C++
// integrator needs. actors/ingress/README.md explains the words.
//   holdfast-example 127.0.0.1:7001 CLIENT_ID CREDENTIAL ACCOUNT SYMBOL PRICE QUANTITY [ID]
#include <cstdio>
#include <string>

#include "actors/ingress/client/client_capnp.hpp"

using namespace holdfast;

namespace {
int usage() {
  std::fputs(
      "usage: holdfast-example HOST:PORT CLIENT_ID CREDENTIAL ACCOUNT SYMBOL PRICE QUANTITY [ID]\n"
      "Buys QUANTITY of SYMBOL at PRICE, prints its reports for a second, cancels the rest.\n",
      stderr);
  return 2;
}

void print(const char* what, const client::Answer& answer) {
  const auto& r = answer.reply;
  std::printf("%s: %s, state %s, durability %s%s%s\n", what, r.accepted ? "accepted" : "refused",
              std::string(name_of(r.state)).c_str(), std::string(name_of(r.durability)).c_str(),
              r.text.empty() ? "" : ": ", r.text.str().c_str());
}
}  // namespace

int main(int count, char** arguments) {
  if (count < 8) return usage();
  const auto price = Price::parse(arguments[6]);
  const auto quantity = Quantity::parse(arguments[7]);
  const auto account = Account::parse(arguments[4]);
  const auto symbol = Symbol::parse(arguments[5]);
  const auto id = ClientOrderId::parse(count > 8 ? arguments[8] : "example-1");
  if (!price || !quantity || !account || !symbol || !id) return usage();

  // 1. Connect. From here on it reconnects by itself, and sends again what was not answered.
  client::Loop loop;
  client::ClientOptions options;
  options.address = arguments[1];
  options.client_id = arguments[2];
  options.credential = arguments[3];
  auto connected = client::Client::connect(loop, options);
  const auto open =
      connected ? connected.value()->wait_open(Duration::seconds(5)) : Result<>(connected.error());
  if (!open) return std::fprintf(stderr, "%s\n", open.error().text.c_str()), 3;
  auto& client = *connected.value();

  // 2. Follow the account's reports, from the first that is kept.
  client.subscribe(account.value(), ReportSeq{1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports)
      std::printf("report %llu: %s %s, filled %s, open %s\n",
                  static_cast<unsigned long long>(r.sequence.value),
                  r.client_order_id.str().c_str(), std::string(name_of(r.type)).c_str(),
                  r.cumulative_quantity.str().c_str(), r.leaves_quantity.str().c_str());
  });

  // 3. Send the order. The same client order id again would hear the same outcome, not buy twice.
  NewOrder order;
  order.account = account.value();
  order.client_order_id = id.value();
  order.symbol = symbol.value();
  order.price = price.value();
  order.quantity = quantity.value();
  client.submit(order, [](const client::Answer& answer) { print("order", answer); });
  const auto poll_for = [&](Duration span) {
    for (const MonoTime until = loop.now() + span; loop.now() < until;)
      loop.poll(until - loop.now());
  };
  poll_for(Duration::seconds(1));

  // 4. Cancel what is left, and leave.
  const auto cancel_id = ClientOrderId("c-" + id.value().str().substr(0, 30));
  const CancelOrder cancel{order.account, cancel_id, order.client_order_id, {}};
  client.submit(cancel, [](const client::Answer& answer) { print("cancel", answer); });
  poll_for(Duration::milliseconds(500));
  client.logout();
  loop.poll();
  return 0;
}
