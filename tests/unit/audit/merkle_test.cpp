// The tree of RFC 6962: published roots, and every proof of small trees, right and spoilt.
#include "supervision/orchestrator/audit/merkle.hpp"

#include <gtest/gtest.h>

#include "supervision/orchestrator/audit/crypto_linux.hpp"

namespace holdfast::audit {
namespace {

constexpr uint64_t kLeaves = 24;

std::vector<Hash> leaves(uint64_t count) {
  std::vector<Hash> out;
  for (uint64_t i = 0; i < count; ++i)
    out.push_back(leaf_hash(sha256, "record " + std::to_string(i)));
  return out;
}

// Section 2.1 read aloud: the oracle.
Hash naive_root(std::span<const Hash> list) {
  if (list.empty()) return sha256("");
  if (list.size() == 1) return list[0];
  std::size_t split = 1;
  while (split * 2 < list.size()) split *= 2;
  return node_hash(sha256, naive_root(list.first(split)), naive_root(list.subspan(split)));
}

TEST(Merkle, RootsAreThoseOfTheReferenceImplementation) {
  using namespace std::string_literals;
  const std::string inputs[] = {
      ""s,
      "\x00"s,
      "\x10"s,
      "\x20\x21"s,
      "\x30\x31"s,
      "\x40\x41\x42\x43"s,
      "\x50\x51\x52\x53\x54\x55\x56\x57"s,
      "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"s};
  const char* roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier frontier(sha256);
  EXPECT_EQ(to_hex(frontier.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < 8; ++i) {
    frontier.append(leaf_hash(sha256, inputs[i]));
    EXPECT_EQ(to_hex(frontier.root()), roots[i]) << i;
  }
}

TEST(Merkle, TheFrontierHasTheRootOfTheWholeTree) {
  Frontier frontier(sha256);
  const auto all = leaves(kLeaves);
  for (uint64_t size = 0; size <= kLeaves; ++size) {
    EXPECT_EQ(frontier.size(), size);
    EXPECT_EQ(frontier.root(), naive_root(std::span(all).first(size))) << size;
    EXPECT_EQ(root_of(sha256, std::span(all).first(size)), frontier.root()) << size;
    if (size < kLeaves) frontier.append(all[size]);
  }
}

TEST(Merkle, EveryRecordIsProvenAndNothingElse) {
  for (uint64_t size = 1; size <= kLeaves; ++size) {
    const auto all = leaves(size);
    const auto root = root_of(sha256, all);
    for (uint64_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(sha256, all, index);
      const auto proves = [&](const Hash& leaf, uint64_t i, uint64_t n, const Proof& p,
                              const Hash& r) { return proves_inclusion(sha256, leaf, i, n, p, r); };
      EXPECT_TRUE(proves(all[index], index, size, proof, root)) << size << ' ' << index;
      for (uint64_t other = 0; other < size; ++other)
        if (other != index) {
          EXPECT_FALSE(proves(all[other], index, size, proof, root));
          EXPECT_FALSE(proves(all[index], other, size, proof, root));
        }
      EXPECT_FALSE(proves(all[index], size, size, proof, root));
      auto spoilt = root;
      spoilt[0] ^= 1;
      EXPECT_FALSE(proves(all[index], index, size, proof, spoilt));
      auto longer = proof;
      longer.push_back(root);
      EXPECT_FALSE(proves(all[index], index, size, longer, root));
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto wrong = proof;
        wrong[i][31] ^= 0x80;
        EXPECT_FALSE(proves(all[index], index, size, wrong, root));
        wrong = proof;
        wrong.erase(wrong.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(proves(all[index], index, size, wrong, root));
      }
    }
  }
}

TEST(Merkle, ALongerLogBeginsWithTheShorterOrTheProofFails) {
  for (uint64_t size = 1; size <= kLeaves; ++size) {
    const auto all = leaves(size);
    const auto root = root_of(sha256, all);
    for (uint64_t old = 1; old <= size; ++old) {
      const auto before = root_of(sha256, std::span(all).first(old));
      const auto proof = consistency_proof(sha256, all, old);
      EXPECT_TRUE(proves_consistency(sha256, old, size, before, root, proof)) << old << ' ' << size;
      auto other = before;
      other[7] ^= 1;
      EXPECT_FALSE(proves_consistency(sha256, old, size, other, root, proof));
      other = root;
      other[7] ^= 1;
      EXPECT_FALSE(proves_consistency(sha256, old, size, before, other, proof));
      for (std::size_t i = 0; i < proof.size(); ++i) {
        auto wrong = proof;
        wrong[i][0] ^= 1;
        EXPECT_FALSE(proves_consistency(sha256, old, size, before, root, wrong));
        wrong = proof;
        wrong.erase(wrong.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(proves_consistency(sha256, old, size, before, root, wrong));
      }
      auto longer = proof;
      longer.push_back(root);
      EXPECT_FALSE(proves_consistency(sha256, old, size, before, root, longer));
      EXPECT_FALSE(proves_consistency(sha256, size + 1, size, root, root, proof));
    }
    EXPECT_TRUE(proves_consistency(sha256, 0, size, sha256(""), root, {}));
    EXPECT_FALSE(proves_consistency(sha256, 0, size, root, root, {}));
  }
}

TEST(Merkle, LeavesAndNodesAreKeptApart) {
  const auto all = leaves(2);
  const auto root = root_of(sha256, all);
  std::string joined;
  for (const auto& leaf : all) joined.append(leaf.begin(), leaf.end());
  EXPECT_NE(leaf_hash(sha256, joined), root);
}

TEST(Merkle, HashesAsText) {
  const auto hash = sha256("x");
  EXPECT_EQ(hash_from_hex(to_hex(hash)).value(), hash);
  EXPECT_FALSE(hash_from_hex("12"));
  EXPECT_FALSE(hash_from_hex(std::string(63, 'a') + "g"));
}

}  // namespace
}  // namespace holdfast::audit
