#include "supervision/replication/protocol/record.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "messages/check.hpp"
#include "messages/limits.hpp"

namespace holdfast::replication {

namespace {
using Json = nlohmann::ordered_json;

constexpr std::string_view kUuidShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

Error invalid(std::string text) { return {ErrorCode::kInvalid, std::move(text)}; }
std::string number(uint64_t value) { return std::to_string(value); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<> check_members(const GroupRecord& record) {
  if (record.members.empty()) return invalid("members is empty");
  if (record.members.size() > limits::kGroupMembersMax)
    return invalid(number(record.members.size()) + " members, at most " +
                   number(limits::kGroupMembersMax));
  std::set<MemberId> seen;
  bool any_sync = false;
  for (const auto& config : record.members) {
    if (!config.member) return invalid("members names member 0");
    if (!seen.insert(config.member).second)
      return invalid("members names member " + number(config.member.value) + " twice");
    any_sync = any_sync || config.role == Role::kSync;
  }
  if (!any_sync) return invalid("no member is sync: nobody could lead");
  return success();
}

Result<> check_in_sync(const GroupRecord& record) {
  std::set<MemberId> seen;
  for (const auto& one : record.in_sync) {
    const std::string name = "member " + number(one.member.value);
    const auto role = role_of(record, one.member);
    if (!role) return invalid("in_sync names " + name + ", which is not in members");
    if (!seen.insert(one.member).second) return invalid("in_sync names " + name + " twice");
    if (!one.data_dir || !one.boot)
      return invalid("in_sync: " + name + " lacks its data_dir or its boot");
    if (*role == Role::kLearner && record.leader != one)
      return invalid("in_sync names " + name + ", a learner that does not lead");
  }
  return success();
}

Json to_json(const Incarnation& one) {
  return {{"member", one.member.value},
          {"data_dir", to_text(one.data_dir)},
          {"boot", to_text(one.boot)}};
}

// ---- reading: a Reader holds the first thing that is wrong, and yields zeros from then on

class Reader {
 public:
  const std::optional<std::string>& wrong() const { return wrong_; }
  void fail(std::string text) {
    if (!wrong_) wrong_ = std::move(text);
  }

  /// `json` must be an object with exactly these keys.
  bool object(const Json& json, const std::string& where, std::initializer_list<const char*> keys) {
    if (wrong_) return false;
    if (!json.is_object()) return fail(where + " is no object"), false;
    for (const char* key : keys)
      if (!json.contains(key)) return fail(where + " lacks \"" + key + "\""), false;
    for (const auto& item : json.items())
      if (std::none_of(keys.begin(), keys.end(), [&](const char* k) { return item.key() == k; }))
        return fail(where + " has the unknown key \"" + item.key().substr(0, 40) + "\""), false;
    return true;
  }

  bool array(const Json& json, const std::string& where) {
    if (wrong_) return false;
    if (!json.is_array()) return fail(where + " is no list"), false;
    if (json.size() > limits::kGroupMembersMax)
      return fail(where + " is longer than " + number(limits::kGroupMembersMax)), false;
    return true;
  }

  uint64_t count(const Json& json, const std::string& where, uint64_t most) {
    if (wrong_) return 0;
    if (!json.is_number_unsigned()) return fail(where + " is no whole number from 0"), 0;
    const auto value = json.get<uint64_t>();
    if (value > most) return fail(where + " is " + number(value) + ", at most " + number(most)), 0;
    return value;
  }

  std::string text(const Json& json, const std::string& where) {
    if (wrong_) return {};
    if (!json.is_string()) return fail(where + " is no text"), std::string{};
    return json.get<std::string>();
  }

  Uuid uuid(const Json& json, const std::string& where) {
    const auto parsed = parse_uuid(text(json, where));
    if (!wrong_ && !parsed.ok()) fail(where + " " + parsed.error().text);
    return wrong_ ? Uuid{} : parsed.value();
  }

  Incarnation incarnation(const Json& json, const std::string& where) {
    if (!object(json, where, {"member", "data_dir", "boot"})) return {};
    Incarnation one;
    one.member.value = static_cast<uint32_t>(count(json["member"], where + ".member", UINT32_MAX));
    one.data_dir = uuid(json["data_dir"], where + ".data_dir");
    one.boot = uuid(json["boot"], where + ".boot");
    return one;
  }

  MemberConfig member(const Json& json, const std::string& where) {
    if (!object(json, where, {"member", "role"})) return {};
    MemberConfig config;
    config.member.value =
        static_cast<uint32_t>(count(json["member"], where + ".member", UINT32_MAX));
    const std::string role = text(json["role"], where + ".role");
    if (role == to_text(Role::kLearner))
      config.role = Role::kLearner;
    else if (role != to_text(Role::kSync))
      fail(where + ".role is neither \"sync\" nor \"learner\"");
    return config;
  }

 private:
  std::optional<std::string> wrong_;
};

/// Parses JSON, refusing a key that an object has twice: which one holds would be a guess.
Json parse_json(std::string_view text, Reader& reader) {
  std::vector<std::set<std::string>> keys;
  const auto on_event = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(parsed.get<std::string>()).second)
      reader.fail("the key \"" + parsed.get<std::string>().substr(0, 40) + "\" is there twice");
    return true;
  };
  try {
    return Json::parse(text, on_event);
  } catch (const Json::parse_error& error) {
    reader.fail("no JSON at byte " + number(error.byte));
  } catch (const Json::exception&) {
    reader.fail("no JSON that fits its types");
  }
  return {};
}

GroupRecord read_record(const Json& json, Reader& reader) {
  GroupRecord record;
  if (!reader.object(
          json, "the record",
          {"cluster", "group", "version", "epoch", "format", "leader", "in_sync", "members"}))
    return record;
  record.cluster = reader.text(json["cluster"], "cluster");
  record.group.value = static_cast<uint32_t>(reader.count(json["group"], "group", UINT32_MAX));
  record.version = reader.count(json["version"], "version", UINT64_MAX);
  record.epoch.value = reader.count(json["epoch"], "epoch", UINT64_MAX);
  record.format = static_cast<uint16_t>(reader.count(json["format"], "format", UINT16_MAX));
  if (!json["leader"].is_null()) record.leader = reader.incarnation(json["leader"], "leader");
  if (reader.array(json["in_sync"], "in_sync"))
    for (const auto& one : json["in_sync"])
      record.in_sync.push_back(
          reader.incarnation(one, "in_sync[" + number(record.in_sync.size()) + "]"));
  if (reader.array(json["members"], "members"))
    for (const auto& one : json["members"])
      record.members.push_back(
          reader.member(one, "members[" + number(record.members.size()) + "]"));
  return record;
}
}  // namespace

