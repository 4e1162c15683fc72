// What a replicated core is: a deterministic state machine whose every change is an event in a
// journal. decide() looks and proposes, apply() alone changes, effects() says what to tell the
// world once the event is committed. No clock, I/O, randomness or configuration inside: they come
// in as commands.
#pragma once

#include <concepts>
#include <optional>
#include <vector>

#include "supervision/replication/entry.hpp"

namespace holdfast::replication {

/// Room for what decide() proposes. The shell clears and reuses it.
///  events:  what changes; applied at once on the leader, released by commit
///  replies: effects that belong to no event (a duplicate's answer, a query, a refusal). They too
///  wait until
///           everything appended before them is committed.
template <typename Core>
struct Decision {
  std::vector<typename Core::Event> events;
  std::vector<typename Core::Effect> replies;
};

/// The contract. All functions are static, total on valid input, and allocate as little as they
/// can.
///   State            default-constructible, movable
///   Command          what may be asked; `now` is journaled wall time
///   Event            what happened; encodable, applied on every member
///   Effect           what a committed event tells the world (replies, messages to other groups,
///   bytes) decide           pure; changes nothing apply            the only thing that changes
///   State; the same on every member and at replay effects          called on the leader right
///   after apply of that event; held back until commit outstanding      what a new leader must emit
///   (again): undelivered outbox items, unsent bytes next_deadline    when the shell shall next
///   issue the core's tick command, if ever
template <typename C>
concept Core = requires(const typename C::State& state, typename C::State& mutable_state,
                        const typename C::Command& command, const typename C::Event& event,
                        WallTime now, const Position& at, Decision<C>& decision,
                        std::vector<typename C::Effect>& effects) {
  { C::decide(state, command, now, decision) } -> std::same_as<void>;
  { C::apply(mutable_state, event, at) } -> std::same_as<void>;
  { C::effects(state, event, at, effects) } -> std::same_as<void>;
  { C::outstanding(state, effects) } -> std::same_as<void>;
  { C::next_deadline(state) } -> std::same_as<std::optional<WallTime>>;
};

/// Folds numbers into one.
class Digest {
 public:
  void add(uint64_t number) {
    uint64_t z = value_ ^ (number + 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    value_ = z ^ (z >> 27);
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0x94D049BB133111EBull;
};

/// A few bytes of the state, cheap to take, that differ as soon as two copies differ in what
/// counts: a core that has `digest(state)` gets every copy compared after every entry. The last
/// byte is `kDigestVersion`: what another release took otherwise is not compared. Zero: not taken.
template <typename C>
uint64_t digest_of(const typename C::State& state) {
  if constexpr (requires {
                  { C::digest(state) } -> std::same_as<uint64_t>;
                })
    return (C::digest(state) << 8) | uint64_t{C::kDigestVersion};
  else
    return 0;
}
inline bool digests_differ(uint64_t a, uint64_t b) {
  return a != 0 && b != 0 && (a & 0xff) == (b & 0xff) && a != b;
}

/// An effect that a commit has released. Only a Replica can make one, so nothing can leave the
/// process (a reply, a message to another group, bytes on a socket) that the group has not
/// committed: shells' sending functions take Committed<Effect> and nothing else.
template <typename Effect>
class Committed {
 public:
  Committed(Committed&&) noexcept = default;
  Committed& operator=(Committed&&) noexcept = default;
  Committed(const Committed&) = delete;
  Committed& operator=(const Committed&) = delete;
  const Effect& operator*() const { return effect_; }
  const Effect* operator->() const { return &effect_; }
  /// Moves the effect out, to hand it on.
  Effect take() && { return std::move(effect_); }

 private:
  template <typename C>
  friend class Replica;
  explicit Committed(Effect effect) : effect_(std::move(effect)) {}
  Effect effect_;
};

/// Encodes a core's events and state; implemented by the room's `_capnp` adapter.
/// Decoding is total: any bytes give a value or kCorrupt/kInvalid with a clear text.
template <typename C>
class Codec {
 public:
  virtual ~Codec() = default;
  virtual void encode_events(std::span<const typename C::Event> events, Bytes& out) const = 0;
  virtual Result<> decode_events(ByteView bytes, std::vector<typename C::Event>& out) const = 0;
  virtual void encode_state(const typename C::State& state, Bytes& out) const = 0;
  virtual Result<> decode_state(ByteView bytes, typename C::State& out) const = 0;
  /// Appends where pieces of an encoded state begin that a later state is likely to have as well,
  /// byte for byte, rising.
  virtual void cut_state(ByteView, std::vector<std::size_t>&) const {}
};

}  // namespace holdfast::replication
