// The bounds of asking for advice and of remembering how things went, with the relations between
// them. Apart from limits.hpp because only the control plane needs them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::limits {

// ---- a question
inline constexpr std::size_t kAdviceFindingsMax = 32;     // of one incident, as Incident has it
inline constexpr std::size_t kAdviceEvidenceMax = 16;     // of one finding, as Finding has it
inline constexpr std::size_t kAdvicePrecedentsMax = 8;    // the best, as Finding has it
inline constexpr std::size_t kAdviceFactsMax = 32;        // numbers about the present conditions
inline constexpr std::size_t kAdviceOptionsMax = 64;      // (action, target) pairs that are allowed
inline constexpr std::size_t kAdviceDestinationsMax = 9;  // members that an option may go to
inline constexpr std::size_t kPromptBytesMax = 256u << 10;

// ---- an answer
inline constexpr std::size_t kAdviceProposalsMax = 3;
inline constexpr std::size_t kAdviceNoteBytes = 240;        // a model's own words, for people
inline constexpr std::size_t kProposalReasonBytes = 512;    // as Proposal has it
inline constexpr std::size_t kReplyBytesMax = 16u << 10;    // what the model wrote
inline constexpr std::size_t kReplyDepthMax = 8;            // nested arrays and objects
inline constexpr std::size_t kAnswerBytesMax = 256u << 10;  // the whole HTTP body around it
inline constexpr std::size_t kAnswerDepthMax = 32;

// ---- the gateway
inline constexpr std::size_t kModelEndpointsMax = 8;
inline constexpr std::size_t kAdviceCallsMax = 64;         // unanswered questions; then: busy
inline constexpr uint32_t kAdviceAttemptsMax = 16;         // of one question, failover included
inline constexpr std::size_t kAdviceCacheMax = 1'024;      // answers kept
inline constexpr std::size_t kBudgetIncidentsMax = 1'024;  // whose spending is remembered

// ---- precedents
inline constexpr std::size_t kPrecedentsMax = 20'000;  // learned ones; then the oldest goes
inline constexpr std::size_t kPrecedentSeedsMax = 1'000;
inline constexpr std::size_t kPrecedentTermsMax = 128;   // features of one signature
inline constexpr std::size_t kPrecedentActionsMax = 17;  // kinds tried in one incident

static_assert(kAdviceNoteBytes < kProposalReasonBytes);
static_assert(kReplyBytesMax < kAnswerBytesMax && kReplyDepthMax < kAnswerDepthMax);

}  // namespace holdfast::limits
