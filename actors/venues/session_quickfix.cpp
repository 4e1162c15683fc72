#include "actors/venues/session_quickfix.hpp"

#include <algorithm>
#include <exception>
#include <tuple>

#include "actors/venues/fix/fix_text.hpp"
#include "actors/venues/fix/report_quickfix.hpp"
#include "actors/venues/quickfix.hpp"
#include "actors/venues/session_plan.hpp"

namespace holdfast::venues {

namespace {
// What one turn of the loop does at most, some 5 ms each: a leader that answers no heartbeats for
// longer than `suspect` is taken for dead, and its successor would find the same work.
constexpr std::size_t kActionsAtOnce = 256;
constexpr uint32_t kResendAtOnce = 256;  // numbers

// QuickFIX calls us from functions with exception specifications: what is not listed there ends the
// process. So a failure is kept, reported to QuickFIX as an IOException, and thrown again when the
// call has come back to us.
class Failure {
 public:
  template <typename F>
  auto guard(F&& function) -> decltype(function()) {
    if (failed_) throw FIX::IOException("the gateway failed before");
    try {
      return function();
    } catch (const FIX::IOException&) {
      throw;
    } catch (...) {
      failed_ = std::current_exception();
      throw FIX::IOException("the gateway failed");
    }
  }
  void rethrow() const {
    if (failed_) std::rethrow_exception(failed_);
  }
  bool failed() const { return failed_ != nullptr; }

