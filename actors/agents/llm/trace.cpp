#include "actors/agents/llm/trace.hpp"

#include "actors/agents/llm/json.hpp"

namespace holdfast::llm {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

std::string hex(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[value >> shift & 15];
  return out;
}

void text(Writer& out, const char* key, const std::string& value) {
  out.Key(key);
  out.String(value);
}
// 64-bit integers are strings in OTLP's JSON.
void integer(Writer& out, const char* key, int64_t value) { text(out, key, std::to_string(value)); }

struct WriteValue {
  Writer& out;
  void operator()(int64_t value) const { integer(out, "intValue", value); }
  void operator()(const std::string& value) const { text(out, "stringValue", value); }
  void operator()(bool value) const {
    out.Key("boolValue");
    out.Bool(value);
  }
  void operator()(double value) const {
    out.Key("doubleValue");
    out.Double(value);
  }
  void operator()(const std::vector<std::string>& values) const {
    out.Key("arrayValue");
    out.StartObject();
    out.Key("values");
    out.StartArray();
    for (const auto& value : values) {
      out.StartObject();
      text(out, "stringValue", value);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
  }
};

}  // namespace

std::string to_otlp_json(const Span& span) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  text(out, "traceId", hex(span.trace_high) + hex(span.trace_low));
  text(out, "spanId", hex(span.span));
  text(out, "name", span.name);
  out.Key("kind");
  out.Int(3);
  integer(out, "startTimeUnixNano", span.began.ns);
  integer(out, "endTimeUnixNano", span.ended.ns);
  out.Key("attributes");
  out.StartArray();
  for (const auto& attribute : span.attributes) {
    out.StartObject();
    text(out, "key", attribute.key);
    out.Key("value");
    out.StartObject();
    std::visit(WriteValue{out}, attribute.value);
    out.EndObject();
    out.EndObject();
  }
  out.EndArray();
  out.Key("status");
  out.StartObject();
  out.Key("code");
  out.Int(span.failed ? 2 : 0);
  if (span.failed) text(out, "message", span.error);
  out.EndObject();
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace holdfast::llm
