// The drop copy beside a gateway's session, on the leader: connects, keeps the session's numbers in
// the gateway's journal, and hands the core what is news. Numbers out are reserved ahead in the
// journal before they are used, numbers in are saved now and then: a successor logs on above what
// was reserved and is sent again what it may have missed. The fate of the drop copy never touches
// the session that trades.
#pragma once

#include "actors/venues/drop_copy/drop_copy.hpp"
#include "actors/venues/fix/fix_text.hpp"
#include "actors/venues/transport.hpp"

namespace holdfast::venues {

struct DropCopySetup {
  std::string sender, target, endpoint;  // for views only
  MakeDropCopy make_session;             // quickfix_drop_copies() of drop_copy_quickfix.hpp
  MakeTransport make_transport;
  /// How long the session is waited for to tell of money itself.
  Duration patience = Duration::seconds(2);
};

/// All functions on the gateway's loop.
class DropCopyLink {
 public:
  /// `port` and `watcher` must outlive it.
  DropCopyLink(DropCopySetup setup, GatewayPort& port, FdWatcher& watcher);
  ~DropCopyLink();

  /// Begins with a leadership: numbers are reserved, the connection follows once that is committed.
  Result<> start();
  /// effect::DropCopyReserved
  void reserved(uint32_t next_out) { reserved_ = std::max(reserved_, next_out); }
  /// A report of the trading session, committed.
  void reported(const VenueReport& report);
  /// Connects, heartbeats, hands over what is news. Every 10 ms or so.
  void tick();
  DropCopyView view() const;

 private:
  void connected();
  void received(std::string_view bytes);
  void closed(const std::string& why);
  void copied(const VenueReport& copy);
  void hand_over();
  void save_numbers();

  DropCopySetup setup_;
  GatewayPort& port_;
  FdWatcher& watcher_;
  std::unique_ptr<DropCopySession> session_;
  std::unique_ptr<Transport> transport_;
  FixFramer framer_;
  DropCopyMatcher matcher_;
  bool up_ = false;
  uint32_t reserved_ = 0, asked_ = 0;  // numbers out: committed, and asked for
  uint32_t saved_in_ = 0;
  uint64_t doubted_ = 0;  // orders that were ever in doubt, when the copies were last looked at
  uint32_t failures_ = 0;
  WallTime next_try_, saved_at_, last_received_;
  std::string last_error_;
};

}  // namespace holdfast::venues
