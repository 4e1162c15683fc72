// A log in memory whose commits come when the test says so: late, in bursts, or never.
#pragma once

#include <map>

#include "supervision/replication/journal/log.hpp"

namespace holdfast::replication::testing {

class FakeLog : public Log {
 public:
  void append(Index index, ByteView entry) override {
    CHECK(entries.empty() || index.value == entries.rbegin()->first + 1);
    entries[index.value] = Bytes(entry.begin(), entry.end());
  }
  void on_committed(std::function<void(Index)> callback) override {
    committed_ = std::move(callback);
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    failed_ = std::move(callback);
  }
  Index known_committed() const override { return known; }
  Durability durability() const override { return Durability::kMemory; }
  Result<std::optional<Snapshot>> latest_snapshot() const override { return snapshot; }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    for (auto it = entries.lower_bound(from.value); it != entries.end(); ++it) {
      auto visited = visit({it->first}, it->second);
      if (!visited) return visited;
    }
    return success();
  }
  Result<Epoch> raise_epoch(Epoch seen) override {
    epoch.value = std::max(epoch.value, seen.value) + 1;
    return epoch;
  }

  void commit(uint64_t index) { committed_({index}); }
  void commit_all() { commit(entries.rbegin()->first); }
  void fail(const Error& error) { failed_(error); }

  std::map<uint64_t, Bytes> entries;
  std::optional<Snapshot> snapshot;
  Index known{UINT64_MAX};
  Epoch epoch;

 private:
  std::function<void(Index)> committed_;
  std::function<void(const Error&)> failed_;
};

}  // namespace holdfast::replication::testing
