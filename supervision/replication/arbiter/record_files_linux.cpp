#include "supervision/replication/arbiter/record_files_linux.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <utility>
#include <vector>

#include "messages/limits.hpp"
#include "supervision/replication/protocol/record.hpp"

namespace holdfast::replication {

namespace {
constexpr int kOwnerTries = 200;  // of a millisecond: another one may be claiming just now

Error io(const std::string& what) { return {ErrorCode::kIo, what + ": " + std::strerror(errno)}; }

std::string file_text(int fd, std::size_t most) {
  std::string text(most, '\0');
  std::size_t size = 0;
  while (size < most) {
    const ssize_t n = ::pread(fd, text.data() + size, most - size, static_cast<off_t>(size));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  return text;
}

std::string file_text(const char* path, std::size_t most) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text = file_text(fd, most);
  ::close(fd);
  return text;
}

bool write_all(int fd, std::string_view text, off_t offset = 0) {
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n =
        ::pwrite(fd, text.data() + size, text.size() - size, offset + static_cast<off_t>(size));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    size += static_cast<std::size_t>(n);
  }
  return true;
}

/// This boot of this machine, and the PID namespace: where our process numbers mean something.
std::string where_pids_hold() {
  std::string boot = file_text("/proc/sys/kernel/random/boot_id", 64);
  while (!boot.empty() && boot.back() == '\n') boot.pop_back();
  struct stat space {};
  const bool known = ::stat("/proc/self/ns/pid", &space) == 0;
  return boot + " pid-namespace " + (known ? std::to_string(space.st_ino) : "unknown");
}

// ---- the two copies in group-N.safe: a header, then the text

struct CopyHeader {
  char magic[8] = {'h', 'o', 'l', 'd', 's', 'a', 'f', '1'};
  uint64_t version = 0;
  uint64_t size = 0;
  XXH128_hash_t hash{};  // of the text, seeded with the version
};
constexpr std::size_t kCopyBytes = 32u
                                   << 10;  // whole pages, so that one copy never tears the other
static_assert(sizeof(CopyHeader) + limits::kArbiterRecordBytesMax <= kCopyBytes);

struct Copy {
  uint64_t version = 0;
  std::string text;
};

off_t copy_offset(int i) { return static_cast<off_t>(i) * static_cast<off_t>(kCopyBytes); }

/// Copy `i` if it is whole.
std::optional<Copy> read_copy(int fd, int i) {
  CopyHeader header;
  const CopyHeader expected;
  std::string text(limits::kArbiterRecordBytesMax, '\0');
  if (::pread(fd, &header, sizeof header, copy_offset(i)) != sizeof header) return std::nullopt;
  if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 ||
      header.size > text.size())
    return std::nullopt;
  text.resize(header.size);
  const off_t at = copy_offset(i) + static_cast<off_t>(sizeof header);
  if (::pread(fd, text.data(), text.size(), at) != static_cast<ssize_t>(text.size()))
    return std::nullopt;
  const auto hash = XXH3_128bits_withSeed(text.data(), text.size(), header.version);
  if (!XXH128_isEqual(hash, header.hash)) return std::nullopt;
  return Copy{header.version, std::move(text)};
}

std::string base(GroupId group) { return "group-" + std::to_string(group.value); }
std::string temporary_name(GroupId group) { return base(group) + ".tmp"; }
std::string lock_name(GroupId group) { return base(group) + ".lock"; }
std::string safe_name(GroupId group) { return base(group) + ".safe"; }

/// "group-N" and `end`: N.
std::optional<GroupId> group_in(std::string_view name, std::string_view end) {
  constexpr std::string_view kStart = "group-";
  if (!name.starts_with(kStart) || !name.ends_with(end)) return std::nullopt;
  name = name.substr(kStart.size(), name.size() - kStart.size() - end.size());
  uint32_t value = 0;
  const auto [stop, code] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (code != std::errc{} || stop != name.data() + name.size() || value == 0) return std::nullopt;
  return GroupId{value};
}