 private:
  std::exception_ptr failed_;
};

char message_type(std::string_view message) {
  const auto at = message.find(
      "\x01"
      "35=");
  return at == std::string_view::npos || at + 4 >= message.size() ? '0' : message[at + 4];
}

/// Around the clock, by week: the session's schedule and resets are the core's decisions.
FIX::TimeRange always() {
  return FIX::TimeRange(FIX::UtcTimeOnly(0, 0, 0), FIX::UtcTimeOnly(0, 0, 0), 1, 1);
}

bool says_numbers_disagree(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("too low") != std::string::npos;
}
}  // namespace

/// QuickFIX's application, store, log and responder in one: each call is captured as a command.
struct VenueSession::Impl final : FIX::Application,
                                  FIX::MessageStore,
                                  FIX::MessageStoreFactory,
                                  FIX::Log,
                                  FIX::Responder {
  struct LogMaker final : FIX::LogFactory {
    explicit LogMaker(FIX::Log& one) : log(one) {}
    FIX::Log& log;
    FIX::Log* create() override { return &log; }
    FIX::Log* create(const FIX::SessionID&) override { return &log; }
    void destroy(FIX::Log*) override {}
  };

  Impl(SessionIdentity who, GatewayPort& gateway) : identity(std::move(who)), port(gateway) {}

  SessionIdentity identity;
  GatewayPort& port;
  SessionStats stats;
  Failure failure;
  LogMaker log_maker{*this};
  std::unique_ptr<FIX::Session> session;
  /// What the message being sent stands for; filled in around Session::send.
  command::Outbound meaning;
  /// What QuickFIX has numbered and not handed over yet, and the last that it has.
  FixBytes numbered;
  uint32_t numbered_as = 0;
  bool handed_over = true;
  /// What the message being taken in says; joined with its number in one command.
  std::optional<command::Inbound> taking;
  uint32_t fed_number = 0;
  bool heard = false;
  bool counted = false;  // what QuickFIX is about to reject
  bool sent_reset_flag = false;
  bool resets_by_flag = false;  // a Logon at hand carries ResetSeqNumFlag=Y and is to be obeyed
  bool connected = false;       // QuickFIX may end the connection
  std::string last_words;       // of QuickFIX or of the venue's Logout: why a connection ended
  /// Of a request to resend: what is still to be answered.
  struct Rest {
    std::string request;
    uint32_t begin = 0, end = 0;
  };
  std::optional<Rest> rest;
  bool busy = false;  // there is more to do than one turn should

  const GatewayState& state() const { return port.state(); }

  // -- FIX::MessageStore: a view on the journaled state
  bool set(int number, const std::string& bytes) override {
    numbered_as = static_cast<uint32_t>(number);
    numbered = std::make_shared<const std::string>(bytes);
    return true;
  }
  void incrNextSenderMsgSeqNum() override {
    failure.guard([&] {
      CHECK(numbered != nullptr);
      command::Outbound outbound = std::exchange(meaning, {});
      outbound.number = numbered_as;
      outbound.type = message_type(*numbered);
      outbound.bytes = numbered;
      handed_over = false;
      port.submit(outbound);
    });
  }
  void get(int begin, int end, std::vector<std::string>& out) const override {
    const GatewayState& now = state();
    const auto last = static_cast<uint32_t>(end);
    bool last_there = false;
    for (auto it = now.sent.lower_bound(static_cast<uint32_t>(std::max(begin, 0)));
         it != now.sent.end() && it->first <= last; ++it) {
      if (!resendable(now, it->second, now.resend_decided)) continue;
      out.push_back(*it->second.bytes);
      last_there = it->first == last;
    }
    // QuickFIX gap-fills a hole at the end from the wrong number: an admin message there helps.
    if (!last_there && end >= begin) out.push_back(filler(last));
  }
  std::string filler(uint32_t number) const {
    const std::string soh(1, kSoh);
    return frame(identity.begin_string,
                 "35=0" + soh + "34=" + std::to_string(number) + soh + "49=" + identity.sender +
                     soh + "52=" + utc_timestamp(port.now()) + soh + "56=" + identity.target + soh);
  }
  int getNextSenderMsgSeqNum() const override { return static_cast<int>(state().next_out); }
  int getNextTargetMsgSeqNum() const override { return static_cast<int>(state().next_in); }
  void setNextSenderMsgSeqNum(int) override {}  // QuickFIX never does so by itself
  void setNextTargetMsgSeqNum(int number) override {
    failure.guard([&] {
      if (number > 0) port.submit(command::TargetMoved{static_cast<uint32_t>(number)});
    });
  }
  void incrNextTargetMsgSeqNum() override {
    failure.guard([&] {
      // QuickFIX counts a Logout or a Reject that came ahead of its turn: then what is missing
      // would never be asked for. The number stays; only what the message says is taken.
      const bool ahead = fed_number > state().next_in;
      command::Inbound inbound = taking ? std::move(*taking) : command::Inbound{};
      taking.reset();
      inbound.number = ahead ? 0 : state().next_in;
      if (!ahead || inbound.report) port.submit(inbound);
    });
  }
  FIX::UtcTimeStamp getCreationTime() const override { return FIX::UtcTimeStamp(); }
  void reset() override {
    // QuickFIX also resets when it thinks that a new session day began. That is not for it to
    // decide: without the flag in a Logon, ours or the venue's, the numbers stay.
    if (!resets_by_flag) return;
    failure.guard([&] { port.submit(command::StoreReset{"ResetSeqNumFlag"}); });
  }
  void refresh() override {}

  // -- FIX::MessageStoreFactory
  FIX::MessageStore* create(const FIX::SessionID&) override { return this; }
  void destroy(FIX::MessageStore*) override {}

  // -- FIX::Log: only why things end
  void clear() override {}
  void backup() override {}
  void onIncoming(const std::string&) override {}
  void onOutgoing(const std::string&) override {}
  void onEvent(const std::string& text) override {
    if (text != "Disconnecting") last_words = text;
  }

  // -- FIX::Responder
  bool send(const std::string& bytes) override {
    failure.guard([&] {
      if (!handed_over && numbered != nullptr && *numbered == bytes) {
        handed_over = true;  // the Outbound command carries it
        return;
      }
      stats.resent += 1;
      port.submit(command::Unnumbered{std::make_shared<const std::string>(bytes)});
    });
    return true;
  }
  void disconnect() override {
    if (!connected || failure.failed()) return;
    connected = false;
    failure.guard([&] {
      command::Cut cut;
      cut.why = !logout_text.empty() ? "the venue logged out: " + logout_text
                : last_words.empty() ? "QuickFIX ended the session"
                                     : last_words;
      cut.heard = heard;
      cut.fatal = says_numbers_disagree(cut.why);
      port.submit(cut);
    });
  }

  // -- FIX::Application
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {
    failure.guard([&] { port.submit(command::LogonComplete{}); });
  }
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message& message, const FIX::SessionID&) override {
    if (message.getHeader().getField(FIX::FIELD::MsgType) == "3" && !std::exchange(counted, false))
      stats.malformed += 1;  // QuickFIX rejects it before we see it
    if (message.getHeader().getField(FIX::FIELD::MsgType) != "A") return;
    if (!identity.username.empty()) message.setField(FIX::FIELD::Username, identity.username);
    if (!identity.password.empty()) message.setField(FIX::FIELD::Password, identity.password);
    sent_reset_flag = state().flag_reset;
    if (sent_reset_flag) message.setField(FIX::FIELD::ResetSeqNumFlag, "Y");
    resets_by_flag = resets_by_flag || sent_reset_flag;
  }
  void toApp(FIX::Message&, const FIX::SessionID&) override {}
  void fromAdmin(const FIX::Message& message, const FIX::SessionID&) override {
    const std::string& type = message.getHeader().getField(FIX::FIELD::MsgType);
    if (type == "2") return resend_asked(message);
    if (type == "3") taking = decode_report(message);
    if (type == "5" && message.isSetField(FIX::FIELD::Text))
      logout_text = message.getField(FIX::FIELD::Text);
    if (type == "0" && message.isSetField(FIX::FIELD::TestReqID) &&
        message.getField(FIX::FIELD::TestReqID) == barrier_id(state()))
      failure.guard([&] { port.submit(command::BarrierAnswered{}); });
  }
  void fromApp(const FIX::Message& message, const FIX::SessionID&) override {
    const std::string& type = message.getHeader().getField(FIX::FIELD::MsgType);
    if (type != "8" && type != "9" && type != "j") {
      stats.ignored += 1;
      throw FIX::UnsupportedMessageType();
    }
    try {
      taking = decode_report(message);
    } catch (const FIX::Exception&) {
      stats.malformed += 1;
      counted = true;
      throw;
    }
  }
  std::string logout_text;

