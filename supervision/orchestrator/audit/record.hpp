// What the audit log is made of: one record a step from telemetry to outcome, and its bytes. The
// encoding is deterministic and has one form for each record, so members that derive the same
// records from the same journal hold the same log, byte for byte and root for root.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "messages/text.hpp"
#include "messages/time.hpp"
#include "supervision/orchestrator/clock.hpp"

namespace holdfast::audit {

inline constexpr std::size_t kPayloadBytesMax = 48u << 10;
inline constexpr std::size_t kRecordBytesMax = 64u << 10;

/// Codes are in the log: only ever added.
enum class RecordKind : uint8_t {
  kEvidence = 1,  // telemetry that a detector spoke about
  kFinding,
  kIncident,       // opened, changed, closed
  kPrecedent,      // a look into the store, and what it gave
  kAdviceRequest,  // to whom, hash of the prompt
  kAdviceReply,    // hash of the reply, what was made of it
  kProposal,
  kPolicyDecision,
  kApproval,      // a person's yes or no
  kWorkflowStep,  // captured, begun, done, undone
  kVerification,  // an objective, before and after
  kOutcome,
  kKillSwitch,
  kConfiguration,   // SHA-256 of a file that came into force
  kStandingAdvice,  // taken into the table, or dropped from it
  kPage,            // a human was told
  kLost,            // a record of this number was made and lost before it could be written
};
inline constexpr uint8_t kRecordKinds = 17;
/// "evidence", "finding", ...; "invalid" for a code without a name.
std::string_view to_text(RecordKind kind);

using orchestrator::ClockSource;
using orchestrator::kClockSources;

using Actor = Text<64>;  // "orchestrator@colo-a", "agent/cpu/1", "person/ann", "advisor/model"

struct Record {
  uint64_t sequence = 0;  // from 1, without gaps; to AuditLog::append 0 means "the next"
  WallTime at;
  ClockSource clock = ClockSource::kUnknown;
  std::optional<uint32_t> clock_bound_us;  // none: not known
  RecordKind kind = RecordKind::kEvidence;
  uint64_t incident = 0;  // 0: of none
  Actor actor;
  std::string payload = "{}";  // one JSON object; payload.hpp makes them
  friend bool operator==(const Record&, const Record&) = default;
};

/// kInvalid: no actor, a payload that is no JSON object or too long, a code that is none.
Result<> validate(const Record& record);
/// CHECKs that the record is valid.
std::string encode(const Record& record);
/// The inverse; kCorrupt for any other bytes, so that encode(decode(bytes)) == bytes.
Result<Record> decode(std::string_view bytes);

/// Whether the text is one JSON object (RFC 8259), at most 32 levels deep.
bool is_json_object(std::string_view text);

}  // namespace holdfast::audit
