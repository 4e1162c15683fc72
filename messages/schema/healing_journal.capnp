# The self-healing loop's part of the orchestrator's journal: findings, incidents, advice, remedies and their steps;
# and what nodes send each other about them.
#
# Codes are those of the C++ enumerations in messages/ and supervision/orchestrator, written as numbers; a decoder
# refuses a code that it does not know. Times are nanoseconds since 1970-01-01 UTC. Fields are only ever added.

@0xe3f7a8c25d1b6094;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("holdfast::healing_wire");

struct Place {
  member @0 :UInt32;
  group @1 :UInt32;
  instance @2 :Text;
}

struct Evidence {
  metric @0 :UInt16;
  place @1 :Place;
  detector @2 :UInt8;
  value @3 :Int64;
  expected @4 :Int64;
  scoreMilli @5 :UInt32;
  began @6 :Int64;
  seen @7 :Int64;
}

struct Precedent {
  incident @0 :UInt64;
  similarity @1 :UInt32;
}

struct Finding {
  domain @0 :UInt8;
  instance @1 :UInt32;
  number @2 :UInt64;
  fault @3 :UInt16;
  place @4 :Place;
  severity @5 :UInt8;
  confidence @6 :UInt32;
  began @7 :Int64;
  found @8 :Int64;
  over @9 :Bool;
  evidence @10 :List(Evidence);
  precedents @11 :List(Precedent);
}

struct Incident {
  number @0 :UInt64;
  began @1 :Int64;
  opened @2 :Int64;
  closed @3 :Int64;
  cause @4 :UInt16;
  place @5 :Place;
  confidence @6 :UInt32;
  severity @7 :UInt8;
  findings @8 :List(Finding);
}

struct Action {
  kind @0 :UInt8;
  target @1 :Place;
  to @2 :UInt32;
  amount @3 :Int64;
}

struct Proposal {
  incident @0 :UInt64;
  action @1 :Action;
  advisor @2 :UInt8;
  confidence @3 :UInt32;
  precedents @4 :List(Precedent);
  reason @5 :Text;
}

struct PolicyDecision {
  verdict @0 :UInt8;
  rule @1 :Text;
  reason @2 :Text;
  approvalsNeeded @3 :UInt8;
  approvalExpires @4 :Int64;
}

struct MaybeInt {
  known @0 :Bool;
  value @1 :Int64;
}

struct StepId {
  incident @0 :UInt64;
  remedy @1 :UInt64;
  step @2 :UInt8;
  attempt @3 :UInt8;
  undo @4 :Bool;
}

struct StepRecord {
  id @0 :StepId;
  action @1 :Action;
  intended @2 :Int64;
  notAfter @3 :Int64;
  outcome @4 :UInt8;  # zero: under way
  previous @5 :MaybeInt;
  text @6 :Text;
}

struct Objective {
  kind @0 :UInt8;
  metric @1 :UInt16;
  scope @2 :UInt8;
  bound @3 :Int64;
}

struct PlannedStep {
  action @0 :Action;
  timeout @1 :Int64;
  attempts @2 :UInt8;
}

struct Plan {
  workflow @0 :Text;
  steps @1 :List(PlannedStep);
  before @2 :List(Objective);
  after @3 :List(Objective);
  warmUp @4 :Int64;
  settle @5 :Int64;
  verifyWithin @6 :Int64;
  timeout @7 :Int64;
  recursWithin @8 :Int64;
  escalateTo @9 :UInt8;
  rollback @10 :Bool;
  blastRadius @11 :UInt32;
}

struct Word {
  person @0 :Text;
  at @1 :Int64;
  yes @2 :Bool;
}

struct Remedy {
  number @0 :UInt64;
  incident @1 :UInt64;
  cause @2 :UInt16;
  place @3 :Place;
  proposal @4 :Proposal;
  decision @5 :PolicyDecision;
  plan @6 :Plan;
  phase @7 :UInt8;
  opened @8 :Int64;
  phaseSince @9 :Int64;
  ended @10 :Int64;
  started @11 :Int64;
  proposer @12 :Text;
  words @13 :List(Word);
  round @14 :UInt32;
  measured @15 :UInt32;
  asked @16 :Int64;
  values @17 :List(MaybeInt);
  before @18 :List(MaybeInt);
  steps @19 :List(StepRecord);
  outcome @20 :UInt8;
  text @21 :Text;
}

struct Key {
  actor @0 :UInt8;
  failure @1 :UInt16;
  topology @2 :UInt64;
}

struct Entry {
  key @0 :Key;
  proposal @1 :Proposal;
  rule @2 :Text;
  openOrdersMax @3 :Int64;
  phase @4 :UInt8;
  made @5 :Int64;
  expires @6 :Int64;
}

struct Ask {
  number @0 :UInt64;
  incident @1 :UInt64;
  key @2 :Key;
  made @3 :Int64;
  expires @4 :Int64;
  tried @5 :List(UInt8);
}

struct Considered {
  incident @0 :UInt64;
  source @1 :UInt8;
  proposal @2 :Proposal;
  unfit @3 :UInt8;
  held @4 :UInt8;
  decision @5 :PolicyDecision;
  remedy @6 :UInt64;
}

