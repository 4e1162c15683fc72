// What the operator API says of the loop (findings, incidents, remedies as JSON), put together over
// many looks: a finding is one whoever told it and however often, and counts from when it was first
// found. Strangers in the JSON are counted, never fatal.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "nodes/drill/evaluate/score.hpp"

namespace holdfast::drill::evaluate {

class Observer {
 public:
  /// `true_time(member, told, read)`: when it really was what that member's clock told, read then;
  /// clocks are among what is made wrong.
  using TrueTime = std::function<WallTime(uint32_t member, WallTime told, WallTime read)>;
  explicit Observer(TrueTime true_time) : true_time_(std::move(true_time)) {}

  /// {"findings": [...]}, {"incidents": [...]}, {"remedies": [...]}; null: not answered.
  void take_findings(const nlohmann::json& answer, WallTime read);
  void take_incidents(const nlohmann::json& answer, WallTime read);
  void take_remedies(const nlohmann::json& answer, WallTime read);

  Observed observed() const;
  /// Findings that were open when last looked at.
  std::size_t open_findings() const;
  std::size_t open_incidents() const;
  /// Remedies that are under way.
  std::size_t open_remedies() const;
  /// Those that wait for a person's word.
  std::vector<uint64_t> waiting() const;
  uint64_t strange() const { return strange_; }  // entries that could not be read

 private:
  using Key = std::tuple<std::string, uint32_t, uint64_t>;  // agent, member, number
  std::optional<SeenFinding> finding_of(const nlohmann::json& json, WallTime read);
  void keep(const SeenFinding& finding);
  // Whether a member's copy is behind what another's has told.
  bool is_older(const nlohmann::json& answer, uint64_t& newest) const;

  TrueTime true_time_;
  std::map<Key, SeenFinding> findings_;
  std::map<uint64_t, SeenIncident> incidents_;
  std::map<uint64_t, SeenRemedy> remedies_;
  uint64_t strange_ = 0;
  uint64_t incidents_as_of_ = 0, remedies_as_of_ = 0;
};

}  // namespace holdfast::drill::evaluate
