#include "actors/orders/shard/shard_memory.hpp"

namespace holdfast::orders {

namespace {
// FNV-1a over the bytes of what names an input. Never zero, which means "nothing".
class Fingerprint {
 public:
  Fingerprint& operator<<(std::string_view bytes) {
    for (const unsigned char c : bytes) hash_ = (hash_ ^ c) * 0x100000001b3ull;
    hash_ = (hash_ ^ 0xff) * 0x100000001b3ull;
    return *this;
  }
  Fingerprint& operator<<(uint64_t value) {
    return *this << std::string_view(reinterpret_cast<const char*>(&value), sizeof value);
  }
  uint64_t value() const { return hash_ | 1; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325ull;
};
}  // namespace

uint64_t fingerprint(const OrderRequest& request) {
  Fingerprint f;
  f << request.body.index() << account_of(request).view();
  std::visit([&](const auto& body) { f << body.client_order_id.view(); }, request.body);
  return f.value();
}

uint64_t fingerprint(GroupId venue, OutboxSeq sequence) {
  Fingerprint f;
  f << "venue" << venue.value << sequence.value;
  return f.value();
}

bool ShardMemory::blame() {
  if (doing_ == 0) return false;
  if (strikes_.size() >= kStrikesKept) strikes_.erase(strikes_.begin());
  const bool aside = ++strikes_[doing_] == kStrikes;
  doing_ = 0;
  return aside;
}

bool ShardMemory::poisonous(uint64_t fingerprint) const {
  const auto it = strikes_.find(fingerprint);
  return it != strikes_.end() && it->second >= kStrikes;
}

void ShardMemory::forgive() {
  strikes_.clear();
  halted_.clear();
  doing_ = 0;
}

}  // namespace holdfast::orders
