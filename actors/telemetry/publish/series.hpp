// The series that are known: each combination of metric, member, group and instance with its last
// points, whose it is and when it was last heard of. Bounded in series and in points; a series that
// has been silent for long makes room for a new one. Single-threaded and pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "messages/telemetry.hpp"
#include "messages/telemetry/limits.hpp"

namespace holdfast::telemetry {

/// Whose a series is: this process, or a number that an intake gave to an outside source.
using SourceId = uint32_t;
inline constexpr SourceId kThisProcess = 0;

struct Point {
  WallTime at;
  int64_t value = 0;
  uint32_t trials = 0;
};

class Series {
 public:
  explicit Series(const Sample& first, SourceId owner) : name_(first), owner_(owner) {}

  /// Metric, member, group and instance; the rest of it is the first sample's.
  const Sample& name() const { return name_; }
  SourceId owner() const { return owner_; }
  MonoTime heard() const { return heard_; }
  const Point& last() const { return last_; }
  uint64_t count() const { return count_; }  // of samples, ever
  /// Points that are kept, oldest first.
  std::vector<Point> points(std::size_t most) const;

 private:
  friend class SeriesTable;
  Sample name_;
  SourceId owner_;
  MonoTime heard_;
  Point last_;
  uint64_t count_ = 0;
  std::vector<Point> ring_;  // grows to what is kept of each, then is reused
  std::size_t next_ = 0;
};

class SeriesTable {
 public:
  /// Keeps `points` of each series, as long as all together stay within kTelemetryPointsKept.
  explicit SeriesTable(std::size_t points) : points_(points) {}

  /// Null when it is not known.
  Series* find(const Sample& sample);
  /// Puts the sample into its series, which is made if it is new; null: there is no room for one
  /// more, not even by forgetting one that has been silent for kSeriesSilent.
  Series* put(const Sample& sample, SourceId owner, MonoTime now);
  /// How many belong to a source.
  std::size_t owned_by(SourceId owner) const;
  /// Rising by metric, member, group, instance; none or zero: all.
  std::vector<const Series*> list(std::optional<Domain> domain, std::optional<Metric> metric) const;
  std::size_t size() const { return series_.size(); }
  /// Samples of new series that found no room.
  uint64_t no_room() const { return no_room_; }

  static constexpr Duration kSeriesSilent = Duration::seconds(300);

 private:
  struct Key {
    uint16_t metric;
    MemberId member;
    GroupId group;
    Instance instance;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  bool make_room(MonoTime now);

  const std::size_t points_;
  std::unordered_map<Key, std::unique_ptr<Series>, Hash> series_;
  std::unordered_map<SourceId, std::size_t> owned_;
  std::size_t kept_ = 0;  // points, of all
  uint64_t no_room_ = 0;
  MonoTime swept_{INT64_MIN};
};

}  // namespace holdfast::telemetry
