// Link: one connection of a client, from the open socket to a session, with its RPC system. It
// tells its owner what happens and knows nothing of what is to be sent again.
#pragma once

#include <capnp/rpc-twoparty.h>

#include <map>

#include "actors/ingress/client/frame_stream_capnp.hpp"
#include "messages/codecs/order_entry_capnp.hpp"

namespace holdfast::client {

/// What a link tells. Everything comes from inside the loop; the link may not be destroyed from
/// there.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual void on_open(wire::OrderEntry::OpenResults::Reader opened) = 0;
  /// The connection is gone. Once, and the last call.
  virtual void on_lost(const std::string& why) = 0;
  /// The outcome of a request; an error when it could not be decoded or the call failed.
  virtual void on_outcome(uint64_t number, const Result<Outcome>& outcome) = 0;
  virtual void on_view(uint64_t number, const Result<OrderView>& view) = 0;
  virtual void on_subscribed(const Account& account, Reason reason, const std::string& text,
                             ReportSeq first_kept) = 0;
  virtual void on_reports(const Account& account, const std::vector<ExecutionReport>& reports) = 0;
  virtual void on_subscription_ended(const Account& account) = 0;
  virtual void on_malformed() = 0;
  /// The node leads nothing for this session any more; `leader` does ("" when it is not known).
  virtual void on_not_leading(const std::string& leader) = 0;
};

class Link {
 public:
  Link(Poller& poller, std::unique_ptr<Transport> transport, LinkOwner& owner);
  ~Link() noexcept;

  void open(const std::string& client_id, const std::string& credential,
            std::span<const Account> only_for);
  bool is_open() const { return session_ != nullptr; }
  /// One request, or several as a batch; `numbers[i]` is for `bodies[i]`.
  void send(std::span<const uint64_t> numbers, std::span<const OrderRequestBody* const> bodies);
  void query(uint64_t number, const Account& account, const ClientOrderId& order);
  void subscribe(const Account& account, ReportSeq from);
  void unsubscribe(const Account& account);
  void heartbeat();
  void logout();
  void close(CloseCause cause, const std::string& why) { stream_.close(cause, why); }
  /// Sends what waits for company. Every now and then.
  void flush_waiting() { stream_.flush_waiting(); }
  uint64_t bytes_received() const { return stream_.bytes_received(); }

 private:
  class Sink;
  void hear_of_the_end();
  template <typename Request>
  void send_one(Request request, uint64_t number);
  void failed(const kj::Exception& error, std::span<const uint64_t> numbers);

  LinkOwner& owner_;
  FrameStream stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  std::shared_ptr<Link*> self_;
  kj::Maybe<wire::Session::Client> session_;
  std::map<Account, wire::Subscription::Client> subscriptions_;
  // What a sink of an earlier subscription still says is not heard.
  std::map<Account, uint64_t> generations_;
  struct Ignore final : kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {}  // every task has an error branch of its own
  } ignore_;
  kj::TaskSet tasks_{ignore_};
};

}  // namespace holdfast::client
