// Prometheus text, written metric by metric: names are holdfast_<component>_<noun>_<unit>. HELP and
// TYPE come once a name, so all samples of a name are written one after the other. Holds no
// counters: whoever counts hands its numbers over when it is asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::operator_api {

using MetricLabels = std::vector<std::pair<std::string_view, std::string_view>>;

/// Builds one exposition. Not thread-safe; values are integers.
class MetricsText {
 public:
  /// A number that only grows since the process started; the name ends in _total.
  void counter(std::string_view name, std::string_view help, uint64_t value,
               const MetricLabels& labels = {});
  /// A number that goes up and down.
  void gauge(std::string_view name, std::string_view help, int64_t value,
             const MetricLabels& labels = {});
  std::string take() && { return std::move(text_); }

 private:
  void sample(std::string_view name, std::string_view help, std::string_view type,
              const std::string& value, const MetricLabels& labels);
  std::string text_, last_name_;
};

}  // namespace holdfast::operator_api
