// The exchange's FIX sessions on QuickFIX: it keeps the session's rules (numbers, gaps, resends,
// heartbeats, resets), we own the transport, the store and the encoding of reports. A counterparty
// comes into being with its first Logon and stays for the life of the process. Built by
// make_exchange (exchange.hpp); nobody else includes this.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/venues/quickfix.hpp"
#include "nodes/venue/exchange.hpp"
#include "nodes/venue/fix_text.hpp"
#include "nodes/venue/session_store_quickfix.hpp"

namespace holdfast::exchange {

class QuickfixExchange final : public Exchange, private DeskOutput, private FIX::Application {
 public:
  QuickfixExchange(const ExchangeOptions& options, Wire& wire, Faults& faults, Now now);

  void on_message(ConnectionId connection, std::string& message, Now now) override;
  void on_closed(ConnectionId connection, Now now) override;
  void tick(Now now) override;
  bool online(ConnectionId connection) const override;
  void begin_logout(Now now) override;
  std::string& record() override { return record_; }
  OrderDesk& desk() override { return desk_; }
  Counters& counters() override { return counters_; }
  uint32_t end_day(Now now) override;
  void drop_all() override;

 private:
  // One counterparty: its QuickFIX session, and the connection that it is on, if any.
  struct Party final : FIX::Responder {
    bool send(const std::string& bytes) override;
    void disconnect() override;
    Wire* wire = nullptr;
    std::string name;
    SessionIndex index = 0;
    std::unique_ptr<FIX::Session> session;
    FIX::MessageStore* store = nullptr;  // the session's
    ConnectionId connection = 0;
    Party* copy = nullptr;  // gets copies of this one's reports
    Party* main = nullptr;  // this one gets copies of its reports
    bool fresh = true;      // never logged on before, in earlier runs neither
    bool is_online = false;
    bool was_online = false;  // at some time in this run
    bool grace_runs = false;  // offline, and its DAY orders wait for cancel-on-disconnect
    MonoTime offline_since;
  };
  // Application: what QuickFIX calls back.
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override;
  void onLogout(const FIX::SessionID&) override;
  void toAdmin(FIX::Message& message, const FIX::SessionID&) override;
  void toApp(FIX::Message& message, const FIX::SessionID&) override;
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) override {}
  void fromApp(const FIX::Message& message, const FIX::SessionID&) override;
  // DeskOutput.
  void report(const Report& report) override;
  void refuse(const Refusal& refusal) override;

  void on_logon(ConnectionId connection);
  const char* why_no_logon(const Party* known, std::string_view name);
  Party* make_party(const std::string& name);
  void link_copies(Party& party);
  void send_missed_copies(Party& copy);
  void drive(Party& party);
  void cut_by_fault(ConnectionId connection);
  void refuse_connection(ConnectionId connection, uint64_t& counter);
  FIX::SessionID session_id(const std::string& name) const;
  template <typename Encode>
  void send_encoded(Party& party, Encode encode);
  uint64_t& counter_of(ReportKind kind);
  Party* party_of(ConnectionId connection) const;
  Party* party_of(const FIX::SessionID& id) const;

  ExchangeOptions options_;
  Wire& wire_;
  Faults& faults_;
  Now now_;
  Counters counters_;
  std::string record_;
  IdSpelling ids_;
  ReportEncoder encoder_;
  OrderDesk desk_;
  SessionStoreFactory stores_;
  FIX::Message message_;  // the one at hand; kept for its capacity
  std::unordered_map<std::string, std::unique_ptr<Party>> parties_;
  std::vector<Party*> by_index_;
  std::unordered_map<ConnectionId, Party*> by_connection_;
  bool logging_out_ = false;
};

}  // namespace holdfast::exchange
