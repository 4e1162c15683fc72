// Two containers for a book that grows by millions of entries and must never pause: Segmented is an
// array that grows by blocks and never moves what it holds; FlatIndex finds an entry by its hash
// and grows in 256 independent parts, so that no single insertion moves more than a small part.
// Neither ever gives memory back: a book of record only grows, and is bounded by its owner.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "messages/check.hpp"

namespace holdfast::orders {

/// An array by blocks of `kBlock` elements. Movable; references stay valid as it grows.
template <typename T, std::size_t kBlock = 1024>
class Segmented {
  static_assert((kBlock & (kBlock - 1)) == 0);

 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return blocks_[i / kBlock][i % kBlock]; }
  const T& operator[](std::size_t i) const { return blocks_[i / kBlock][i % kBlock]; }
  /// CHECKs the bound.
  T& at(std::size_t i) {
    CHECK(i < size_);
    return (*this)[i];
  }
  const T& at(std::size_t i) const {
    CHECK(i < size_);
    return (*this)[i];
  }
  T& back() { return at(size_ - 1); }
  /// Appends a default element and returns it.
  T& grow() {
    if (size_ == blocks_.size() * kBlock) blocks_.push_back(std::make_unique<T[]>(kBlock));
    return (*this)[size_++];
  }
  T& push_back(const T& value) {
    T& slot = grow();
    slot = value;
    return slot;
  }
  std::size_t bytes() const { return blocks_.size() * kBlock * sizeof(T); }

 private:
  std::vector<std::unique_ptr<T[]>> blocks_;
  std::size_t size_ = 0;
};

/// From a 64-bit hash to a reference (1 and up) into something else. Holds no keys: the caller
/// compares. Entries are never removed.
class FlatIndex {
 public:
  /// The reference whose entry `matches`, or 0.
  template <typename Matches>
  uint32_t find(uint64_t hash, Matches matches) const {
    const Part& part = parts_[hash >> 56];
    if (part.slots.empty()) return 0;
    const std::size_t mask = part.slots.size() - 1;
    const auto tag = static_cast<uint32_t>(hash);
    for (std::size_t i = tag & mask;; i = (i + 1) & mask) {
      const Slot& slot = part.slots[i];
      if (slot.ref == 0) return 0;
      if (slot.tag == tag && matches(slot.ref)) return slot.ref;
    }
  }

  /// Fetches into the cache what find and insert of this hash will look at: for those who know some
  /// hashes ahead.
  void fetch(uint64_t hash) const {
    const Part& part = parts_[hash >> 56];
    if (!part.slots.empty())
      __builtin_prefetch(&part.slots[static_cast<uint32_t>(hash) & (part.slots.size() - 1)]);
  }

  /// Adds an entry that `find` did not find. `ref` is not 0.
  void insert(uint64_t hash, uint32_t ref) {
    CHECK(ref != 0);
    Part& part = parts_[hash >> 56];
    if ((part.used + 1) * 4 > part.slots.size() * 3) grow(part);
    place(part, static_cast<uint32_t>(hash), ref);
    part.used += 1;
    size_ += 1;
  }
  std::size_t size() const { return size_; }

  /// Makes room for `entries` at once, so that a restored index does not grow step by step.
  void reserve(std::size_t entries) {
    const std::size_t each = entries / kParts * 2 + 16;
    for (Part& part : parts_)
      while (part.slots.size() < each) grow(part);
  }
  std::size_t bytes() const {
    std::size_t slots = 0;
    for (const Part& part : parts_) slots += part.slots.size();
    return slots * sizeof(Slot);
  }

 private:
  static constexpr std::size_t kParts = 256;
  struct Slot {
    uint32_t tag = 0, ref = 0;
  };
  struct Part {
    std::vector<Slot> slots;
    std::size_t used = 0;
  };
  static void place(Part& part, uint32_t tag, uint32_t ref) {
    const std::size_t mask = part.slots.size() - 1;
    std::size_t i = tag & mask;
    while (part.slots[i].ref != 0) i = (i + 1) & mask;
    part.slots[i] = {tag, ref};
  }
  static void grow(Part& part) {
    std::vector<Slot> old = std::move(part.slots);
    part.slots.assign(old.empty() ? 16 : old.size() * 2, Slot{});
    for (const Slot& slot : old)
      if (slot.ref != 0) place(part, slot.tag, slot.ref);
  }

  std::array<Part, kParts> parts_;
  std::size_t size_ = 0;
};

}  // namespace holdfast::orders
