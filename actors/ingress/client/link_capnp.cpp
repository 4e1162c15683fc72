#include "actors/ingress/client/link_capnp.hpp"

#include <utility>

namespace holdfast::client {

namespace {
constexpr uint64_t kRequestWords = 40;

capnp::rpc::twoparty::VatId::Reader server_id(capnp::MallocMessageBuilder& message) {
  auto id = message.initRoot<capnp::rpc::twoparty::VatId>();
  id.setSide(capnp::rpc::twoparty::Side::SERVER);
  return id.asReader();
}

Error call_failed(const kj::Exception& error) {
  return {ErrorCode::kUnavailable, error.getDescription().cStr()};
}
}  // namespace

/// Answering is the acknowledgement: by then the owner has taken the reports.
class Link::Sink final : public wire::ReportSink::Server {
 public:
  Sink(std::shared_ptr<Link*> link, const Account& account, uint64_t generation)
      : link_(std::move(link)), account_(account), generation_(generation) {}

  kj::Promise<void> reports(ReportsContext context) override {
    if (!current()) return kj::READY_NOW;
    auto& owner = (*link_)->owner_;
    const auto decoded = decode(context.getParams().getReports());
    context.releaseParams();
    if (!decoded) {
      owner.on_malformed();
      return kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                           kj::heapString(decoded.error().text.c_str()));
    }
    owner.on_reports(account_, decoded.value());
    return kj::READY_NOW;
  }
  kj::Promise<void> ended(EndedContext) override {
    if (current()) (*link_)->owner_.on_subscription_ended(account_);
    return kj::READY_NOW;
  }

 private:
  bool current() const {
    return *link_ != nullptr && (*link_)->generations_[account_] == generation_;
  }
  std::shared_ptr<Link*> link_;
  const Account account_;
  const uint64_t generation_;
};

Link::Link(Poller& poller, std::unique_ptr<Transport> transport, LinkOwner& owner)
    : owner_(owner),
      stream_(poller, std::move(transport)),
      network_(stream_, capnp::rpc::twoparty::Side::CLIENT, rpc_reader_options()),
      rpc_(capnp::makeRpcClient(network_)),
      self_(std::make_shared<Link*>(this)) {
  stream_.on_closed([this](CloseCause, const std::string& why) { owner_.on_lost(why); });
}

Link::~Link() noexcept {
  *self_ = nullptr;
  stream_.on_closed({});
}

void Link::open(const std::string& client_id, const std::string& credential,
                std::span<const Account> only_for) {
  capnp::MallocMessageBuilder message(8);
  auto entry = rpc_.bootstrap(server_id(message)).castAs<wire::OrderEntry>();
  auto request = entry.openRequest();
  request.setClientId(client_id.c_str());
  request.setCredential(credential.c_str());
  request.setSchemaVersion(wire::SCHEMA_VERSION);
  auto accounts = request.initOnlyFor(static_cast<unsigned>(only_for.size()));
  for (unsigned i = 0; i < accounts.size(); ++i) accounts.set(i, only_for[i].str().c_str());
  tasks_.add(request.send().then(
      [this](capnp::Response<wire::OrderEntry::OpenResults>&& opened) {
        if (opened.getStatus() == wire::OpenStatus::OK && opened.hasSession())
          session_ = opened.getSession();
        owner_.on_open(opened);
        hear_of_the_end();
      },
      [this](kj::Exception&& error) {
        // A server that can't even answer open is no server of ours; the text says what it said.
        stream_.close(CloseCause::kGarbage, error.getDescription().cStr());
      }));
}

void Link::hear_of_the_end() {
  KJ_IF_MAYBE (session, session_) {
    // A server of an earlier version does not know the call: it ends sessions by closing.
    tasks_.add(session->endedRequest().send().then(
        [this](capnp::Response<wire::Session::EndedResults>&& ended) {
          owner_.on_not_leading(ended.getLeader().cStr());
        },
        [](kj::Exception&&) {}));
  }
}

template <typename Request>
void Link::send_one(Request request, uint64_t number) {
  tasks_.add(request.send().then(
      [this, number](auto&& response) { owner_.on_outcome(number, decode(response.getOutcome())); },
      [this, number](kj::Exception&& error) { failed(error, std::span(&number, 1)); }));
}

void Link::failed(const kj::Exception& error, std::span<const uint64_t> numbers) {
  // A broken connection is told by on_lost, and everything is sent again on the next.
  if (stream_.closed()) return;
  for (const uint64_t number : numbers) owner_.on_outcome(number, call_failed(error));
}

