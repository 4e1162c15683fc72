#include "actors/ingress/client/client_capnp.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "actors/ingress/client/address_book.hpp"
#include "actors/ingress/client/link_capnp.hpp"
#include "actors/ingress/client/loop_capnp.hpp"

namespace holdfast::client {

namespace {
constexpr Duration kTickEvery = Duration::milliseconds(50);

bool worth_asking_again(Reason reason, bool respect_credits) {
  return reason == Reason::kNotServing || (respect_credits && reason == Reason::kOutOfCredits);
}
}  // namespace

std::string_view name_of(ClientState state) {
  switch (state) {
    case ClientState::kConnecting:
      return "connecting";
    case ClientState::kOpen:
      return "open";
    case ClientState::kRefused:
      return "refused";
    case ClientState::kClosed:
      return "closed";
  }
  return "unknown";
}

class Client::Impl final : public LinkOwner, public Flushable {
 public:
  Impl(Loop& loop, ClientOptions options, AddressBook addresses, std::shared_ptr<TlsContext> tls)
      : loop_(loop.impl()),
        options_(std::move(options)),
        addresses_(std::move(addresses)),
        tls_(std::move(tls)),
        self_(std::make_shared<Impl*>(this)) {
    loop_.add_sender(this);
    tick();
    attempt();
  }
  ~Impl() override {
    *self_ = nullptr;
    loop_.remove_sender(this);
    drop_socket();
    link_.reset();
  }

  // ---- what Client offers
  void submit(RequestBody request, OnAnswer on_answer) {
    stats_.requests += 1;
    if (state_ == ClientState::kRefused || state_ == ClientState::kClosed)
      return refuse_later(std::move(on_answer), state_ == ClientState::kRefused
                                                    ? Reason::kNotPermitted
                                                    : Reason::kNotServing);
    if (book_.size() >= options_.requests_max)
      return refuse_later(std::move(on_answer), Reason::kFull);
    book_.add(std::move(request), std::move(on_answer));
  }
  void query(const Account& account, const ClientOrderId& order, OnView on_view) {
    const uint64_t number = ++last_query_;
    queries_.emplace(number, Query{account, order, std::move(on_view), {}, false});
  }
  void subscribe(const Account& account, ReportSeq from, OnReports on_reports, OnGap on_gap,
                 OnRefused on_refused) {
    auto& s = subscriptions_[account];
    s = Subscription{std::move(on_reports),
                     std::move(on_gap),
                     std::move(on_refused),
                     ReportSeq{std::max<uint64_t>(from.value, 1)},
                     false,
                     {},
                     false};
  }
  void unsubscribe(const Account& account) {
    subscriptions_.erase(account);
    if (link_) link_->unsubscribe(account);
  }
  void logout() {
    if (state_ == ClientState::kClosed) return;
    set_state(ClientState::kClosed, "logged out");
    if (link_ && link_->is_open()) link_->logout();
    fail_all(Reason::kNotServing);
    // The call goes out with this turn; the link with the next.
    later([this] { later([this] { drop(); }); });
  }
  void cut() {
    if (link_) link_->close(CloseCause::kLocal, "cut");
  }

