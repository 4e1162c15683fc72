# The stream between two nodes: one frame after another, each a length (four bytes), a mark (four bytes) and
# one message of a single segment, a Frame.
#
# Codes are those of the C++ enumerations in messages/, written as numbers; a decoder refuses a code that it
# does not know. Times are nanoseconds. Fields are only ever added. A frame of a kind that the receiver does
# not know ends the connection: a newer kind is sent only to who named a version that has it.

@0xdec51f201da60c30;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("holdfast::replication::wire");

using Venue = import "venue_journal.capnp";

struct Incarnation {
  member @0 :UInt32;
  dataDirHigh @1 :UInt64;  # a UUID's first eight bytes, most significant first
  dataDirLow @2 :UInt64;
  bootHigh @3 :UInt64;
  bootLow @4 :UInt64;
}

struct HelloGroup {
  group @0 :UInt32;
  incarnation @1 :Incarnation;
}

struct Hello {
  protocol @0 :UInt32;
  protocolOldest @1 :UInt32;
  entryFormat @2 :UInt16;
  member @3 :UInt32;
  pid @4 :Int32;
  processStart @5 :UInt64;
  cluster @6 :Text;
  orderEntry @7 :Text;
  groups @8 :List(HelloGroup);
}

# ---- between members of a group ------------------------------------------------------------------

struct Lead {
  epoch @0 :UInt64;
  leader @1 :Incarnation;
}

struct EpochStart {
  epoch @0 :UInt64;
  first @1 :UInt64;
}

struct Stand {
  epoch @0 :UInt64;
  round @1 :UInt64;
  last @2 :UInt64;
  committed @3 :UInt64;
  member @4 :Incarnation;
  starts @5 :List(EpochStart);
}

struct Follow {
  epoch @0 :UInt64;
  round @1 :UInt64;
  common @2 :UInt64;
}

struct Entry {
  index @0 :UInt64;
  epoch @1 :UInt64;
  bytes @2 :Data;
}

struct Append {
  epoch @0 :UInt64;
  last @1 :UInt64;
  commit @2 :UInt64;
  sent @3 :Int64;
  entries @4 :List(Entry);
}

struct Ack {
  epoch @0 :UInt64;
  index @1 :UInt64;
  sent @2 :Int64;
  member @3 :Incarnation;
  rebuilding @4 :Bool;  # its replica is not there yet
}

struct SnapshotPart {
  epoch @0 :UInt64;
  round @1 :UInt64;
  atEpoch @2 :UInt64;
  atIndex @3 :UInt64;
  atTime @4 :Int64;
  chainHigh @5 :UInt64;
  chainLow @6 :UInt64;
  total @7 :UInt64;
  offset @8 :UInt64;
  bytes @9 :Data;
}

struct SnapshotAck {
  epoch @0 :UInt64;
  round @1 :UInt64;
  offset @2 :UInt64;
}

# ---- between leaders of groups -------------------------------------------------------------------

struct Requests {
  from @0 :UInt32;
  epoch @1 :UInt64;
  first @2 :UInt64;
  acknowledged @3 :UInt64;
  items @4 :List(Venue.Request);
  sent @5 :Int64;  # by the sender's clock, ns; 0: not told
}

struct Reports {
  from @0 :UInt32;
  epoch @1 :UInt64;
  first @2 :UInt64;
  acknowledged @3 :UInt64;
  items @4 :List(Venue.Report);
  sent @5 :Int64;
}

struct GroupLeads {
  group @0 :UInt32;
  epoch @1 :UInt64;
  cursor @2 :UInt64;
}

struct VenueStatus {
  venue @0 :Text;
  group @1 :UInt32;
  state @2 :UInt8;
  inFlight @3 :UInt32;
}

# ---- a frame -------------------------------------------------------------------------------------

struct Frame {
  group @0 :UInt32;  # that the message is for; none in a hello
  union {
    hello @1 :Hello;
    lead @2 :Lead;
    stand @3 :Stand;
    follow @4 :Follow;
    append @5 :Append;
    ack @6 :Ack;
    superseded @7 :UInt64;  # epoch
    snapshotPart @8 :SnapshotPart;
    snapshotAck @9 :SnapshotAck;
    handOver @10 :UInt64;   # epoch
    resign @11 :UInt64;     # epoch
    requests @12 :Requests;
    reports @13 :Reports;
    groupLeads @14 :GroupLeads;
    venueStatus @15 :VenueStatus;
  }
}