  void resend_asked(const FIX::Message& message) {
    const auto begin = parse_number(message.getField(FIX::FIELD::BeginSeqNo));
    const auto end = parse_number(message.getField(FIX::FIELD::EndSeqNo));
    // Nothing was sent under these numbers: QuickFIX would answer with a nonsensical gap-fill.
    if (!begin || !end || *begin == 0 || *begin >= state().next_out || (*end != 0 && *end < *begin))
      throw FIX::IncorrectTagValue(FIX::FIELD::BeginSeqNo);
    failure.guard([&] { port.submit(command::ResendAsked{*begin, *end}); });
  }

  /// Runs a call into QuickFIX; what the core threw meanwhile is thrown on.
  template <typename F>
  void drive(F&& function) {
    function();
    failure.rethrow();
  }

  /// QuickFIX's side of a connection that is gone, and readiness for the next.
  void forget_connection() {
    connected = false;
    rest.reset();
    session->setResponder(nullptr);
    session->disconnect();
    session->setResponder(this);
    taking.reset();
    handed_over = true;
  }

  void feed(const FixHeader& header, std::string_view message) {
    fed_number = header.number;
    resets_by_flag = header.type == "A" && header.reset;
    taking.reset();
    counted = false;
    try {
      drive([&] { session->next(std::string(message), FIX::UtcTimeStamp()); });
    } catch (const FIX::Exception&) {
      stats.malformed += 1;  // garbled: ignored, as the standard says
    } catch (const CheckFailed&) {
      throw;
    } catch (const std::exception&) {
      stats.malformed += 1;
    }
    failure.rethrow();
    fed_number = 0;
    resets_by_flag = false;
  }

  /// A request to resend much is answered in pieces, a turn each: as the same request for a part of
  /// its range. False: it is short, or not in order, and QuickFIX gets it as it is.
  bool slice(std::string_view message) {
    const auto begin = parse_number(field_of(message, FIX::FIELD::BeginSeqNo).value_or(""));
    const auto asked = parse_number(field_of(message, FIX::FIELD::EndSeqNo).value_or(""));
    if (!begin || !asked || *begin == 0 || *begin >= state().next_out) return false;
    const uint32_t last = state().next_out - 1;
    const uint32_t end = *asked == 0 ? last : std::min(*asked, last);
    if (end < *begin || end - *begin < kResendAtOnce) return false;
    rest = Rest{std::string(message), *begin, end};
    return true;
  }