struct WallClock {
  source @0 :UInt8;
  boundUs @1 :MaybeInt;
}

struct Note {
  number @0 :UInt64;
  at @1 :Int64;
  kind @2 :UInt8;
  incident @3 :UInt64;
  remedy @4 :UInt64;
  text @5 :Text;
  page @6 :Bool;
  clock @7 :WallClock;
}

# ---- events

struct FindingTaken {
  incident @0 :UInt64;
  finding @1 :Finding;
}

struct Ranked {
  incident @0 :UInt64;
  cause @1 :UInt16;
  place @2 :Place;
  confidence @3 :UInt32;
  severity @4 :UInt8;
}

struct Merged {
  into @0 :UInt64;
  from @1 :UInt64;
}

struct WordGiven {
  remedy @0 :UInt64;
  word @1 :Word;
  reason @2 :Text;
}

struct Measurement {
  remedy @0 :UInt64;
  round @1 :UInt32;
  values @2 :List(MaybeInt);
}

struct Moved {
  remedy @0 :UInt64;
  to @1 :UInt8;
  text @2 :Text;
}

struct StepIntended {
  id @0 :StepId;
  action @1 :Action;
  notAfter @2 :Int64;
}

struct StepEnded {
  id @0 :StepId;
  outcome @1 :UInt8;
  previous @2 :MaybeInt;
  text @3 :Text;
}

struct Ended {
  remedy @0 :UInt64;
  outcome @1 :UInt8;
  text @2 :Text;
}

struct Answered {
  ask @0 :UInt64;
  proposals @1 :List(Proposal);
}

struct CaseDecided {
  incident @0 :UInt64;
  remedy @1 :UInt64;
  again @2 :Int64;
}

struct CaseReopened {
  incident @0 :UInt64;
  askAgain @1 :Bool;
}

struct KillSet {
  on @0 :Bool;
  identity @1 :Text;
  reason @2 :Text;
}

struct Paged {
  incident @0 :UInt64;
  remedy @1 :UInt64;
  text @2 :Text;
}

struct Event {
  union {
    findingTaken @0 :FindingTaken;
    ranked @1 :Ranked;
    merged @2 :Merged;
    closed @3 :UInt64;
    opened @4 :Remedy;
    wordGiven @5 :WordGiven;
    measureAsked @6 :Measurement;
    measureTaken @7 :Measurement;
    moved @8 :Moved;
    stepIntended @9 :StepIntended;
    stepEnded @10 :StepEnded;
    ended @11 :Ended;
    askMade @12 :Ask;
    askAnswered @13 :Answered;
    askExpired @14 :UInt64;
    considered @15 :Considered;
    caseDecided @16 :CaseDecided;
    caseReopened @17 :CaseReopened;
    stored @18 :Entry;
    dropped @19 :Key;
    killSet @20 :KillSet;
    paged @21 :Paged;
    notesCleared @22 :UInt64;
    clockTold @23 :WallClock;
  }
}

# ---- state

struct PastAction {
  at @0 :Int64;
  kind @1 :UInt8;
  target @2 :Place;
}

struct Case {
  incident @0 :UInt64;
  cause @1 :UInt16;
  ask @2 :UInt64;
  asked @3 :Int64;
  answered @4 :Bool;
  fresh @5 :List(Proposal);
  decided @6 :Bool;
  retried @7 :Bool;
  again @8 :Int64;
  rounds @9 :UInt32;
  remedy @10 :UInt64;
  remedies @11 :UInt32;
  paged @12 :Bool;
}

struct AskedAbout {
  key @0 :Key;
  at @1 :Int64;
}

struct State {
  lastIncident @0 :UInt64;
  open @1 :List(Incident);
  closed @2 :List(Incident);
  lastRemedy @3 :UInt64;
  active @4 :List(Remedy);
  ended @5 :List(Remedy);
  begun @6 :List(PastAction);
  standing @7 :List(Entry);
  cases @8 :List(Case);
  asks @9 :List(Ask);
  lastAsk @10 :UInt64;
  lastStandingAsk @11 :Int64;
  askedAbout @12 :List(AskedAbout);
  recommended @13 :List(Considered);
  killed @14 :Bool;
  killedBy @15 :Text;
  killedAt @16 :Int64;
  lastNote @17 :UInt64;
  notes @18 :List(Note);
  counters @19 :List(UInt64);  # in the order of Counters
  clock @20 :WallClock;
  clockTold @21 :Int64;
}

# ---- between nodes: to whoever leads the orchestrator, and from there

struct Propose {
  proposal @0 :Proposal;
  identity @1 :Text;
}

struct Command {
  union {
    report @0 :Finding;
    adviceArrived @1 :Answered;
    propose @2 :Propose;
    approve @3 :WordGiven;
    reject @4 :WordGiven;
    killSwitch @5 :KillSet;
    stepResult @6 :StepEnded;
    measured @7 :Measurement;
    notesWritten @8 :UInt64;
  }
}

struct ExecuteStep {
  id @0 :StepId;
  workflow @1 :Text;
  action @2 :Action;
  executor @3 :UInt32;
  notAfter @4 :Int64;
  undoes @5 :Bool;
  voids @6 :StepId;
  epoch @7 :UInt64;  # of the orchestrator's leader that sends it
}