std::string to_text(const Uuid& uuid) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kUuidShape);
  std::size_t at = 0;
  for (auto& c : text) {
    if (c == '-') continue;
    const uint8_t byte = uuid.bytes[at / 2];
    c = kDigits[at % 2 == 0 ? byte >> 4 : byte & 15];
    ++at;
  }
  return text;
}

Result<Uuid> parse_uuid(std::string_view text) {
  const auto refused = [] {
    return invalid("is no UUID (" + std::string(kUuidShape) + ", hexadecimal)");
  };
  if (text.size() != kUuidShape.size()) return refused();
  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kUuidShape[i] == '-') {
      if (text[i] != '-') return refused();
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0) return refused();
    auto& byte = uuid.bytes[at / 2];
    byte = static_cast<uint8_t>(byte << 4 | digit);
    ++at;
  }
  return uuid;
}

std::string to_text(const Incarnation& one) {
  return number(one.member.value) + "/" + to_text(one.data_dir) + "/" + to_text(one.boot);
}

Result<Incarnation> parse_incarnation(std::string_view text) {
  const auto refused = [] { return invalid("is no incarnation (MEMBER/DATA_DIR/BOOT)"); };
  const auto first = text.find('/');
  const auto second = first == std::string_view::npos ? first : text.find('/', first + 1);
  if (second == std::string_view::npos) return refused();
  uint64_t member = 0;
  const auto digits = text.substr(0, first);
  if (digits.empty() || digits.size() > 10) return refused();
  for (const char c : digits) {
    if (c < '0' || c > '9') return refused();
    member = member * 10 + static_cast<uint64_t>(c - '0');
  }
  const auto data_dir = parse_uuid(text.substr(first + 1, second - first - 1));
  const auto boot = parse_uuid(text.substr(second + 1));
  if (member == 0 || member > UINT32_MAX || !data_dir.ok() || !boot.ok()) return refused();
  if (!data_dir.value() || !boot.value()) return refused();
  return Incarnation{MemberId{static_cast<uint32_t>(member)}, data_dir.value(), boot.value()};
}

