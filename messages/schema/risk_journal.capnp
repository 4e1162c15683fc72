# What risk leaves in an order shard's journal: decisions, the changes that no other event tells
# (limits, restricted lists, prices, kills, positions), and risk's whole state in a snapshot.
# Money and quantities are Int64 in units of 1e-8, times ns since 1970-01-01 UTC. Fields are only ever
# added. Enumerations travel as their numbers in messages/ and actors/risk/, which are append-only.

@0xd2b7c9a41f60e583;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("holdfast::risk::wire");

struct Decision {
  approved @0 :Bool;
  reason @1 :UInt16;
  limitsVersion @2 :UInt64;
  time @3 :Int64;
  exposurePrice @4 :Int64;
  referencePrice @5 :Int64;
  results @6 :UInt32;        # two bits a policy, the first in the lowest: 0 skipped, 1 pass, 2 fail
  numbers @7 :List(Int64);   # observed and limit of each policy that was not skipped, in order
}

# ---- limits --------------------------------------------------------------------------------------

struct LimitValue {
  kind @0 :UInt8;
  value @1 :Int64;
}

struct DeskLimits {
  desk @0 :Text;
  limits @1 :List(LimitValue);
}

struct AccountLimits {
  account @0 :Text;
  desk @1 :Text;
  selfTradeGroup @2 :Text;
  limits @3 :List(LimitValue);
}

struct RiskLimits {
  version @0 :UInt64;
  firm @1 :List(LimitValue);
  desks @2 :List(DeskLimits);
  accounts @3 :List(AccountLimits);
}

struct RestrictedSymbol {
  symbol @0 :Text;
  note @1 :Text;
}

struct RestrictedList {
  version @0 :UInt64;
  symbols @1 :List(RestrictedSymbol);
}

struct Kill {
  scope @0 :UInt8;
  mode @1 :UInt8;
  name @2 :Text;
  operatorName @3 :Text;
  reason @4 :Text;
  time @5 :Int64;
}

# ---- changes -------------------------------------------------------------------------------------

struct Delta {
  union {
    reserved @0 :Reserved;
    replaceReserved @1 :OrderNumbers;
    replaceConfirmed @2 :OrderNumbers;
    replaceReleased @3 :UInt64;        # order
    leavesChanged @4 :OrderNumbers;
    filled @5 :Filled;
    busted @6 :Filled;                 # order, leaves and time stay 0
    released @7 :UInt64;               # order
    messageCounted @8 :MessageCounted;
    limitsLoaded @9 :RiskLimits;
    restrictedLoaded @10 :RestrictedList;
    referencePriceSet @11 :ReferencePriceSet;
    killSet @12 :Kill;
    positionSet @13 :PositionSet;
    trackingRestored @14 :Void;
  }
}

struct Reserved {
  order @0 :UInt64;
  account @1 :Text;
  symbol @2 :Text;
  side @3 :UInt8;
  type @4 :UInt8;
  price @5 :Int64;
  quantity @6 :Int64;
  time @7 :Int64;
}

struct OrderNumbers {
  order @0 :UInt64;
  price @1 :Int64;
  leaves @2 :Int64;
  time @3 :Int64;
}

struct Filled {
  order @0 :UInt64;
  account @1 :Text;
  symbol @2 :Text;
  side @3 :UInt8;
  quantity @4 :Int64;
  price @5 :Int64;
  leaves @6 :Int64;
  time @7 :Int64;
}

struct MessageCounted {
  account @0 :Text;
  count @1 :UInt32;
  time @2 :Int64;
}

struct ReferencePriceSet {
  symbol @0 :Text;
  source @1 :UInt8;
  price @2 :Int64;
  time @3 :Int64;
}

struct PositionSet {
  account @0 :Text;
  symbol @1 :Text;
  position @2 :Int64;
  cost @3 :Int64;
}

# ---- snapshot ------------------------------------------------------------------------------------

struct State {
  # Rows are sorted, so equal states make equal bytes. `account` and `symbol` of the later lists are
  # positions in the lists `accounts` and `symbols`.
  limits @0 :RiskLimits;
  restricted @1 :RestrictedList;
  kills @2 :List(Kill);
  accounts @3 :List(AccountRow);
  symbols @4 :List(SymbolRow);
  positions @5 :List(PositionRow);
  orders @6 :List(OrderRow);
  recent @7 :List(RecentRow);
  untracked @8 :UInt64;
  unknownOrders @9 :UInt64;
  illFormed @10 :UInt64;
}

struct AccountRow {
  name @0 :Text;
  slotNs @1 :Int64;
  head @2 :Int64;
  counts @3 :List(UInt32);
}

struct SymbolRow {
  name @0 :Text;
  lastTrade @1 :Int64;
  lastTradeTime @2 :Int64;
  previousClose @3 :Int64;
  previousCloseTime @4 :Int64;
}

struct PositionRow {
  account @0 :UInt32;
  symbol @1 :UInt32;
  position @2 :Int64;
  costHigh @3 :Int64;   # the cost is costHigh × 2^64 + costLow
  costLow @4 :UInt64;
  broken @5 :Bool;
}

struct OrderRow {
  order @0 :UInt64;
  account @1 :UInt32;
  symbol @2 :UInt32;
  side @3 :UInt8;
  market @4 :Bool;
  pending @5 :Bool;
  price @6 :Int64;
  leaves @7 :Int64;
  pendingPrice @8 :Int64;
  pendingLeaves @9 :Int64;
}

struct RecentRow {
  account @0 :UInt32;
  symbol @1 :UInt32;
  side @2 :UInt8;
  type @3 :UInt8;
  price @4 :Int64;
  quantity @5 :Int64;
  time @6 :Int64;
}
