// libholdfast_fault.so: loaded before a node by LD_PRELOAD, it makes this one process's disk slow,
// full, failing or lying, and its wall clock wrong, as the drill's page says. Files outside the
// node's folder, its log (stdout, stderr) and the monotonic clock are left alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "nodes/drill/fault/fault_page.hpp"

namespace {

using holdfast::drill::FaultPage;

FaultPage* page = nullptr;
char folder[512];
std::size_t folder_size = 0;

template <typename F>
F next(F, const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}
// Looked up once each, at the first call, which may come before any constructor.
#define NEXT(function)                                      \
  ([] {                                                     \
    static const auto found = next(&::function, #function); \
    return found;                                           \
  }())

__attribute__((constructor)) void map_page() {
  const char* file = std::getenv(holdfast::drill::kFaultFileVariable);
  const char* below = std::getenv(holdfast::drill::kFaultFolderVariable);
  if (!file || !below) return;
  folder_size = std::strlen(below);
  if (folder_size == 0 || folder_size >= sizeof folder) return;
  std::memcpy(folder, below, folder_size);
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = ::mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped != MAP_FAILED) page = static_cast<FaultPage*>(mapped);
}

int64_t value(const std::atomic<int64_t>& field) { return field.load(std::memory_order_relaxed); }

/// Whether it is a regular file below the node's folder. Keeps errno.
bool is_hit(int fd) {
  if (fd <= 2) return false;
  const int error = errno;
  char link[64], path[1024];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = ::readlink(link, path, sizeof path);
  errno = error;
  return n > static_cast<ssize_t>(folder_size) && std::memcmp(path, folder, folder_size) == 0 &&
         path[folder_size] == '/';
}

void pause_for(int64_t us) {
  if (us <= 0) return;
  const int error = errno;
  timespec left{static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000 * 1'000)};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
  errno = error;
}

/// Slows a write down. False with errno: it fails.
bool may_write(int fd) {
  if (!page || (value(page->full) == 0 && value(page->write_delay_us) == 0) || !is_hit(fd))
    return true;
  page->writes_hit.fetch_add(1, std::memory_order_relaxed);
  pause_for(value(page->write_delay_us));
  if (value(page->full) == 0) return true;
  errno = ENOSPC;
  return false;
}

enum class Sync { kDo, kFail, kSkip };
Sync may_sync(int fd) {
  if (!page) return Sync::kDo;
  const bool fails = value(page->sync_fails), lies = value(page->sync_lies);
  const int64_t delay = value(page->sync_delay_us);
  if ((!fails && !lies && delay == 0) || !is_hit(fd)) return Sync::kDo;
  page->syncs_hit.fetch_add(1, std::memory_order_relaxed);
  pause_for(delay);
  if (fails) errno = EIO;
  return fails ? Sync::kFail : lies ? Sync::kSkip : Sync::kDo;
}

/// What is said to be free of the file system of a path of the node's.
template <typename Result>
void tell_free(const char* path, Result* out) {
  if (!page || !path || value(page->free_ppm) == 0) return;
  if (std::strncmp(path, folder, folder_size) != 0) return;
  if (path[folder_size] != '\0' && path[folder_size] != '/') return;
  const auto part = static_cast<uint64_t>(value(page->free_ppm));
  out->f_bavail = static_cast<decltype(out->f_bavail)>(out->f_blocks / 1'000 * part / 1'000);
  out->f_bfree = out->f_bavail;
}

int64_t clock_offset() {
  const int64_t offset = page ? value(page->clock_ns) : 0;
  if (offset) page->clocks_hit.fetch_add(1, std::memory_order_relaxed);
  return offset;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  return may_write(fd) ? NEXT(write)(fd, bytes, size) : -1;
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return may_write(fd) ? NEXT(pwrite)(fd, bytes, size, at) : -1;
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  return may_write(fd) ? NEXT(pwrite64)(fd, bytes, size, at) : -1;
}
ssize_t writev(int fd, const iovec* parts, int count) {
  return may_write(fd) ? NEXT(writev)(fd, parts, count) : -1;
}
int fsync(int fd) {
  const Sync how = may_sync(fd);
  return how == Sync::kDo ? NEXT(fsync)(fd) : how == Sync::kFail ? -1 : 0;
}
int fdatasync(int fd) {
  const Sync how = may_sync(fd);
  return how == Sync::kDo ? NEXT(fdatasync)(fd) : how == Sync::kFail ? -1 : 0;
}
int fallocate(int fd, int mode, off_t at, off_t size) {
  return may_write(fd) ? NEXT(fallocate)(fd, mode, at, size) : -1;
}
int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  return may_write(fd) ? NEXT(fallocate64)(fd, mode, at, size) : -1;
}

int statvfs(const char* __restrict path, struct statvfs* __restrict out) noexcept {
  const int result = NEXT(statvfs)(path, out);
  if (result == 0) tell_free(path, out);
  return result;
}
int statvfs64(const char* __restrict path, struct statvfs64* __restrict out) noexcept {
  const int result = NEXT(statvfs64)(path, out);
  if (result == 0) tell_free(path, out);
  return result;
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = NEXT(clock_gettime)(clock, time);
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  if (const int64_t offset = clock_offset()) {
    const int64_t ns = static_cast<int64_t>(time->tv_sec) * 1'000'000'000 + time->tv_nsec + offset;
    time->tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    time->tv_nsec = static_cast<long>(ns % 1'000'000'000);
  }
  return result;
}
int gettimeofday(timeval* __restrict tv, void* __restrict zone) noexcept {
  const int result = NEXT(gettimeofday)(tv, zone);
  if (result != 0) return result;
  if (const int64_t offset = clock_offset()) {
    const int64_t us = static_cast<int64_t>(tv->tv_sec) * 1'000'000 + tv->tv_usec + offset / 1'000;
    tv->tv_sec = static_cast<time_t>(us / 1'000'000);
    tv->tv_usec = static_cast<suseconds_t>(us % 1'000'000);
  }
  return result;
}
time_t time(time_t* out) noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