  /// The same request with another range.
  std::string with_range(std::string_view request, uint32_t begin, uint32_t end) const {
    std::string body;
    while (!request.empty()) {
      const std::string_view field = request.substr(0, request.find(kSoh));
      request.remove_prefix(std::min(request.size(), field.size() + 1));
      const std::string_view tag = field.substr(0, field.find('='));
      if (tag == "8" || tag == "9" || tag == "10") continue;  // frame() writes them
      if (tag == "7")
        body += "7=" + std::to_string(begin);
      else if (tag == "16")
        body += "16=" + std::to_string(end);
      else
        body += field;
      body += kSoh;
    }
    return frame(identity.begin_string, body);
  }

  void resend_slice() {
    const uint32_t last = std::min(rest->end, rest->begin + kResendAtOnce - 1);
    const std::string piece = with_range(rest->request, rest->begin, last);
    rest->begin = last + 1;
    busy = true;
    const bool over = last == rest->end;
    if (over) rest.reset();
    feed(header_of(piece), piece);
  }

  void build_logon() {
    forget_connection();
    connected = true;
    session->logon();
    last_words.clear();
    logout_text.clear();
    resets_by_flag = false;
    drive([&] { session->next(FIX::UtcTimeStamp()); });
  }

  void send_logout(const std::string& why) {
    session->logout(why);
    last_words = "logged out";
    drive([&] { session->next(FIX::UtcTimeStamp()); });
  }

  void send_message(FIX::Message& message) {
    CHECK(session->isLoggedOn());
    drive([&] { session->send(message); });
  }

  void send_request(const Action& action) {
    const VenueRequest& request = state().waiting[action.index];
    FIX::Message message = [&] {
      if (request.kind != VenueRequestKind::kStatus)
        return encode_request(request, action.original);
      const auto order = state().orders.find(request.order);
      return encode_request(
          request, order == state().orders.end() ? request.original : order->second.status_wire());
    }();
    meaning = {};
    meaning.kind = request.kind == VenueRequestKind::kNew       ? SentKind::kNew
                   : request.kind == VenueRequestKind::kCancel  ? SentKind::kCancel
                   : request.kind == VenueRequestKind::kReplace ? SentKind::kReplace
                                                                : SentKind::kStatus;
    meaning.order = request.order;
    meaning.wire = request.wire;
    if (request.kind != VenueRequestKind::kNew) meaning.original = action.original;
    send_message(message);
  }

  void send_status(OrderId id) {
    const VenueOrder& order = state().orders.at(id);
    const WireOrderId wire = order.status_wire();
    FIX::Message message = encode_status_request(order, wire);
    meaning = {};
    meaning.kind = SentKind::kStatus;
    meaning.order = id;
    meaning.wire = wire;
    send_message(message);
  }

  void send_barrier(const std::string& id) {
    FIX::Message message;
    message.getHeader().setField(FIX::FIELD::MsgType, "1");
    message.setField(FIX::FIELD::TestReqID, id);
    meaning = {};
    meaning.barrier = true;
    send_message(message);
  }

  void cut(const std::string& why) {
    connected = false;
    port.submit(command::Cut{why, heard, false});
  }

  void carry_out(const Action& action) {
    switch (action.kind) {
      case ActionKind::kNothing:
        return;
      case ActionKind::kAdvance:
        return port.submit(command::Advance{});
      case ActionKind::kBuildLogon:
        return build_logon();
      case ActionKind::kReuseLogon:
        connected = true;
        return port.submit(command::ReuseLogon{});
      case ActionKind::kSendBarrier:
        return send_barrier(action.text);
      case ActionKind::kSendStatus:
        return send_status(action.order);
      case ActionKind::kSendRequest:
        return send_request(action);
      case ActionKind::kSendLogout:
        return send_logout(action.text);
      case ActionKind::kCut:
        return cut(action.text);
    }
  }
};

VenueSession::VenueSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VenueSession::~VenueSession() {
  impl_->connected = false;  // nothing is submitted by the end of the object
}

Result<> check_dictionary(const std::string& path) {
  try {
    FIX::DataDictionary dictionary(path);
    return success();
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInvalid, std::string("FIX dictionary: ") + error.what()};
  }
}

