// The one place that includes RapidJSON: reading what a model answered and writing what it is
// asked are computations on bytes, so they belong to the pure core. Its assertions are CHECKs here,
// parsing is iterative and of bounded depth, so that no input ends the process.
#pragma once

#include <algorithm>
#include <string_view>

#include "messages/check.hpp"

#define RAPIDJSON_ASSERT(condition) CHECK(condition)
#define RAPIDJSON_HAS_STDSTRING 1
// An empty stack of its adds to a null pointer before it looks whether there is room.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wignored-attributes"
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/document.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#ifdef __clang__
#pragma clang attribute pop
#pragma clang diagnostic pop
#endif

namespace holdfast::llm::json {

using rapidjson::Document;
using rapidjson::Value;
/// With a pool, since the library forgets some of a schema's texts when they are allocated singly.
using Schema = rapidjson::GenericSchemaDocument<Value, rapidjson::MemoryPoolAllocator<>>;
using Validator = rapidjson::GenericSchemaValidator<Schema>;

/// How deep arrays and objects nest, strings left out; what comes after `most` is not looked at.
inline std::size_t depth(std::string_view text, std::size_t most) {
  std::size_t now = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size() && deepest <= most; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++now);
    } else if ((c == '}' || c == ']') && now > 0) {
      --now;
    }
  }
  return deepest;
}

/// False when the text is not JSON in valid UTF-8, or something follows it.
inline bool parse(Document& document, std::string_view text) {
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                 rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
  return !document.HasParseError();
}

inline std::string_view text(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// The member of an object, or null.
inline const Value* member(const Value& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto at = object.FindMember(name);
  return at == object.MemberEnd() ? nullptr : &at->value;
}

}  // namespace holdfast::llm::json