void Link::send(std::span<const uint64_t> numbers,
                std::span<const OrderRequestBody* const> bodies) {
  KJ_IF_MAYBE (session, session_) {
    const capnp::MessageSize size{16 + numbers.size() * kRequestWords, 0};
    if (numbers.size() > 1) {
      auto request = session->submitBatchRequest(size);
      auto list = request.initRequests(static_cast<unsigned>(numbers.size()));
      for (unsigned i = 0; i < list.size(); ++i) encode(*bodies[i], list[i]);
      std::vector<uint64_t> sent(numbers.begin(), numbers.end());
      tasks_.add(request.send().then(
          [this, sent](capnp::Response<wire::Session::SubmitBatchResults>&& response) {
            const auto outcomes = response.getOutcomes();
            for (unsigned i = 0; i < sent.size(); ++i) {
              if (i < outcomes.size())
                owner_.on_outcome(sent[i], decode(outcomes[i]));
              else
                owner_.on_outcome(sent[i], Error{ErrorCode::kInvalid, "an outcome is missing"});
            }
          },
          [this, sent](kj::Exception&& error) { failed(error, sent); }));
      return;
    }
    const auto& body = *bodies[0];
    if (const auto* order = std::get_if<NewOrder>(&body)) {
      auto request = session->submitRequest(size);
      encode(*order, request.initOrder());
      send_one(kj::mv(request), numbers[0]);
    } else if (const auto* cancel = std::get_if<CancelOrder>(&body)) {
      auto request = session->cancelRequest(size);
      encode(*cancel, request.initRequest());
      send_one(kj::mv(request), numbers[0]);
    } else if (const auto* replace = std::get_if<ReplaceOrder>(&body)) {
      auto request = session->replaceRequest(size);
      encode(*replace, request.initRequest());
      send_one(kj::mv(request), numbers[0]);
    } else {
      auto request = session->massCancelRequest(size);
      encode(std::get<MassCancel>(body), request.initRequest());
      send_one(kj::mv(request), numbers[0]);
    }
  }
}

void Link::query(uint64_t number, const Account& account, const ClientOrderId& order) {
  KJ_IF_MAYBE (session, session_) {
    auto request = session->queryRequest();
    request.setAccount(account.str().c_str());
    request.setClientOrderId(order.str().c_str());
    tasks_.add(request.send().then(
        [this, number](capnp::Response<wire::Session::QueryResults>&& response) {
          if (response.getFound()) return owner_.on_view(number, decode(response.getOrder()));
          const auto reason = from_wire(response.getReason()).value_or(Reason::kUnsupported);
          ErrorCode code = ErrorCode::kInvalid;
          if (reason == Reason::kUnknownOrder) code = ErrorCode::kNotFound;
          if (reason == Reason::kNotPermitted) code = ErrorCode::kDenied;
          if (reason == Reason::kNotServing || reason == Reason::kOutOfCredits)
            code = ErrorCode::kUnavailable;
          owner_.on_view(number, Error{code, response.getText().cStr()});
        },
        [this, number](kj::Exception&& error) {
          if (!stream_.closed()) owner_.on_view(number, call_failed(error));
        }));
  }
}

void Link::subscribe(const Account& account, ReportSeq from) {
  KJ_IF_MAYBE (session, session_) {
    auto request = session->subscribeRequest();
    request.setAccount(account.str().c_str());
    request.setFromSequence(from.value);
    const uint64_t generation = ++generations_[account];
    request.setSink(kj::heap<Sink>(self_, account, generation));
    tasks_.add(request.send().then(
        [this, account, generation](capnp::Response<wire::Session::SubscribeResults>&& response) {
          if (generations_[account] != generation) return;
          const auto reason = from_wire(response.getReason()).value_or(Reason::kUnsupported);
          if (reason == Reason::kNone) {
            subscriptions_.erase(account);
            subscriptions_.emplace(account, response.getSubscription());
          }
          owner_.on_subscribed(account, reason, response.getText().cStr(),
                               ReportSeq{response.getFirstKept()});
        },
        [this, account, generation](kj::Exception&& error) {
          if (!stream_.closed() && generations_[account] == generation)
            owner_.on_subscribed(account, Reason::kNotServing, error.getDescription().cStr(), {});
        }));
  }
}

void Link::unsubscribe(const Account& account) {
  generations_[account] += 1;
  subscriptions_.erase(account);
}

void Link::heartbeat() {
  KJ_IF_MAYBE (session, session_) {
    tasks_.add(session->heartbeatRequest().send().then([](auto&&) {}, [](kj::Exception&&) {}));
  }
}

void Link::logout() {
  KJ_IF_MAYBE (session, session_) {
    tasks_.add(session->logoutRequest().send().then([](auto&&) {}, [](kj::Exception&&) {}));
  }
}

}  // namespace holdfast::client
