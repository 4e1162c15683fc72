// The node's heap with the node's allocator, set up as in the node.
#include "nodes/node/heap_linux.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

[[gnu::visibility("default"), gnu::used]] const char* malloc_conf =
    "thp:always,metadata_thp:always,narenas:1,dirty_decay_ms:-1,muzzy_decay_ms:-1";

namespace holdfast::node {
namespace {

constexpr std::size_t kMiB = 1u << 20;

std::size_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0, in_memory = 0;
  statm >> pages >> in_memory;
  return in_memory * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// The mapping that an address lies in.
struct Mapping {
  uint64_t bytes = 0;
  bool huge = false;  // asks for huge pages
};
Mapping mapping_of(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  Mapping found;
  bool here = false;
  for (std::string line; std::getline(smaps, line);) {
    uint64_t from = 0, to = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
      const auto at = reinterpret_cast<uint64_t>(address);
      here = at >= from && at < to;
      if (here) found.bytes = to - from;
    } else if (here && line.starts_with("VmFlags:")) {
      found.huge = (line + " ").find(" hg ") != std::string::npos;
    }
  }
  return found;
}

using Block = std::unique_ptr<std::vector<char>>;

/// `count` blocks of `size` bytes, all of them touched.
std::vector<Block> allocate(std::size_t count, std::size_t size, char mark = 'x') {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < count; ++i)
    blocks.push_back(std::make_unique<std::vector<char>>(size, mark));
  return blocks;
}

void expect_marked(const std::vector<Block>& blocks, char mark) {
  for (const Block& block : blocks)
    for (const char c : *block) ASSERT_EQ(c, mark);
}

template <typename Work>
void on_a_thread(Work work) {
  std::thread(work).join();
}

class Heap : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(heap_in_one_stretch()); }
};

TEST_F(Heap, IsMovedOnce) { EXPECT_FALSE(heap_in_one_stretch()); }

TEST_F(Heap, GrowsInOneStretchThatAsksForHugePages) {
  const std::vector<Block> blocks = allocate(3, 20 * kMiB);
  for (const Block& block : blocks) {
    const Mapping mapping = mapping_of(block->data());
    EXPECT_GE(mapping.bytes, uint64_t{60} << 30);
    if (std::filesystem::exists("/sys/kernel/mm/transparent_hugepage/enabled")) {
      EXPECT_TRUE(mapping.huge);
    }
  }
}

TEST_F(Heap, HoldsBlocksOfAllSizesFromManyThreads) {
  std::vector<std::vector<Block>> kept(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kept.size(); ++t)
      threads.emplace_back([&, t] {
        for (const std::size_t size : {16u, 500u, 4'096u, 30'000u, 200'000u, 3'000'000u}) {
          const auto mark = static_cast<char>('a' + t);
          const auto gone = allocate(1 + 2'000'000 / size, size, 'z');
          for (Block& block : allocate(1 + 2'000'000 / size, size, mark))
            kept[t].push_back(std::move(block));
        }
      });
  }
  for (std::size_t t = 0; t < kept.size(); ++t) expect_marked(kept[t], static_cast<char>('a' + t));
}

TEST_F(Heap, ScratchMemoryIsUsedAgainByTheNext) {
  const auto rush = [] {
    const ScratchMemory scratch;
    ASSERT_TRUE(scratch.apart());
    allocate(48, kMiB);
    allocate(48'000, 1'000);
  };
  on_a_thread(rush);
  const std::size_t after_first = resident();
  for (int i = 0; i < 5; ++i) on_a_thread(rush);
  EXPECT_LT(resident(), after_first + 24 * kMiB);
}

TEST_F(Heap, WhatStaysDoesNotTakeThePlaceOfWhatWasScratch) {
  std::set<const char*> scratched;
  on_a_thread([&] {
    const ScratchMemory scratch;
    for (const Block& block : allocate(64, kMiB)) scratched.insert(block->data());
  });
  on_a_thread([&] {
    for (const Block& block : allocate(64, kMiB)) EXPECT_FALSE(scratched.contains(block->data()));
  });
}

TEST_F(Heap, WhatOutlivesScratchMemoryStaysGood) {
  std::vector<Block> kept;
  on_a_thread([&] {
    const ScratchMemory scratch;
    const auto gone = allocate(1'000, 10'000, 'z');
    kept = allocate(1'000, 10'000, 'k');
  });
  on_a_thread([] {
    const ScratchMemory scratch;
    allocate(1'000, 10'000, 'z');
  });
  expect_marked(kept, 'k');
}

}  // namespace
}  // namespace holdfast::node
