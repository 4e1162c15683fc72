# An order shard's journal: the events of an entry, and the whole state in a snapshot.
# Money and quantities are Int64 in units of 1e-8, times ns since 1970-01-01 UTC. Fields are only ever
# added. Enumerations travel as their numbers in messages/ and actors/orders/, which are append-only.
# References (order, request, account, symbol, …) are numbers from 1 in their tables; 0 is none.

@0x9d956df1cb876af0;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("holdfast::orders::wire");

using Risk = import "risk_journal.capnp";

# ---- events --------------------------------------------------------------------------------------

struct Events {
  events @0 :List(Event);
}

struct Event {
  union {
    orderAdmitted @0 :OrderAdmitted;
    requestAdmitted @1 :RequestAdmitted;
    reportTaken @2 :ReportTaken;
    outboxAcknowledged @3 :OutboxAcknowledged;
    sweepStarted @4 :SweepStarted;
    sweepAdvanced @5 :UInt32;          # orders at most
    referenceLoaded @6 :Reference;
    riskChanged @7 :Risk.Delta;
  }
}

struct NewOrder {
  account @0 :Text;
  clientOrderId @1 :Text;
  symbol @2 :Text;
  side @3 :UInt8;
  type @4 :UInt8;
  timeInForce @5 :UInt8;
  price @6 :Int64;
  quantity @7 :Int64;
  algo @8 :Text;
  trader @9 :Text;
  desk @10 :Text;
  trace @11 :UInt64;
}

struct OrderAdmitted {
  order @0 :NewOrder;
  routed @1 :Bool;
  venue @2 :UInt16;
  reason @3 :UInt16;
  text @4 :Text;
  decision @5 :Risk.Decision;   # null: risk was not asked
}

struct RequestAdmitted {
  kind @0 :UInt8;
  account @1 :Text;
  clientOrderId @2 :Text;
  original @3 :Text;
  order @4 :UInt32;
  outcome @5 :UInt8;
  reason @6 :UInt16;
  text @7 :Text;
  price @8 :Int64;
  quantity @9 :Int64;
  trace @10 :UInt64;
  decision @11 :Risk.Decision;
}

struct VenueReport {
  kind @0 :UInt8;
  order @1 :UInt64;
  wire @2 :Text;
  original @3 :Text;
  venueOrderId @4 :Text;
  execId @5 :Text;
  execRef @6 :Text;
  tradeDate @7 :UInt32;
  symbol @8 :Text;
  side @9 :UInt8;
  venueState @10 :UInt8;
  price @11 :Int64;
  quantity @12 :Int64;
  lastQuantity @13 :Int64;
  lastPrice @14 :Int64;
  cumulativeQuantity @15 :Int64;
  leavesQuantity @16 :Int64;
  reason @17 :UInt16;
  text @18 :Text;
  venueTime @19 :Int64;
  possibleDuplicate @20 :Bool;
  dropCopy @21 :Bool;
}

struct ReportTaken {
  group @0 :UInt32;
  epoch @1 :UInt64;
  sequence @2 :UInt64;
  report @3 :VenueReport;
}

struct OutboxAcknowledged {
  group @0 :UInt32;
  upto @1 :UInt64;
}

struct KillSwitch {
  scope @0 :UInt8;
  name @1 :Text;
  mode @2 :UInt8;
  operatorName @3 :Text;
  reason @4 :Text;
}

struct SweepStarted {
  isKill @0 :Bool;
  kill @1 :KillSwitch;
  account @2 :Text;
  clientOrderId @3 :Text;
  symbol @4 :Text;
  trace @5 :UInt64;
  cancelOnly @6 :Bool;               # as a kill, but the switch stays as it is
}

struct Venue {
  name @0 :Text;
  group @1 :UInt32;
  inFlightMax @2 :UInt32;
  priority @3 :UInt32;
  makerPpm @4 :Int32;
  takerPpm @5 :Int32;
}

struct Instrument {
  symbol @0 :Text;
  tick @1 :Int64;
  lot @2 :Int64;
  priceMax @3 :Int64;
  quantityMax @4 :Int64;
  previousClose @5 :Int64;
  previousCloseTime @6 :Int64;
  venues @7 :List(Text);
}

struct Reference {
  shard @0 :UInt32;
  version @1 :UInt64;
  venues @2 :List(Venue);
  instruments @3 :List(Instrument);
}

# ---- snapshot: a sequence of messages, the header first -------------------------------------------

struct Chunk {
  union {
    header @0 :Header;
    accounts @1 :List(AccountRow);
    symbols @2 :List(Text);
    attributions @3 :List(AttributionRow);
    orders @4 :List(OrderRow);
    requests @5 :List(RequestRow);
    executions @6 :List(ExecutionRow);
    reports @7 :Reports;
    outbox @8 :Outbox;
    sweep @9 :Sweep;
    risk @10 :Risk.State;
    end @11 :Void;
    # Rows packed as in actors/orders/shard/shard_pages_capnp.hpp; orders, requests and executions
    # were written as lists of rows before, and are still read so.
    orderPage @12 :Data;
    requestPage @13 :Data;
    executionPage @14 :Data;
    reportPage @15 :ReportPage;
  }
}

