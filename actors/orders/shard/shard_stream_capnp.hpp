// Cap'n Proto messages into and out of bytes: writing reuses one buffer a thread, reading copes
// with bytes that are not aligned. Internal to the shard's codec.
#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstring>

#include "actors/orders/shard/shard_fields_capnp.hpp"
#include "supervision/replication/entry.hpp"

namespace holdfast::orders {

void write_reference(uint32_t shard, uint64_t version, const ReferenceData& data,
                     wire::Reference::Builder to);
/// Validated, unless `wrong` says why not.
std::shared_ptr<const ReferenceData> read_reference(wire::Reference::Reader from, Wrong& wrong);

/// Enough to read a message of `bytes` once or twice, not more.
inline capnp::ReaderOptions reader_options(std::size_t bytes) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = bytes / sizeof(capnp::word) * 4 + 4'096;
  options.nestingLimit = limits::kRpcNestingLevels;
  return options;
}

/// The words of a message, copied only if they must be.
class AlignedWords {
 public:
  explicit AlignedWords(replication::ByteView bytes) {
    const std::size_t words = bytes.size() / sizeof(capnp::word);
    if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(capnp::word) == 0) {
      words_ = kj::arrayPtr(reinterpret_cast<const capnp::word*>(bytes.data()), words);
      return;
    }
    copy_ = kj::heapArray<capnp::word>(words);
    std::memcpy(copy_.begin(), bytes.data(), words * sizeof(capnp::word));
    words_ = copy_;
  }
  kj::ArrayPtr<const capnp::word> get() const { return words_; }

 private:
  kj::Array<capnp::word> copy_;
  kj::ArrayPtr<const capnp::word> words_;
};

/// One message in the making. One at a time on a thread.
template <typename Root>
class MessageWriter {
 public:
  MessageWriter() : builder_(scratch()), root_(builder_.template initRoot<Root>()) {}
  typename Root::Builder root() { return root_; }
  /// Appends the framed message (segment table, then segments) to `out`.
  void append_to(replication::Bytes& out) {
    Appender appender(out);
    capnp::writeMessage(appender, builder_);
  }

 private:
  class Appender final : public kj::OutputStream {
   public:
    explicit Appender(replication::Bytes& out) : out_(out) {}
    void write(const void* bytes, std::size_t size) override {
      const auto* at = static_cast<const std::byte*>(bytes);
      out_.insert(out_.end(), at, at + size);
    }

   private:
    replication::Bytes& out_;
  };
  static kj::ArrayPtr<capnp::word> scratch() {
    // Zero at the start, and the builder leaves it so.
    constexpr std::size_t kWords = 32 * 1024;
    thread_local std::unique_ptr<capnp::word[]> words(new capnp::word[kWords]());
    return kj::arrayPtr(words.get(), kWords);
  }
  capnp::MallocMessageBuilder builder_;
  typename Root::Builder root_;
};

}  // namespace holdfast::orders
