// A bounded hash map in one array: linear probing, deletion by shifting back, no tombstones. Grows
// by doubling until its bound, so a warm map allocates nothing; insertion beyond the bound is
// refused, never an eviction. Iteration order is arbitrary: whoever encodes must sort.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "messages/check.hpp"

namespace holdfast::risk {

template <typename Key, typename Value, typename Hash = std::hash<Key>>
class FlatMap {
 public:
  /// At most `max` entries ever; room for `expected` is made at once.
  explicit FlatMap(std::size_t max, std::size_t expected = 16) : max_(max) {
    rehash(std::bit_ceil(expected * 2));
  }

  std::size_t size() const { return size_; }
  bool full() const { return size_ >= max_; }

  const Value* find(const Key& key) const {
    for (std::size_t i = home(key); slots_[i].used; i = next(i))
      if (slots_[i].key == key) return &slots_[i].value;
    return nullptr;
  }
  Value* find(const Key& key) {
    return const_cast<Value*>(static_cast<const FlatMap*>(this)->find(key));
  }

  /// The value of `key`, made from `value` when it is new; nothing when it is new and the map full.
  /// Pointers into the map are good until the next insertion or erasure.
  Value* insert(const Key& key, const Value& value) {
    std::size_t i = home(key);
    for (; slots_[i].used; i = next(i))
      if (slots_[i].key == key) return &slots_[i].value;
    if (full()) return nullptr;
    if ((size_ + 1) * 2 > slots_.size()) {
      rehash(slots_.size() * 2);
      for (i = home(key); slots_[i].used;) i = next(i);
    }
    slots_[i] = Slot{key, value, true};
    ++size_;
    return &slots_[i].value;
  }

  /// Whether there was one.
  bool erase(const Key& key) {
    std::size_t hole = home(key);
    for (;; hole = next(hole)) {
      if (!slots_[hole].used) return false;
      if (slots_[hole].key == key) break;
    }
    // Whatever follows and may live in the hole moves up, so that no probe stops short of it.
    for (std::size_t i = next(hole); slots_[i].used; i = next(i)) {
      const std::size_t wanted = home(slots_[i].key);
      if (((i - wanted) & mask()) < ((i - hole) & mask())) continue;
      slots_[hole] = std::move(slots_[i]);
      hole = i;
    }
    slots_[hole] = Slot{};
    --size_;
    return true;
  }

  /// Calls f(key, value) for every entry, in no order.
  template <typename F>
  void for_each(F&& f) const {
    for (const Slot& slot : slots_)
      if (slot.used) f(slot.key, slot.value);
  }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t next(std::size_t i) const { return (i + 1) & mask(); }
  std::size_t home(const Key& key) const {
    // The top bits of a product depend on all bits of the hash.
    return static_cast<std::size_t>((static_cast<uint64_t>(Hash{}(key)) * 0x9E3779B97F4A7C15ull) >>
                                    shift_);
  }
  void rehash(std::size_t capacity) {
    CHECK(std::has_single_bit(capacity) && capacity >= 2);
    std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(capacity));
    shift_ = 64 - std::countr_zero(capacity);
    for (Slot& slot : old) {
      if (!slot.used) continue;
      std::size_t i = home(slot.key);
      while (slots_[i].used) i = next(i);
      slots_[i] = std::move(slot);
    }
  }

  std::size_t max_;
  std::size_t size_ = 0;
  int shift_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace holdfast::risk
