// Precedents on disk: incidents, vectors, postings and outcomes in a RocksDB of their own, each
// change one atomic write. Opening reads all of it into an index; what doesn't fit together is
// damage: the folder is kept aside under another name, an error says so, and the store begins again
// from the seeds, since precedents are a help and never a condition of working.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "actors/agents/precedents/index.hpp"

namespace rocksdb {
class DB;
class ColumnFamilyHandle;
class WriteBatch;
}  // namespace rocksdb

namespace holdfast::precedents {

struct StoreSettings {
  std::string directory;  // made if it is not there
  IndexSettings index;
};

class StoreRocksdb final : public Precedents {
 public:
  struct Opened {
    std::unique_ptr<StoreRocksdb> store;
    std::string rebuilt;  // not empty: why it began again from the seeds, for the log
  };
  /// Opens or makes it; seeds that are not in it, or differ, are written, and those that the
  /// configuration no longer has are dropped. kConflict: another process holds it; kUnavailable:
  /// the folder can't be used; kInvalid: two seeds have a number in common.
  static Result<Opened> open(StoreSettings settings, const std::vector<Seed>& seeds);
  ~StoreRocksdb() override;

  std::vector<Match> find(const Signature& signature, std::size_t k) const override;
  Result<> learn(const Incident& incident, ActionKind action, RemedyOutcome outcome,
                 WallTime now) override;
  Result<Precedent> get(uint64_t number) const override;
  std::vector<Precedent> list(FaultClass fault, std::size_t most) const override;
  std::size_t size() const override;

 private:
  explicit StoreRocksdb(StoreSettings settings);
  Result<> open_database();
  Result<> load();
  Result<> plant(const std::vector<Seed>& seeds);
  void put(rocksdb::WriteBatch& batch, const Precedent& precedent) const;
  void drop(rocksdb::WriteBatch& batch, const Precedent& precedent) const;
  Result<> write(rocksdb::WriteBatch& batch);
  void close();

  StoreSettings settings_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::mutex writing_;        // the order of writes; whoever changes index_ holds both
  mutable std::mutex mutex_;  // guards index_; never held while the disk is waited for
  Index index_;
};

}  // namespace holdfast::precedents
