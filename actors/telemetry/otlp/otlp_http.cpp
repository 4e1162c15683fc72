#include "actors/telemetry/otlp/otlp_http.hpp"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "actors/telemetry/publish/intake.hpp"

namespace holdfast::telemetry {
namespace {

using Json = nlohmann::json;
constexpr int kDepthMax = 16;  // resourceMetrics to an attribute's value is 11

// ---- reading

const Json* member_of(const Json& json, const char* name) {
  if (!json.is_object()) return nullptr;
  const auto at = json.find(name);
  return at == json.end() ? nullptr : &*at;
}
/// The elements of a list; none when there is no such list.
const Json& list_of(const Json& json, const char* name) {
  static const Json kNone = Json::array();
  const Json* list = member_of(json, name);
  return list && list->is_array() ? *list : kNone;
}

/// 64-bit integers are texts in OTLP's JSON; numbers are taken too.
template <typename T>
bool integer(const Json* json, T& out) {
  if (!json) return false;
  if (json->is_string()) {
    const auto& text = json->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
  }
  if (json->is_number_unsigned()) {
    const auto number = json->get<uint64_t>();
    out = static_cast<T>(number);
    return std::in_range<T>(number);
  }
  if (!json->is_number_integer()) return false;
  const auto number = json->get<int64_t>();
  out = static_cast<T>(number);
  return std::in_range<T>(number);
}

/// asInt, or asDouble with its texts "NaN" and "Infinity".
std::optional<Refusal> value_of(const Json& point, int64_t& out) {
  if (const Json* exact = member_of(point, "asInt"))
    return integer(exact, out) ? std::nullopt : std::optional(Refusal::kMalformed);
  const Json* number = member_of(point, "asDouble");
  if (!number) return Refusal::kMalformed;
  if (number->is_number()) return to_value(number->get<double>(), out);
  if (!number->is_string()) return Refusal::kMalformed;
  const auto& text = number->get_ref<const std::string&>();
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return Refusal::kNotFinite;
  return Refusal::kMalformed;
}

class Decoder {
 public:
  Decoder(const std::function<MemberId(std::string_view)>& member, OutsideSamples& out)
      : member_(member), out_(out) {}

  void read(const Json& request) {
    for (const Json& resource : list_of(request, "resourceMetrics"))
      for (const Json& scope : list_of(resource, "scopeMetrics"))
        for (const Json& metric : list_of(scope, "metrics")) read_metric(metric);
  }

 private:
  void refuse(Refusal why) { ++out_.refused[static_cast<std::size_t>(why)]; }

  void read_metric(const Json& metric) {
    const Json* name = member_of(metric, "name");
    const Json* data = member_of(metric, "gauge");
    if (!data) data = member_of(metric, "sum");
    if (!name || !name->is_string()) return refuse(Refusal::kMalformed);
    const auto* info = find_metric(std::string_view(name->get_ref<const std::string&>()));
    if (!data) return refuse(info ? Refusal::kMalformed : Refusal::kUnknownMetric);
    for (const Json& point : list_of(*data, "dataPoints")) {
      if (!info) {
        refuse(Refusal::kUnknownMetric);
      } else if (out_.samples.size() >= limits::kTelemetryPointsPerRequest) {
        refuse(Refusal::kFlooding);
      } else {
        Sample sample;
        sample.metric = info->metric;
        if (const auto why = read_point(point, sample))
          refuse(*why);
        else
          out_.samples.push_back(sample);
      }
    }
  }

  std::optional<Refusal> read_point(const Json& point, Sample& sample) {
    if (const auto why = value_of(point, sample.value)) return why;
    if (!integer(member_of(point, "timeUnixNano"), sample.at.ns) || sample.at.ns <= 0)
      return Refusal::kMalformed;
    for (const Json& attribute : list_of(point, "attributes")) {
      const Json* key = member_of(attribute, "key");
      const Json* value = member_of(attribute, "value");
      if (!key || !key->is_string() || !value) return Refusal::kMalformed;
      if (const auto why = read_attribute(key->get_ref<const std::string&>(), *value, sample))
        return why;
    }
    return std::nullopt;
  }

