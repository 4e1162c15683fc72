// The audit log of one node as files in one folder: `records.log` (appended to, never rewritten),
// `checkpoints` (signed roots), `audit.key` (0600) and `audit.pub`. Records are taken at once and
// written by a thread of the log's own, in batches, each on disk before it counts; signed roots
// follow. It knows nothing of what the records mean.
#pragma once

#include <memory>
#include <span>

#include "supervision/orchestrator/audit/crypto_linux.hpp"
#include "supervision/orchestrator/audit/frame.hpp"
#include "supervision/orchestrator/audit/record.hpp"

namespace holdfast::audit {

inline constexpr std::size_t kQueueMax = 16'384;         // records that wait to be written
inline constexpr std::size_t kBatchBytesMax = 1u << 20;  // written and synced at once
inline constexpr std::size_t kLeavesKept = 4'096;        // of the last records, to know them again

struct AuditSettings {
  std::string directory;
  std::string origin = "holdfast/audit";                // the log's name; the same on all members
  std::string name;                                     // who signs: this node
  uint64_t checkpoint_every = 1'000;                    // records
  Duration checkpoint_interval = Duration::seconds(1);  // at the latest, where there are new ones
};

struct AuditState {
  uint64_t appended = 0;  // taken
  uint64_t durable = 0;   // on disk
  uint64_t signed_records = 0;
  Hash root{};              // of what is durable
  uint64_t refused = 0;     // because the queue was full
  uint64_t torn_bytes = 0;  // cut off at the start; kept beside in `torn-OFFSET`
  std::string failure;      // why nothing is taken any more; "": it is
};

class AuditLog {
 public:
  /// Makes the folder (0700), the key and the files where there are none; reads the log to its end.
  /// What a crash tore off the end is cut, saved beside and counted, unless a checkpoint covers it.
  /// kCorrupt: the log is not what was signed, or is damaged before its end; nothing is changed
  /// then. kConflict: another process has it open.
  static Result<std::unique_ptr<AuditLog>> open(const AuditSettings& settings);
  /// Writes and signs what it has taken.
  ~AuditLog();

  /// Takes one record and gives its sequence; returns before it is on disk. From any thread, never
  /// blocks on I/O. A sequence that is there already is taken as done when the record is the same,
  /// so a member may derive records again from its journal. kCorrupt: it is another one (among the
  /// last kLeavesKept; older ones are believed). kConflict: records before it are missing. kFull:
  /// try again. kInvalid: see validate. kIo: the log has failed.
  Result<uint64_t> append(Record record);
  /// Waits until all that was taken is on disk and signed.
  Result<> flush();
  AuditState state() const;
  const Verifier& verifier() const;

 private:
  class Writer;
  explicit AuditLog(std::unique_ptr<Writer> writer);
  std::unique_ptr<Writer> writer_;
};

/// Names of the files in the folder.
std::string records_file(const std::string& directory);
std::string checkpoints_file(const std::string& directory);
std::string private_key_file(const std::string& directory);
std::string public_key_file(const std::string& directory);

/// Reads a log from its beginning, also one that is being appended to.
class LogReader {
 public:
  /// kNotFound: no log is there.
  static Result<LogReader> open(const std::string& directory);
  ~LogReader();
  LogReader(LogReader&& other) noexcept;
  LogReader& operator=(LogReader&&) = delete;

  /// The next record's bytes, until the next call; nothing: the end, or damage.
  std::optional<std::string_view> next();
  const std::string& damage() const { return scanner_.damage(); }
  /// Where the record after the last one given begins.
  uint64_t offset() const { return scanner_.offset(); }
  std::size_t unfinished() const { return scanner_.unfinished(); }

 private:
  explicit LogReader(int fd) : fd_(fd) {}
  int fd_ = -1;
  FrameScanner scanner_;
};

/// Up to `most` records from `sequence` on, for a member that lacks them.
Result<std::vector<Record>> read_records(const std::string& directory, uint64_t sequence,
                                         std::size_t most);
/// Every checkpoint of the folder's file. kNotFound: there is none; kCorrupt: which is damaged.
Result<std::vector<SignedCheckpoint>> read_checkpoints(const std::string& file);
/// A public key file.
Result<Verifier> read_verifier(const std::string& file);

}  // namespace holdfast::audit
