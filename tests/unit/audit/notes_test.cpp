// Notes of the healing loop as audit records.
#include "supervision/orchestrator/audit/notes.hpp"

#include <gtest/gtest.h>

#include <map>

#include "supervision/orchestrator/healing/notes.hpp"
#include "tests/enumerators.hpp"

namespace holdfast::audit {
namespace {

using orchestrator::healing::Note;
using orchestrator::healing::NoteKind;

Note note(NoteKind kind, std::string text = "{\"event\":\"x\"}") {
  return {5, {1'000}, kind, 7, 12, std::move(text), false, {ClockSource::kNtp, 250}};
}
Record record(const Note& note, Redaction redaction = {}) {
  return record_of(note, Redactor(std::move(redaction)));
}

TEST(NoteRecords, EveryKindOfNoteIsTheKindOfRecordThatItMeans) {
  const std::map<NoteKind, RecordKind> meant = {
      {NoteKind::kFinding, RecordKind::kFinding},
      {NoteKind::kIncident, RecordKind::kIncident},
      {NoteKind::kAdvice, RecordKind::kAdviceReply},
      {NoteKind::kConsidered, RecordKind::kProposal},
      {NoteKind::kRemedy, RecordKind::kWorkflowStep},
      {NoteKind::kApproval, RecordKind::kApproval},
      {NoteKind::kMeasurement, RecordKind::kVerification},
      {NoteKind::kStep, RecordKind::kWorkflowStep},
      {NoteKind::kOutcome, RecordKind::kOutcome},
      {NoteKind::kStanding, RecordKind::kStandingAdvice},
      {NoteKind::kKillSwitch, RecordKind::kKillSwitch},
      {NoteKind::kPage, RecordKind::kPage},
  };
  const auto kinds = tests::enumerators<NoteKind>();
  EXPECT_EQ(kinds.size(), meant.size());
  for (const auto& [kind, name] : kinds) {
    ASSERT_TRUE(meant.contains(kind)) << name;
    const Record made = record(note(kind));
    EXPECT_EQ(made.kind, meant.at(kind)) << name;
    EXPECT_TRUE(validate(made)) << name;
  }
}

TEST(NoteRecords, TellAskingFromAnsweringAndThePolicysWordFromAProposal) {
  using namespace orchestrator::healing;
  State state;
  Ask ask;
  ask.number = 3;
  EXPECT_EQ(kind_of(*note_of(state, AskMade{ask}, {})), RecordKind::kAdviceRequest);
  ask.incident = 7;
  EXPECT_EQ(kind_of(*note_of(state, AskMade{ask}, {})), RecordKind::kAdviceRequest);
  EXPECT_EQ(kind_of(*note_of(state, AskAnswered{3, {}}, {})), RecordKind::kAdviceReply);
  EXPECT_EQ(kind_of(*note_of(state, AskExpired{3}, {})), RecordKind::kAdviceReply);
  Considered considered;
  considered.proposal.reason = "said \",\"decision\":{\"";
  EXPECT_EQ(kind_of(*note_of(state, considered, {})), RecordKind::kPolicyDecision);
  considered.held = orchestrator::remediation::Held::kRate;
  EXPECT_EQ(kind_of(*note_of(state, considered, {})), RecordKind::kProposal);
}

TEST(NoteRecords, CarryNumberTimeClockIncidentAndRemedy) {
  const Record made = record(note(NoteKind::kStep, "{\"event\":\"step_ended\"}"));
  EXPECT_EQ(made.sequence, 5u);
  EXPECT_EQ(made.at, WallTime{1'000});
  EXPECT_EQ(made.clock, ClockSource::kNtp);
  EXPECT_EQ(made.clock_bound_us, 250u);
  EXPECT_EQ(made.incident, 7u);
  EXPECT_EQ(made.actor, Actor("orchestrator"));
  EXPECT_EQ(made.payload, "{\"remedy\":12,\"event\":\"step_ended\"}");
  EXPECT_EQ(record(note(NoteKind::kStep, "{}")).payload, "{\"remedy\":12}");
}

TEST(NoteRecords, RedactPeoplesWords) {
  Redaction redaction;
  redaction.known_accounts = {"ACME-1"};
  const Note told = note(NoteKind::kApproval, "{\"reason\":\"for ACME-1 only\"}");
  const Record dropped = record(told, redaction);
  EXPECT_EQ(dropped.payload.find("ACME-1"), std::string::npos) << dropped.payload;
  EXPECT_NE(dropped.payload.find("only"), std::string::npos) << dropped.payload;
  redaction.accounts = Treatment::kClear;
  EXPECT_NE(record(told, redaction).payload.find("ACME-1"), std::string::npos);
}

TEST(NoteRecords, CutWhatIsTooLongOrNoObject) {
  Redaction redaction;
  redaction.known_accounts = {"ACME-1"};
  for (const std::string& text :
       {"{\"text\":\"ACME-1 " + std::string(kPayloadBytesMax, 'x') + "\"}",
        std::string("ACME-1 is no \"object"), std::string()}) {
    const Record made = record(note(NoteKind::kPage, text), redaction);
    EXPECT_TRUE(validate(made));
    EXPECT_NE(made.payload.find("\"event\":\"cut\""), std::string::npos);
    EXPECT_NE(made.payload.find("\"bytes\":" + std::to_string(text.size())), std::string::npos);
    EXPECT_EQ(made.payload.find("ACME-1"), std::string::npos) << made.payload;
  }
}

TEST(NoteRecords, ALostNoteStaysVisible) {
  const Record after = record(note(NoteKind::kStep));
  const Record lost = lost_note(4, after);
  EXPECT_TRUE(validate(lost));
  EXPECT_EQ(lost.kind, RecordKind::kLost);
  EXPECT_EQ(lost.sequence, 4u);
  EXPECT_EQ(lost.at, after.at);
  EXPECT_EQ(lost.clock, ClockSource::kNtp);
  EXPECT_EQ(lost.clock_bound_us, 250u);
  EXPECT_EQ(lost.actor, after.actor);
}

}  // namespace
}  // namespace holdfast::audit
