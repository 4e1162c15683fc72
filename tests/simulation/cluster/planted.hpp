// The production cores as the simulator runs them: themselves, but for the bug that a run has
// planted. What is wrapped is what a node's code would have wrong: a decision, an application, what
// is outstanding, or the log that stands before the journal.
#pragma once

#include "actors/orders/shard/shard.hpp"
#include "actors/venues/gateway.hpp"
#include "supervision/replication/journal/log.hpp"
#include "supervision/replication/replica.hpp"
#include "tests/simulation/cluster/simulation.hpp"

namespace holdfast::cluster_simulation {

/// The bug of the run at hand, for code that has no other way to it. One run a thread at a time.
struct Planted {
  Bug bug = Bug::kNone;
  bool promoting = false;  // what is applied now is the log's tail, on promotion
};
inline thread_local Planted planted;

/// Changes what production decided, as the planted bug has it.
void spoil(const venues::GatewayState& state, const venues::GatewayCommand& command,
           std::vector<venues::GatewayEvent>& events);

template <typename C>
struct Simulated {
  using State = typename C::State;
  using Command = typename C::Command;
  using Event = typename C::Event;
  using Effect = typename C::Effect;

  static void decide(const State& state, const Command& command, WallTime now,
                     replication::Decision<Simulated>& decision) {
    static thread_local replication::Decision<C> inner;
    inner.events.clear();
    inner.replies.clear();
    if constexpr (std::is_same_v<C, orders::ShardCore>) {
      if (planted.bug == Bug::kDedupDropped && again(state, command, now, inner))
        return hand_over(inner, decision);
      C::decide(state, command, now, inner);
    } else {
      C::decide(state, command, now, inner);
      if (planted.bug != Bug::kNone) spoil(state, command, inner.events);
    }
    hand_over(inner, decision);
  }
  static void apply(State& state, const Event& event, const replication::Position& at) {
    if (planted.promoting && planted.bug == Bug::kPromotionWithoutTail) return;
    if constexpr (std::is_same_v<C, venues::GatewayCore>) {
      C::apply(state, event, at);
      if (planted.bug == Bug::kNumberReused &&
          std::holds_alternative<venues::event::Started>(event) && state.next_out > 1)
        state.next_out -= 1;
    } else {
      C::apply(state, event, at);
    }
  }
  static void effects(const State& state, const Event& event, const replication::Position& at,
                      std::vector<Effect>& out) {
    C::effects(state, event, at, out);
  }
  static void outstanding(const State& state, std::vector<Effect>& out) {
    C::outstanding(state, out);
  }
  static std::optional<WallTime> next_deadline(const State& state) {
    return C::next_deadline(state);
  }
  static constexpr uint8_t kDigestVersion = C::kDigestVersion;
  static uint64_t digest(const State& state) { return C::digest(state); }

 private:
  static void hand_over(replication::Decision<C>& from, replication::Decision<Simulated>& to) {
    std::swap(from.events, to.events);
    std::swap(from.replies, to.replies);
  }
  /// A known client order id is booked again, under another name.
  static bool again(const State& state, const Command& command, WallTime now,
                    replication::Decision<C>& inner) {
    const auto* submit = std::get_if<orders::Submit>(&command);
    if (!submit) return false;
    const auto* order = std::get_if<NewOrder>(&submit->request->body);
    if (!order || !state.book.find(order->account, order->client_order_id)) return false;
    OrderRequest copy = *submit->request;
    auto& renamed = std::get<NewOrder>(copy.body);
    renamed.client_order_id = ClientOrderId(order->client_order_id.str() + "~");
    if (state.book.find(order->account, renamed.client_order_id)) return false;
    C::decide(state, orders::Submit{&copy, submit->venues}, now, inner);
    return true;
  }
};

using SimShardCore = Simulated<orders::ShardCore>;
using SimGatewayCore = Simulated<venues::GatewayCore>;

/// A production codec, for the wrapped core.
template <typename C, typename Production>
class SimCodec final : public replication::Codec<Simulated<C>> {
 public:
  void encode_events(std::span<const typename C::Event> events,
                     replication::Bytes& out) const override {
    codec_.encode_events(events, out);
  }
  Result<> decode_events(replication::ByteView bytes,
                         std::vector<typename C::Event>& out) const override {
    return codec_.decode_events(bytes, out);
  }
  void encode_state(const typename C::State& state, replication::Bytes& out) const override {
    codec_.encode_state(state, out);
  }
  Result<> decode_state(replication::ByteView bytes, typename C::State& out) const override {
    return codec_.decode_state(bytes, out);
  }

 private:
  Production codec_;
};

/// A group's log with what a planted bug does to it; else the log itself.
std::unique_ptr<replication::Log> planted_log(std::unique_ptr<replication::Log> log,
                                              std::function<void(std::function<void()>)> defer);

}  // namespace holdfast::cluster_simulation
