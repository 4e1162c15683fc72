// What a gateway takes from a venue's drop copy: copies of its own executions, by a session of
// their own. A copy is news in two cases only: its order is of unknown outcome, or it tells of
// money that the session has not told for a while. This header has the interfaces, and the matching
// of copies with what the session reported; it keeps nothing beyond the process, since order shards
// know each execution by (venue, trade date, ExecID, side) and take it once.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "actors/venues/session_driver.hpp"
#include "messages/reconciliation_view.hpp"

namespace holdfast::venues {

/// What a drop-copy session does to the outside. Called from inside its functions.
struct DropCopyPort {
  std::function<void(std::shared_ptr<const std::string> bytes)> send;
  std::function<void(const VenueReport& copy)> copied;
  std::function<void(const std::string& why)> disconnect;
  std::function<WallTime()> now;
};

/// The drop-copy session: logs on, answers heartbeats, asks for what it missed. It sends nothing of
/// weight, so its bytes need no commit; only its numbers must not be used twice.
class DropCopySession {
 public:
  virtual ~DropCopySession() = default;
  virtual void link_up() = 0;
  virtual void link_lost() = 0;
  /// One whole message (see FixFramer), in order.
  virtual void receive(std::string_view message) = 0;
  virtual void tick() = 0;
  virtual bool logged_on() const = 0;
  virtual uint32_t next_out() const = 0;
  virtual uint32_t next_in() const = 0;
};
/// A session that goes on from these numbers.
using MakeDropCopy = std::function<Result<std::unique_ptr<DropCopySession>>(
    DropCopyPort port, uint32_t next_out, uint32_t next_in)>;

/// Joins copies with what the session reports, whichever comes first. Bounded: what is older is
/// forgotten. Pure; on one thread.
class DropCopyMatcher {
 public:
  /// The session told this.
  void reported(const VenueReport& report);
  /// A copy came; it is waited for the session's report until `due`.
  void copied(const VenueReport& copy, WallTime due);
  /// Copies that `wanted` says are news now, taken out; those that the session told are not asked
  /// about. Looks at what came since the last call only, unless `again`.
  std::vector<VenueReport> take(const std::function<bool(const VenueReport&)>& wanted, bool again);
  /// Copies of fills and of their corrections that the session has not told in time.
  std::vector<VenueReport> overdue(WallTime now);

  uint64_t received() const { return received_; }
  uint64_t matched() const { return matched_; }
  std::size_t held() const { return held_.size(); }

 private:
  struct Held {
    uint64_t key = 0;
    WallTime due;
    VenueReport copy;
  };
  std::deque<Held> held_;  // oldest first
  std::size_t looked_at_ = 0;
  std::unordered_set<uint64_t> told_;  // by the session
  std::deque<uint64_t> told_order_;
  uint64_t received_ = 0, matched_ = 0;
};

}  // namespace holdfast::venues
