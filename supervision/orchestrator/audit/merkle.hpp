// A Merkle tree over an append-only list, as B. Laurie, A. Langley and E. Kasper define it in
// "Certificate Transparency" (RFC 6962, section 2.1): its root commits to every record and their
// order, and short proofs show that a record is in it, or that a longer list begins with a shorter
// one. Pure; the hash function is handed in, so that no cryptographic library is needed here.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"

namespace holdfast::audit {

using Hash = std::array<uint8_t, 32>;
/// SHA-256 of the bytes; crypto_linux.hpp has one.
using HashFunction = Hash (*)(std::string_view bytes);
using Proof = std::vector<Hash>;

/// Lower case.
std::string to_hex(const Hash& hash);
/// kInvalid unless it is 64 hexadecimal digits.
Result<Hash> hash_from_hex(std::string_view text);

/// HASH(0x00 || record): the prefix keeps leaves and nodes apart.
Hash leaf_hash(HashFunction hash, std::string_view record);
/// HASH(0x01 || left || right).
Hash node_hash(HashFunction hash, const Hash& left, const Hash& right);
/// Of no records: the hash of nothing.
Hash empty_root(HashFunction hash);

/// The right edge of a tree that grows: the roots of its full subtrees, at most 64 of them. Enough
/// to append and to tell the root; proofs need the leaves.
class Frontier {
 public:
  explicit Frontier(HashFunction hash) : hash_(hash) {}
  void append(const Hash& leaf);
  Hash root() const;
  uint64_t size() const { return size_; }

 private:
  HashFunction hash_;
  uint64_t size_ = 0;
  std::vector<Hash> peaks_;  // one a set bit of size_, the largest subtree first
};

/// The root of these leaves.
Hash root_of(HashFunction hash, std::span<const Hash> leaves);
/// The path from leaf `index` (from 0) to the root. CHECKs index < leaves.size().
Proof inclusion_proof(HashFunction hash, std::span<const Hash> leaves, uint64_t index);
/// That these leaves begin with the first `old_size` of them. CHECKs 0 < old_size <= size.
Proof consistency_proof(HashFunction hash, std::span<const Hash> leaves, uint64_t old_size);

/// Whether the proof leads from the leaf to the root. Any input is answered.
bool proves_inclusion(HashFunction hash, const Hash& leaf, uint64_t index, uint64_t size,
                      std::span<const Hash> proof, const Hash& root);
/// Whether the tree of `new_size` leaves begins with that of `old_size`. Any input is answered; an
/// empty old tree is the beginning of any and takes no proof.
bool proves_consistency(HashFunction hash, uint64_t old_size, uint64_t new_size,
                        const Hash& old_root, const Hash& new_root, std::span<const Hash> proof);

}  // namespace holdfast::audit
