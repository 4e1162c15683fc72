// Every bound of the system in one place, with the relations between them asserted.
// A queue, batch, retry, map, text or message that is not bounded here is a defect.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::limits {

// ---- texts, bytes
inline constexpr std::size_t kClientIdBytes = 32;
inline constexpr std::size_t kAccountBytes = 16;
inline constexpr std::size_t kSymbolBytes = 16;
inline constexpr std::size_t kClientOrderIdBytes = 32;
inline constexpr std::size_t kWireOrderIdBytes = 24;
inline constexpr std::size_t kVenueTextBytes = 40;
inline constexpr std::size_t kNameBytes = 32;
inline constexpr std::size_t kReasonTextBytes = 120;

// ---- order entry
inline constexpr std::size_t kBatchOrdersMax = 256;      // orders in one submitBatch
inline constexpr std::size_t kSessionCreditsMax = 4096;  // requests a client may have in flight
inline constexpr std::size_t kSessionCreditsDefault = 1024;
inline constexpr std::size_t kSessionsMax = 1024;  // open client sessions at one ingress
inline constexpr std::size_t kReportBacklogMax =
    65'536;  // reports unsent to one slow subscriber, then it is cut off
inline constexpr std::size_t kReportBatchMax = 256;              // reports in one callback
inline constexpr std::size_t kReportsKeptPerAccount = 1u << 16;  // resume window of a subscriber
inline constexpr std::size_t kRpcTraversalWords = 1u << 17;      // 1 MiB a message
inline constexpr int kRpcNestingLevels = 16;
inline constexpr std::size_t kRpcUnsentBytesMax = 8u
                                                  << 20;  // towards one client; then it is cut off
inline constexpr std::size_t kRpcOpenAnswersMax =
    16'384;  // calls that a client has not finished; then it is cut off
inline constexpr std::size_t kUnauthenticatedMax = 64;  // connections that have no session yet
inline constexpr std::size_t kReportCallbacksInFlightMax =
    4;  // unanswered calls to one report sink

// ---- orders
inline constexpr std::size_t kOrdersPerShardMax = 1u << 24;
inline constexpr std::size_t kShardsMax = 256;
inline constexpr std::size_t kCommandsPerEntryMax = 512;  // commands decided into one journal entry
inline constexpr std::size_t kEventsPerEntryMax = 8'192;
inline constexpr std::size_t kEntryBytesMax = 4u << 20;
inline constexpr std::size_t kPipelineOrdersMax =
    16'384;  // orders between intake and commit in a shard
inline constexpr std::size_t kOutboxItemsMax =
    1u << 18;  // unacknowledged items towards one peer group
inline constexpr std::size_t kOutboxInFlightMax = 4'096;  // of those, sent and not yet acknowledged
inline constexpr std::size_t kPoliciesPerDecision = 16;

// ---- risk and routing, in one shard
inline constexpr std::size_t kAccountsMax = 4'096;
inline constexpr std::size_t kDesksMax = 1'024;
inline constexpr std::size_t kSymbolsMax = 16'384;
inline constexpr std::size_t kExposuresMax = 1u << 16;       // (account, symbol) pairs ever touched
inline constexpr std::size_t kRiskOpenOrdersMax = 1u << 20;  // orders with exposure in flight
inline constexpr std::size_t kFingerprintsMax = 1u << 16;    // orders inside their duplicate window
inline constexpr std::size_t kKillSwitchesMax = 1'024;       // kills in force at once
inline constexpr std::size_t kSelfTradeLevelsMax = 16'384;   // own prices on one side of one symbol

// ---- venues
inline constexpr std::size_t kFixMessageBytesMax = 64u << 10;
inline constexpr std::size_t kFixReceiveBufferBytes = 256u << 10;
inline constexpr std::size_t kFixSendBufferBytesMax =
    16u << 20;  // committed bytes the venue does not take; then the session is cut
inline constexpr std::size_t kVenuesMax = 64;
inline constexpr std::size_t kVenueParkedMax =
    1u << 16;  // new orders in flight while a shard waits for the venue to come back
inline constexpr std::size_t kReconciliationsKept =
    1'024;  // settled orders of doubtful outcome that a gateway can tell of
inline constexpr std::size_t kDropCopiesHeldMax =
    65'536;  // copies of executions that wait for the session's own report
inline constexpr std::size_t kOpenOrdersPerVenueMax = 1u << 20;
inline constexpr std::size_t kVenueDoneOrdersKept =
    16'384;  // done orders that a gateway still knows, for late and repeated reports

