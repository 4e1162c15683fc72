# The journal of a venue gateway: events of one entry, and the state that a snapshot holds.
#
# Codes are those of the C++ enumerations in messages/ and actors/venues/, written as numbers; a decoder
# refuses a code that it does not know. Prices and quantities are signed 64-bit integers in units of 1e-8,
# times are nanoseconds since 1970-01-01 UTC. Fields are only ever added.

@0x959fa33a1284f26d;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("holdfast::venue_wire");

struct Request {
  kind @0 :UInt8;
  side @1 :UInt8;
  type @2 :UInt8;
  timeInForce @3 :UInt8;
  order @4 :UInt64;
  price @5 :Int64;
  quantity @6 :Int64;
  trace @7 :UInt64;
  intake @8 :Int64;
  wire @9 :Text;
  original @10 :Text;
  venueOrderId @11 :Text;
  clientOrderId @12 :Text;
  account @13 :Text;
  symbol @14 :Text;
  algo @15 :Text;
  trader @16 :Text;
  desk @17 :Text;
}

struct Report {
  kind @0 :UInt8;
  side @1 :UInt8;
  venueState @2 :UInt8;
  reason @3 :UInt16;
  possibleDuplicate @4 :Bool;
  dropCopy @5 :Bool;
  tradeDate @6 :UInt32;
  order @7 :UInt64;
  price @8 :Int64;
  quantity @9 :Int64;
  lastQuantity @10 :Int64;
  lastPrice @11 :Int64;
  cumulativeQuantity @12 :Int64;
  leavesQuantity @13 :Int64;
  venueTime @14 :Int64;
  wire @15 :Text;
  original @16 :Text;
  venueOrderId @17 :Text;
  execId @18 :Text;
  execRef @19 :Text;
  symbol @20 :Text;
  text @21 :Text;
}

struct Rules {
  venue @0 :Text;
  resendAge @1 :Int64;
  waitAge @2 :Int64;
  logonTimeout @3 :Int64;
  barrierTimeout @4 :Int64;
  logoutTimeout @5 :Int64;
  statusInterval @6 :Int64;
  reconcileTimeout @7 :Int64;
  openBeforeReconciled @8 :Bool;
  acceptVenueReset @9 :Bool;
  flagResets @10 :Bool;
  always @11 :Bool;
  inFlightMax @12 :UInt32;
  start @13 :Int64;
  end @14 :Int64;
  zoneOffset @15 :Int64;
  answerTimeout @16 :Int64;
  cancelOnDisconnect @17 :Int64;
}

struct Kill {
  scope @0 :UInt8;
  mode @1 :UInt8;
  name @2 :Text;
  operatorName @3 :Text;
  reason @4 :Text;
}

struct Halt {
  halted @0 :Bool;
  code @1 :UInt16;
  by @2 :Text;
  reason @3 :Text;
}

struct Event {
  union {
    started @0 :Rules;
    requestsTaken :group {
      from @1 :UInt32;
      epoch @2 :UInt64;
      cursor @3 :UInt64;
      acknowledged @4 :UInt64;
      requests @5 :List(Request);
    }
    peerAcknowledged :group {
      from @6 :UInt32;
      epoch @7 :UInt64;
      cursor @8 :UInt64;
    }
    phaseChanged :group {
      phase @9 :UInt8;
      cut @10 :Bool;
      heard @11 :Bool;
      why @12 :Text;
    }
    messageSent :group {
      number @13 :UInt32;
      type @14 :UInt8;
      kind @15 :UInt8;
      barrier @16 :Bool;
      order @17 :UInt64;
      wire @18 :Text;
      original @19 :Text;
      bytes @20 :Data;  # of requests only
    }
    messageTaken :group {
      number @21 :UInt32;
      refersTo @22 :UInt32;
      unknownOrder @23 :Bool;
      report @24 :Report;  # null: it says nothing about an order
    }
    numbersSet :group {
      nextOut @25 :UInt32;
      nextIn @26 :UInt32;
      fresh @27 :Bool;
      flag @28 :Bool;
      why @29 :Text;
    }
    resendDecided :group {
      begin @30 :UInt32;
      end @31 :UInt32;
      gapFilled @32 :List(UInt32);
    }
    requestRefused :group {
      reason @33 :UInt16;
      wire @34 :Text;
    }
    haltChanged @35 :Halt;
    killChanged @36 :Kill;
    wantedChanged @37 :UInt8;
    deliveryRefused @38 :Bool;  # true: a gap; false: a superseded leader's
    answerOverdue @39 :List(UInt32);  # numbers of new orders that the venue does not answer
    dropCopyTaken @40 :Report;
    dropCopyNumbered :group {
      nextOut @41 :UInt32;
      nextIn @42 :UInt32;
    }
    awayTooLong :group {
      orders @43 :List(UInt64);
      more @44 :Bool;
    }
  }
}

