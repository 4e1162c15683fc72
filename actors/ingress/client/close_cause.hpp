// Why a connection ended: the names under which both ends count and log it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::client {

/// Why a connection ended.
enum class CloseCause : uint8_t {
  kPeer,         // the other side closed, or its host went away
  kLocal,        // we closed it in order
  kGarbage,      // bytes that are no Cap'n Proto message, or no RPC
  kOversize,     // a message above the limit
  kUnsent,       // the other side does not read what we send
  kOpenAnswers,  // the other side does not finish its calls
  kSilent,       // nothing heard for too long
  kLogin,        // no session was opened in time
};
inline constexpr std::size_t kCloseCauses = 8;
/// A short stable name for counters: "peer", "garbage".
std::string_view name_of(CloseCause cause);

}  // namespace holdfast::client
