# Order entry: what an integrator's program and a Holdfast node say to each other, as Cap'n Proto RPC
# (two-party) over TCP or a Unix socket. actors/ingress/README.md is the guide; this file is the reference.
#
# Numbers. Prices, quantities and notionals are signed 64-bit integers in units of 1e-8: 12.5 travels as
#   1250000000. There is no floating point. Times are nanoseconds since 1970-01-01 UTC.
# Texts. Printable ASCII (0x20 to 0x7e) of at most the length that each field names. A longer text, or
#   another byte, refuses the request with reason `malformed`.
# Compatibility. Fields are only ever added. A server refuses a client whose schemaVersion is above its own.

@0x93a8cbbe624bcdd3;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("holdfast::wire");

const schemaVersion :UInt32 = 1;
# The version that this file describes.

# ---- the interfaces ------------------------------------------------------------------------------

interface OrderEntry {
  # The bootstrap interface of the port.

  open @0 (clientId :Text, credential :Text, schemaVersion :UInt32, onlyFor :List(Text))
      -> (session :Session, status :OpenStatus, text :Text, accounts :List(Text), credits :UInt32,
          serverVersion :Text, schemaVersion :UInt32, durability :Durability, leader :Text);
  # Opens the session of this connection; one a connection. Calls may be pipelined on `session` without
  # waiting for the answer; they fail if the session is refused.
  #   clientId       who you are, at most 32 bytes
  #   credential     64 hexadecimal digits, as handed out by the operator
  #   schemaVersion  the `schemaVersion` that your program was built with
  #   onlyFor        accounts that this session is for; empty: all of the client's
  # Answer:
  #   session        null unless status is `ok`
  #   status, text   why not, for programs and for people
  #   accounts       those that this client may act for
  #   credits        requests that may be in flight at once
  #   durability     what an acknowledgement of this server means at least
  #   leader         with `notLeading`: HOST:PORT of the node to go to, empty when it is not known
}

interface Session {
  # Lives as long as its connection. Orders do not depend on it: they stay when it ends.

  submit @0 (order :NewOrder) -> (outcome :Outcome);
  # Answered when the order is accepted (passed risk, routed, and durable as the outcome names) or refused.

  submitBatch @1 (requests :List(Request)) -> (outcomes :List(Outcome));
  # At most 256 requests, decided in this order for each account. Costs a credit each; if the credits do not
  # suffice for all, all are refused. Answered when the last one is; outcomes[i] is for requests[i].

  cancel @2 (request :CancelOrder) -> (outcome :Outcome);
  # Answered when the cancel is on its way to the venue (or refused). Its end comes as a report.

  replace @3 (request :ReplaceOrder) -> (outcome :Outcome);
  # As cancel.

  massCancel @4 (request :MassCancel) -> (outcome :Outcome);
  # `outcome.affected` counts the orders for which a cancel is on its way.

  query @5 (account :Text, clientOrderId :Text) -> (found :Bool, order :OrderView, reason :Reason, text :Text,
                                                    creditsLeft :UInt32);
  # One order as it stands (committed). Not found with reason `unknownOrder` means: there is none.

  subscribe @6 (account :Text, fromSequence :UInt64, sink :ReportSink)
      -> (subscription :Subscription, reason :Reason, text :Text, firstKept :UInt64, last :UInt64);
  # Sends `sink` the account's execution reports from `fromSequence` on (1: all that are kept; 0 counts as 1),
  # then those to come, in order and without gaps. To resume after a reconnect ask from the last sequence
  # seen plus one. If firstKept > fromSequence the reports between are gone: query the orders concerned.
  # One subscription an account and session: a second one replaces the first.
  # `subscription` is null unless reason is `none`; dropping it unsubscribes.

  heartbeat @7 () -> (serverTime :Int64, creditsLeft :UInt32);
  # Shows both sides that the other lives. A connection on which the server hears nothing for its idle
  # limit (30 s unless configured) is closed: send one when you have nothing else to send.

  logout @8 () -> ();
  # Ends the session in order. Requests in flight are still decided; their answers are not sent.

  ended @9 () -> (status :OpenStatus, text :Text, leader :Text);
  # Answered when the server ends the session, which is when its node leads nothing any more for the
  # session's accounts: status `notLeading`, and where to go. Call it at once after `open` and go on. What
  # was in flight is answered with `notServing` before: ask again at the leader.
}

