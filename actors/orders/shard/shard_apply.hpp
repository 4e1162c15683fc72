// How a shard's events change its state: the only code that does. Every function is deterministic
// and total on events that decide() proposed; what a venue reported is taken as fact, however odd.
// Internal to the shard.
#pragma once

#include "actors/orders/shard/shard.hpp"

namespace holdfast::orders {

/// Applies one event; made anew for each.
class Applier {
 public:
  Applier(ShardState& state, const replication::Position& at) : state_(state), at_(at) {}

  void operator()(const OrderAdmitted& e);
  void operator()(const RequestAdmitted& e);
  void operator()(const ReportTaken& e);
  void operator()(const OutboxAcknowledged& e);
  void operator()(const SweepStarted& e);
  void operator()(const SweepAdvanced& e);
  void operator()(const ReferenceLoaded& e);
  void operator()(const RiskChanged& e);

 private:
  // ---- writing
  void risk(risk::RiskDelta delta, bool for_stage);
  void count_message(const Account& account, bool for_stage);
  void count_refusal(Reason reason);
  void push(Ref ref, VenueRequestKind kind, uint16_t number, Price price, Quantity quantity);
  void report(Ref ref, ExecType type, Ref request = 0, Reason reason = Reason::kNone,
              const ReasonText& text = {}, const VenueReport* venue = nullptr);
  /// Takes over new facts, with all that hangs on them: lists, counts, time.
  void settle(Ref ref, const OrderFacts& after);
  void record(Ref ref, OrderEvent event, OrderState from, const Step& step, Ref request,
              Reason reason, Quantity quantity, Price price);

  // ---- admissions and requests
  static Step admission(const OrderFacts& fresh, const OrderAdmitted& e);
  void send_request(Ref ref, Ref request);
  void list_killed(Sweep& sweep);
  bool cancel_one(Sweep& sweep, Ref ref);

  // ---- reports (shard_reports.cpp)
  struct Heard {
    Ref order = 0;
    OrderEvent event = OrderEvent::kAccept;
    bool nothing = false;      // a status that tells nothing new
    bool contradicts = false;  // names a request that is not pending
    EventFacts numbers;
    uint16_t number = 0;    // of our request that the report names, zero: none
    Quantity was_quantity;  // trade cancel and correct: what had been booked
    Price was_price;
  };
  Ref order_of(const VenueReport& report, uint16_t& number) const;
  bool hear(const VenueReport& report, Heard& heard) const;
  void hear_status(const VenueReport& report, const OrderRecord& order, Heard& heard) const;
  void take(const VenueReport& report, const Heard& heard);
  void book_money(Ref ref, const VenueReport& report, const Heard& heard, const Step& step);
  void follow_risk(Ref ref, const OrderFacts& before, const VenueReport& report, const Heard& heard,
                   const Step& step);
  void answer_request(Ref ref, const VenueReport& report, const Heard& heard, const Step& step);
  void release_deferred(Ref ref);
  void tell(Ref ref, const VenueReport& report, const Heard& heard, const Step& step, Ref request);
  void anomaly(Ref ref, OrderEvent event, const Step& step, Quantity amount);

  ShardState& state_;
  const replication::Position& at_;
};

}  // namespace holdfast::orders
