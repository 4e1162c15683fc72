#include "actors/orders/shard/pipeline.hpp"

#include <algorithm>
#include <unordered_set>

namespace holdfast::orders {

// Where a batch must end: before the first request whose checks depend on one that is in it. Names
// are compared by hash: two that collide end a batch early, which harms nobody.
class Pipeline::Split {
 public:
  explicit Split(const ShardState& state) : state_(state) {}

  /// True when `request` may join; then it is remembered.
  bool join(const OrderRequest& request) {
    if (closed_) return false;
    const bool may = std::visit([this](const auto& body) { return fits(body); }, request.body);
    if (!may) return false;
    std::visit([this](const auto& body) { remember(body); }, request.body);
    return true;
  }

 private:
  template <typename Body>
  bool fits(const Body& body) const {
    if (seen_.contains(name(body.account, body.client_order_id))) return false;
    if constexpr (std::is_same_v<Body, ReplaceOrder>)
      return !seen_.contains(name(body.account, body.original)) &&
             !touched_.contains(order_of(body.account, body.original));
    return true;
  }
  template <typename Body>
  void remember(const Body& body) {
    seen_.insert(name(body.account, body.client_order_id));
    if constexpr (requires { body.original; })
      touched_.insert(order_of(body.account, body.original));
    closed_ = std::is_same_v<Body, MassCancel>;
  }
  static uint64_t name(const Account& account, const ClientOrderId& id) {
    return std::hash<Account>{}(account)*31 + std::hash<ClientOrderId>{}(id);
  }
  Ref order_of(const Account& account, const ClientOrderId& id) const {
    const ClientRef ref = state_.book.find(account, id);
    return ref.request != 0 ? state_.book.request(ref.request).order : ref.order;
  }

  const ShardState& state_;
  std::unordered_set<uint64_t> seen_;
  std::unordered_set<Ref> touched_;
  bool closed_ = false;
};

bool Pipeline::push(OrderRequest request, MonoTime deadline) {
  if (waiting() >= limits::kPipelineOrdersMax) return false;
  queue_.push_back({std::move(request), deadline});
  return true;
}

bool Pipeline::form(const ShardState& state, ShardMemory* memory) {
  CHECK(!batch_);
  if (queue_.empty()) return false;
  JudgedBatch batch;
  last_.value += 1;
  batch.id = last_;
  batch.orders_before = state.book.orders();
  auto questions = std::make_shared<std::vector<risk::RiskOrder>>();
  deadlines_.clear();
  Split split(state);
  uint32_t new_orders = 0;
  while (!queue_.empty() && batch.requests.size() < kBatchMax &&
         split.join(queue_.front().request)) {
    Waiting& next = queue_.front();
    if (memory != nullptr) memory->begin(fingerprint(next.request));
    const Triage triage = ShardCore::triage(state, next.request, new_orders);
    if (triage.books) {
      questions->push_back(triage.order);
      if (std::holds_alternative<NewOrder>(next.request.body)) new_orders += 1;
      batch.asks_risk |= triage.ask_risk();
    }
    batch.triage.push_back(triage);
    deadlines_.push_back(next.deadline);
    JudgedRequest& judged = batch.requests.emplace_back();
    judged.request = std::move(next.request);
    queue_.pop_front();
  }
  if (memory != nullptr) memory->end();
  CHECK(!batch.requests.empty());
  batch.orders_after = batch.orders_before + new_orders;
  batch.questions = std::move(questions);
  batch_ = std::move(batch);
  return true;
}

void Pipeline::judged(std::span<const risk::RiskDecision> decisions) {
  JudgedBatch& b = batch();
  CHECK(decisions.size() == b.questions->size());
  auto routes = std::make_shared<std::vector<routing::RouteRequest>>();
  std::size_t next = 0;
  for (std::size_t i = 0; i < b.requests.size(); ++i) {
    if (!b.triage[i].books) continue;
    const risk::RiskDecision& decision = decisions[next++];
    b.requests[i].counted = !b.triage[i].ask_risk();
    if (!b.triage[i].ask_risk()) continue;
    b.requests[i].decision = decision;
    if (decision.approved && b.triage[i].ask_routing) routes->push_back(b.triage[i].route);
  }
  b.routes = std::move(routes);
}

void Pipeline::routed(std::span<const routing::RouteDecision> decisions) {
  JudgedBatch& b = batch();
  CHECK(b.routes && decisions.size() == b.routes->size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < b.requests.size(); ++i)
    if (b.requests[i].decision && b.requests[i].decision->approved && b.triage[i].ask_routing)
      b.requests[i].route = decisions[next++];
}

void Pipeline::abandon() {
  JudgedBatch& b = batch();
  for (std::size_t i = b.requests.size(); i-- > 0;)
    queue_.push_front({std::move(b.requests[i].request), deadlines_[i]});
  batch_.reset();
}

bool Pipeline::batch_expired(MonoTime now) const {
  return batch_ &&
         std::any_of(deadlines_.begin(), deadlines_.end(), [&](MonoTime at) { return at <= now; });
}

std::vector<OrderRequest> Pipeline::take_expired(MonoTime now) {
  std::vector<OrderRequest> expired;
  std::deque<Waiting> rest;
  for (Waiting& w : queue_) {
    if (w.deadline <= now)
      expired.push_back(std::move(w.request));
    else
      rest.push_back(std::move(w));
  }
  queue_ = std::move(rest);
  return expired;
}

std::vector<OrderRequest> Pipeline::take_cancels(const ShardState& state) {
  std::vector<OrderRequest> cancels;
  std::deque<Waiting> rest;
  for (Waiting& w : queue_) {
    const auto* cancel = std::get_if<CancelOrder>(&w.request.body);
    const bool ready = std::holds_alternative<MassCancel>(w.request.body) ||
                       (cancel && state.book.find(cancel->account, cancel->original));
    if (ready)
      cancels.push_back(std::move(w.request));
    else
      rest.push_back(std::move(w));
  }
  queue_ = std::move(rest);
  return cancels;
}

}  // namespace holdfast::orders