  // ---- LinkOwner
  void on_open(wire::OrderEntry::OpenResults::Reader opened) override {
    const std::string text = opened.getText().cStr();
    switch (opened.getStatus()) {
      case wire::OpenStatus::OK:
        break;
      case wire::OpenStatus::DENIED:
      case wire::OpenStatus::WRONG_SCHEMA:
        set_state(ClientState::kRefused, text);
        fail_all(Reason::kNotPermitted);
        return later([this] { drop(); });
      case wire::OpenStatus::NOT_LEADING:
        return on_not_leading(opened.getLeader().cStr());
      default:
        return link_->close(CloseCause::kLocal, text);
    }
    accounts_.clear();
    for (const auto account : opened.getAccounts())
      if (auto parsed = decode_account(account)) accounts_.push_back(parsed.value());
    credits_ = std::max<uint32_t>(opened.getCredits(), 1);
    durability_ = opened.getDurability() == wire::Durability::FSYNCED ? Durability::kFsynced
                                                                      : Durability::kMemory;
    stats_.connects += 1;
    addresses_.reached();
    set_state(ClientState::kOpen, "");
  }
  void on_lost(const std::string& why) override {
    if (state_ == ClientState::kRefused || state_ == ClientState::kClosed) return;
    later([this, why] {
      link_.reset();
      book_.requeue();
      for (auto& [number, query] : queries_) query.sent = false;
      for (auto& [account, subscription] : subscriptions_) subscription.asked = false;
      set_state(ClientState::kConnecting, why);
      retry();
    });
  }
  void on_not_leading(const std::string& leader) override {
    stats_.led_elsewhere += 1;
    addresses_.prefer(leader);
    link_->close(CloseCause::kLocal, "another node leads" + (leader.empty() ? "" : ": " + leader));
  }
  void on_outcome(uint64_t number, const Result<Outcome>& outcome) override {
    if (!book_.under_way(number)) return;
    if (!outcome) {
      if (outcome.error().code == ErrorCode::kInvalid) stats_.malformed += 1;
      return ask_again(number);
    }
    if (worth_asking_again(outcome.value().reply.reason, options_.respect_credits))
      return ask_again(number);
    stats_.answers += 1;
    if (const auto on_answer = book_.finish(number))
      on_answer(Answer{outcome.value().reply, outcome.value().credits_left});
  }
  void on_view(uint64_t number, const Result<OrderView>& view) override {
    const auto found = queries_.find(number);
    if (found == queries_.end()) return;
    if (!view && view.error().code == ErrorCode::kUnavailable) {
      found->second.sent = false;
      found->second.not_before = loop_.now() + options_.ask_again_after;
      return wake_at(found->second.not_before);
    }
    const auto on_view = std::move(found->second.on_view);
    queries_.erase(found);
    if (on_view) on_view(view);
  }
  void on_subscribed(const Account& account, Reason reason, const std::string& text,
                     ReportSeq first_kept) override {
    const auto found = subscriptions_.find(account);
    if (found == subscriptions_.end()) return;
    auto& subscription = found->second;
    if (reason == Reason::kNone) {
      if (subscription.began) stats_.subscriptions_resumed += 1;
      subscription.began = true;
      if (first_kept > subscription.next) gap(account, subscription, first_kept);
      return;
    }
    if (reason == Reason::kNotPermitted || reason == Reason::kMalformed) {
      const auto on_refused = std::move(subscription.on_refused);
      subscriptions_.erase(found);
      if (on_refused) on_refused(account, reason, text);
      return;
    }
    subscribe_again(subscription);
  }
  void on_reports(const Account& account, const std::vector<ExecutionReport>& reports) override {
    const auto found = subscriptions_.find(account);
    if (found == subscriptions_.end() || reports.empty()) return;
    auto& subscription = found->second;
    std::size_t from = 0;
    while (from < reports.size() && reports[from].sequence < subscription.next) ++from;
    stats_.reports_repeated += from;
    if (from == reports.size()) return;
    if (reports[from].sequence > subscription.next)
      gap(account, subscription, reports[from].sequence);
    subscription.next = {reports.back().sequence.value + 1};
    stats_.reports += reports.size() - from;
    // A copy: the callback may subscribe anew.
    const auto on_reports = subscription.on_reports;
    if (on_reports) on_reports(std::span(reports).subspan(from));
  }
  void on_subscription_ended(const Account& account) override {
    const auto found = subscriptions_.find(account);
    if (found != subscriptions_.end()) subscribe_again(found->second);
  }
  void on_malformed() override { stats_.malformed += 1; }

  // ---- Flushable: sends what has been asked for in this turn
  void flush() override {
    if (!link_ || !link_->is_open() || state_ != ClientState::kOpen) return;
    send_requests();
    if (unsent_extras()) send_extras();
  }

  Result<> wait_open(Duration limit) {
    const MonoTime until = loop_.now() + limit;
    while (state_ == ClientState::kConnecting && loop_.now() < until)
      loop_.poll(std::min(until - loop_.now(), Duration::milliseconds(100)));
    if (state_ == ClientState::kOpen) return success();
    if (state_ == ClientState::kRefused) return Error{ErrorCode::kDenied, text_};
    return Error{ErrorCode::kUnavailable, "no session at " + options_.address + " within " +
                                              std::to_string(limit.ms()) + " ms: " + text_};
  }

  struct Query {
    Account account;
    ClientOrderId order;
    OnView on_view;
    MonoTime not_before;
    bool sent = false;
  };
  struct Subscription {
    OnReports on_reports;
    OnGap on_gap;
    OnRefused on_refused;
    ReportSeq next;
    bool asked = false;
    MonoTime not_before;
    bool began = false;  // was in force once: the next time is a resumption
  };

  Loop::Impl& loop_;
  const ClientOptions options_;
  AddressBook addresses_;
  const std::shared_ptr<TlsContext> tls_;
  std::shared_ptr<Impl*> self_;
  ClientState state_ = ClientState::kConnecting;
  std::string text_ = "not connected yet";
  std::function<void(ClientState, const std::string&)> on_state_;
  std::unique_ptr<Link> link_;
  int connecting_fd_ = -1;
  MonoTime attempt_until_, retry_at_, heard_at_, sent_at_;
  MonoTime waiting_since_;  // a request has been under way
  uint64_t heard_bytes_ = 0;
  uint32_t credits_ = 1;
  Durability durability_ = Durability::kMemory;
  std::vector<Account> accounts_;
  RequestBook book_;
  std::map<uint64_t, Query> queries_;
  uint64_t last_query_ = 0;
  std::map<Account, Subscription> subscriptions_;
  ClientStats stats_;
  std::vector<const OrderRequestBody*> scratch_;

