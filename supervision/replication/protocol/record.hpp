// The record of one replica group: who leads it in which epoch, who holds everything committed, who
// belongs to it. The arbiter keeps it and changes it by compare-and-set on its version. Plain
// values, a text codec and the rules a record obeys; no I/O, and no opinion on who should lead.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace holdfast::replication {

/// 128 bits that name one thing for ever. All zero means "none". Made at random, by nodes/.
struct Uuid {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  explicit operator bool() const { return *this != Uuid{}; }
};

/// Lower case, "8-4-4-4-12" hexadecimal digits.
std::string to_text(const Uuid& uuid);
/// The inverse of to_text; upper case is taken too. kInvalid for anything else.
Result<Uuid> parse_uuid(std::string_view text);

/// One life of one member on one data directory. A member that lost its disk, or was started
/// again, is another incarnation: what the former one acknowledged says nothing about this one.
struct Incarnation {
  MemberId member;
  Uuid data_dir;  // made with the data directory, kept in it
  Uuid boot;      // made at each start of the process
  friend auto operator<=>(const Incarnation&, const Incarnation&) = default;
};

/// "MEMBER/DATA_DIR/BOOT".
std::string to_text(const Incarnation& incarnation);
/// The inverse of to_text. kInvalid for anything else, a zero member or a zero UUID included.
Result<Incarnation> parse_incarnation(std::string_view text);

enum class Role : uint8_t {
  kSync,     // may be in the in-sync set, so commits wait for it
  kLearner,  // streams, is never waited for, leads only by force
};

/// "sync" or "learner".
std::string_view to_text(Role role);

struct MemberConfig {
  MemberId member;
  Role role = Role::kSync;
  friend bool operator==(const MemberConfig&, const MemberConfig&) = default;
};

struct GroupRecord {
  std::string cluster;  // the deployment this belongs to: 1 to 32 of [A-Za-z0-9._-]
  GroupId group;
  uint64_t version = 0;  // from 1; each compare-and-set adds exactly one
  Epoch epoch;           // 0: nobody has led yet
  uint16_t format = 1;   // the lowest stream and journal format that all members know
  std::optional<Incarnation> leader;
  std::vector<Incarnation> in_sync;  // the leader included; every commit is held by all of them
  std::vector<MemberConfig> members;
  friend bool operator==(const GroupRecord&, const GroupRecord&) = default;
};

/// Whether `name` can name a cluster: 1 to 32 of [A-Za-z0-9._-].
bool is_cluster_name(std::string_view name);

/// What makes a record consistent in itself; kInvalid names the first rule it breaks:
/// - cluster, group, version and format are set and within limits;
/// - 1 to kGroupMembersMax members, none twice, at least one of them sync;
/// - in_sync holds members only, each at most once, with both UUIDs; a learner only as leader;
/// - the leader is in in_sync; epoch 0 has no leader; from epoch 1 on in_sync is not empty.
Result<> check_record(const GroupRecord& record);

/// Whether `to` may replace `from`: same cluster and group, version one higher, epoch and format
/// not lower, and another leader only in a higher epoch. kInvalid names the first rule it breaks.
Result<> check_step(const GroupRecord& from, const GroupRecord& to);

/// JSON that a person can read, the same bytes for the same record, with a line feed at its end.
/// CHECKs check_record().
std::string encode_record(const GroupRecord& record);

/// The inverse of encode_record(), for any bytes: kCorrupt with what is wrong and where for what is
/// no JSON, has a key too many, twice or missing, a number out of range, or breaks check_record().
Result<GroupRecord> decode_record(std::string_view text);

/// The incarnation of `member` in in_sync, or null. Valid as long as the record.
const Incarnation* in_sync_of(const GroupRecord& record, MemberId member);
/// Whether exactly this incarnation is in in_sync.
bool is_in_sync(const GroupRecord& record, const Incarnation& incarnation);
/// The member's role, or nothing if it is no member.
std::optional<Role> role_of(const GroupRecord& record, MemberId member);

}  // namespace holdfast::replication
