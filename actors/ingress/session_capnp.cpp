#include "actors/ingress/session_capnp.hpp"

#include <time.h>

#include <utility>

namespace holdfast::ingress {

namespace {

// Sizes that let an answer fit its first segment: in words, the RPC frame excluded.
constexpr capnp::MessageSize kOutcomeSize{32, 0};
constexpr uint64_t kReportWords = 44;
constexpr uint64_t kOutcomeWords = 12;

int64_t wall_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

template <typename Builder>
void set_reason(Builder&& to, Reason reason, const std::string& text) {
  to.setReason(to_wire(reason));
  to.setText(text.empty() && reason != Reason::kNone ? std::string(words_of(reason)).c_str()
                                                     : text.c_str());
}

}  // namespace

/// Dropped by the client, it unsubscribes.
class SessionServer::Handle final : public wire::Subscription::Server {
 public:
  Handle(std::shared_ptr<SessionServer*> session, const Account& account, uint64_t generation)
      : session_(std::move(session)), account_(account), generation_(generation) {}
  ~Handle() noexcept {
    if (*session_ != nullptr) (*session_)->drop_sink(account_, generation_);
  }

 private:
  std::shared_ptr<SessionServer*> session_;
  const Account account_;
  const uint64_t generation_;
};

SessionServer::SessionServer(SessionHost& host, std::function<void()> ended)
    : host_(host),
      ended_(std::move(ended)),
      self_(std::make_shared<SessionServer*>(this)),
      tasks_(kj::heap<kj::TaskSet>(ignore_)) {}

SessionServer::~SessionServer() noexcept {
  detach();
  *self_ = nullptr;
}

Result<SessionId> SessionServer::open(std::shared_ptr<const ClientEntry> client) {
  CHECK(!id_);
  client_ = std::move(client);
  auto id = host_.ingress.open(*client_, *this);
  if (id) id_ = id.value();
  return id;
}

void SessionServer::detach() {
  if (!id_) return;
  host_.ingress.close(std::exchange(id_, SessionId{}));
  calls_.clear();
  queries_.clear();
  sinks_.clear();
  end_ = nullptr;
  tasks_ = nullptr;
  if (ended_) std::exchange(ended_, nullptr)();
}

// ---- requests

void SessionServer::malformed(const Error& error, wire::Outcome::Builder outcome) {
  host_.malformed += 1;
  OrderReply reply;
  reply.reason = Reason::kMalformed;
  reply.state = OrderState::kRejected;
  if (auto text = ReasonText::parse(std::string_view(error.text).substr(0, ReasonText::kCapacity)))
    reply.text = text.value();
  encode(reply, host_.ingress.credits_left(id_), outcome);
}

template <typename Context, typename Body>
kj::Promise<void> SessionServer::single(Context context, Result<Body> decoded) {
  return guarded(host_, [&]() -> kj::Promise<void> {
    context.releaseParams();
    auto outcome = context.getResults(kOutcomeSize).initOutcome();
    if (!decoded) {
      malformed(decoded.error(), outcome);
      return kj::READY_NOW;
    }
    auto admission = host_.ingress.admit(id_, std::move(decoded).value(), host_.loop.turn_time());
    if (admission.refused) {
      encode(*admission.refused, host_.ingress.credits_left(id_), outcome);
      return kj::READY_NOW;
    }
    auto paf = kj::newPromiseAndFulfiller<void>();
    calls_.emplace(admission.request, Call{outcome, kj::mv(paf.fulfiller), nullptr});
    return kj::mv(paf.promise);
  });
}

kj::Promise<void> SessionServer::submit(SubmitContext context) {
  return single(context, decode(context.getParams().getOrder()));
}
kj::Promise<void> SessionServer::cancel(CancelContext context) {
  return single(context, decode(context.getParams().getRequest()));
}
kj::Promise<void> SessionServer::replace(ReplaceContext context) {
  return single(context, decode(context.getParams().getRequest()));
}
kj::Promise<void> SessionServer::massCancel(MassCancelContext context) {
  return single(context, decode(context.getParams().getRequest()));
}

kj::Promise<void> SessionServer::submitBatch(SubmitBatchContext context) {
  return guarded(host_, [&]() -> kj::Promise<void> {
    const uint32_t asked = context.getParams().getRequests().size();
    auto decoded = decode(context.getParams().getRequests());
    context.releaseParams();
    // Without a batch of legal size there is still one outcome, to say so.
    const uint32_t count =
        decoded ? asked : std::min<uint32_t>(std::max(asked, 1u), limits::kBatchOrdersMax);
    auto outcomes =
        context.getResults(capnp::MessageSize{16 + count * kOutcomeWords, 0}).initOutcomes(count);
    if (!decoded) {
      for (auto outcome : outcomes) malformed(decoded.error(), outcome);
      return kj::READY_NOW;
    }
    const bool affordable = host_.ingress.has_credits(id_, count);
    auto batch = std::make_shared<Batch>();
    for (uint32_t i = 0; i < count; ++i) {
      Admission admission;
      if (affordable) {
        admission = host_.ingress.admit(id_, std::move(decoded.value()[i]), host_.loop.turn_time());
      } else {
        admission = host_.ingress.refuse_for_credits();
      }
      if (admission.refused) {
        encode(*admission.refused, host_.ingress.credits_left(id_), outcomes[i]);
        continue;
      }
      batch->open += 1;
      calls_.emplace(admission.request, Call{outcomes[i], Done(), batch});
    }
    if (batch->open == 0) return kj::READY_NOW;
    auto paf = kj::newPromiseAndFulfiller<void>();
    batch->done = kj::mv(paf.fulfiller);
    return kj::mv(paf.promise);
  });
}

void SessionServer::on_reply(uint64_t request, const OrderReply& reply, uint32_t credits_left) {
  const auto found = calls_.find(request);
  if (found == calls_.end()) return;
  Call call = kj::mv(found->second);
  calls_.erase(found);
  encode(reply, credits_left, call.outcome);
  if (!call.batch)
    call.done->fulfill();
  else if (--call.batch->open == 0)
    call.batch->done->fulfill();
}

kj::Promise<void> SessionServer::query(QueryContext context) {
  return guarded(host_, [&]() -> kj::Promise<void> {
    const auto params = context.getParams();
    const auto account = decode_text<Account>(params.getAccount());
    const auto order = decode_text<ClientOrderId>(params.getClientOrderId());
    context.releaseParams();
    auto results = context.getResults();
    if (!account || !order) {
      host_.malformed += 1;
      set_reason(results, Reason::kMalformed, (account ? order.error() : account.error()).text);
      results.setCreditsLeft(host_.ingress.credits_left(id_));
      return kj::READY_NOW;
    }
    auto admission =
        host_.ingress.query(id_, account.value(), order.value(), host_.loop.turn_time());
    if (admission.refused) {
      set_reason(results, admission.refused->reason, admission.refused->text.str());
      results.setCreditsLeft(host_.ingress.credits_left(id_));
      return kj::READY_NOW;
    }
    auto paf = kj::newPromiseAndFulfiller<void>();
    queries_.emplace(admission.request, Query{results, kj::mv(paf.fulfiller)});
    return kj::mv(paf.promise);
  });
}

void SessionServer::on_view(uint64_t request, const OrderQueryReply& view, uint32_t credits_left) {
  const auto found = queries_.find(request);
  if (found == queries_.end()) return;
  Query query = kj::mv(found->second);
  queries_.erase(found);
  query.results.setFound(view.found);
  query.results.setCreditsLeft(credits_left);
  set_reason(query.results, view.reason, "");
  if (view.found) encode(view.view, query.results.initOrder());
  query.done->fulfill();
}

// ---- reports

kj::Promise<void> SessionServer::subscribe(SubscribeContext context) {
  return guarded(host_, [&]() -> kj::Promise<void> {
    const auto params = context.getParams();
    const auto account = decode_account(params.getAccount());
    if (!account) {
      host_.malformed += 1;
      set_reason(context.getResults(), Reason::kMalformed, account.error().text);
      return kj::READY_NOW;
    }
    if (!params.hasSink()) {
      host_.malformed += 1;
      set_reason(context.getResults(), Reason::kMalformed, "sink: a ReportSink is needed");
      return kj::READY_NOW;
    }
    const ReportSeq from{params.getFromSequence()};
    // The one before is told first, while its sink is still the one that is known.
    if (const auto old = sinks_.find(account.value()); old != sinks_.end()) {
      host_.ingress.unsubscribe(id_, account.value());
      on_ended(account.value(), Reason::kPendingRequest, "replaced by a later subscription", {});
    }
    auto paf = kj::newPromiseAndFulfiller<void>();
    sinks_.emplace(account.value(), Sink{params.getSink(), ++generations_, context.getResults(),
                                         kj::mv(paf.fulfiller)});
    context.releaseParams();
    host_.ingress.subscribe(id_, account.value(), from);
    return kj::mv(paf.promise);
  });
}

void SessionServer::on_subscribed(const Account& account, const Subscribed& answer) {
  const auto found = sinks_.find(account);
  if (found == sinks_.end()) return;
  Sink& sink = found->second;
  KJ_IF_MAYBE (results, sink.results) {
    set_reason(*results, answer.reason, answer.text);
    results->setFirstKept(answer.first_kept.value);
    results->setLast(answer.last.value);
    if (answer.reason == Reason::kNone)
      results->setSubscription(kj::heap<Handle>(self_, account, sink.generation));
    sink.results = nullptr;
    Done done = kj::mv(sink.done);
    if (answer.reason != Reason::kNone) sinks_.erase(found);
    done->fulfill();
  }
}

void SessionServer::on_reports(const Account& account,
                               std::span<const ExecutionReport* const> reports) {
  const auto found = sinks_.find(account);
  if (found == sinks_.end()) return;
  auto request = found->second.client.reportsRequest(
      capnp::MessageSize{16 + reports.size() * kReportWords, 0});
  request.setAccount(account.str().c_str());
  auto list = request.initReports(static_cast<unsigned>(reports.size()));
  for (unsigned i = 0; i < list.size(); ++i) encode(*reports[i], list[i]);
  const uint64_t generation = found->second.generation;
  tasks_->add(request.send().then(
      [this, account, generation](auto&&) {
        const auto sink = sinks_.find(account);
        if (sink == sinks_.end() || sink->second.generation != generation) return;
        guarded(host_, [&] { host_.ingress.acknowledge(id_, account); });
      },
      [this, account, generation](kj::Exception&& error) {
        sink_failed(account, generation, kj::mv(error));
      }));
}

void SessionServer::on_ended(const Account& account, Reason reason, const std::string& text,
                             ReportSeq last_sent) {
  const auto found = sinks_.find(account);
  if (found == sinks_.end()) return;
  Sink sink = kj::mv(found->second);
  sinks_.erase(found);
  KJ_IF_MAYBE (results, sink.results) {  // never answered: this is the answer
    set_reason(*results, reason, text);
    sink.done->fulfill();
    return;
  }
  auto request = sink.client.endedRequest();
  request.setAccount(account.str().c_str());
  set_reason(request, reason, text);
  request.setLastSent(last_sent.value);
  tasks_->add(request.send().then([](auto&&) {}, [](kj::Exception&&) {}));
}

void SessionServer::drop_sink(const Account& account, uint64_t generation) {
  const auto found = sinks_.find(account);
  if (found == sinks_.end() || found->second.generation != generation) return;
  sinks_.erase(found);
  host_.ingress.unsubscribe(id_, account);
}

// A sink that throws is the client's business, but it will not get any further.
void SessionServer::sink_failed(const Account& account, uint64_t generation,
                                kj::Exception&& error) {
  const auto found = sinks_.find(account);
  if (found == sinks_.end() || found->second.generation != generation) return;
  host_.ingress.unsubscribe(id_, account);
  on_ended(account, Reason::kMalformed,
           "the sink answered with an error: " + std::string(error.getDescription().cStr()), {});
}

// ---- the session

kj::Promise<void> SessionServer::heartbeat(HeartbeatContext context) {
  auto results = context.getResults(capnp::MessageSize{8, 0});
  results.setServerTime(wall_ns());
  results.setCreditsLeft(host_.ingress.credits_left(id_));
  return kj::READY_NOW;
}

kj::Promise<void> SessionServer::logout(LogoutContext) {
  // Not from inside the call: its own answer must go out first.
  host_.loop.defer([self = self_] {
    if (*self != nullptr) (*self)->detach();
  });
  return kj::READY_NOW;
}

kj::Promise<void> SessionServer::ended(EndedContext context) {
  context.releaseParams();
  context.allowCancellation();  // a client that drops its session does not wait for this
  auto told = kj::newPromiseAndFulfiller<void>();
  // A second call takes the first one's place, whose answer then is an error.
  end_ = kj::mv(told.fulfiller);
  if (led_away_) end_->fulfill();
  return told.promise.then([this, context]() mutable {
    auto results = context.getResults();
    results.setStatus(wire::OpenStatus::NOT_LEADING);
    results.setText("another node leads for the accounts of this session");
    results.setLeader(leader_.c_str());
  });
}

void SessionServer::on_not_leading(const std::string& leader) {
  leader_ = leader;
  led_away_ = host_.loop.turn_time();
  if (end_.get() != nullptr) end_->fulfill();
}

}  // namespace holdfast::ingress