// Of one length, so that a shorter holder never leaves digits of a longer one.
std::string holder_text(ProcessId process, uint64_t acquisition) {
  char text[96];
  std::snprintf(text, sizeof text, "pid %010d start %020llu acquisition %020llu\n", process.pid,
                static_cast<unsigned long long>(process.start_ticks),
                static_cast<unsigned long long>(acquisition));
  return text;
}

/// The process that the kernel's own list names for a flock on `inode`.
std::optional<ProcessId> kernel_holder(ino_t inode) {
  std::istringstream lines(file_text("/proc/locks", 1u << 20));
  const std::string wanted = ":" + std::to_string(inode);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string number, kind, advisory, access, place;
    pid_t pid = 0;
    if (!(fields >> number >> kind >> advisory >> access >> pid >> place)) continue;
    if (kind != "FLOCK" || access != "WRITE" || !place.ends_with(wanted)) continue;
    if (const auto process = process_of(pid); pid > 0 && process.ok()) return process.value();
  }
  return std::nullopt;
}
}  // namespace

std::string RecordFiles::record_name(GroupId group) { return base(group) + ".json"; }

RecordFiles::RecordFiles(RecordFiles&& other) noexcept
    : directory_(std::move(other.directory_)),
      directory_fd_(std::exchange(other.directory_fd_, -1)),
      owner_fd_(std::exchange(other.owner_fd_, -1)),
      locks_(std::exchange(other.locks_, {})),
      safes_(std::exchange(other.safes_, {})),
      acquisitions_(other.acquisitions_) {}

RecordFiles::~RecordFiles() {
  for (const auto& [group, fd] : locks_) ::close(fd);
  for (const auto& [group, fd] : safes_) ::close(fd);
  if (owner_fd_ >= 0) ::close(owner_fd_);
  if (directory_fd_ >= 0) ::close(directory_fd_);
}

Result<RecordFiles> RecordFiles::open(const std::string& directory, const std::string& cluster) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return io("the arbiter's directory " + directory + " can't be made");
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io("the arbiter's directory " + directory + " can't be opened");
  RecordFiles files(directory, fd);
  struct stat status {};
  if (::fstat(fd, &status) != 0) return io("the arbiter's directory " + directory);
  // Who has no right to kill the others can't take over from them, and would find out too late.
  if (status.st_uid != ::geteuid() && ::geteuid() != 0)
    return Error{ErrorCode::kDenied, "the arbiter's directory " + directory + " belongs to user " +
                                         std::to_string(status.st_uid) +
                                         ", not to us: all nodes of one machine run as one user"};
  if (auto claimed = files.claim(cluster); !claimed.ok()) return claimed.error();
  return files;
}