interface Subscription {
  # Nothing to call: dropping it ends the subscription.
}

interface ReportSink {
  # Implemented by the client.

  reports @0 (account :Text, reports :List(ExecutionReport)) -> ();
  # At most 256 reports in order. Answering is the acknowledgement: the server keeps a few of these calls in
  # flight and no more, and holds at most 65,536 unsent reports for a sink that does not answer.

  ended @1 (account :Text, reason :Reason, text :Text, lastSent :UInt64) -> ();
  # The server has ended the subscription: it was too slow (`full`), or was replaced by another
  # (`notServing`). Subscribe again from the last sequence seen plus one.
}

# ---- requests ------------------------------------------------------------------------------------

struct NewOrder {
  # NewOrderSingle. (account, clientOrderId) names the request: the same one sent again, on whatever
  # connection and also after a restart, is not a second order; it hears the outcome of the first.
  account @0 :Text;            # at most 16 bytes
  clientOrderId @1 :Text;      # ClOrdID (11), at most 32 bytes, unique in the account for all time
  symbol @2 :Text;             # at most 16 bytes
  side @3 :Side;
  type @4 :OrderType;
  timeInForce @5 :TimeInForce;
  price @6 :Int64;             # 1e-8; 0 for market orders
  quantity @7 :Int64;          # 1e-8 of a share or contract, > 0
  algo @8 :Text;               # at most 32 bytes each, may be empty: who is behind the order; limits and
  trader @9 :Text;             # kill switches may name them
  desk @10 :Text;
  trace @11 :UInt64;           # carried through to journal and logs; 0: the server makes one
}

struct CancelOrder {
  # OrderCancelRequest.
  account @0 :Text;
  clientOrderId @1 :Text;      # of this request, unique like an order's
  original @2 :Text;           # OrigClOrdID (41): of the order, or of its last accepted replace
  trace @3 :UInt64;
}

struct ReplaceOrder {
  # OrderCancelReplaceRequest.
  account @0 :Text;
  clientOrderId @1 :Text;
  original @2 :Text;
  price @3 :Int64;             # 1e-8
  quantity @4 :Int64;          # 1e-8, the new total, what is filled already included
  trace @5 :UInt64;
}

struct MassCancel {
  account @0 :Text;
  clientOrderId @1 :Text;
  symbol @2 :Text;             # empty: all symbols
  trace @3 :UInt64;
}

struct Request {
  # One request of a batch.
  union {
    newOrder @0 :NewOrder;
    cancel @1 :CancelOrder;
    replace @2 :ReplaceOrder;
    massCancel @3 :MassCancel;
  }
}

# ---- answers -------------------------------------------------------------------------------------

struct Outcome {
  accepted @0 :Bool;
  duplicate @1 :Bool;          # this request was seen before; this is its outcome
  reason @2 :Reason;           # `none` when accepted
  reasonName @3 :Text;         # its name, so that a reason newer than your schema can still be logged;
  text @4 :Text;               # and in words, with the numbers used. Both empty when accepted.
  order @5 :UInt64;            # the server's order id, 0 when there is none
  state @6 :OrderState;        # of the order at that moment
  durability @7 :Durability;   # how safe this outcome is
  affected @8 :UInt32;         # mass cancel only
  creditsLeft @9 :UInt32;      # requests that may be sent now on top of those in flight
}

struct ExecutionReport {
  sequence @0 :UInt64;         # 1, 2, 3, … in the account's stream
  account @1 :Text;
  order @2 :UInt64;
  clientOrderId @3 :Text;      # of the request that this answers
  original @4 :Text;           # of the order, where a cancel or replace is answered
  type @5 :ExecType;
  state @6 :OrderState;        # after this report
  symbol @7 :Text;
  side @8 :Side;
  price @9 :Int64;             # 1e-8, as all numbers below
  quantity @10 :Int64;         # OrderQty (38) now
  lastQuantity @11 :Int64;     # of this execution
  lastPrice @12 :Int64;
  cumulativeQuantity @13 :Int64;
  leavesQuantity @14 :Int64;
  execId @15 :Text;            # the venue's, at most 40 bytes
  venue @16 :Text;
  reason @17 :Reason;
  text @18 :Text;              # at most 120 bytes
  time @19 :Int64;             # ns UTC, as journaled
  trace @20 :UInt64;
}

