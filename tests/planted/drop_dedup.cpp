// Planted bug: a new order is not looked up by its client order id before it is admitted, so the
// same request sent again (after a kill, by a client that heard no answer) becomes a second order.
#include <string>
#include <unordered_map>

#include <symbols.hpp>
#include "actors/orders/shard/shard.hpp"

namespace holdfast::orders {

Triage real_triage(const ShardState&, const OrderRequest&, uint32_t) asm(TRIAGE_REAL);
Triage planted_triage(const ShardState&, const OrderRequest&, uint32_t) asm(TRIAGE_WRAP);
ClientRef real_find(const OrderBookOfRecord*, const Account&, const ClientOrderId&) asm(FIND_REAL);
ClientRef planted_find(const OrderBookOfRecord*, const Account&,
                       const ClientOrderId&) asm(FIND_WRAP);

namespace {
// Look-ups to be denied: one in triage, one in the decision.
std::unordered_map<std::string, int> denied;
}  // namespace

Triage planted_triage(const ShardState& state, const OrderRequest& request, uint32_t new_orders) {
  if (const auto* order = std::get_if<NewOrder>(&request.body))
    denied[order->account.str() + "/" + order->client_order_id.str()] = 2;
  return real_triage(state, request, new_orders);
}

ClientRef planted_find(const OrderBookOfRecord* book, const Account& account,
                       const ClientOrderId& id) {
  const auto it = denied.find(account.str() + "/" + id.str());
  if (it == denied.end()) return real_find(book, account, id);
  if (--it->second == 0) denied.erase(it);
  return {};
}

}  // namespace holdfast::orders