Result<std::unique_ptr<VenueSession>> VenueSession::create(const SessionIdentity& identity,
                                                           GatewayPort& port) {
  if (identity.sender.empty() || identity.target.empty())
    return Error{ErrorCode::kInvalid, "a FIX session needs sender and target CompIDs"};
  if (identity.heartbeat_seconds == 0)
    return Error{ErrorCode::kInvalid, "heartbeat_seconds must be positive"};
  auto impl = std::make_unique<Impl>(identity, port);
  try {
    const FIX::SessionID id(identity.begin_string, identity.sender, identity.target);
    FIX::DataDictionaryProvider dictionaries;
    if (!identity.dictionary.empty()) {
      auto dictionary = std::make_unique<FIX::DataDictionary>(identity.dictionary);
      dictionary->checkFieldsOutOfOrder(false);
      dictionary->checkUserDefinedFields(false);
      dictionary->allowUnknownMsgFields(true);
      dictionaries.addTransportDataDictionary(
          FIX::BeginString(identity.begin_string),
          ptr::shared_ptr<FIX::DataDictionary>(dictionary.release()));
    }
    impl->session = std::make_unique<FIX::Session>(*impl, *impl, id, dictionaries, always(),
                                                   static_cast<int>(identity.heartbeat_seconds),
                                                   &impl->log_maker);
    impl->session->setLogonTimeout(1'000'000);  // the core keeps that time
    impl->session->setCheckLatency(identity.max_latency_seconds != 0);
    if (identity.max_latency_seconds != 0)
      impl->session->setMaxLatency(static_cast<int>(identity.max_latency_seconds));
    impl->session->setResponder(impl.get());
  } catch (const FIX::Exception& error) {
    return Error{ErrorCode::kInvalid, std::string("FIX session: ") + error.what()};
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInvalid, std::string("FIX session: ") + error.what()};
  }
  return std::unique_ptr<VenueSession>(new VenueSession(std::move(impl)));
}

void VenueSession::link_up() {
  impl_->heard = false;
  impl_->port.submit(command::LinkUp{});
  pump();
}

void VenueSession::link_lost(const std::string& why, bool heard) {
  const bool keep_logon = !heard && impl_->state().phase == SessionPhase::kLogonSent;
  const std::string& said = impl_->logout_text;
  impl_->port.submit(command::LinkLost{said.empty() ? why : said, heard});
  // A Logon that was never heard is used again as it is: QuickFIX goes on waiting for its answer.
  if (!keep_logon) impl_->forget_connection();
  impl_->connected = false;
  impl_->rest.reset();
  pump();
}

void VenueSession::receive(std::string_view message) {
  Impl& impl = *impl_;
  impl.stats.received += 1;
  impl.heard = true;
  if (!impl.connected) return;
  const FixHeader header = header_of(message);
  if (header.type == "A" && header.reset && !impl.sent_reset_flag &&
      !impl.state().rules.accept_venue_reset)
    return impl.cut("the venue's Logon resets the sequence numbers: not configured, refused");
  if (header.type == "2" && impl.slice(message))
    impl.resend_slice();
  else
    impl.feed(header, message);
  if (!impl.busy) pump();
}

void VenueSession::tick() {
  Impl& impl = *impl_;
  const SessionPhase phase = impl.state().phase;
  if (impl.connected && phase != SessionPhase::kDown && phase != SessionPhase::kConnected &&
      phase != SessionPhase::kLogonSent)
    impl.drive([&] { impl.session->next(FIX::UtcTimeStamp()); });
  pump();
}

bool VenueSession::busy() const { return impl_->busy; }

void VenueSession::pump() {
  Impl& impl = *impl_;
  impl.busy = impl.rest.has_value();
  if (impl.rest) return impl.resend_slice();
  for (std::size_t done = 0;; ++done) {
    const GatewayState& state = impl.state();
    const Action action = next_action(state, impl.port.now());
    if (action.kind == ActionKind::kNothing) return;
    if (done == kActionsAtOnce) {
      impl.busy = true;
      return;
    }
    const auto progress = [&state] {
      return std::tuple(state.next_out, state.phase, state.link, state.halted, state.created,
                        state.waiting.size(), state.unknown.size(), state.away_due);
    };
    const auto before = progress();
    impl.carry_out(action);
    CHECK(progress() != before);  // what was planned and not done would be planned for ever
  }
}

const SessionStats& VenueSession::stats() const { return impl_->stats; }

MakeSession quickfix_sessions(SessionIdentity identity) {
  return [identity =
              std::move(identity)](GatewayPort& port) -> Result<std::unique_ptr<SessionDriver>> {
    auto session = VenueSession::create(identity, port);
    if (!session) return session.error();
    return std::unique_ptr<SessionDriver>(std::move(session).value());
  };
}

}  // namespace holdfast::venues
