#include "supervision/orchestrator/audit/merkle.hpp"

#include <algorithm>
#include <bit>

namespace holdfast::audit {
namespace {

// The largest power of two below n, for n > 1: where a tree of n leaves is split.
uint64_t split_of(uint64_t n) { return std::bit_floor(n - 1); }

// SUBPROOF(m, D[n], b) of section 2.1.2.
void subproof(HashFunction hash, std::span<const Hash> leaves, uint64_t old_size, bool whole,
              Proof& proof) {
  if (old_size == leaves.size()) {
    if (!whole) proof.push_back(root_of(hash, leaves));
    return;
  }
  const auto split = split_of(leaves.size());
  const auto left = leaves.first(split), right = leaves.subspan(split);
  if (old_size <= split) {
    subproof(hash, left, old_size, whole, proof);
    proof.push_back(root_of(hash, right));
  } else {
    subproof(hash, right, old_size - split, false, proof);
    proof.push_back(root_of(hash, left));
  }
}

}  // namespace

std::string to_hex(const Hash& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<Hash> hash_from_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  Hash hash{};
  bool good = text.size() == 2 * hash.size();
  for (std::size_t i = 0; good && i < hash.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    hash[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (!good) return Error{ErrorCode::kInvalid, "a hash is 64 hexadecimal digits"};
  return hash;
}

Hash leaf_hash(HashFunction hash, std::string_view record) {
  std::string bytes(1, '\0');
  bytes += record;
  return hash(bytes);
}

Hash node_hash(HashFunction hash, const Hash& left, const Hash& right) {
  char bytes[65] = {1};
  std::copy(left.begin(), left.end(), bytes + 1);
  std::copy(right.begin(), right.end(), bytes + 33);
  return hash({bytes, sizeof bytes});
}

Hash empty_root(HashFunction hash) { return hash({}); }

void Frontier::append(const Hash& leaf) {
  // As in a binary counter: every 1 at the end is carried.
  Hash carried = leaf;
  for (uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    carried = node_hash(hash_, peaks_.back(), carried);
    peaks_.pop_back();
  }
  peaks_.push_back(carried);
  ++size_;
}

Hash Frontier::root() const {
  if (peaks_.empty()) return empty_root(hash_);
  Hash root = peaks_.back();
  for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak)
    root = node_hash(hash_, *peak, root);
  return root;
}

Hash root_of(HashFunction hash, std::span<const Hash> leaves) {
  Frontier frontier(hash);
  for (const auto& leaf : leaves) frontier.append(leaf);
  return frontier.root();
}

Proof inclusion_proof(HashFunction hash, std::span<const Hash> leaves, uint64_t index) {
  CHECK(index < leaves.size());
  Proof proof;
  if (leaves.size() == 1) return proof;
  const auto split = split_of(leaves.size());
  const auto left = leaves.first(split), right = leaves.subspan(split);
  if (index < split) {
    proof = inclusion_proof(hash, left, index);
    proof.push_back(root_of(hash, right));
  } else {
    proof = inclusion_proof(hash, right, index - split);
    proof.push_back(root_of(hash, left));
  }
  return proof;
}

Proof consistency_proof(HashFunction hash, std::span<const Hash> leaves, uint64_t old_size) {
  CHECK(old_size > 0 && old_size <= leaves.size());
  Proof proof;
  subproof(hash, leaves, old_size, true, proof);
  return proof;
}

// Verification walks up with the number of the node and that of the last one on its level: where
// they are equal and even there is no sibling, and the level is skipped.
bool proves_inclusion(HashFunction hash, const Hash& leaf, uint64_t index, uint64_t size,
                      std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return false;
  uint64_t node = index, last = size - 1;
  Hash running = leaf;
  for (const auto& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      running = node_hash(hash, sibling, running);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      running = node_hash(hash, running, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && running == root;
}

bool proves_consistency(HashFunction hash, uint64_t old_size, uint64_t new_size,
                        const Hash& old_root, const Hash& new_root, std::span<const Hash> proof) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  if (old_size == 0) return proof.empty() && old_root == empty_root(hash);
  uint64_t node = old_size - 1, last = new_size - 1;
  while ((node & 1) != 0) {
    node >>= 1;
    last >>= 1;
  }
  // A whole subtree is its own beginning: its root is the old root and not in the proof.
  std::size_t next = 0;
  Hash old_running = old_root;
  if (node != 0) {
    if (proof.empty()) return false;
    old_running = proof[next++];
  }
  Hash new_running = old_running;
  for (; next < proof.size(); ++next) {
    const auto& sibling = proof[next];
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      old_running = node_hash(hash, sibling, old_running);
      new_running = node_hash(hash, sibling, new_running);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      new_running = node_hash(hash, new_running, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_running == old_root && new_running == new_root;
}

}  // namespace holdfast::audit