struct ReportPage {
  account @0 :UInt32;
  rows @1 :Data;
}

struct Header {
  shard @0 :UInt32;
  orders @1 :UInt64;
  requests @2 :UInt64;
  executions @3 :UInt64;
  epoch @4 :UInt64;
  index @5 :UInt64;
  time @6 :Int64;
  counters @7 :List(UInt64);
  reference @8 :Reference;     # null: none was loaded
  links @9 :List(Link);
}

struct Link {
  name @0 :Text;
  group @1 :UInt32;
  inFlightMax @2 :UInt32;
  inboxEpoch @3 :UInt64;
  inboxCursor @4 :UInt64;
  outboxAcknowledged @5 :UInt64;
}

struct AccountRow {
  name @0 :Text;
  reportsBefore @1 :UInt64;    # sequence of the last report that is not kept
}

struct AttributionRow {
  algo @0 :Text;
  trader @1 :Text;
  desk @2 :Text;
}

struct OrderRow {
  state @0 :UInt8;
  pending @1 :UInt8;
  acknowledged @2 :Bool;
  lost @3 :Bool;
  cancelDeferred @4 :Bool;
  admitted @5 :Bool;
  flagged @6 :Bool;
  side @7 :UInt8;
  type @8 :UInt8;
  timeInForce @9 :UInt8;
  reason @10 :UInt16;
  venue @11 :UInt16;
  wireLast @12 :UInt16;
  wireConfirmed @13 :UInt16;
  wirePending @14 :UInt16;
  historyDropped @15 :UInt16;
  account @16 :UInt32;
  symbol @17 :UInt32;
  attribution @18 :UInt32;
  confirmedRequest @19 :UInt32;
  pendingRequest @20 :UInt32;
  deferredRequest @21 :UInt32;
  quantity @22 :Int64;
  cumulative @23 :Int64;
  leaves @24 :Int64;
  price @25 :Int64;
  receivedPrice @26 :Int64;
  receivedQuantity @27 :Int64;
  cumulativeNotional @28 :Int64;
  trace @29 :UInt64;
  created @30 :Int64;
  updated @31 :Int64;
  createdIndex @32 :UInt64;
  limits @33 :UInt64;
  clientOrderId @34 :Text;
  venueOrderId @35 :Text;
  text @36 :Text;
  steps @37 :List(StepRow);
}

struct StepRow {
  time @0 :Int64;
  index @1 :UInt64;
  quantity @2 :Int64;
  price @3 :Int64;
  request @4 :UInt32;
  reason @5 :UInt16;
  event @6 :UInt8;
  from @7 :UInt8;
  to @8 :UInt8;
  anomaly @9 :Bool;
}

struct RequestRow {
  clientOrderId @0 :Text;
  original @1 :Text;
  account @2 :UInt32;
  order @3 :UInt32;
  symbol @4 :UInt32;
  kind @5 :UInt8;
  outcome @6 :UInt8;
  reason @7 :UInt16;
  wire @8 :UInt16;
  affected @9 :UInt32;
  price @10 :Int64;
  quantity @11 :Int64;
  trace @12 :UInt64;
}

struct ExecutionRow {
  keyHigh @0 :UInt64;
  keyLow @1 :UInt64;
  order @2 :UInt32;
  quantity @3 :Int64;
  price @4 :Int64;
}

struct Reports {
  account @0 :UInt32;
  rows @1 :List(ReportRow);
}

struct ReportRow {
  order @0 :UInt32;
  request @1 :UInt32;
  type @2 :UInt8;
  state @3 :UInt8;
  reason @4 :UInt16;
  price @5 :Int64;
  quantity @6 :Int64;
  lastQuantity @7 :Int64;
  lastPrice @8 :Int64;
  cumulative @9 :Int64;
  leaves @10 :Int64;
  time @11 :Int64;
  execId @12 :Text;
  text @13 :Text;
}

struct Outbox {
  group @0 :UInt32;
  items @1 :List(VenueRequest);
}

struct VenueRequest {
  kind @0 :UInt8;
  order @1 :UInt64;
  wire @2 :Text;
  original @3 :Text;
  venueOrderId @4 :Text;
  clientOrderId @5 :Text;
  account @6 :Text;
  symbol @7 :Text;
  side @8 :UInt8;
  type @9 :UInt8;
  timeInForce @10 :UInt8;
  price @11 :Int64;
  quantity @12 :Int64;
  algo @13 :Text;
  trader @14 :Text;
  desk @15 :Text;
  trace @16 :UInt64;
  intake @17 :Int64;
}

struct Sweep {
  isKill @0 :Bool;
  kill @1 :KillSwitch;
  request @2 :UInt32;
  account @3 :Text;
  left @4 :List(UInt32);
  orders @5 :UInt64;
  cancelled @6 :UInt64;
  pending @7 :UInt64;
  refused @8 :UInt64;
  index @9 :UInt64;
}
