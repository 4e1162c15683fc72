// How much trading there is at the moment, for whoever has to judge what an action would disturb:
// open orders of each group and whether a venue's session is up, as the node's own probe saw them
// last. Written and read by different threads.
#pragma once

#include <map>
#include <mutex>

#include "messages/ids.hpp"
#include "messages/time.hpp"

namespace holdfast::node {

class TradingState {
 public:
  void orders(GroupId group, int64_t open, MonoTime now) {
    const std::lock_guard lock(mutex_);
    open_[group] = {open, now};
  }
  void session(GroupId venue, bool up, MonoTime now) {
    const std::lock_guard lock(mutex_);
    up_[venue] = {up ? 1 : 0, now};
  }
  /// What was seen after `since`.
  std::map<GroupId, int64_t> open_orders(MonoTime since) const { return young(open_, since); }
  std::map<GroupId, int64_t> sessions(MonoTime since) const { return young(up_, since); }

 private:
  struct Seen {
    int64_t value = 0;
    MonoTime at;
  };
  using Table = std::map<GroupId, Seen>;
  std::map<GroupId, int64_t> young(const Table& table, MonoTime since) const {
    const std::lock_guard lock(mutex_);
    std::map<GroupId, int64_t> values;
    for (const auto& [group, seen] : table)
      if (seen.at >= since) values[group] = seen.value;
    return values;
  }
  mutable std::mutex mutex_;
  Table open_, up_;
};

}  // namespace holdfast::node