  std::optional<Refusal> read_attribute(const std::string& key, const Json& value, Sample& sample) {
    const Json* text = member_of(value, "stringValue");
    const Json* number = member_of(value, "intValue");
    if (text && !text->is_string()) return Refusal::kMalformed;
    if (key == kMemberAttribute) {
      if (text) {
        sample.member = member_(text->get_ref<const std::string&>());
        return sample.member ? std::nullopt : std::optional(Refusal::kUnknownMember);
      }
      return integer(number, sample.member.value) ? std::nullopt
                                                  : std::optional(Refusal::kMalformed);
    }
    if (key == kGroupAttribute)
      return integer(number, sample.group.value) ? std::nullopt
                                                 : std::optional(Refusal::kMalformed);
    if (key == kTrialsAttribute)
      return integer(number, sample.trials) ? std::nullopt : std::optional(Refusal::kMalformed);
    if (key != kInstanceAttribute) return std::nullopt;  // other attributes are the sender's own
    if (!text) return Refusal::kMalformed;
    auto instance = Instance::parse(text->get_ref<const std::string&>());
    if (!instance) return Refusal::kMalformed;
    sample.instance = instance.value();
    return std::nullopt;
  }

  const std::function<MemberId(std::string_view)>& member_;
  OutsideSamples& out_;
};

// ---- writing

Json attribute(std::string_view key, std::string_view text) {
  return {{"key", key}, {"value", {{"stringValue", text}}}};
}
Json attribute(std::string_view key, uint64_t number) {
  return {{"key", key}, {"value", {{"intValue", std::to_string(number)}}}};
}

Json point_of(const Sample& sample) {
  Json attributes = Json::array();
  if (sample.member) attributes.push_back(attribute(kMemberAttribute, sample.member.value));
  if (sample.group) attributes.push_back(attribute(kGroupAttribute, sample.group.value));
  if (!sample.instance.empty())
    attributes.push_back(attribute(kInstanceAttribute, sample.instance.view()));
  if (sample.trials) attributes.push_back(attribute(kTrialsAttribute, sample.trials));
  return {{"timeUnixNano", std::to_string(sample.at.ns)},
          {"asInt", std::to_string(sample.value)},
          {"attributes", std::move(attributes)}};
}

}  // namespace

std::string encode_otlp(const OtlpResource& resource, std::span<const Sample> samples) {
  std::map<Metric, Json> points;
  for (const Sample& sample : samples)
    if (find_metric(static_cast<uint16_t>(sample.metric)))
      points[sample.metric].push_back(point_of(sample));
  Json metrics = Json::array();
  for (auto& [metric, list] : points) {
    const auto& info = info_of(metric);
    Json one;
    one["name"] = info.name;
    one["unit"] = info.unit;
    one["gauge"]["dataPoints"] = std::move(list);
    metrics.push_back(std::move(one));
  }
  Json attributes = Json::array();
  attributes.push_back(attribute("service.name", "holdfast"));
  attributes.push_back(attribute("service.instance.id", resource.node));
  attributes.push_back(attribute("service.version", resource.version));
  Json scope, from, request;
  scope["scope"]["name"] = "holdfast.telemetry";
  scope["metrics"] = std::move(metrics);
  from["resource"]["attributes"] = std::move(attributes);
  from["scopeMetrics"] = Json::array();
  from["scopeMetrics"].push_back(std::move(scope));
  request["resourceMetrics"] = Json::array();
  request["resourceMetrics"].push_back(std::move(from));
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<> decode_otlp(std::string_view body,
                     const std::function<MemberId(std::string_view name)>& member,
                     OutsideSamples& out) {
  if (body.size() > limits::kTelemetryBodyBytesMax)
    return Error{ErrorCode::kInvalid, "the body is larger than " +
                                          std::to_string(limits::kTelemetryBodyBytesMax) +
                                          " bytes: send smaller batches"};
  bool deep = false;
  const auto shallow = [&deep](int depth, Json::parse_event_t, const Json&) {
    deep = deep || depth > kDepthMax;
    return depth <= kDepthMax;
  };
  const Json request = Json::parse(body, shallow, false);
  if (deep || !member_of(request, "resourceMetrics") ||
      !member_of(request, "resourceMetrics")->is_array())
    return Error{ErrorCode::kInvalid,
                 "the body is no OTLP ExportMetricsServiceRequest in JSON: expected an object with "
                 "resourceMetrics"};
  Decoder(member, out).read(request);
  return success();
}

}  // namespace holdfast::telemetry
