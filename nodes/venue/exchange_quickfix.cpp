#include "nodes/venue/exchange_quickfix.hpp"

#include <charconv>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "nodes/venue/requests_quickfix.hpp"

namespace holdfast::exchange {

namespace {

constexpr int kHeartbeatSecondsMax = 3'600;

// CompIDs become file names and JSON, so they hold only what is safe in both.
bool acceptable_name(std::string_view name) {
  if (name.empty() || name.size() > limits::kNameBytes || name.front() == '.') return false;
  for (const char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.')
      return false;
  return true;
}

bool ends_with_suffix(std::string_view name, std::string_view suffix) {
  return !suffix.empty() && name.size() > suffix.size() && name.ends_with(suffix);
}

// The whole number in a field from 0 to INT32_MAX. QuickFIX's own conversion overflows.
std::optional<int64_t> whole_number(const FIX::FieldMap& fields, int tag) {
  if (!fields.isSetField(tag)) return std::nullopt;
  const std::string& text = fields.getField(tag);
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// QuickFIX converts these late, where it does not expect a failure; a Logon without them is
// refused.
bool has_sound_numbers(const FIX::Message& logon) {
  const auto beat = whole_number(logon, FIX::FIELD::HeartBtInt);
  const auto number = whole_number(logon.getHeader(), FIX::FIELD::MsgSeqNum);
  return beat && *beat <= kHeartbeatSecondsMax && number && *number >= 1;
}

// The session store can't be written: the exchange must stop.
struct StoreFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool flag(const FIX::Header& header, int tag) {
  return header.isSetField(tag) && header.getField(tag) == "Y";
}

Origin origin_of(const FIX::Message& message, SessionIndex session) {
  const FIX::Header& header = message.getHeader();
  Origin origin;
  origin.session = session;
  origin.sequence = static_cast<uint64_t>(whole_number(header, FIX::FIELD::MsgSeqNum).value_or(0));
  origin.possible_duplicate = flag(header, FIX::FIELD::PossDupFlag);
  origin.possible_resend = flag(header, FIX::FIELD::PossResend);
  return origin;
}

}  // namespace

Result<std::unique_ptr<Exchange>> make_exchange(const ExchangeOptions& options, Wire& wire,
                                                Faults& faults, Now now) {
  if (!acceptable_name(options.sender))
    return Error{ErrorCode::kInvalid,
                 "CompID '" + options.sender + "' is not 1 to 32 letters, digits, '-', '_' or '.'"};
  for (const std::string& symbol : options.symbols) {
    const auto text = IdText::parse(symbol);
    if (!text) return Error{ErrorCode::kInvalid, "symbol '" + symbol + "': " + text.error().text};
    if (symbol.empty()) return Error{ErrorCode::kInvalid, "a symbol is empty"};
  }
  if (options.symbols.size() > limits::kSimulatorSymbolsMax)
    return Error{ErrorCode::kFull, "too many symbols"};
  if (!options.store_directory.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.store_directory, error);
    if (error || !std::filesystem::is_directory(options.store_directory))
      return Error{ErrorCode::kIo, "session store " + options.store_directory + ": " +
                                       (error ? error.message() : "is not a directory")};
  }
  std::unique_ptr<Exchange> made = std::make_unique<QuickfixExchange>(options, wire, faults, now);
  return made;
}

QuickfixExchange::QuickfixExchange(const ExchangeOptions& options, Wire& wire, Faults& faults,
                                   Now now)
    : options_(options),
      wire_(wire),
      faults_(faults),
      now_(now),
      ids_(now.wall),
      encoder_(ids_),
      desk_(options.symbols, *this),
      stores_(options.store_directory) {}

bool QuickfixExchange::Party::send(const std::string& bytes) {
  if (connection != 0) wire->send(connection, bytes);
  return connection != 0;
}

void QuickfixExchange::Party::disconnect() {
  if (connection != 0) wire->close(connection);
}

QuickfixExchange::Party* QuickfixExchange::party_of(ConnectionId connection) const {
  const auto found = by_connection_.find(connection);
  return found == by_connection_.end() ? nullptr : found->second;
}

QuickfixExchange::Party* QuickfixExchange::party_of(const FIX::SessionID& id) const {
  const auto found = parties_.find(id.getTargetCompID().getString());
  return found == parties_.end() ? nullptr : found->second.get();
}

bool QuickfixExchange::online(ConnectionId connection) const {
  const Party* party = party_of(connection);
  return party != nullptr && party->session->isLoggedOn();
}

FIX::SessionID QuickfixExchange::session_id(const std::string& name) const {
  return FIX::SessionID("FIX.4.4", options_.sender, name);
}

// ---- messages in

void QuickfixExchange::on_message(ConnectionId connection, std::string& bytes, Now now) {
  now_ = now;
  ++counters_.messages;
  Party* party = party_of(connection);
  try {
    message_.setString(bytes, true);
  } catch (const std::exception&) {
    // A garbled message is ignored, as the session protocol says: its number comes again by resend.
    if (party == nullptr) return refuse_connection(connection, counters_.garbage);
    ++counters_.garbled;
    return;
  }
  if (party == nullptr) return on_logon(connection);
  drive(*party);
}

// Hands the message at hand to its session, and closes the connection if QuickFIX chokes on it.
void QuickfixExchange::drive(Party& party) {
  const ConnectionId connection = party.connection;
  const FIX::Header& header = message_.getHeader();
  try {
    const auto number = whole_number(header, FIX::FIELD::MsgSeqNum);
    const int64_t expected = party.session->getExpectedTargetNum();
    if (!number || *number - expected > static_cast<int64_t>(limits::kSimulatorQueuedAheadMax))
      return refuse_connection(connection, counters_.garbage);
    const bool application = message_.isApp();
    if (application && *number < expected && flag(header, FIX::FIELD::PossDupFlag))
      ++counters_.possible_duplicates;
    party.session->next(message_, FIX::UtcTimeStamp());
    if (application) cut_by_fault(connection);
  } catch (const CheckFailed&) {
    throw;
  } catch (const StoreFailed&) {
    throw;
  } catch (const std::exception&) {
    ++counters_.malformed;
    wire_.close(connection);
  }
}

void QuickfixExchange::cut_by_fault(ConnectionId connection) {
  if (faults_.drop_after == 0 || --faults_.drop_after > 0) return;
  ++counters_.faults;
  wire_.abort(connection);
}

void QuickfixExchange::refuse_connection(ConnectionId connection, uint64_t& counter) {
  ++counter;
  wire_.close(connection);
}

// ---- logon and logout

const char* QuickfixExchange::why_no_logon(const Party* known, std::string_view name) {
  if (logging_out_) return "shutting down";
  if (known == nullptr && parties_.size() >= limits::kSimulatorSessionsMax)
    return "too many sessions";
  if (!acceptable_name(name)) return "unacceptable CompID";
  if (faults_.refuse_logons > 0) {
    --faults_.refuse_logons;
    ++counters_.faults;
    return "switched-on fault";
  }
  if (known == nullptr) return nullptr;
  const bool too_early =
      faults_.refuse_relogon_ms > 0 && known->was_online && known->connection == 0 &&
      (now_.mono - known->offline_since).ms() < static_cast<int64_t>(faults_.refuse_relogon_ms);
  if (too_early) {
    ++counters_.faults;
    return "switched-on fault";
  }
  // As QuickFIX's own acceptor: the first connection must be seen to die before another logs on.
  if (known->connection != 0 && !options_.replace_connection) return "session has a connection";
  return nullptr;
}

void QuickfixExchange::on_logon(ConnectionId connection) {
  const FIX::Header& header = message_.getHeader();
  const bool is_logon =
      header.isSetField(FIX::FIELD::BeginString) &&
      header.getField(FIX::FIELD::BeginString) == "FIX.4.4" &&
      header.isSetField(FIX::FIELD::MsgType) && header.getField(FIX::FIELD::MsgType) == "A" &&
      header.isSetField(FIX::FIELD::SenderCompID) && header.isSetField(FIX::FIELD::TargetCompID) &&
      header.getField(FIX::FIELD::TargetCompID) == options_.sender && has_sound_numbers(message_);
  if (!is_logon) return refuse_connection(connection, counters_.garbage);
  const std::string name = header.getField(FIX::FIELD::SenderCompID);
  const auto found = parties_.find(name);
  Party* party = found == parties_.end() ? nullptr : found->second.get();
  if (why_no_logon(party, name) != nullptr)
    return refuse_connection(connection, counters_.logons_refused);
  if (party == nullptr) party = make_party(name);
  if (party->connection != 0) {
    const ConnectionId old = party->connection;
    party->session->disconnect();
    wire_.abort(old);
    on_closed(old, now_);
  }
  party->connection = connection;
  by_connection_.emplace(connection, party);
  party->session->setResponder(party);
  drive(*party);
  if (!party->session->isLoggedOn()) {
    refuse_connection(connection, counters_.logons_refused);
  } else if (party->main != nullptr && party->fresh) {
    send_missed_copies(*party);
  }
  party->fresh = false;
}

QuickfixExchange::Party* QuickfixExchange::make_party(const std::string& name) {
  const FIX::SessionID id = session_id(name);
  auto made = std::make_unique<Party>();
  Party* party = made.get();
  party->wire = &wire_;
  party->name = name;
  party->fresh = !stores_.has_files(id);
  party->index = desk_.add_session();
  // From midnight to midnight, which to QuickFIX is always; the stores answer for the date.
  const FIX::UtcTimeOnly midnight(0, 0, 0);
  party->session = std::make_unique<FIX::Session>(static_cast<FIX::Application&>(*this), stores_,
                                                  id, FIX::DataDictionaryProvider(),
                                                  FIX::TimeRange(midnight, midnight), 0, nullptr);
  party->store = stores_.last();
  parties_.emplace(name, std::move(made));
  by_index_.push_back(party);
  CHECK(by_index_.size() == party->index + 1u);
  link_copies(*party);
  return party;
}

void QuickfixExchange::link_copies(Party& party) {
  if (options_.drop_copy_suffix.empty()) return;
  if (ends_with_suffix(party.name, options_.drop_copy_suffix)) {
    const auto main =
        parties_.find(party.name.substr(0, party.name.size() - options_.drop_copy_suffix.size()));
    if (main == parties_.end()) return;
    party.main = main->second.get();
    party.main->copy = &party;
    return;
  }
  const std::string copy_name = party.name + options_.drop_copy_suffix;
  const auto found = parties_.find(copy_name);
  if (found != parties_.end()) {
    party.copy = found->second.get();
    party.copy->main = &party;
  } else if (stores_.has_files(session_id(copy_name)) &&
             parties_.size() < limits::kSimulatorSessionsMax) {
    make_party(copy_name);  // known from an earlier run: nothing may be missing when it comes back
  }
}

// A drop-copy session that logs on for the first time gets what its firm was told before.
void QuickfixExchange::send_missed_copies(Party& copy) {
  std::vector<std::string> messages;
  copy.main->store->get(1, copy.main->store->getNextSenderMsgSeqNum() - 1, messages);
  for (const std::string& bytes : messages) {
    FIX::Message message(bytes, false);
    if (message.getHeader().getField(FIX::FIELD::MsgType) != "8") continue;
    if (message.getField(FIX::FIELD::ExecType) == "I") continue;
    message.setField(FIX::FIELD::CopyMsgIndicator, "Y");
    copy.session->send(message);
    ++counters_.copies;
  }
}

void QuickfixExchange::onLogon(const FIX::SessionID& id) {
  Party* party = party_of(id);
  ++counters_.logons;
  ++counters_.sessions_online;
  party->is_online = party->was_online = true;
  party->grace_runs = false;
}

// QuickFIX also calls this for a logon that failed halfway.
void QuickfixExchange::onLogout(const FIX::SessionID& id) {
  Party* party = party_of(id);
  if (party == nullptr || !party->is_online) return;
  party->is_online = false;
  ++counters_.logouts;
  --counters_.sessions_online;
  party->offline_since = now_.mono;
  party->grace_runs = options_.cancel_on_disconnect.ns > 0;
}

void QuickfixExchange::on_closed(ConnectionId connection, Now now) {
  now_ = now;
  const auto found = by_connection_.find(connection);
  if (found == by_connection_.end()) return;
  Party& party = *found->second;
  by_connection_.erase(found);
  party.connection = 0;
  party.session->disconnect();
}

void QuickfixExchange::begin_logout(Now now) {
  now_ = now;
  logging_out_ = true;
  for (const auto& [connection, party] : by_connection_) {
    party->session->logout("the exchange is shutting down");
    party->session->next();
  }
}

void QuickfixExchange::drop_all() {
  for (const auto& [connection, party] : by_connection_) {
    ++counters_.faults;
    wire_.abort(connection);
  }
}

void QuickfixExchange::tick(Now now) {
  now_ = now;
  for (Party* party : by_index_) {
    if (party->connection != 0) {
      try {
        party->session->next();
      } catch (const FIX::Exception&) {
        wire_.close(party->connection);
      }
    }
    const bool grace_over =
        party->grace_runs && now.mono - party->offline_since >= options_.cancel_on_disconnect;
    if (!grace_over) continue;
    party->grace_runs = false;
    desk_.cancel_day_orders(party->index, "cancelled on disconnect");
  }
}

uint32_t QuickfixExchange::end_day(Now now) {
  now_ = now;
  return desk_.end_day();
}

// ---- application messages

void QuickfixExchange::toAdmin(FIX::Message& message, const FIX::SessionID&) {
  if (message.getHeader().getField(FIX::FIELD::MsgType) == "3") ++counters_.malformed;
}

void QuickfixExchange::toApp(FIX::Message& message, const FIX::SessionID&) {
  const bool repeat = flag(message.getHeader(), FIX::FIELD::PossDupFlag);
  if (!repeat && message.getHeader().getField(FIX::FIELD::MsgType) == "j") ++counters_.malformed;
}

void QuickfixExchange::fromApp(const FIX::Message& message, const FIX::SessionID& id) {
  const Party& party = *party_of(id);
  if (ends_with_suffix(party.name, options_.drop_copy_suffix)) throw FIX::UnsupportedMessageType();
  const Origin origin = origin_of(message, party.index);
  const std::string& type = message.getHeader().getField(FIX::FIELD::MsgType);
  if (type == "D")
    desk_.handle(read_new_order(message, origin));
  else if (type == "F")
    desk_.handle(read_cancel(message, origin));
  else if (type == "G")
    desk_.handle(read_replace(message, origin));
  else if (type == "H")
    desk_.handle(read_status(message, origin));
  else if (type == "AF")
    desk_.handle(read_mass_status(message, origin));
  else
    throw FIX::UnsupportedMessageType();
}

// ---- reports out

// What Session::send does, without its field maps: number, store, count on, send if logged on.
template <typename Encode>
void QuickfixExchange::send_encoded(Party& party, Encode encode) {
  const int number = party.store->getNextSenderMsgSeqNum();
  const FixHeader header{options_.sender, party.name, static_cast<uint64_t>(number), now_.wall};
  const std::string& bytes = encode(header);
  try {
    party.store->set(number, bytes);
    party.store->incrNextSenderMsgSeqNum();
  } catch (const FIX::IOException& e) {
    // Not one for QuickFIX to catch: an execution without its report must not look like a mere
    // disconnect.
    throw StoreFailed(std::string("session store: ") + e.what());
  }
  if (party.session->isLoggedOn()) party.send(bytes);
}

void QuickfixExchange::report(const Report& report) {
  ++counter_of(report.kind);
  Party& party = *by_index_[report.session];
  append_record(record_, now_.wall, party.name, report, ids_);
  const auto encode = [&](const FixHeader& header) -> const std::string& {
    return encoder_.encode(header, report, false);
  };
  send_encoded(party, encode);
  if (faults_.duplicate_reports > 0) {
    --faults_.duplicate_reports;
    ++counters_.faults;
    send_encoded(party, encode);
  }
  if (party.copy == nullptr || report.kind == ReportKind::kStatus) return;
  ++counters_.copies;
  send_encoded(*party.copy, [&](const FixHeader& header) -> const std::string& {
    return encoder_.encode(header, report, true);
  });
}

void QuickfixExchange::refuse(const Refusal& refusal) {
  ++counters_.refused;
  Party& party = *by_index_[refusal.cause.session];
  append_record(record_, now_.wall, party.name, refusal, ids_);
  send_encoded(party, [&](const FixHeader& header) -> const std::string& {
    return encoder_.encode(header, refusal);
  });
}

uint64_t& QuickfixExchange::counter_of(ReportKind kind) {
  switch (kind) {
    case ReportKind::kAccepted:
      return counters_.accepted;
    case ReportKind::kRejected:
      return counters_.rejected;
    case ReportKind::kDuplicate:
      return counters_.duplicates;
    case ReportKind::kFill:
      return counters_.executions;
    case ReportKind::kCancelled:
      return counters_.cancelled;
    case ReportKind::kReplaced:
      return counters_.replaced;
    case ReportKind::kExpired:
      return counters_.expired;
    case ReportKind::kStatus:
      break;
  }
  return counters_.statuses;
}

}  // namespace holdfast::exchange
