// A small core for tests of the replication machinery: deposits to a ledger, a query, an outbox to
// a peer.
#pragma once

#include <cstring>
#include <map>
#include <string>

#include "supervision/replication/core.hpp"
#include "supervision/replication/outbox.hpp"

namespace holdfast::replication::testing {

struct LedgerCore {
  struct State {
    std::map<uint64_t, int64_t> deposits;  // by key: a repeated key is a duplicate
    int64_t sum = 0;
    Outbox<int64_t> outbox;
    WallTime last_time;
    friend bool operator==(const State&, const State&) = default;
  };
  struct Command {
    enum Kind { kDeposit, kQuery, kAcknowledge } kind = kDeposit;
    uint64_t key = 0;
    int64_t amount = 0;
  };
  struct Event {
    enum Kind : uint64_t { kDeposited, kAcknowledged } kind = kDeposited;
    uint64_t key = 0;
    int64_t amount = 0;
  };
  struct Effect {
    enum Kind { kReply, kDeliver } kind = kReply;
    uint64_t key = 0;
    int64_t value = 0;
    bool duplicate = false;
  };

  static void decide(const State& state, const Command& command, WallTime,
                     Decision<LedgerCore>& out) {
    switch (command.kind) {
      case Command::kDeposit:
        CHECK(command.amount != 666);  // the planted bug of the poison tests
        if (state.deposits.count(command.key))
          out.replies.push_back(
              {Effect::kReply, command.key, state.deposits.at(command.key), true});
        else
          out.events.push_back({Event::kDeposited, command.key, command.amount});
        return;
      case Command::kQuery:
        out.replies.push_back({Effect::kReply, command.key, state.sum, false});
        return;
      case Command::kAcknowledge:
        out.events.push_back({Event::kAcknowledged, command.key, 0});
        return;
    }
  }
  static void apply(State& state, const Event& event, const Position& at) {
    state.last_time = at.time;
    if (event.kind == Event::kAcknowledged) return state.outbox.acknowledge({event.key});
    CHECK(event.amount != 667);
    state.deposits[event.key] = event.amount;
    state.sum += event.amount;
    state.outbox.push(event.amount);
  }
  static void effects(const State& state, const Event& event, const Position&,
                      std::vector<Effect>& out) {
    if (event.kind == Event::kAcknowledged) return;
    out.push_back({Effect::kReply, event.key, event.amount, false});
    out.push_back({Effect::kDeliver, state.outbox.last().value, event.amount, false});
  }
  static void outstanding(const State& state, std::vector<Effect>& out) {
    for (uint64_t seq = state.outbox.acknowledged().value + 1; seq <= state.outbox.last().value;
         ++seq)
      out.push_back({Effect::kDeliver, seq, state.outbox.at({seq}), false});
  }
  static std::optional<WallTime> next_deadline(const State&) { return std::nullopt; }
  static constexpr uint8_t kDigestVersion = 1;
  static uint64_t digest(const State& state) {
    Digest digest;
    digest.add(static_cast<uint64_t>(state.sum));
    digest.add(state.outbox.last().value);
    return digest.value();
  }
};

class LedgerCodec : public Codec<LedgerCore> {
 public:
  void encode_events(std::span<const LedgerCore::Event> events, Bytes& out) const override {
    const auto* raw = reinterpret_cast<const std::byte*>(events.data());
    out.insert(out.end(), raw, raw + events.size_bytes());
  }
  Result<> decode_events(ByteView bytes, std::vector<LedgerCore::Event>& out) const override {
    if (bytes.size() % sizeof(LedgerCore::Event)) return Error{ErrorCode::kCorrupt, "odd size"};
    out.resize(bytes.size() / sizeof(LedgerCore::Event));
    if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
    return success();
  }
  void encode_state(const LedgerCore::State& state, Bytes& out) const override {
    put(out, state.sum);
    put(out, state.last_time.ns);
    put(out, state.outbox.acknowledged().value);
    put(out, state.outbox.size());
    for (uint64_t seq = state.outbox.acknowledged().value + 1; seq <= state.outbox.last().value;
         ++seq)
      put(out, state.outbox.at({seq}));
    for (const auto& [key, amount] : state.deposits) {
      put(out, key);
      put(out, amount);
    }
  }
  Result<> decode_state(ByteView bytes, LedgerCore::State& out) const override {
    std::size_t at = 0;
    const auto next = [&]() -> int64_t {
      int64_t value = 0;
      if (at + 8 <= bytes.size()) std::memcpy(&value, bytes.data() + at, 8);
      at += 8;
      return value;
    };
    out.sum = next();
    out.last_time = {next()};
    out.outbox.restore({static_cast<uint64_t>(next())});
    for (int64_t items = next(); items > 0; --items) out.outbox.push(next());
    while (at < bytes.size()) {
      const auto key = static_cast<uint64_t>(next());
      out.deposits[key] = next();
    }
    return at == bytes.size() ? success() : Result<>(ErrorCode::kCorrupt, "short state");
  }

 private:
  template <typename T>
  static void put(Bytes& out, T value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), raw, raw + sizeof value);
  }
};

}  // namespace holdfast::replication::testing
