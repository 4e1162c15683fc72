// Whether one compiled Cap'n Proto schema may follow another: messages and journals that were
// written under the old one must be read under the new one, and the other way round. The wire rules
// are capnp::SchemaLoader's; on top of them nothing that was there may be gone, since the loader
// takes a schema that has shrunk for an older version of itself.
#pragma once

#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>
#include <kj/array.h>

#include <memory>
#include <string>
#include <vector>

namespace holdfast::tests {

/// A compiled schema file, as `capnp compile -o-` writes it.
class CompiledSchema {
 public:
  /// Compiles the file with the capnp tool. Throws std::runtime_error with the compiler's words.
  static CompiledSchema compile(const std::string& path);
  /// Reads a recorded one (packed). Throws std::runtime_error when it can't be read.
  static CompiledSchema load(const std::string& path);

  capnp::schema::CodeGeneratorRequest::Reader request() const { return request_; }

 private:
  explicit CompiledSchema(kj::Array<capnp::word> words);
  kj::Array<capnp::word> words_;
  std::unique_ptr<capnp::FlatArrayMessageReader> reader_;
  capnp::schema::CodeGeneratorRequest::Reader request_;
};

/// Why `now` may not follow `before`, a sentence each; empty when it may.
std::vector<std::string> incompatibilities(const CompiledSchema& before, const CompiledSchema& now);

/// What `now` has and `before` lacks (types, fields, enumerants, methods), a sentence each.
std::vector<std::string> growth(const CompiledSchema& before, const CompiledSchema& now);

}  // namespace holdfast::tests