 private:
  void later(std::function<void()> step) {
    loop_.later([self = self_, step = std::move(step)] {
      if (*self != nullptr) step();
    });
  }
  void wake_at(MonoTime when) {
    loop_.at(when, [self = self_] {
      if (*self != nullptr) (*self)->look();
    });
  }
  void set_state(ClientState state, const std::string& text) {
    const bool changed = state != state_;
    state_ = state;
    text_ = text;
    if (changed && on_state_) on_state_(state, text);
  }
  void drop() { link_.reset(); }
  void refuse_later(OnAnswer on_answer, Reason reason) {
    later([this, on_answer = std::move(on_answer), reason] {
      Answer answer;
      answer.reply.reason = reason;
      answer.reply.state = OrderState::kRejected;
      stats_.answers += 1;
      if (on_answer) on_answer(answer);
    });
  }
  void fail_all(Reason reason) {
    for (auto& on_answer : book_.clear()) refuse_later(std::move(on_answer), reason);
    for (auto& [number, query] : std::exchange(queries_, {}))
      later([on_view = std::move(query.on_view)] {
        if (on_view) on_view(Error{ErrorCode::kUnavailable, "the session is closed"});
      });
  }
  void ask_again(uint64_t number) {
    const MonoTime when = loop_.now() + options_.ask_again_after;
    book_.ask_again(number, when);
    wake_at(when);
  }
  void subscribe_again(Subscription& subscription) {
    subscription.asked = false;
    subscription.not_before = loop_.now() + options_.ask_again_after;
    wake_at(subscription.not_before);
  }
  void gap(const Account& account, Subscription& subscription, ReportSeq resumed) {
    const ReportSeq expected = std::exchange(subscription.next, resumed);
    const auto on_gap = subscription.on_gap;
    if (on_gap) on_gap(account, expected, resumed);
  }

  // ---- connecting
  /// The next address, at once within a round, and after a pause when a round is through.
  void retry() {
    const bool round_over = addresses_.next();
    Duration pause;
    if (round_over) pause = options_.connect_retry;
    if (round_over && addresses_.size() > 1) pause = addresses_.jitter(pause);
    retry_at_ = loop_.now() + pause;
    wake_at(retry_at_);
  }
  void attempt() {
    attempt_until_ = loop_.now() + (addresses_.size() > 1
                                        ? std::min(options_.attempt_limit, options_.doubt_limit)
                                        : options_.attempt_limit);
    auto fd = begin_connect(addresses_.current());
    if (!fd) {
      text_ = fd.error().text;
      return retry();
    }
    connecting_fd_ = fd.value();
    loop_.watch(connecting_fd_, EPOLLOUT, [this](uint32_t) { connected(); });
    wake_at(attempt_until_);
  }
  void drop_socket() {
    if (connecting_fd_ < 0) return;
    loop_.unwatch(connecting_fd_);
    ::close(std::exchange(connecting_fd_, -1));
  }
  void connected() {
    const std::string error = connect_error(connecting_fd_);
    if (!error.empty()) {
      drop_socket();
      text_ = "connect to " + addresses_.text() + ": " + error;
      return retry();
    }
    loop_.unwatch(connecting_fd_);
    const int fd = std::exchange(connecting_fd_, -1);
    const auto& name =
        options_.tls_server_name.empty() ? addresses_.current().host : options_.tls_server_name;
    auto transport = tls_ ? tls_client_transport(fd, tls_, name) : plain_transport(fd);
    link_ = std::make_unique<Link>(loop_, std::move(transport), *this);
    heard_at_ = sent_at_ = loop_.now();
    heard_bytes_ = 0;
    link_->open(options_.client_id, options_.credential, options_.only_for);
  }
  /// What time brings: another attempt, an attempt that took too long, requests put off.
  void look() {
    const MonoTime now = loop_.now();
    book_.wake(now);
    if (state_ != ClientState::kConnecting) return;
    if (!link_ && connecting_fd_ < 0) {
      if (now >= retry_at_) attempt();
    } else if (now >= attempt_until_) {
      if (link_) return link_->close(CloseCause::kLogin, "no session was opened in time");
      drop_socket();
      text_ = "connect to " + addresses_.text() + ": no answer";
      retry();
    }
  }
  void tick() {
    loop_.at(loop_.now() + kTickEvery, [self = self_] {
      if (*self != nullptr) (*self)->tick();
    });
    if (!link_ || !link_->is_open()) return;
    link_->flush_waiting();
    const MonoTime now = loop_.now();
    if (link_->bytes_received() != heard_bytes_) {
      heard_bytes_ = link_->bytes_received();
      heard_at_ = now;
    }
    if (now - heard_at_ > options_.silence_limit)
      return link_->close(CloseCause::kSilent, "the server has said nothing for too long");
    if (addresses_.size() > 1 && book_.sent() > 0) {
      const MonoTime since = std::max(heard_at_, waiting_since_);
      if (now - since > options_.doubt_limit)
        return link_->close(CloseCause::kSilent, "no answer for too long: trying another node");
    }
    if (now - sent_at_ > options_.heartbeat) {
      sent_at_ = now;
      link_->heartbeat();
    }
  }