Result<> RecordFiles::claim(const std::string& cluster) {
  owner_fd_ = ::openat(directory_fd_, "owner", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (owner_fd_ < 0) return io(directory_ + "/owner can't be opened");
  const std::string ours = "cluster " + cluster + "\n" + where_pids_hold() + "\n";
  const std::string cluster_line = ours.substr(0, ours.find('\n') + 1);
  for (int i = 0; i < kOwnerTries; ++i) {
    const bool alone = ::flock(owner_fd_, LOCK_EX | LOCK_NB) == 0;
    if (alone) {
      const std::string theirs = file_text(owner_fd_, 512);
      // Nobody else is alive here, so the numbers of an earlier boot or container are void; but
      // the records still belong to their cluster.
      if (theirs.empty() || theirs.starts_with(cluster_line)) {
        if (theirs != ours) {
          if (auto recovered = recover(); !recovered.ok()) return recovered;
        }
        if (theirs != ours && (::ftruncate(owner_fd_, 0) != 0 || !write_all(owner_fd_, ours)))
          return io(directory_ + "/owner can't be written");
      }
    }
    if (!alone && ::flock(owner_fd_, LOCK_SH | LOCK_NB) != 0) {
      ::usleep(1000);
      continue;
    }
    if (alone && ::flock(owner_fd_, LOCK_SH | LOCK_NB) != 0) continue;
    const std::string now = file_text(owner_fd_, 512);
    if (now == ours) return success();
    if (!now.starts_with(cluster_line))
      return Error{ErrorCode::kDenied, "the arbiter's directory " + directory_ + " belongs to " +
                                           now.substr(0, now.find('\n')) + ", not to cluster " +
                                           cluster};
    return Error{ErrorCode::kDenied,
                 "the arbiter's directory " + directory_ +
                     " is in use from another PID namespace, whose processes can't be killed from "
                     "here: run all nodes in one, or use etcd"};
  }
  return Error{ErrorCode::kUnavailable, directory_ + "/owner is locked by another process"};
}

Result<std::optional<std::string>> RecordFiles::read(GroupId group) const {
  const std::string name = record_name(group);
  const int fd = ::openat(directory_fd_, name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<std::string>{};
  if (fd < 0) return io(directory_ + "/" + name + " can't be opened");
  struct stat status {};
  const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  std::string text = is_file ? file_text(fd, limits::kArbiterRecordBytesMax + 1) : std::string{};
  ::close(fd);
  if (!is_file) return Error{ErrorCode::kIo, directory_ + "/" + name + " is no file"};
  return std::optional(std::move(text));
}

FileStamp RecordFiles::stamp(GroupId group) const {
  struct stat status {};
  if (::fstatat(directory_fd_, record_name(group).c_str(), &status, 0) != 0) return {};
  return {status.st_ino, status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec,
          status.st_size};
}

Result<int> RecordFiles::open_lock(GroupId group) {
  if (const auto found = locks_.find(group); found != locks_.end()) return found->second;
  const std::string name = lock_name(group);
  const int fd = ::openat(directory_fd_, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io(directory_ + "/" + name + " can't be opened");
  locks_.emplace(group, fd);
  return fd;
}

Result<> RecordFiles::try_lock(GroupId group) {
  const std::string name = lock_name(group);
  for (int i = 0; i < 3; ++i) {
    const auto fd = open_lock(group);
    if (!fd.ok()) return fd.error();
    if (::flock(fd.value(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return Error{ErrorCode::kConflict, name + " is held"};
      return io(directory_ + "/" + name + " can't be locked");
    }
    // A lock file that somebody removed or replaced locks nobody out: take the one that is there.
    struct stat held {
    }, there{};
    if (::fstat(fd.value(), &held) == 0 &&
        ::fstatat(directory_fd_, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        held.st_ino == there.st_ino) {
      write_all(fd.value(), holder_text(this_process(), ++acquisitions_));
      return success();
    }
    ::close(fd.value());
    locks_.erase(group);
  }
  return Error{ErrorCode::kUnavailable, directory_ + "/" + name + " keeps being replaced"};
}

void RecordFiles::unlock(GroupId group) {
  const auto found = locks_.find(group);
  if (found == locks_.end()) return;
  write_all(found->second, holder_text({}, acquisitions_));
  ::flock(found->second, LOCK_UN);
}

std::optional<LockHolder> RecordFiles::holder(GroupId group) const {
  const auto found = locks_.find(group);
  if (found == locks_.end()) return std::nullopt;
  const std::string text = file_text(found->second, 128);
  long long pid = 0;
  unsigned long long start = 0, acquisition = 0;
  std::sscanf(text.c_str(), "pid %lld start %llu acquisition %llu", &pid, &start, &acquisition);
  const ProcessId named{static_cast<pid_t>(pid), start};
  if (named) {
    const auto now = process_of(named.pid);
    if (now.ok() && now.value() == named) return LockHolder{named, acquisition};
  }
  // It may have been stopped between taking the lock and writing its name: the kernel knows.
  struct stat status {};
  if (::fstat(found->second, &status) != 0) return std::nullopt;
  const auto process = kernel_holder(status.st_ino);
  if (!process) return std::nullopt;
  return LockHolder{*process, acquisition};
}

Result<int> RecordFiles::open_safe(GroupId group) {
  if (const auto found = safes_.find(group); found != safes_.end()) return found->second;
  const std::string name = safe_name(group);
  const int fd = ::openat(directory_fd_, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io(directory_ + "/" + name + " can't be opened");
  struct stat status {};
  const std::size_t whole = 2 * kCopyBytes;
  // Its blocks are there from the start: to secure a version is one flush and no more.
  if (::fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) < whole) {
    if (!write_all(fd, std::string(whole, '\0')) || ::fsync(fd) != 0 ||
        ::fsync(directory_fd_) != 0) {
      const auto error = io(directory_ + "/" + name + " can't be made");
      ::close(fd);
      return error;
    }
  }
  safes_.emplace(group, fd);
  return fd;
}

Result<> RecordFiles::secure(GroupId group, uint64_t standing_version, uint64_t version,
                             std::string_view text) {
  const auto fd = open_safe(group);
  if (!fd.ok()) return fd.error();
  // Over the copy that is torn or is no longer, or never was, what stands.
  const auto first = read_copy(fd.value(), 0);
  const auto second = read_copy(fd.value(), 1);
  int free = 0;
  if (first && first->version == standing_version)
    free = 1;
  else if (first && second && second->version != standing_version)
    free = second->version < first->version ? 1 : 0;
  CopyHeader header;
  header.version = version;
  header.size = text.size();
  header.hash = XXH3_128bits_withSeed(text.data(), text.size(), version);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += text;
  if (!write_all(fd.value(), bytes, copy_offset(free)) || ::fdatasync(fd.value()) != 0)
    return io(directory_ + "/" + safe_name(group) + " can't be written");
  return success();
}

Result<> RecordFiles::install(GroupId group, std::string_view text) {
  return replace(group, text, false);
}

Result<> RecordFiles::replace(GroupId group, std::string_view text, bool durable) {
  const std::string next = temporary_name(group), name = record_name(group);
  const int fd =
      ::openat(directory_fd_, next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io(directory_ + "/" + next + " can't be made");
  const bool written = write_all(fd, text) && (!durable || ::fdatasync(fd) == 0);
  const auto error = io(directory_ + "/" + next + " can't be written");
  ::close(fd);
  if (!written) return error;
  if (::renameat(directory_fd_, next.c_str(), directory_fd_, name.c_str()) != 0 ||
      (durable && ::fsync(directory_fd_) != 0))
    return io(directory_ + "/" + name + " can't be replaced");
  return success();
}

// ---- after a loss of power: what was installed may have been lost, what was secured was not

Result<> RecordFiles::recover() {
  DIR* listing = ::opendir(directory_.c_str());
  if (listing == nullptr) return io(directory_ + " can't be listed");
  std::vector<GroupId> groups;
  while (const dirent* entry = ::readdir(listing))
    if (const auto group = group_in(entry->d_name, ".safe")) groups.push_back(*group);
  ::closedir(listing);
  for (const GroupId group : groups)
    if (auto recovered = recover(group); !recovered.ok()) return recovered;
  return success();
}

Result<> RecordFiles::recover(GroupId group) {
  const auto fd = open_safe(group);
  if (!fd.ok()) return fd.error();
  std::optional<Copy> newest;
  for (const int i : {0, 1})
    if (auto copy = read_copy(fd.value(), i); copy && (!newest || copy->version > newest->version))
      newest = std::move(copy);
  if (!newest) return success();
  const auto text = read(group);
  if (!text.ok()) return text.error();
  if (text.value()) {
    const auto record = decode_record(*text.value());
    if (record.ok() && record.value().version >= newest->version) return success();
  }
  return replace(group, newest->text, true);
}

}  // namespace holdfast::replication