struct OrderView {
  order @0 :UInt64;
  request @1 :NewOrder;        # as received
  state @2 :OrderState;
  clientOrderId @3 :Text;      # current: of the last confirmed replace, or the order's own
  price @4 :Int64;             # 1e-8, current; so the numbers below
  quantity @5 :Int64;
  cumulativeQuantity @6 :Int64;
  leavesQuantity @7 :Int64;
  cumulativeNotional @8 :Int64;  # sum of price × quantity of the fills
  venue @9 :Text;
  venueOrderId @10 :Text;
  reason @11 :Reason;
  text @12 :Text;
  created @13 :Int64;          # ns UTC
  updated @14 :Int64;
  asOf @15 :UInt64;            # journal index that this view shows
}

# ---- enumerations --------------------------------------------------------------------------------

enum OpenStatus {
  ok @0;
  denied @1;                   # unknown client id or wrong credential; which of the two is not said
  wrongSchema @2;              # your schemaVersion is 0 or above the server's
  full @3;                     # too many sessions
  alreadyOpen @4;              # this connection has a session
  notServing @5;               # stopping or not ready: try again
  notLeading @6;               # another node leads for these accounts: see `leader`
}

enum Side {
  none @0;                     # not set: refused
  buy @1;
  sell @2;
}

enum OrderType {
  none @0;                     # not set: refused
  market @1;
  limit @2;
}

enum TimeInForce {
  day @0;
  goodTillCancel @1;
  immediateOrCancel @2;
  fillOrKill @3;
}

enum OrderState {
  new @0;
  validated @1;
  riskApproved @2;
  routed @3;                   # handed to the venue's gateway; the venue has not answered
  accepted @4;                 # OrdStatus New at the venue
  partiallyFilled @5;
  pendingCancel @6;
  pendingReplace @7;
  unknown @8;                  # the outcome at the venue is not known yet; a report will tell
  blocked @9;                  # from here on final: refused by risk
  rejected @10;
  filled @11;
  cancelled @12;
  expired @13;
  notSent @14;                 # proven never to have reached the venue
}

enum ExecType {
  new @0;
  trade @1;
  cancelled @2;
  replaced @3;
  rejected @4;
  expired @5;
  cancelRejected @6;
  pendingCancel @7;
  pendingReplace @8;
  unknown @9;
  notSent @10;
  tradeCancel @11;
  tradeCorrect @12;
}

enum Durability {
  none @0;                     # says nothing (a refusal that was not journaled)
  memory @1;                   # with the kernel of every in-sync member: survives kill -9 of all, not power loss
  fsynced @2;                  # on the disk of every in-sync member
}

enum Reason {
  # Why a request was refused. actors/ingress/README.md has the table with what to do about each.
  none @0;
  other @1;             # a reason newer than this schema: see reasonName and text
  malformed @2;
  unknownSymbol @3;
  unknownAccount @4;
  notPermitted @5;
  badPrice @6;
  badQuantity @7;
  unsupported @8;
  unknownOrder @9;
  tooLateToCancel @10;
  duplicateClientOrderId @11;
  outOfCredits @12;
  notServing @13;              # outcome not known yet: ask again with the same client order id
  deadlineMissed @14;
  pendingRequest @15;
  overflow @16;
  full @17;
  maxOrderQuantity @18;
  maxOrderNotional @19;
  priceCollar @20;
  noReferencePrice @21;
  staleReferencePrice @22;
  restricted @23;
  buyingPower @24;
  positionLimit @25;
  duplicateOrder @26;
  messageRate @27;
  selfTrade @28;
  killed @29;
  reduceOnly @30;
  riskUnavailable @31;
  noLimits @32;
  noVenue @33;
  venueDown @34;
  venueHalted @35;
  venueKilled @36;
  venueReject @37;
  venueCancelReject @38;
  venueInFlightLimit @39;
  notSentAtFailover @40;
  conservation @41;
  outcomeUnknown @42;     # the order's outcome at the venue is not known yet
  quarantined @43;
}
