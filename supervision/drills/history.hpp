// What happened during a drill, as told by those who were there: the nodes' logs (who led when) and
// the flow's timeline (which order was acknowledged when). Text goes in, facts and spans come out;
// reading files and clocks is elsewhere.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/order_entry.hpp"
#include "messages/time.hpp"

namespace holdfast::drills {

/// One line of a node's log that says how a group or a venue session stands.
struct Transition {
  WallTime at;
  std::string group;     // "orders/0", "venue/XSIM"
  bool session = false;  // of the venue's session, not of the group
  std::string from, to;  // a session has no `from`
  std::string reason;
};

/// The transition in a line, or nothing for any other line. Total on any text.
std::optional<Transition> parse_transition(std::string_view line);
/// "2026-11-20T22:12:46.728924Z", nothing for anything else. Total on any text.
std::optional<WallTime> parse_wall_time(std::string_view text);

/// One line of the flow's timeline.
struct Acknowledged {
  MonoTime due, submitted, acknowledged;
  Account account;
};
std::optional<Acknowledged> parse_acknowledged(std::string_view line);

/// How every group stands on every node, by their logs.
class View {
 public:
  /// `groups` are all there are, by name.
  View(std::vector<std::string> groups, std::vector<uint32_t> members);

  void take(uint32_t member, const Transition& transition);
  /// The member's process has ended: nothing that it logged until `at` holds any more.
  void ended(uint32_t member, WallTime at);

  /// Who serves the group, by its log; nothing when nobody does, or two say so.
  std::optional<uint32_t> leader(const std::string& group) const;
  /// How the group stands on a member: "following"; "" when it is not heard of.
  std::string state(uint32_t member, const std::string& group) const;
  /// One member serves each group, all others follow it, and each venue's session is open.
  bool settled() const;
  /// The first thing that keeps it from being settled, in words; "" when it is.
  std::string unsettled() const;

 private:
  struct Known {
    WallTime at;
    std::string state;
  };
  struct Standing {
    WallTime ignore_until;
    std::map<std::string, Known> group, session;  // by group: the last state
  };
  std::vector<std::string> groups_;
  std::map<uint32_t, Standing> members_;
};

/// A disturbance as it was carried out.
struct Disturbance {
  WallTime at;
  MonoTime mono;
  std::string group;              // whose leader was hit
  std::optional<uint32_t> shard;  // of the group, when it is one of orders
};

/// From the disturbance on. Nothing where the history does not show it.
struct Spans {
  std::optional<Duration> detect;     // a member asks for the leadership of the group
  std::optional<Duration> lead;       // another serves
  std::optional<Duration> logon;      // its session at the venue is open; only for a venue's group
  std::optional<Duration> first_ack;  // the venue's answer to an order submitted after it
  std::optional<Duration> pause;      // the longest without any answer of the venue's from it on
};

/// `transitions` of all nodes, in any order.
Spans spans_of(const Disturbance& disturbance, std::span<const Transition> transitions,
               std::span<const Acknowledged> acknowledged, uint32_t shards);

/// Of many: nearest rank. All zero when there are none.
struct Distribution {
  std::size_t count = 0;
  Duration p50, p99, max;
};
Distribution distribution_of(std::vector<Duration> spans);

/// How long orders took from when they were due to the venue's answer.
struct Latency {
  Distribution before;  // due in the second before a disturbance
  Distribution during;  // due from the disturbance to the first acknowledgement after it
  Distribution after;   // due in the second after that
};
/// `first_acks` belong to `disturbances`, one by one.
Latency latency_of(const std::vector<Disturbance>& disturbances,
                   const std::vector<std::optional<Duration>>& first_acks,
                   const std::vector<Acknowledged>& acknowledged);

}  // namespace holdfast::drills
