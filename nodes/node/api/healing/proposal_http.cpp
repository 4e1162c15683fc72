#include "nodes/node/api/healing/proposal_http.hpp"

namespace holdfast::operator_api {

using orchestrator::remediation::ActionInfo;
using orchestrator::remediation::TargetKind;

namespace {

constexpr std::string_view kVenuePrefix = "venue/";

std::string list_of(const std::map<uint32_t, std::string>& names) {
  std::string list;
  for (const auto& [number, name] : names) list += " " + name;
  return list.empty() ? "none is known here" : "known are:" + list;
}

/// The number of a name, or a number that has one; 0: there is none.
uint32_t number_of(const std::map<uint32_t, std::string>& names, const Json& word) {
  if (word.is_number_unsigned()) {
    const auto number = word.get<uint64_t>();
    return number <= UINT32_MAX && names.contains(static_cast<uint32_t>(number))
               ? static_cast<uint32_t>(number)
               : 0;
  }
  if (!word.is_string()) return 0;
  for (const auto& [number, name] : names)
    if (name == word.get<std::string>()) return number;
  return 0;
}

template <typename Id>
Id id_from(const std::string& what, const Json& word,
           const std::map<uint32_t, std::string>& names) {
  if (word.is_null()) return {};
  const Id id{number_of(names, word)};
  if (!id) throw BadRequest{what + ": there is none called " + word.dump(), list_of(names)};
  return id;
}

telemetry::Instance instance_from(const std::string& what, const Json& word) {
  if (word.is_null()) return {};
  if (!word.is_string()) throw BadRequest{what + ": expected text"};
  return name_from<telemetry::Instance>(what, word.get<std::string>());
}

/// A single word: what the action is done to tells what it names.
Place place_named(const std::string& word, TargetKind kind, const PlaceNames& names) {
  Place place;
  if (kind == TargetKind::kVenue) {
    const bool prefixed = word.starts_with(kVenuePrefix);
    place.instance = instance_from("target", prefixed ? word.substr(kVenuePrefix.size()) : word);
    return place;
  }
  if (kind == TargetKind::kEndpoint) {
    place.instance = instance_from("target", word);
    return place;
  }
  place.member = {number_of(names.members, word)};
  if (place.member) return place;
  place.group = {number_of(names.groups, word)};
  if (place.group) return place;
  throw BadRequest{"target: " + Json(word).dump() + " is no member and no group",
                   "members: " + list_of(names.members) + "; groups: " + list_of(names.groups) +
                       "; an actor is {\"member\": …, \"instance\": its path}"};
}

Place place_from(const Json& target, TargetKind kind, const PlaceNames& names) {
  if (target.is_null()) return {};
  if (target.is_string()) return place_named(target.get<std::string>(), kind, names);
  if (!target.is_object())
    throw BadRequest{"target: expected a name, or an object of member, group and instance"};
  for (const auto& [key, value] : target.items())
    if (key != "member" && key != "group" && key != "instance")
      throw BadRequest{"target: unknown key " + key, "known are: member group instance"};
  const auto part = [&](const char* key) {
    return target.contains(key) ? target[key] : Json(nullptr);
  };
  return {id_from<MemberId>("target.member", part("member"), names.members),
          id_from<GroupId>("target.group", part("group"), names.groups),
          instance_from("target.instance", part("instance"))};
}

const ActionInfo& action_from(const std::string& word) {
  ActionKind kind = ActionKind::kNone;
  const ActionInfo* info =
      parse_action_kind(word, kind) ? orchestrator::remediation::find_action(kind) : nullptr;
  if (info) return *info;
  std::string known;
  for (const auto& one : orchestrator::remediation::catalogue())
    known += " " + std::string(to_text(one.kind));
  throw BadRequest{"action: there is no action \"" + word + "\" that can be proposed",
                   "known are:" + known};
}

int64_t amount_from(const Body& body, const ActionInfo& info) {
  const std::string kind(to_text(info.kind));
  const bool needed = info.needs & orchestrator::remediation::kNeedsAmount;
  if (!body.has("amount")) {
    if (needed)
      throw BadRequest{"amount: " + kind + " needs one from " + std::to_string(info.amount_min) +
                       " to " + std::to_string(info.amount_max)};
    return 0;
  }
  const Json amount = body.value("amount");
  if (!needed) throw BadRequest{"amount: " + kind + " takes none", "leave it out"};
  if (!amount.is_number_integer() || amount.get<int64_t>() < info.amount_min ||
      amount.get<int64_t>() > info.amount_max)
    throw BadRequest{"amount: " + kind + " takes " + std::to_string(info.amount_min) + " to " +
                     std::to_string(info.amount_max)};
  return amount.get<int64_t>();
}

}  // namespace

Proposal proposal_from(const Body& body, const PlaceNames& names) {
  const ActionInfo& info = action_from(body.text("action"));
  Proposal proposal;
  proposal.advisor = AdvisorKind::kOperator;
  proposal.confidence_ppm = 1'000'000;
  proposal.reason = body.reason();
  if (body.has("incident")) proposal.incident = body.number("incident");
  proposal.action.kind = info.kind;
  proposal.action.target = place_from(body.value("target"), info.target, names);
  proposal.action.amount = amount_from(body, info);
  if (body.has("to")) {
    if (info.kind != ActionKind::kMigrate && info.kind != ActionKind::kPromote)
      throw BadRequest{"to: only migrate and promote have a place where to", "leave it out"};
    proposal.action.to = id_from<MemberId>("to", body.value("to"), names.members);
  }
  const Place& target = proposal.action.target;
  const bool nowhere = !target.member && !target.group && target.instance.empty();
  if (nowhere && proposal.incident == 0 && info.target != TargetKind::kCluster)
    throw BadRequest{"target: " + std::string(to_text(info.kind)) + " of what?",
                     "name a target, or the incident whose place is meant"};
  return proposal;
}

}  // namespace holdfast::operator_api