  // ---- sending
  void send_requests() {
    while (book_.queued() > 0) {
      const std::size_t room = !options_.respect_credits ? book_.queued()
                               : credits_ > book_.sent() ? credits_ - book_.sent()
                                                         : 0;
      const std::size_t most =
          std::clamp<std::size_t>(options_.batch_max, 1, limits::kBatchOrdersMax);
      if (room == 0) return;
      if (book_.sent() == 0) waiting_since_ = loop_.now();
      const auto& numbers = book_.take(std::min(room, most));
      scratch_.clear();
      for (const uint64_t number : numbers) {
        scratch_.push_back(&book_.body(number));
        stats_.sent_again += book_.sent_before(number) ? 1 : 0;
      }
      stats_.sent += numbers.size();
      stats_.batches += numbers.size() > 1 ? 1 : 0;
      sent_at_ = loop_.now();
      link_->send(numbers, scratch_);
    }
  }
  bool unsent_extras() const { return !queries_.empty() || !subscriptions_.empty(); }
  void send_extras() {
    for (auto& [account, subscription] : subscriptions_) {
      if (subscription.asked) continue;
      if (subscription.not_before.ns != 0 && loop_.now() < subscription.not_before) continue;
      subscription.asked = true;
      link_->subscribe(account, subscription.next);
    }
    for (auto& [number, query] : queries_) {
      if (query.sent) continue;
      if (query.not_before.ns != 0 && loop_.now() < query.not_before) continue;
      query.sent = true;
      link_->query(number, query.account, query.order);
    }
  }
};

// ---- Client

Result<std::unique_ptr<Client>> Client::connect(Loop& loop, ClientOptions options) {
  const auto bad = [](const std::string& text) { return Error{ErrorCode::kInvalid, text}; };
  auto addresses = AddressBook::parse(options.address);
  if (!addresses) return addresses.error();
  if (auto id = ClientId::parse(options.client_id); !id || id.value().empty())
    return bad("client id: expected 1 to " + std::to_string(limits::kClientIdBytes) +
               " printable characters");
  if (options.credential.size() != 64) return bad("credential: expected 64 hexadecimal digits");
  if (options.connect_retry.ns <= 0 || options.attempt_limit.ns <= 0)
    return bad("connect_retry and attempt_limit must be above zero");
  std::shared_ptr<TlsContext> tls;
  if (options.tls) {
    auto context = TlsContext::client(*options.tls);
    if (!context) return context.error();
    tls = context.value();
  }
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(
      loop, std::move(options), std::move(addresses).value(), std::move(tls))));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;
ClientState Client::state() const { return impl_->state_; }
const std::string& Client::state_text() const { return impl_->text_; }
void Client::on_state(std::function<void(ClientState, const std::string&)> callback) {
  impl_->on_state_ = std::move(callback);
}
Result<> Client::wait_open(Duration limit) { return impl_->wait_open(limit); }
void Client::submit(RequestBody request, OnAnswer on_answer) {
  impl_->submit(std::move(request), std::move(on_answer));
}
void Client::query(const Account& account, const ClientOrderId& order, OnView on_view) {
  impl_->query(account, order, std::move(on_view));
}
void Client::subscribe(const Account& account, ReportSeq from, OnReports on_reports, OnGap on_gap,
                       OnRefused on_refused) {
  impl_->subscribe(account, from, std::move(on_reports), std::move(on_gap), std::move(on_refused));
}
void Client::unsubscribe(const Account& account) { impl_->unsubscribe(account); }
ReportSeq Client::last_report(const Account& account) const {
  const auto found = impl_->subscriptions_.find(account);
  return found == impl_->subscriptions_.end() ? ReportSeq{}
                                              : ReportSeq{found->second.next.value - 1};
}
std::size_t Client::unanswered() const { return impl_->book_.size(); }
const std::string& Client::address() const { return impl_->addresses_.text(); }
const std::vector<Account>& Client::accounts() const { return impl_->accounts_; }
Durability Client::durability() const { return impl_->durability_; }
ClientStats Client::stats() const { return impl_->stats_; }
void Client::logout() { impl_->logout(); }
void Client::cut() { impl_->cut(); }

}  // namespace holdfast::client
