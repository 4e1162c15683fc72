// A venue in memory: QuickFIX's own acceptor rules over strings instead of sockets, and the least
// that an exchange must say about orders. It keeps what it accepted, so that a test can count
// duplicates and losses without asking the gateway.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/venues/quickfix.hpp"

namespace holdfast::venues::testing {

/// The value of a field in a raw message, "" when there is none.
std::string field(const std::string& message, int tag);

class TestVenue final : public FIX::Application, public FIX::Responder {
 public:
  TestVenue();
  ~TestVenue() override;

  // ---- the connection
  void connect();
  void disconnect() override;  // also by QuickFIX
  bool connected() const { return connected_; }
  /// One message from the gateway.
  void receive(const std::string& message);
  /// What is to be sent to the gateway; taken by the test.
  std::deque<std::string> out;
  void tick();

  // ---- behaviour
  bool answers_orders = true;  // else it takes orders and stays silent
  bool answers_status = true;
  bool forgets_requests = false;  // takes the message's number, and nothing else (a venue's fault)
  bool fills = false;             // every new order is filled at once
  FIX::Session& session() { return *session_; }
  /// Sends any application message.
  void say(FIX::Message message) { session_->send(message); }
  FIX::Message report(const std::string& wire, char exec_type, char status,
                      const std::string& original = {});
  void forget_numbers(int next_out, int next_in);

  // ---- the witness
  struct Order {
    std::string id, symbol, side, quantity, price;
    char status = '0';
    std::string wire;  // current ClOrdID
  };
  std::map<std::string, int> new_orders;  // ClOrdID → times accepted
  std::map<std::string, Order> orders;    // by every ClOrdID that ever named it
  std::vector<std::string> app_messages;  // raw, in order, as processed
  std::vector<std::string> raw;           // everything received
  int cancels = 0, replaces = 0, unknown_cancels = 0;
  int executions = 0;

 private:
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) override {}
  void fromApp(const FIX::Message& message, const FIX::SessionID&) override;
  bool send(const std::string& bytes) override;
  void take_new(const FIX::Message& message);
  void take_cancel(const FIX::Message& message, bool replace);
  void take_status(const FIX::Message& message);

  FIX::MemoryStoreFactory stores_;
  std::unique_ptr<FIX::Session> session_;
  bool connected_ = false;
  std::string now_taking_;
};

}  // namespace holdfast::venues::testing
