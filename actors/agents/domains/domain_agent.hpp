// One analysis agent: takes the readings of its domain, keeps a series for each (metric, member,
// group, instance), lets the rules reason over the alarms of one unit, and tells findings: when one
// begins, again while it stands, and when it is over. Pure: `now` and `wall` come in, findings go
// out. It holds nothing that the stream would not give it again, so an instance can be replaced at
// any time; what the one before had found is handed to its successor.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "actors/agents/domains/rules.hpp"
#include "actors/agents/domains/series.hpp"
#include "actors/agents/domains/settings.hpp"

namespace holdfast::agents {

/// What rules look at together, and what consistent hashing keeps with one agent: in the domains
/// cpu, network and io everything of one member, in execution and http one instance of a member.
struct UnitKey {
  MemberId member;
  telemetry::Instance instance;
  friend auto operator<=>(const UnitKey&, const UnitKey&) = default;
};
UnitKey unit_of(const telemetry::Sample& sample, telemetry::Domain domain);

/// An incident of before that resembles what is seen now.
struct Resemblance {
  PrecedentRef reference;
  FaultClass fault = FaultClass::kNone;
};
/// Looks for them: best first, 8 at most. Asked once for each finding, before it is told, with what
/// it would say; what comes back makes it surer, never less sure. Runs in the agent.
using FindPrecedents = std::function<std::vector<Resemblance>(const Finding&)>;

/// What became of readings, and how much is kept.
struct AgentCounts {
  uint64_t taken = 0;       // judged
  uint64_t foreign = 0;     // of another domain, or of a metric that there isn't
  uint64_t impossible = 0;  // a value that the unit can't have
  uint64_t untimely = 0;    // too old, in the future, or not after the one before
  uint64_t flooded = 0;     // faster than readings may come
  uint64_t unwatched = 0;   // of a metric without a watch
  uint64_t forgotten = 0;   // series that gave way to others
  uint64_t findings = 0, over = 0, suppressed = 0;  // suppressed: more than findings_max
  friend bool operator==(const AgentCounts&, const AgentCounts&) = default;
};

class DomainAgent {
 public:
  /// Finding numbers begin after `after`; a successor gets a higher one than all before it.
  DomainAgent(AgentId id, std::shared_ptr<const AgentSettings> settings, uint64_t after = 0,
              FindPrecedents precedents = {});
  ~DomainAgent();
  DomainAgent(DomainAgent&&) noexcept;
  DomainAgent& operator=(DomainAgent&&) noexcept;

  /// Judges a batch and adds what is to be told to `out`. `now` never goes back.
  void observe(std::span<const telemetry::Sample> samples, MonoTime now, WallTime wall,
               std::vector<Finding>& out);
  /// Call a few times a second, also when nothing is read: ends findings, tells open ones again.
  void tick(MonoTime now, WallTime wall, std::vector<Finding>& out);
  /// Findings that an agent before this one left open: they stay so if they are found again, and
  /// are over if not, once this agent knows what is usual.
  void inherit(std::span<const Finding> open, MonoTime now);

  AgentId id() const { return id_; }
  const AgentCounts& counts() const { return counts_; }
  std::size_t series() const { return series_.size(); }
  /// The open findings, as they were last told.
  std::vector<Finding> open() const;
  uint64_t last_number() const { return number_; }

 private:
  struct SeriesKey {
    telemetry::Metric metric;
    MemberId member;
    GroupId group;
    telemetry::Instance instance;
    friend bool operator==(const SeriesKey&, const SeriesKey&) = default;
  };
  struct SeriesHash {
    std::size_t operator()(const SeriesKey& key) const noexcept;
  };
  struct Entry;
  struct Unit;
  struct Open;
  using Recent = std::list<Entry>;

  bool is_usable(const telemetry::Sample& sample, WallTime wall);
  Entry* entry_of(const telemetry::Sample& sample);
  void forget_oldest();
  void reason_about(Unit& unit, MonoTime now, WallTime wall, std::vector<Finding>& out);
  void hold(const Hypothesis& hypothesis, MonoTime now, WallTime wall, std::vector<Finding>& out);
  void begin(FaultClass fault, const Hypothesis& hypothesis, MonoTime now, WallTime wall,
             std::vector<Finding>& out);
  void tell(Open& open, MonoTime now, std::vector<Finding>& out);
  void end_open(MonoTime now, WallTime wall, std::vector<Finding>& out);

  AgentId id_;
  std::shared_ptr<const AgentSettings> settings_;
  FindPrecedents precedents_;
  telemetry::Domain domain_;
  uint64_t number_;
  AgentCounts counts_;
  std::vector<const Watch*> watches_;  // by metric code less the domain's hundred
  Recent recent_;                      // the one read last first
  std::unordered_map<SeriesKey, Recent::iterator, SeriesHash> series_;
  std::vector<std::unique_ptr<Unit>> units_;  // few
  std::vector<Open> open_;
};

}  // namespace holdfast::agents
