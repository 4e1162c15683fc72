// How a precedent lies in the store: one row an incident, one a vector, one a (token, incident),
// one an (incident, action). Keys are big-endian so that they sort by number; values are
// little-endian and of exact length, so that whatever was damaged doesn't parse.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "actors/agents/precedents/precedent.hpp"

namespace holdfast::precedents::rows {

inline constexpr char kFormat[] = "holdfast-precedents 1";

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}
template <typename T>
bool take(std::string_view& in, T& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}

inline std::string key(uint64_t number) {
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
  return out;
}
inline uint64_t number_in(std::string_view key) {
  uint64_t number = 0;
  for (const char c : key.substr(0, 8)) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}
inline std::string posting_key(Term term, uint64_t number) {
  return key(uint64_t{term.code} << 32).substr(0, 4) + key(number);
}
inline std::string outcome_key(uint64_t number, ActionKind action) {
  return key(number) + static_cast<char>(action);
}

/// An incident's row: when it was learned, its cause, how many tokens belong to it, the note.
inline std::string incident(const Precedent& p) {
  std::string out;
  put(out, p.learned.ns);
  put(out, static_cast<uint16_t>(p.signature.fault));
  put(out, static_cast<uint16_t>(p.signature.tokens.size()));
  put(out, static_cast<uint16_t>(p.actions.size()));
  return out + p.note;
}
struct IncidentRow {
  int64_t learned = 0;
  uint16_t fault = 0, tokens = 0, actions = 0;
  std::string note;
};
inline std::optional<IncidentRow> parse_incident(std::string_view in) {
  IncidentRow row;
  if (!take(in, row.learned) || !take(in, row.fault) || !take(in, row.tokens) ||
      !take(in, row.actions))
    return std::nullopt;
  row.note = in;
  return row;
}

inline std::string vector(const std::vector<Weighted>& features) {
  std::string out;
  for (const auto& feature : features) {
    put(out, feature.term.code);
    put(out, feature.weight);
  }
  return out;
}
inline std::optional<std::vector<Weighted>> parse_vector(std::string_view in) {
  std::vector<Weighted> out;
  if (in.size() % 8 != 0 || in.size() / 8 > limits::kPrecedentTermsMax) return std::nullopt;
  Weighted feature;
  while (take(in, feature.term.code) && take(in, feature.weight)) {
    if (!out.empty() && out.back().term >= feature.term) return std::nullopt;
    out.push_back(feature);
  }
  return out;
}

/// An action's row: its place in the order of trials, and its record.
inline std::string outcome(std::size_t position, const ActionRecord& record) {
  std::string out;
  put(out, static_cast<uint8_t>(position));
  put(out, record.succeeded);
  put(out, record.rolled_back);
  put(out, record.failed);
  return out;
}

}  // namespace holdfast::precedents::rows
