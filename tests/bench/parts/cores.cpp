// The pure parts: decoding a request, risk, the order's state machine, the book, the shard.
#include <capnp/serialize.h>

#include "actors/orders/shard/shard_capnp.hpp"
#include "messages/codecs/order_entry_capnp.hpp"
#include "supervision/replication/replica.hpp"
#include "tests/bench/parts/part.hpp"
#include "tests/bench/parts/shard_flow.hpp"

namespace holdfast::bench {
namespace {

using orders::ShardCore;
using orders::ShardEvent;

// ---- order entry

std::unique_ptr<Part> decode_one() {
  return simple_part([bytes = encode_message(OrderRequestBody(flow_order(1)))](uint64_t) {
    CHECK(decode_request(bytes).ok());
  });
}

/// Requests that came in one call, as the server reads them. An operation is one request.
class DecodeBatch final : public Part {
 public:
  void prepare(std::size_t n) override {
    if (words_.size() != 0) return;
    capnp::MallocMessageBuilder message;
    auto root = message.initRoot<capnp::AnyPointer>().initAs<capnp::List<wire::Request>>(
        static_cast<unsigned>(n));
    for (unsigned i = 0; i < n; ++i) encode(OrderRequestBody(flow_order(i + 1)), root[i]);
    words_ = capnp::messageToFlatArray(message);
  }
  void run(std::size_t n) override {
    capnp::FlatArrayMessageReader reader(words_.asPtr(), rpc_reader_options());
    auto list = reader.getRoot<capnp::AnyPointer>().getAs<capnp::List<wire::Request>>();
    const auto decoded = decode(list);
    CHECK(decoded.ok() && decoded.value().size() == n);
  }

 private:
  kj::Array<capnp::word> words_;
};

// ---- risk

std::unique_ptr<Part> risk_check() {
  auto state = std::make_shared<risk::RiskState>();
  risk::apply(*state, risk::LimitsLoaded{flow_limits()});
  risk::apply(*state, risk::ReferencePriceSet{"AAPL", risk::ReferenceSource::kPreviousClose,
                                              Price::whole(585), wall_now()});
  return simple_part([state, now = wall_now()](uint64_t number) {
    const risk::RiskOrder order = risk::of({number}, flow_order(number));
    const risk::RiskDecision decision = risk::check(*state, order, now);
    CHECK(decision.approved);
    risk::apply(*state, risk::consequence(order, decision));
    risk::apply(*state, risk::Released{{number}});
  });
}

// ---- the order

std::unique_ptr<Part> order_steps() {
  return simple_part([](uint64_t) {
    using enum OrderEvent;
    orders::OrderFacts facts;
    facts.quantity = facts.leaves = Quantity::whole(100);
    for (const OrderEvent event : {kValidate, kApprove, kRoute, kAccept})
      facts = orders::step(facts, event).after;
    CHECK(facts.state == OrderState::kAccepted);
    facts = orders::step(facts, OrderEvent::kFill, {Quantity::whole(100), {}, false}).after;
    CHECK(facts.state == OrderState::kFilled);
  });
}

/// Orders enter the book under their client's id. The book is made anew before it is full.
class BookAdmission final : public Part {
 public:
  void prepare(std::size_t n) override {
    if (book_ && book_->orders() + n < 1'000'000) return;
    book_ = std::make_unique<orders::OrderBookOfRecord>();
    record_.account = book_->intern_account("M1");
    record_.symbol = book_->symbols().intern("AAPL");
  }
  void run(std::size_t n) override {
    for (std::size_t i = 0; i < n; ++i) {
      char id[24];
      const int size = std::snprintf(id, sizeof id, "bench-%zu", book_->orders());
      record_.client_order_id = std::string_view(id, static_cast<std::size_t>(size));
      CHECK(!book_->find("M1", record_.client_order_id));
      book_->add_order(record_);
    }
  }

 private:
  std::unique_ptr<orders::OrderBookOfRecord> book_;
  orders::OrderRecord record_;
};

// ---- the shard

/// The whole sequence of orders, risk and routing inside the pure shard on its replica; every entry
/// is committed at once. `kReports` measures what comes back instead.
template <bool kReports>
class ShardPart final : public Part {
 public:
  void prepare(std::size_t n) override {
    if (!replica_ || replica_->state().book.orders() + n > 1'000'000) restart();
    if (kReports) {
      requests_.clear();
      for (std::size_t i = 0; i < n; ++i) {
        run_one(flow_->submit(replica_->state()));
        requests_.push_back(ShardFlow::last_request(replica_->state()));
      }
    } else {
      for (const VenueRequest& request : requests_) {
        run_one(flow_->accepted(request));
        run_one(flow_->filled(request));
      }
      requests_.clear();
    }
    run_one(ShardFlow::acknowledged(replica_->state()));
  }
  void run(std::size_t n) override {
    if (kReports) {
      for (const VenueRequest& request : requests_) {
        run_one(flow_->accepted(request));
        run_one(flow_->filled(request));
      }
      return;
    }
    for (std::size_t i = 0; i < n; ++i) {
      run_one(flow_->submit(replica_->state()));
      requests_.push_back(ShardFlow::last_request(replica_->state()));
    }
  }

 private:
  void restart() {
    replica_ = std::make_unique<replication::Replica<ShardCore>>(kShardGroup);
    flow_ = std::make_unique<ShardFlow>();
    requests_.clear();
    replica_->lead({1});
    replica_->seal(wall_now());
    for (const auto& command : flow_->opening()) run_one(command);
  }
  void run_one(const orders::ShardCommand& command) {
    replica_->decide(command, wall_now());
    replica_->seal(wall_now());
    released_.clear();
    replica_->commit(replica_->appended(), released_);
  }

  std::unique_ptr<replication::Replica<ShardCore>> replica_;
  std::unique_ptr<ShardFlow> flow_;
  std::vector<VenueRequest> requests_;
  std::vector<replication::Committed<orders::ShardEffect>> released_;
};

const bool kRegistered =
    add_part({"decode_request", "one order entry request from its bytes", 16, decode_one}) &&
    add_part({"decode_batch", "one request of a batch of 64", 64,
              [] { return std::make_unique<DecodeBatch>(); }}) &&
    add_part({"risk", "check, reserve and release one order", 16, risk_check}) &&
    add_part({"order_state", "an order's five steps from new to filled", 64, order_steps}) &&
    add_part({"book_admission", "look up the client's id, add the order", 16,
              [] { return std::make_unique<BookAdmission>(); }}) &&
    add_part({"shard_submit", "orders, risk and routing for one order, uncut", 16,
              [] { return std::make_unique<ShardPart<false>>(); }}) &&
    add_part({"shard_reports", "the venue's acceptance and fill of one order", 16,
              [] { return std::make_unique<ShardPart<true>>(); }});

}  // namespace
}  // namespace holdfast::bench
