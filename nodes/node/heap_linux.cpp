#include "nodes/node/heap_linux.hpp"

#include <jemalloc/jemalloc.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>

// Not there where the program is not linked with jemalloc.
#pragma weak mallctl

namespace holdfast::node {

namespace {

constexpr unsigned kNoArena = ~0u;
constexpr std::uintptr_t kHugePage = 2u << 20;
constexpr std::size_t kStretchBytes = std::size_t{64} << 30;  // of addresses, not of memory

// The stretch: what is below `next_` was handed out. Constant initialization: it is used by every
// allocation, and nothing here may allocate.
std::atomic<std::uintptr_t> next_{0};  // pairs with itself alone: it only gives out ranges
std::uintptr_t end_ = 0;               // set once, before the hooks are
extent_hooks_t* former_ = nullptr;     // what the process began with; as well

std::uintptr_t round_up(std::uintptr_t value, std::uintptr_t to) {
  return (value + to - 1) & ~(to - 1);
}

void* take(extent_hooks_t*, void* wanted, std::size_t size, std::size_t alignment, bool* zero,
           bool* commit, unsigned arena) {
  if (wanted != nullptr) return nullptr;  // nowhere in particular
  std::uintptr_t at = next_.load(std::memory_order_relaxed), start = 0;
  do {
    start = round_up(at, alignment);
    if (start + size > end_)  // full: as without it
      return former_->alloc(former_, wanted, size, alignment, zero, commit, arena);
  } while (!next_.compare_exchange_weak(at, start + size, std::memory_order_relaxed));
  *zero = *commit = true;  // fresh from the kernel
  return reinterpret_cast<void*>(start);
}

// Neighbours may be cut and joined as jemalloc likes: nothing is kept of them here.
bool split(extent_hooks_t*, void*, std::size_t, std::size_t, std::size_t, bool, unsigned) {
  return false;
}
bool merge(extent_hooks_t*, void*, std::size_t, void*, std::size_t, bool, unsigned) {
  return false;
}

// No way back to the system: pages given back one by one would break huge ones up.
extent_hooks_t hooks = {take, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, split, merge};

bool reserve_stretch() {
  void* const start = ::mmap(nullptr, kStretchBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return false;
  ::madvise(start, kStretchBytes, MADV_HUGEPAGE);  // where there are none: small pages
  const auto first = reinterpret_cast<std::uintptr_t>(start);
  end_ = first + kStretchBytes;
  next_.store(round_up(first, kHugePage), std::memory_order_relaxed);
  return true;
}

/// The arena of all scratch memory of the process; kNoArena: there is none.
unsigned scratch_arena() {
  static const unsigned arena = [] {
    if (mallctl == nullptr) return kNoArena;
    unsigned made = kNoArena;
    std::size_t size = sizeof made;
    extent_hooks_t* own = &hooks;
    const bool stretch = end_ != 0;
    return mallctl("arenas.create", &made, &size, stretch ? &own : nullptr,
                   stretch ? sizeof own : 0) == 0
               ? made
               : kNoArena;
  }();
  return arena;
}

void flush_cache() { mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0); }

}  // namespace

bool heap_in_one_stretch() {
  if (mallctl == nullptr || end_ != 0) return false;
  std::size_t size = sizeof former_;
  if (mallctl("arena.0.extent_hooks", &former_, &size, nullptr, 0) != 0) return false;
  if (!reserve_stretch()) return false;
  extent_hooks_t* own = &hooks;
  return mallctl("arena.0.extent_hooks", nullptr, nullptr, &own, sizeof own) == 0;
}

ScratchMemory::ScratchMemory() {
  unsigned arena = scratch_arena();
  if (arena == kNoArena) return;
  flush_cache();  // what the thread holds ready is of its old arena
  std::size_t size = sizeof before_;
  apart_ = mallctl("thread.arena", &before_, &size, &arena, sizeof arena) == 0;
}

ScratchMemory::~ScratchMemory() {
  if (!apart_) return;
  flush_cache();
  mallctl("thread.arena", nullptr, nullptr, &before_, sizeof before_);
}

}  // namespace holdfast::node
