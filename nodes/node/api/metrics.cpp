#include "nodes/node/api/metrics.hpp"

namespace holdfast::operator_api {

void MetricsText::counter(std::string_view name, std::string_view help, uint64_t value,
                          const MetricLabels& labels) {
  sample(name, help, "counter", std::to_string(value), labels);
}

void MetricsText::gauge(std::string_view name, std::string_view help, int64_t value,
                        const MetricLabels& labels) {
  sample(name, help, "gauge", std::to_string(value), labels);
}

void MetricsText::sample(std::string_view name, std::string_view help, std::string_view type,
                         const std::string& value, const MetricLabels& labels) {
  if (last_name_ != name) {
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    last_name_ = name;
  }
  text_.append(name);
  const char* separator = "{";
  for (const auto& [label, content] : labels) {
    text_.append(separator).append(label).append("=\"");
    for (char c : content) {
      if (c == '\\' || c == '"') text_ += '\\';
      if (c == '\n')
        text_ += "\\n";
      else
        text_ += c;
    }
    text_ += '"';
    separator = ",";
  }
  if (!labels.empty()) text_ += '}';
  text_.append(" ").append(value).append("\n");
}

}  // namespace holdfast::operator_api
