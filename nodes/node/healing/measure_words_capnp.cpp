#include "nodes/node/healing/measure_words_capnp.hpp"

#include <algorithm>

#include "messages/check.hpp"
#include "messages/telemetry/samples_capnp.hpp"

namespace holdfast::node {

using telemetry::Sample;
using telemetry::SampleBatch;

namespace {
constexpr std::size_t kLengthBytes = 4;

Error wrong(std::string what) { return {ErrorCode::kInvalid, "measuring: " + std::move(what)}; }

/// The wish's age travels where a reading has its time.
Sample sample_of(const Wish& wish, const Worth& worth) {
  Sample sample;
  sample.metric = wish.metric;
  sample.group = wish.group;
  sample.instance = wish.instance;
  sample.at = {wish.age.ns};
  sample.value = worth.value;
  sample.trials = worth.trials;
  return sample;
}

Wish wish_of(const Sample& sample) {
  return {sample.metric, sample.group, sample.instance, {sample.at.ns}};
}

std::string encode(uint64_t number, const std::vector<Sample>& samples) {
  std::string out;
  for (uint8_t domain = 1; domain <= telemetry::kDomains; ++domain) {
    SampleBatch batch;
    batch.domain = static_cast<telemetry::Domain>(domain);
    batch.number = number;
    for (const Sample& sample : samples)
      if (telemetry::domain_of(sample.metric) == batch.domain) batch.samples.push_back(sample);
    // A word without samples still says whose answer it is.
    if (batch.samples.empty() && !(samples.empty() && domain == 1)) continue;
    const auto bytes = telemetry::encode_batch(batch);
    for (std::size_t i = 0; i < kLengthBytes; ++i)
      out.push_back(static_cast<char>(bytes.size() >> (8 * i)));
    out += bytes;
  }
  return out;
}

struct Words {
  uint64_t number = 0;
  std::vector<Sample> samples;
};

Result<Words> decode(std::string_view bytes, std::size_t samples_max) {
  if (bytes.size() > kMeasureWordBytesMax) return wrong("too long");
  Words words;
  for (uint8_t batches = 0; batches == 0 || !bytes.empty(); ++batches) {
    if (batches == telemetry::kDomains) return wrong("more batches than there are domains");
    if (bytes.size() < kLengthBytes) return wrong("cut off");
    std::size_t size = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i)
      size |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    bytes.remove_prefix(kLengthBytes);
    if (size > bytes.size()) return wrong("cut off");
    auto batch = telemetry::decode_batch(bytes.substr(0, size));
    if (!batch) return batch.error();
    bytes.remove_prefix(size);
    if (batches > 0 && batch.value().number != words.number)
      return wrong("batches of several questions");
    words.number = batch.value().number;
    for (const Sample& sample : batch.value().samples) words.samples.push_back(sample);
    if (words.samples.size() > samples_max) return wrong("too many samples");
  }
  for (const Sample& sample : words.samples)
    if (sample.at.ns < 0 || sample.at.ns > kBeforeAge.ns) return wrong("an age that nobody asks");
  return words;
}
}  // namespace

std::string encode_question(const MeasureQuestion& question) {
  CHECK(question.wishes.size() <= kWishesMax);
  std::vector<Sample> samples;
  for (const Wish& wish : question.wishes) samples.push_back(sample_of(wish, {}));
  return encode(question.number, samples);
}

std::string encode_answer(const MeasureAnswer& answer) {
  CHECK(answer.found.size() <= kWishesMax);
  std::vector<Sample> samples;
  for (const Extremes& one : answer.found) {
    samples.push_back(sample_of(one.wish, one.low));
    samples.push_back(sample_of(one.wish, one.high));
  }
  return encode(answer.number, samples);
}

Result<MeasureQuestion> decode_question(std::string_view bytes) {
  auto words = decode(bytes, kWishesMax);
  if (!words) return words.error();
  MeasureQuestion question;
  question.number = words.value().number;
  for (const Sample& sample : words.value().samples) {
    const Wish wish = wish_of(sample);
    if (std::find(question.wishes.begin(), question.wishes.end(), wish) != question.wishes.end())
      return wrong("a wish twice");
    question.wishes.push_back(wish);
  }
  return question;
}

Result<MeasureAnswer> decode_answer(std::string_view bytes) {
  auto words = decode(bytes, 2 * kWishesMax);
  if (!words) return words.error();
  MeasureAnswer answer;
  answer.number = words.value().number;
  const auto& samples = words.value().samples;
  if (samples.size() % 2 != 0) return wrong("an extreme without the other");
  for (std::size_t i = 0; i < samples.size(); i += 2) {
    const Extremes one{wish_of(samples[i]),
                       {samples[i].value, samples[i].trials},
                       {samples[i + 1].value, samples[i + 1].trials}};
    if (one.wish != wish_of(samples[i + 1])) return wrong("an extreme without the other");
    if (one.low.value > one.high.value) return wrong("extremes the wrong way round");
    if (std::any_of(answer.found.begin(), answer.found.end(),
                    [&](const Extremes& other) { return other.wish == one.wish; }))
      return wrong("a wish twice");
    answer.found.push_back(one);
  }
  return answer;
}

}  // namespace holdfast::node
