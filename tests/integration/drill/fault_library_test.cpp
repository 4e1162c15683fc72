// The library by its own functions, without a process that it is loaded before.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "nodes/drill/fault/fault_page.hpp"

namespace holdfast::drill {
namespace {

#ifdef HOLDFAST_FAULT_LIBRARY

namespace fs = std::filesystem;

struct Library {
  Library() {
    std::string name = ::testing::TempDir() + "holdfast-fault-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    const std::string file = folder + "/page";
    fs::create_directory(folder + "/node");
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(::ftruncate(fd, sizeof(FaultPage)), 0);
    page = static_cast<FaultPage*>(
        ::mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    ::close(fd);
    ::setenv(kFaultFileVariable, file.c_str(), 1);
    ::setenv(kFaultFolderVariable, (folder + "/node").c_str(), 1);
    handle = ::dlopen(HOLDFAST_FAULT_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle, nullptr) << ::dlerror();
    inside = ::open((folder + "/node/a").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    outside = ::open((folder + "/b").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  }
  ~Library() {
    ::close(inside);
    ::close(outside);
    ::dlclose(handle);
    ::munmap(page, sizeof(FaultPage));
    fs::remove_all(folder);
  }
  template <typename F>
  F function(const char* name) const {
    return reinterpret_cast<F>(::dlsym(handle, name));
  }
  ssize_t write(int fd) const {
    return function<ssize_t (*)(int, const void*, size_t)>("write")(fd, "x", 1);
  }
  int sync(int fd) const { return function<int (*)(int)>("fdatasync")(fd); }
  int64_t wall_ns() const {
    timespec time{};
    function<int (*)(clockid_t, timespec*)>("clock_gettime")(CLOCK_REALTIME, &time);
    return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  }

  std::string folder;
  FaultPage* page = nullptr;
  void* handle = nullptr;
  int inside = -1, outside = -1;
};

TEST(FaultLibrary, AFullDiskIsThatOfTheNodesFolder) {
  const Library library;
  EXPECT_EQ(library.write(library.inside), 1);
  library.page->full = 1;
  errno = 0;
  EXPECT_EQ(library.write(library.inside), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(library.write(library.outside), 1);
  EXPECT_EQ(library.page->writes_hit, 1);
  library.page->full = 0;
  EXPECT_EQ(library.write(library.inside), 1);
}

TEST(FaultLibrary, ASyncFailsOrLies) {
  const Library library;
  EXPECT_EQ(library.sync(library.inside), 0);
  library.page->sync_fails = 1;
  EXPECT_EQ(library.sync(library.inside), -1);
  EXPECT_EQ(errno, EIO);
  library.page->sync_fails = 0;
  library.page->sync_lies = 1;
  EXPECT_EQ(library.sync(library.inside), 0);
  EXPECT_EQ(library.page->syncs_hit, 2);
}

TEST(FaultLibrary, TheWallClockAloneIsStepped) {
  const Library library;
  constexpr int64_t kDay = int64_t{86'400} * 1'000'000'000;
  library.page->clock_ns = -kDay;
  const int64_t stepped = library.wall_ns();
  library.page->clock_ns = 0;
  EXPECT_GE(library.wall_ns() - stepped, kDay);
  EXPECT_EQ(library.page->clocks_hit, 1);
}

#else
TEST(FaultLibrary, IsNotPartOfThisBuild) { GTEST_SKIP() << "builds with sanitizers have none"; }
#endif

}  // namespace
}  // namespace holdfast::drill
