#include "supervision/orchestrator/audit/notes.hpp"

#include "messages/check.hpp"

namespace holdfast::audit {

namespace {
using orchestrator::healing::Note;
using orchestrator::healing::NoteKind;

/// The note's object with the remedy's number as its first member.
std::string with_remedy(const Note& note) {
  if (note.remedy == 0 || !note.text.starts_with('{')) return note.text;
  const bool empty = note.text == "{}";
  return "{\"remedy\":" + std::to_string(note.remedy) + (empty ? "" : ",") + note.text.substr(1);
}

std::string payload_of(const Note& note, const Redactor& redactor) {
  if (is_json_object(note.text)) {
    auto json = redact_json(redactor, with_remedy(note));
    if (json.size() <= kPayloadBytesMax && is_json_object(json)) return json;
  }
  Payload cut(redactor);
  if (note.remedy != 0) cut.number("remedy", note.remedy);
  cut.word("event", "cut").number("bytes", static_cast<uint64_t>(note.text.size()));
  return cut.text("beginning", note.text).str();
}
}  // namespace

RecordKind kind_of(const Note& note) {
  switch (note.kind) {
    case NoteKind::kFinding:
      return RecordKind::kFinding;
    case NoteKind::kIncident:
      return RecordKind::kIncident;
    case NoteKind::kAdvice:
      return note.text.starts_with("{\"event\":\"asked") ? RecordKind::kAdviceRequest
                                                         : RecordKind::kAdviceReply;
    case NoteKind::kConsidered:
      // Quotes within texts are escaped, so this is a member of the object.
      return note.text.find(",\"decision\":{") != std::string::npos ? RecordKind::kPolicyDecision
                                                                    : RecordKind::kProposal;
    case NoteKind::kRemedy:
    case NoteKind::kStep:
      return RecordKind::kWorkflowStep;
    case NoteKind::kApproval:
      return RecordKind::kApproval;
    case NoteKind::kMeasurement:
      return RecordKind::kVerification;
    case NoteKind::kOutcome:
      return RecordKind::kOutcome;
    case NoteKind::kStanding:
      return RecordKind::kStandingAdvice;
    case NoteKind::kKillSwitch:
      return RecordKind::kKillSwitch;
    case NoteKind::kPage:
      return RecordKind::kPage;
  }
  return RecordKind::kIncident;  // of a later release's journal: it is kept all the same
}

Record record_of(const Note& note, const Redactor& redactor) {
  Record record;
  record.sequence = note.number;
  record.at = note.at;
  record.clock = note.clock.source;
  record.clock_bound_us = note.clock.bound_us;
  record.kind = kind_of(note);
  record.incident = note.incident;
  record.actor = Actor(kNotesActor);
  record.payload = payload_of(note, redactor);
  CHECK(validate(record));
  return record;
}

Record lost_note(uint64_t number, const Record& after) {
  Record record;
  record.sequence = number;
  record.at = after.at;
  record.clock = after.clock;
  record.clock_bound_us = after.clock_bound_us;
  record.kind = RecordKind::kLost;
  record.actor = Actor(kNotesActor);
  CHECK(validate(record));
  return record;
}

}  // namespace holdfast::audit
