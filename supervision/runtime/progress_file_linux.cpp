#include "supervision/runtime/progress_file_linux.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace holdfast {

namespace {

constexpr uint64_t kMagic = 0x31676f7270666c68;  // "hlfprog1"

struct Loop {
  char name[32];
  std::atomic<uint64_t> counter;
  uint64_t unused;
};

struct Page {
  uint64_t magic;
  int64_t pid;
  uint64_t start_ticks;
  // Stored with release after a loop's name is written; the reader acquires it before it reads
  // names.
  std::atomic<uint64_t> loops;
  Loop loop[kProgressLoopsMax];
};
static_assert(sizeof(Page) <= 4096);
static_assert(std::atomic<uint64_t>::is_always_lock_free,
              "the counters are shared between processes");
constexpr std::size_t kBytes = 4096;

Error io(const std::string& what, const std::string& path) {
  return {ErrorCode::kIo, what + " " + path + ": " + std::strerror(errno)};
}

}  // namespace

Result<ProgressFile> ProgressFile::create(const std::string& path) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return io("can't make the progress file", fresh);
  if (::ftruncate(fd, kBytes) != 0) {
    ::close(fd);
    return io("can't size the progress file", fresh);
  }
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) return io("can't map the progress file", fresh);
  ProgressFile file(memory);
  auto* page = new (memory) Page{};
  const ProcessId self = this_process();
  page->pid = self.pid;
  page->start_ticks = self.start_ticks;
  page->magic = kMagic;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io("can't place the progress file", path);
  return file;
}

ProgressFile::~ProgressFile() {
  if (page_ != nullptr) ::munmap(page_, kBytes);
}

ProgressFile::ProgressFile(ProgressFile&& other) noexcept
    : page_(std::exchange(other.page_, nullptr)) {}

ProgressFile& ProgressFile::operator=(ProgressFile&& other) noexcept {
  std::swap(page_, other.page_);
  return *this;
}

Result<std::atomic<uint64_t>*> ProgressFile::add_loop(const std::string& name) {
  auto* page = static_cast<Page*>(page_);
  const uint64_t n = page->loops.load(std::memory_order_relaxed);
  if (n >= kProgressLoopsMax)
    return Error{ErrorCode::kFull,
                 "the progress file holds " + std::to_string(kProgressLoopsMax) + " loops"};
  Loop& loop = page->loop[n];
  name.copy(loop.name, std::min(name.size(), sizeof loop.name - 1));
  page->loops.store(n + 1, std::memory_order_release);
  return &loop.counter;
}

Result<ProgressSample> read_progress(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return Error{ErrorCode::kNotFound, "no progress file " + path};
    return io("can't open", path);
  }
  // Read, not mapped: a file that shrinks under a mapping would kill the reader.
  alignas(Page) unsigned char bytes[kBytes];
  const ssize_t n = ::pread(fd, bytes, sizeof bytes, 0);
  ::close(fd);
  if (n != static_cast<ssize_t>(kBytes))
    return Error{ErrorCode::kCorrupt, path + " is no progress file"};
  const auto* page = reinterpret_cast<const Page*>(bytes);
  ProgressSample sample;
  const uint64_t loops = page->loops.load(std::memory_order_acquire);
  const bool sound = page->magic == kMagic && loops <= kProgressLoopsMax;
  if (sound) {
    sample.process = {static_cast<pid_t>(page->pid), page->start_ticks};
    for (uint64_t i = 0; i < loops; ++i) {
      const Loop& loop = page->loop[i];
      sample.loops.emplace_back(loop.name, ::strnlen(loop.name, sizeof loop.name));
      sample.counters.push_back(loop.counter.load(std::memory_order_relaxed));
    }
  }
  if (!sound) return Error{ErrorCode::kCorrupt, path + " is no progress file"};
  return sample;
}

}  // namespace holdfast
