# The journal of the orchestrator: failures that reached it, what was decided, and how it ended.
#
# Codes are those of the C++ enumerations in supervision/orchestrator, written as numbers; a decoder refuses
# a code that it does not know. Times are nanoseconds since 1970-01-01 UTC. Fields are only ever added.

@0xb1b5f2a07c9d3e64;

using Cxx = import "/capnp/c++.capnp";
using Healing = import "healing_journal.capnp";
$Cxx.namespace("holdfast::orchestrator_wire");

struct Failure {
  kind @0 :UInt8;
  member @1 :UInt32;
  group @2 :UInt32;
  at @3 :Int64;
  path @4 :Text;
  text @5 :Text;
  guard @6 :UInt64;  # the number that the member's guard gave it; zero: it is of the tree
}

struct Decision {
  number @0 :UInt64;
  at @1 :Int64;
  failure @2 :Failure;
  remedy @3 :UInt8;
  target @4 :UInt32;
  reason @5 :Text;
  outcome @6 :UInt8;
  outcomeText @7 :Text;
}

struct Settled {
  number @0 :UInt64;
  outcome @1 :UInt8;
  text @2 :Text;
}

struct Event {
  union {
    decided @0 :Decision;
    settled @1 :Settled;
    healing @2 :Healing.Event;
  }
}

struct Events {
  events @0 :List(Event);
}

struct Heard {
  member @0 :UInt32;
  at @1 :Int64;  # of its last failure that was decided
}

struct Told {
  member @0 :UInt32;
  number @1 :UInt64;  # of its guard's last event that was decided
}

struct State {
  last @0 :UInt64;
  decisions @1 :List(Decision);
  heard @2 :List(Heard);
  guards @3 :List(Told);
  healing @4 :Healing.State;
}
