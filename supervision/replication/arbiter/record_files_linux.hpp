// The embedded arbiter's directory: a record a group in a file that is only ever replaced whole,
// and a lock file a group that is never renamed and names who holds it. Each function is one step
// of a compare-and-set; the sequence, the deadlines and the threads are embedded_linux's.
//
//   owner         the cluster, and the machine and PID namespace of all who have it open
//   group-N.json  the record, for all readers and for people; group-N.tmp: the next one, half made
//   group-N.safe  its last two versions, overwritten in turn and synced: what a loss of power
//   leaves group-N.lock  flock(2) is the lock; its text is for people and for who finds it held too
//   long
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "supervision/runtime/process_linux.hpp"

namespace holdfast::replication {

/// One acquisition of a group's lock. While `process` lives and is named in the lock file, it holds
/// the lock: it writes its name after taking and erases it before letting go.
struct LockHolder {
  ProcessId process;
  uint64_t acquisition = 0;
  friend bool operator==(const LockHolder&, const LockHolder&) = default;
};

/// Which file is in a record's place: another one after each change, but for a coincidence.
struct FileStamp {
  uint64_t inode = 0;  // 0: none is there
  int64_t changed_ns = 0;
  int64_t bytes = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Used by one thread, except read() and stamp(), which any number may call.
class RecordFiles {
 public:
  /// Makes the directory (not its parents) if need be. kDenied: it is another cluster's, another
  /// user's, or processes of another PID namespace have it open, whom we could not kill.
  static Result<RecordFiles> open(const std::string& directory, const std::string& cluster);
  RecordFiles(RecordFiles&& other) noexcept;
  RecordFiles& operator=(RecordFiles&&) = delete;
  ~RecordFiles();

  const std::string& directory() const { return directory_; }
  /// The file name of a group's record.
  static std::string record_name(GroupId group);

  /// The text of the record, whole, at most one byte more than kArbiterRecordBytesMax; nothing if
  /// there is none.
  Result<std::optional<std::string>> read(GroupId group) const;
  FileStamp stamp(GroupId group) const;

  /// Takes the lock without waiting: kConflict if another holds it. unlock() lets go.
  Result<> try_lock(GroupId group);
  void unlock(GroupId group);
  /// Who holds the lock that try_lock() did not get; nothing if it is no longer held or unclear.
  std::optional<LockHolder> holder(GroupId group) const;

  /// Makes the next version durable, over what is not the standing one. It stands from install()
  /// on, or from a loss of power on. Under the lock.
  Result<> secure(GroupId group, uint64_t standing_version, uint64_t version,
                  std::string_view text);
  /// Puts the text in the record's place, for all readers at once. Under the lock.
  Result<> install(GroupId group, std::string_view text);

 private:
  RecordFiles(std::string directory, int directory_fd)
      : directory_(std::move(directory)), directory_fd_(directory_fd) {}
  Result<> claim(const std::string& cluster);
  Result<> recover();
  Result<> recover(GroupId group);
  Result<int> open_lock(GroupId group);
  Result<int> open_safe(GroupId group);
  Result<> replace(GroupId group, std::string_view text, bool durable);

  std::string directory_;
  int directory_fd_ = -1;
  int owner_fd_ = -1;             // held shared as long as we live
  std::map<GroupId, int> locks_;  // open, locked or not
  std::map<GroupId, int> safes_;
  uint64_t acquisitions_ = 0;
};

}  // namespace holdfast::replication