std::string_view to_text(Role role) { return role == Role::kSync ? "sync" : "learner"; }

std::optional<Role> role_of(const GroupRecord& record, MemberId member) {
  for (const auto& config : record.members)
    if (config.member == member) return config.role;
  return std::nullopt;
}

const Incarnation* in_sync_of(const GroupRecord& record, MemberId member) {
  for (const auto& one : record.in_sync)
    if (one.member == member) return &one;
  return nullptr;
}

bool is_in_sync(const GroupRecord& record, const Incarnation& incarnation) {
  const auto* found = in_sync_of(record, incarnation.member);
  return found != nullptr && *found == incarnation;
}

bool is_cluster_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::kNameBytes &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string_view::npos;
}

Result<> check_record(const GroupRecord& record) {
  if (!is_cluster_name(record.cluster))
    return invalid("cluster is not 1 to " + number(limits::kNameBytes) + " of [A-Za-z0-9._-]");
  if (!record.group) return invalid("group is 0");
  if (record.version == 0) return invalid("version is 0");
  if (record.format == 0) return invalid("format is 0");
  if (auto members = check_members(record); !members.ok()) return members;
  if (auto in_sync = check_in_sync(record); !in_sync.ok()) return in_sync;
  if (record.leader && !is_in_sync(record, *record.leader))
    return invalid("the leader, " + to_text(*record.leader) + ", is not in in_sync");
  if (record.leader && !record.epoch) return invalid("epoch 0 has a leader");
  if (record.epoch && record.in_sync.empty())
    return invalid("in_sync is empty in epoch " + number(record.epoch.value) +
                   ": nobody would hold the journal");
  return success();
}

Result<> check_step(const GroupRecord& from, const GroupRecord& to) {
  if (auto consistent = check_record(to); !consistent.ok()) return consistent;
  if (to.cluster != from.cluster)
    return invalid("cluster would change from " + from.cluster + " to " + to.cluster);
  if (to.group != from.group)
    return invalid("group would change from " + number(from.group.value) + " to " +
                   number(to.group.value));
  if (to.version != from.version + 1)
    return invalid("version would go from " + number(from.version) + " to " + number(to.version));
  if (to.epoch < from.epoch)
    return invalid("epoch would fall from " + number(from.epoch.value) + " to " +
                   number(to.epoch.value));
  if (to.format < from.format)
    return invalid("format would fall from " + number(from.format) + " to " + number(to.format));
  if (to.leader && to.leader != from.leader && to.epoch == from.epoch)
    return invalid("epoch " + number(to.epoch.value) + " would have a second leader");
  return success();
}

std::string encode_record(const GroupRecord& record) {
  CHECK(check_record(record).ok());
  Json json;
  json["cluster"] = record.cluster;
  json["group"] = record.group.value;
  json["version"] = record.version;
  json["epoch"] = record.epoch.value;
  json["format"] = record.format;
  json["leader"] = record.leader ? to_json(*record.leader) : Json(nullptr);
  json["in_sync"] = Json::array();
  for (const auto& one : record.in_sync) json["in_sync"].push_back(to_json(one));
  json["members"] = Json::array();
  for (const auto& config : record.members)
    json["members"].push_back(
        {{"member", config.member.value}, {"role", std::string(to_text(config.role))}});
  return json.dump(2) + "\n";
}

Result<GroupRecord> decode_record(std::string_view text) {
  if (text.size() > limits::kArbiterRecordBytesMax)
    return Error{ErrorCode::kCorrupt, number(text.size()) + " bytes are no record, at most " +
                                          number(limits::kArbiterRecordBytesMax)};
  Reader reader;
  const Json json = parse_json(text, reader);
  GroupRecord record = read_record(json, reader);
  if (reader.wrong()) return Error{ErrorCode::kCorrupt, *reader.wrong()};
  if (const auto consistent = check_record(record); !consistent.ok())
    return Error{ErrorCode::kCorrupt, consistent.error().text};
  return record;
}

}  // namespace holdfast::replication
