#include "actors/venues/drop_copy/drop_copy_quickfix.hpp"

#include "actors/venues/fix/fix_text.hpp"
#include "actors/venues/fix/report_quickfix.hpp"
#include "actors/venues/quickfix.hpp"

namespace holdfast::venues {

namespace {

/// QuickFIX's application, store, log and responder in one. Its functions throw nothing.
class QuickfixDropCopy final : public DropCopySession,
                               public FIX::Application,
                               public FIX::MessageStore,
                               public FIX::MessageStoreFactory,
                               public FIX::Log,
                               public FIX::Responder {
 public:
  QuickfixDropCopy(SessionIdentity identity, DropCopyPort port, uint32_t next_out, uint32_t next_in)
      : identity_(std::move(identity)),
        port_(std::move(port)),
        next_out_(next_out),
        next_in_(next_in) {}
  ~QuickfixDropCopy() override { connected_ = false; }

  void make_session() {
    const FIX::SessionID id(identity_.begin_string, identity_.sender, identity_.target);
    FIX::DataDictionaryProvider dictionaries;
    if (!identity_.dictionary.empty()) {
      auto dictionary = std::make_unique<FIX::DataDictionary>(identity_.dictionary);
      dictionary->checkFieldsOutOfOrder(false);
      dictionary->checkUserDefinedFields(false);
      dictionary->allowUnknownMsgFields(true);
      dictionaries.addTransportDataDictionary(
          FIX::BeginString(identity_.begin_string),
          ptr::shared_ptr<FIX::DataDictionary>(dictionary.release()));
    }
    const FIX::TimeRange always(FIX::UtcTimeOnly(0, 0, 0), FIX::UtcTimeOnly(0, 0, 0), 1, 1);
    session_ =
        std::make_unique<FIX::Session>(*this, *this, id, dictionaries, always,
                                       static_cast<int>(identity_.heartbeat_seconds), &log_maker_);
    session_->setCheckLatency(false);
    session_->setResponder(this);
  }

  // -- DropCopySession
  void link_up() override {
    connected_ = true;
    last_words_.clear();
    session_->setResponder(nullptr);
    session_->disconnect();
    session_->setResponder(this);
    session_->logon();
    drive([this] { session_->next(FIX::UtcTimeStamp()); });
  }
  void link_lost() override {
    connected_ = false;
    session_->setResponder(nullptr);
    session_->disconnect();
    session_->setResponder(this);
  }
  void receive(std::string_view message) override {
    if (!connected_) return;
    drive([&] { session_->next(std::string(message), FIX::UtcTimeStamp()); });
  }
  void tick() override {
    if (connected_) drive([this] { session_->next(FIX::UtcTimeStamp()); });
  }
  bool logged_on() const override { return connected_ && session_->isLoggedOn(); }
  uint32_t next_out() const override { return next_out_; }
  uint32_t next_in() const override { return next_in_; }

 private:
  struct LogMaker final : FIX::LogFactory {
    explicit LogMaker(FIX::Log& one) : log(one) {}
    FIX::Log& log;
    FIX::Log* create() override { return &log; }
    FIX::Log* create(const FIX::SessionID&) override { return &log; }
    void destroy(FIX::Log*) override {}
  };

  /// A message that is malformed is ignored, as the standard says of garbled ones.
  template <typename F>
  void drive(F&& function) {
    try {
      function();
    } catch (const std::exception& error) {
      last_words_ = error.what();
    }
  }

  // -- FIX::MessageStore: numbers alone
  bool set(int, const std::string&) override { return true; }
  void get(int begin, int end, std::vector<std::string>& out) const override {
    // QuickFIX gap-fills a hole at the end from the wrong number: an admin message there helps.
    if (end < begin) return;
    const std::string soh(1, kSoh);
    out.push_back(frame(identity_.begin_string, "35=0" + soh + "34=" + std::to_string(end) + soh +
                                                    "49=" + identity_.sender + soh +
                                                    "52=" + utc_timestamp(port_.now()) + soh +
                                                    "56=" + identity_.target + soh));
  }
  int getNextSenderMsgSeqNum() const override { return static_cast<int>(next_out_); }
  int getNextTargetMsgSeqNum() const override { return static_cast<int>(next_in_); }
  void setNextSenderMsgSeqNum(int) override {}
  void setNextTargetMsgSeqNum(int number) override {
    if (number > 0) next_in_ = static_cast<uint32_t>(number);
  }
  void incrNextSenderMsgSeqNum() override { next_out_ += 1; }
  void incrNextTargetMsgSeqNum() override { next_in_ += 1; }
  FIX::UtcTimeStamp getCreationTime() const override { return FIX::UtcTimeStamp(); }
  void reset() override {}
  void refresh() override {}

  // -- FIX::MessageStoreFactory
  FIX::MessageStore* create(const FIX::SessionID&) override { return this; }
  void destroy(FIX::MessageStore*) override {}

  // -- FIX::Log
  void clear() override {}
  void backup() override {}
  void onIncoming(const std::string&) override {}
  void onOutgoing(const std::string&) override {}
  void onEvent(const std::string& text) override {
    if (text != "Disconnecting") last_words_ = text;
  }

  // -- FIX::Responder
  bool send(const std::string& bytes) override {
    port_.send(std::make_shared<const std::string>(bytes));
    return true;
  }
  void disconnect() override {
    if (!connected_) return;
    connected_ = false;
    // The venue numbers anew: its copies are taken from the start, each execution counts once
    // anyway.
    if (last_words_.find("too low") != std::string::npos && logout_text_.empty()) next_in_ = 1;
    port_.disconnect(logout_text_.empty() ? last_words_ : "the venue logged out: " + logout_text_);
    logout_text_.clear();
  }

  // -- FIX::Application
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message& message, const FIX::SessionID&) override {
    if (message.getHeader().getField(FIX::FIELD::MsgType) != "A") return;
    if (!identity_.username.empty()) message.setField(FIX::FIELD::Username, identity_.username);
    if (!identity_.password.empty()) message.setField(FIX::FIELD::Password, identity_.password);
  }
  void toApp(FIX::Message&, const FIX::SessionID&) override {}
  void fromAdmin(const FIX::Message& message, const FIX::SessionID&) override {
    if (message.getHeader().getField(FIX::FIELD::MsgType) == "5" &&
        message.isSetField(FIX::FIELD::Text))
      logout_text_ = message.getField(FIX::FIELD::Text);
  }
  void fromApp(const FIX::Message& message, const FIX::SessionID&) override {
    if (message.getHeader().getField(FIX::FIELD::MsgType) != "8") return;
    command::Inbound told;
    try {
      told = decode_report(message);
    } catch (const FIX::Exception& error) {
      last_words_ = error.what();  // a copy that can't be read is no reason to stop the others
      return;
    }
    if (!told.report) return;
    told.report->drop_copy = true;
    port_.copied(*told.report);
  }

  SessionIdentity identity_;
  DropCopyPort port_;
  uint32_t next_out_, next_in_;
  bool connected_ = false;
  std::string last_words_, logout_text_;
  LogMaker log_maker_{*this};
  std::unique_ptr<FIX::Session> session_;
};

}  // namespace

MakeDropCopy quickfix_drop_copies(SessionIdentity identity) {
  return [identity = std::move(identity)](
             DropCopyPort port, uint32_t next_out,
             uint32_t next_in) -> Result<std::unique_ptr<DropCopySession>> {
    if (identity.sender.empty() || identity.target.empty())
      return Error{ErrorCode::kInvalid, "a drop copy needs sender and target CompIDs"};
    auto session = std::make_unique<QuickfixDropCopy>(identity, std::move(port), next_out, next_in);
    try {
      session->make_session();
    } catch (const std::exception& error) {
      return Error{ErrorCode::kInvalid, std::string("drop copy: ") + error.what()};
    }
    return std::unique_ptr<DropCopySession>(std::move(session));
  };
}

}  // namespace holdfast::venues
