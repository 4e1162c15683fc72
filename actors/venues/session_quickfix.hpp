// One FIX session driven through QuickFIX as an encoder and rule keeper. QuickFIX never sees a
// socket or a file: its store is a view on the gateway's journaled state, what it sends is captured
// and becomes a command of the journal entry at hand, and bytes reach the wire only as committed
// effects. What to do and when is decided by the core (session_plan.hpp); this class carries it
// out.
#pragma once

#include "actors/venues/session_driver.hpp"

namespace holdfast::venues {

/// The session on QuickFIX.
class VenueSession final : public SessionDriver {
 public:
  /// kInvalid when the dictionary can't be read or an identity is missing. `port` must outlive it,
  /// and command::Start must have been submitted.
  static Result<std::unique_ptr<VenueSession>> create(const SessionIdentity& identity,
                                                      GatewayPort& port);
  ~VenueSession() override;
  VenueSession(const VenueSession&) = delete;
  VenueSession& operator=(const VenueSession&) = delete;

  void link_up() override;
  void link_lost(const std::string& why, bool heard) override;
  void receive(std::string_view message) override;
  void tick() override;
  void pump() override;
  bool busy() const override;
  const SessionStats& stats() const override;

 private:
  struct Impl;
  explicit VenueSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// kInvalid, naming the file, when it is no data dictionary that sessions can use.
Result<> check_dictionary(const std::string& path);

/// VenueSession::create with this identity, as gateways ask for it.
MakeSession quickfix_sessions(SessionIdentity identity);

}  // namespace holdfast::venues
