// The gateway's FIX session without QuickFIX: the same driver interface, the same rules of numbers,
// resends and heartbeats, driven by the production plan (session_plan.hpp). It holds nothing that
// the gateway's state holds.
#pragma once

#include "actors/venues/session_driver.hpp"
#include "actors/venues/session_plan.hpp"
#include "tests/simulation/cluster/fix.hpp"
#include "tests/simulation/cluster/simulation.hpp"

namespace holdfast::cluster_simulation {

class SessionModel final : public venues::SessionDriver {
 public:
  struct Hooks {
    std::function<MonoTime()> now;
    /// For a planted bug: runs a function of this session some time later, if it still lives.
    std::function<void(Duration, std::function<void()>)> later;
  };
  SessionModel(venues::GatewayPort& port, Simulation& simulation, Hooks hooks)
      : port_(port), sim_(simulation), hooks_(std::move(hooks)) {}

  void link_up() override;
  void link_lost(const std::string& why, bool heard) override;
  void receive(std::string_view message) override;
  void tick() override;
  void pump() override;
  bool busy() const override { return false; }
  const venues::SessionStats& stats() const override { return stats_; }

 private:
  const venues::GatewayState& state() const { return port_.state(); }
  void carry_out(const venues::Action& action);
  void send_admin(FixWriter message, bool barrier = false);
  void send_request(const venues::Action& action);
  void send_status(OrderId id);
  void cut(const std::string& why, bool fatal = false);

  void take(const FixMessage& message);
  void take_in_order(const FixMessage& message);
  void take_logon(const FixMessage& message);
  void logged_out(const FixMessage& message);
  void take_gap_fill(const FixMessage& message);
  void take_resend_request(const FixMessage& message);
  void resend(uint32_t begin, uint32_t end);
  void ask_resend();
  void inbound(const FixMessage& message);

  venues::GatewayPort& port_;
  Simulation& sim_;
  Hooks hooks_;
  venues::SessionStats stats_;
  bool connected_ = false, heard_ = false, logged_on_ = false, test_sent_ = false;
  MonoTime last_sent_, last_received_;
  uint32_t asked_for_ = 0;  // the resend that was asked for begins here
};

}  // namespace holdfast::cluster_simulation