struct Entry {
  events @0 :List(Event);
}

struct SentMessage {
  number @0 :UInt32;
  kind @1 :UInt8;
  order @2 :UInt64;
  sent @3 :Int64;
  intake @4 :Int64;
  wire @5 :Text;
  bytes @6 :Data;
}

struct Wire {
  kind @0 :UInt8;
  state @1 :UInt8;
  number @2 :UInt32;
  id @3 :Text;
  original @4 :Text;
}

struct Order {
  id @0 :UInt64;
  shard @1 :UInt32;
  side @2 :UInt8;
  done @3 :Bool;
  statusAsked @4 :Bool;
  statusDue @5 :Int64;
  account @6 :Text;
  symbol @7 :Text;
  venueOrderId @8 :Text;
  wires @9 :List(Wire);
  inDoubt @10 :Bool;
}

struct Inbox {
  group @0 :UInt32;
  epoch @1 :UInt64;
  cursor @2 :UInt64;
}

struct Outbox {
  group @0 :UInt32;
  acknowledged @1 :UInt64;
  items @2 :List(Report);
}

struct Reconciliation {
  order @0 :UInt64;
  side @1 :UInt8;
  cause @2 :UInt8;
  by @3 :UInt8;
  venueState @4 :UInt8;
  asked @5 :UInt32;
  since @6 :Int64;
  settled @7 :Int64;
  wire @8 :Text;
  account @9 :Text;
  symbol @10 :Text;
}

struct State {
  rules @0 :Rules;
  nextOut @1 :UInt32;
  nextIn @2 :UInt32;
  created @3 :Int64;
  flagReset @4 :Bool;
  sent @5 :List(SentMessage);
  swept @6 :UInt32;
  phase @7 :UInt8;
  phaseSince @8 :Int64;
  link @9 :UInt64;
  logonNumber @10 :UInt32;
  logonAt @11 :Int64;
  logonHeard @12 :Bool;
  barrierSent @13 :Bool;
  resendDecided @14 :Int64;
  want @15 :UInt8;
  lastError @16 :Text;
  halt @17 :Halt;
  kills @18 :List(Kill);
  inboxes @19 :List(Inbox);
  outboxes @20 :List(Outbox);
  waiting @21 :List(Request);
  orders @22 :List(Order);     # by rising id
  done @23 :List(UInt64);      # oldest first
  unknown @24 :List(UInt64);
  inFlight @25 :UInt32;
  counters @26 :List(UInt64);  # in the order of GatewayCounters
  heard @27 :Int64;
  goneSince @28 :Int64;
  awayDue @29 :Bool;
  copyOut @30 :UInt32 = 1;
  copyIn @31 :UInt32 = 1;
  reconciliations @32 :List(Reconciliation);  # open ones by rising id, then settled, oldest first
  reconciliationCounters @33 :List(UInt64);   # in the order of ReconciliationCounters
}