// ---- simulated exchange (nodes/venue)
inline constexpr std::size_t kSimulatorSessionsMax = 1024;  // counterparties, drop copies included
inline constexpr std::size_t kSimulatorConnectionsMax = 1024;  // FIX connections, logged on or not
inline constexpr std::size_t kSimulatorControlConnectionsMax = 16;
inline constexpr std::size_t kSimulatorControlLineBytes = 4096;
inline constexpr std::size_t kSimulatorSymbolsMax = 1u << 16;
inline constexpr std::size_t kSimulatorOrdersMax =
    1u << 24;  // orders remembered, closed ones included
inline constexpr std::size_t kSimulatorSendBufferBytesMax =
    256u << 20;  // a long resend fits; then the connection is cut
inline constexpr std::size_t kSimulatorStoredMessagesMax =
    1u << 22;  // sent in one session and kept for resends; then the oldest go
inline constexpr std::size_t kSimulatorQueuedAheadMax =
    1u << 16;  // messages held while a gap is being resent

// ---- journal
inline constexpr std::size_t kGroupsPerNodeMax = 512;
inline constexpr std::size_t kEntriesInFlightMax = 4'096;  // appended and not yet committed
inline constexpr uint64_t kSnapshotEveryEntries = 20'000;
inline constexpr uint64_t kDiskFreeBytesMin = 256ull << 20;  // below: intake stops

// ---- arbiter
inline constexpr std::size_t kGroupMembersMax = 9;
inline constexpr std::size_t kArbiterRecordBytesMax = 16u << 10;  // the text of a group's record
inline constexpr std::size_t kArbiterCallsMax = 4'096;            // unanswered calls of one process
inline constexpr std::size_t kArbiterEndpointsMax = 9;

// ---- replication stream, between nodes
inline constexpr std::size_t kStreamFrameBytesMax = 8u << 20;
inline constexpr std::size_t kStreamUnsentBytesMax =
    64u << 20;  // towards one peer; then its link is cut
inline constexpr std::size_t kStreamUnauthenticatedMax = 64;  // connections without a hello yet
inline constexpr std::size_t kStreamHelloBytesMax = 128u
                                                    << 10;  // a frame before the hello is taken
inline constexpr std::size_t kStreamAddressBytes = 256;     // host:port in a hello
inline constexpr std::size_t kStreamEpochsMax = 65'536;     // starts of epochs in one message

// ---- supervision
inline constexpr std::size_t kChildrenMax = 4'096;
inline constexpr std::size_t kTreeDepthMax = 16;
inline constexpr std::size_t kLeafPageMax = 1'000;  // rows in one answer to a LeafQuery

static_assert(kBatchOrdersMax <= kSessionCreditsMax, "a full batch must fit a session's credits");
static_assert(kSessionCreditsDefault <= kSessionCreditsMax);
static_assert(kRpcOpenAnswersMax >= 2 * kSessionCreditsMax,
              "a client within its credits is never cut");
static_assert(kRpcUnsentBytesMax > 2 * kRpcTraversalWords * 8, "room for the largest messages");
static_assert(kReportBacklogMax >= kReportCallbacksInFlightMax * kReportBatchMax);
static_assert(kBatchOrdersMax <= kCommandsPerEntryMax, "a submitted batch fits one entry");
static_assert(kCommandsPerEntryMax * 8 <= kEventsPerEntryMax,
              "a command makes at most 8 events on average");
static_assert(kOutboxInFlightMax <= kOutboxItemsMax);
static_assert(kVenueParkedMax <= kOutboxItemsMax / 2, "what waits for a venue fits its outbox");
static_assert(kFixMessageBytesMax * 2 <= kFixReceiveBufferBytes);
static_assert(kWireOrderIdBytes <= kVenueTextBytes);
static_assert(kPipelineOrdersMax >= kSessionCreditsMax);
static_assert(kExposuresMax >= kAccountsMax && kExposuresMax >= kSymbolsMax);
static_assert(kRiskOpenOrdersMax <= kOrdersPerShardMax);
static_assert(kArbiterCallsMax >= 4 * kGroupsPerNodeMax, "every group of a node can ask at once");
static_assert(kStreamFrameBytesMax >= kEntryBytesMax + (1u << 20),
              "the largest entry fits a frame");
static_assert(kStreamUnsentBytesMax >= 2 * kStreamFrameBytesMax);
static_assert(kStreamHelloBytesMax >= kGroupsPerNodeMax * 128 + 1024, "every group of a node fits");
static_assert(kStreamEpochsMax * 16 <= kStreamFrameBytesMax / 2);
static_assert(kFingerprintsMax >= kPipelineOrdersMax);

}  // namespace holdfast::limits
