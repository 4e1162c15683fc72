// The simulated venue: a FIX acceptor with numbers, resends and a heartbeat of its own, that takes
// one connection of the session at a time, and a market behind it that executes whatever comes in
// order. It trusts nobody and forgives nothing: an order that comes twice under two numbers is
// executed twice, and its own record of that is what the checkers read.
#pragma once

#include <map>
#include <set>

#include "tests/simulation/cluster/fix.hpp"
#include "tests/simulation/cluster/simulation.hpp"

namespace holdfast::cluster_simulation {

/// One order in the venue's own books.
struct VenueOrderRecord {
  std::string wire;  // ClOrdID by which it came
  std::string client_order_id, account;
  std::set<std::string> wires;  // all by which it went
  uint64_t quantity = 0, price = 0, filled = 0;
  bool buy = true;
  char status = '0';  // OrdStatus (39)
  bool open() const { return status == '0' || status == '1'; }
};

class Venue {
 public:
  /// How the venue reaches a gateway's process: each runs in it, if it still is that life.
  struct Peer {
    std::function<void(uint64_t connection)> connected;
    std::function<void(uint64_t connection, const std::string& message)> received;
    std::function<void(uint64_t connection, const std::string& why)> closed;
  };
  explicit Venue(Simulation& simulation) : sim_(simulation) {}

  // ---- the network's side
  /// A try to connect from a node; answered by Peer::connected or Peer::closed.
  void connect(uint32_t node, uint64_t connection, Peer peer);
  void send(uint64_t connection, FixText message);
  /// The near end resets the connection, or its process dies: what is on its way may be lost.
  void reset(uint64_t connection, const char* why);
  void process_died(uint32_t node);

  // ---- faults
  void cut(uint32_t node, bool cut);  // nothing passes, nobody hears why
  void stall(Duration how_long);      // everything passes, later
  void disconnect();                  // the venue resets
  void log_out();                     // the venue ends the session in good order
  void refuse(bool refuse) { refusing_ = refuse; }

  void start();                     // heartbeats
  void close() { closed_ = true; }  // nothing trades any more

  // ---- what the checkers read
  const std::vector<VenueOrderRecord>& orders() const { return orders_; }
  uint64_t logons() const { return logons_; }
  uint32_t expects() const { return next_in_; }

 private:
  struct Connection {
    uint64_t id = 0;
    uint32_t node = 0;
    Peer peer;
    bool near_end = true, far_end = true;    // gone when false: of the gateway, of the venue
    bool lost_in = false, lost_out = false;  // something was lost: the rest does not pass either
    MonoTime to_venue, to_gateway;           // arrival of the last message on its way
  };
  Connection* find(uint64_t id);
  MonoTime arrival(MonoTime& last);
  bool cut_off(uint32_t node) const { return cuts_.contains(node); }
  void end_far(Connection& connection, const std::string& why);

  // ---- the session
  void receive(uint64_t id, const std::string& message);
  void take(Connection& c, const FixMessage& message, const std::string& text);
  void take_logon(Connection& c, const FixMessage& message);
  bool check_repeat(const FixMessage& message, const std::string& text);
  void process(Connection& c, const FixMessage& message);
  void resend(Connection& c, uint32_t begin, uint32_t end);
  void ask_resend(Connection& c);
  void put(char type, std::function<void(FixWriter&)> fill);
  void transmit(Connection& c, FixText message);
  void heartbeat();

  // ---- the market
  void new_order(const FixMessage& message);
  void cancel(const FixMessage& message);
  void replace(const FixMessage& message);
  void status(const FixMessage& message);
  void live(std::size_t order);
  void fill(std::size_t order, uint64_t quantity);
  void report(const VenueOrderRecord& order, char exec_type, const std::string& wire,
              const std::string& original = {}, uint64_t last = 0);
  VenueOrderRecord* by_wire(std::string_view wire);

  Simulation& sim_;
  std::map<uint64_t, Connection> connections_;
  std::set<uint32_t> cuts_;
  MonoTime stalled_until_;
  bool refusing_ = false, closed_ = false;

  uint64_t session_ = 0;  // the connection that is logged on
  uint32_t next_in_ = 1, next_out_ = 1;
  uint32_t asked_for_ = 0;
  MonoTime heard_, said_;
  bool test_sent_ = false;
  std::map<uint32_t, std::string> sent_;   // application messages by number
  std::map<uint32_t, std::string> taken_;  // what came first under each number
  uint64_t logons_ = 0;

  std::vector<VenueOrderRecord> orders_;
  std::map<std::string, std::size_t, std::less<>> wires_;
  uint64_t executions_ = 0;
};

}  // namespace holdfast::cluster_simulation
