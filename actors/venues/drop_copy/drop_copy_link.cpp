#include "actors/venues/drop_copy/drop_copy_link.hpp"

#include <algorithm>

#include "actors/venues/gateway_flow.hpp"
#include "actors/venues/session_plan.hpp"

namespace holdfast::venues {

namespace {
constexpr uint32_t kReserve = 256;  // numbers out at a time
constexpr uint32_t kMargin = 64;    // of them, left when more are asked for
constexpr uint32_t kSaveEvery = 256;
constexpr Duration kSaveInterval = Duration::seconds(1);
constexpr Duration kFirstDelay = Duration::milliseconds(50);
constexpr uint32_t kDoublings = 6;  // up to 3.2 s
}  // namespace

DropCopyLink::DropCopyLink(DropCopySetup setup, GatewayPort& port, FdWatcher& watcher)
    : setup_(std::move(setup)), port_(port), watcher_(watcher) {
  CHECK(setup_.make_session != nullptr);
  CHECK(setup_.make_transport != nullptr);
}

DropCopyLink::~DropCopyLink() { transport_.reset(); }

Result<> DropCopyLink::start() {
  DropCopyPort port;
  port.send = [this](std::shared_ptr<const std::string> bytes) {
    if (up_) transport_->send(std::move(bytes));
  };
  port.copied = [this](const VenueReport& copy) { copied(copy); };
  port.disconnect = [this](const std::string& why) {
    last_error_ = why;
    if (up_) transport_->close(why);
  };
  port.now = [this] { return port_.now(); };
  const uint32_t next_out = port_.state().copy_out;
  saved_in_ = port_.state().copy_in;
  auto session = setup_.make_session(std::move(port), next_out, saved_in_);
  if (!session) return session.error();
  session_ = std::move(session).value();
  auto transport = setup_.make_transport(
      watcher_, {[this] { connected(); }, [this](std::string_view bytes) { received(bytes); },
                 [this](const std::string& why) { closed(why); }});
  if (!transport) return transport.error();
  transport_ = std::move(transport).value();
  save_numbers();
  return success();
}

void DropCopyLink::save_numbers() {
  asked_ = std::max(asked_, session_->next_out() + kReserve);
  saved_in_ = session_->next_in();
  saved_at_ = port_.now();
  port_.submit(command::DropCopyNumbers{asked_, saved_in_});
}

void DropCopyLink::tick() {
  if (session_ == nullptr) return;
  const WallTime now = port_.now();
  if (up_) {
    session_->tick();
    transport_->flush();
  }
  const uint32_t in = session_->next_in();
  const bool many = in - saved_in_ >= kSaveEvery;
  if (session_->next_out() + kMargin > asked_ ||
      (in != saved_in_ && (many || now - saved_at_ >= kSaveInterval)))
    save_numbers();
  if (transport_->idle() && now >= next_try_ && session_->next_out() + kMargin / 2 < reserved_ &&
      connection_wanted(port_.state(), now)) {
    next_try_ = now + kFirstDelay * (int64_t{1} << std::min(failures_, kDoublings));
    failures_ += 1;
    transport_->connect();
  }
  hand_over();
}

void DropCopyLink::connected() {
  up_ = true;
  framer_.clear();
  session_->link_up();
  transport_->flush();
}

void DropCopyLink::received(std::string_view bytes) {
  last_received_ = port_.now();
  framer_.push(bytes);
  while (up_) {
    const auto message = framer_.next();
    if (!message) break;
    session_->receive(*message);
    if (session_->logged_on()) failures_ = 0;
  }
  if (up_) transport_->flush();
  hand_over();
}

void DropCopyLink::closed(const std::string& why) {
  if (last_error_.empty() || !why.empty()) last_error_ = why;
  if (std::exchange(up_, false)) session_->link_lost();
}

void DropCopyLink::reported(const VenueReport& report) {
  if (!report.drop_copy) matcher_.reported(report);
}

void DropCopyLink::copied(const VenueReport& copy) {
  matcher_.copied(copy, port_.now() + setup_.patience);
}

void DropCopyLink::hand_over() {
  const GatewayState& state = port_.state();
  std::vector<VenueReport> news;
  if (!state.unknown.empty()) {
    const uint64_t doubted = state.reconciliation.counters().doubted;
    news = matcher_.take(
        [&state](const VenueReport& copy) {
          const VenueOrder* order = find_order(state, copy);
          return order != nullptr && state.unknown.contains(order->id);
        },
        std::exchange(doubted_, doubted) != doubted);
  }
  for (VenueReport& late : matcher_.overdue(port_.now())) news.push_back(std::move(late));
  for (VenueReport& one : news) port_.submit(command::DropCopied{std::move(one)});
}

DropCopyView DropCopyLink::view() const {
  DropCopyView view;
  view.configured = true;
  view.connected = session_ != nullptr && up_ && session_->logged_on();
  view.sender = setup_.sender;
  view.target = setup_.target;
  view.endpoint = setup_.endpoint;
  view.next_inbound = session_ == nullptr ? 0 : session_->next_in();
  view.received = matcher_.received();
  view.matched = matcher_.matched();
  view.held = matcher_.held();
  view.connects = transport_ == nullptr ? 0 : transport_->stats().connects;
  view.last_received = last_received_;
  view.last_error = last_error_;
  return view;
}

}  // namespace holdfast::venues
