// An order shard as a gateway sees it: an outbox of requests that outlives gateways, and a cursor
// over their reports. The test waits on what it has taken.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "supervision/replication/outbox.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::venues::testing {

inline constexpr GroupId kGateway{1001}, kShard{1};

/// What the test sees, from its own thread.
struct ShardBook {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<VenueReport> reports;  // each once, in order
  VenueSessionState state = VenueSessionState::kDown;
  uint64_t opens = 0;  // times the session came to be open

  /// Waits until `done` holds, for at most 20 s; false when it did not come to that.
  bool wait(const std::function<bool(ShardBook&)>& done) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return done(*this); });
  }
  std::size_t count(VenueReportKind kind) const {
    std::size_t n = 0;
    for (const auto& report : reports) n += report.kind == kind;
    return n;
  }
};

struct SubmitRequests {
  std::vector<VenueRequest> requests;
};
struct GatewayChanged {
  ActorHandle gateway;
};

class ProbeShard final : public LoopActor {
 public:
  ProbeShard(ActorConfig& config, std::shared_ptr<ShardBook> book)
      : LoopActor(config), book_(std::move(book)) {}

  Behavior make_behavior() override {
    return {
        [this](const GatewayChanged& changed) { gateway_ = changed.gateway; },
        [this](const SubmitRequests& submit) {
          const OutboxSeq first{outbox_.last().value + 1};
          for (const auto& request : submit.requests) outbox_.push(request);
          emit(first);
        },
        [this](const VenueReportDelivery& delivery) { take(*delivery); },
        [this](const GroupLeads& leads) {
          outbox_.acknowledge(leads.cursor);
          emit({outbox_.acknowledged().value + 1});
        },
        [this](const VenueStatus& status) {
          tell([&](ShardBook& book) {
            book.opens += book.state != status.state && status.state == VenueSessionState::kOpen;
            book.state = status.state;
          });
        },
    };
  }

 private:
  template <typename F>
  void tell(F&& change) {
    {
      const std::lock_guard lock(book_->mutex);
      change(*book_);
    }
    book_->changed.notify_all();
  }
  void emit(OutboxSeq first) {
    auto delivery = std::make_shared<Delivery<VenueRequest>>();
    delivery->from = kShard;
    delivery->to = kGateway;
    delivery->epoch = {1};
    delivery->first = first;
    for (OutboxSeq seq = first; seq <= outbox_.last(); ++seq.value)
      delivery->items.push_back(outbox_.at(seq));
    delivery->acknowledged = inbox_.cursor;
    if (gateway_) send(gateway_, VenueRequestDelivery(std::move(delivery)));
  }
  void take(const Delivery<VenueReport>& delivery) {
    if (delivery.acknowledged <= outbox_.last()) outbox_.acknowledge(delivery.acknowledged);
    const auto judged = inbox_.judge(delivery.epoch, delivery.first, delivery.items.size());
    if (judged.verdict != replication::InboxCursor::Verdict::kTake) return;
    inbox_.epoch = delivery.epoch;
    inbox_.cursor = {delivery.first.value + delivery.items.size() - 1};
    tell([&](ShardBook& book) {
      book.reports.insert(book.reports.end(),
                          delivery.items.begin() + static_cast<std::ptrdiff_t>(judged.skip),
                          delivery.items.end());
    });
    emit({outbox_.last().value + 1});  // a bare acknowledgement
  }

  std::shared_ptr<ShardBook> book_;
  ActorHandle gateway_;
  replication::Outbox<VenueRequest> outbox_;
  replication::InboxCursor inbox_;
};

}  // namespace holdfast::venues::testing

HOLDFAST_LOCAL_MESSAGE(holdfast::venues::testing::SubmitRequests)
HOLDFAST_LOCAL_MESSAGE(holdfast::venues::testing::GatewayChanged)
