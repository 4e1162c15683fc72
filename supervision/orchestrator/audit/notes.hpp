// What the healing loop tells the audit, as records of the log. A note's number is the record's,
// and its clock too comes from the journal: members that hold the same notes make the same records,
// and a note that is told twice is one record. Redacts what the notes carry of people's words;
// knows nothing of files.
#pragma once

#include "supervision/orchestrator/audit/payload.hpp"
#include "supervision/orchestrator/audit/record.hpp"
#include "supervision/orchestrator/healing/healing.hpp"

namespace holdfast::audit {

/// Who all records of notes are from, on every member.
inline constexpr std::string_view kNotesActor = "orchestrator";

/// Advice is a request or a reply, and what was considered is the policy's decision, or a proposal
/// where the policy was not asked: by the note's text.
RecordKind kind_of(const orchestrator::healing::Note& note);

/// A valid record, whatever the note holds: a text that is no JSON object, or too long for one
/// record, is cut and says so. Equal notes and redactors make equal records.
Record record_of(const orchestrator::healing::Note& note, const Redactor& redactor);

/// The record in place of the note of this number, which was lost before it was told. Its time and
/// clock are those of the record after it.
Record lost_note(uint64_t number, const Record& after);

}  // namespace holdfast::audit
