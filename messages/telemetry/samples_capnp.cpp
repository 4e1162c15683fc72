#include "messages/telemetry/samples_capnp.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <cstring>

#include "messages/schema/telemetry.capnp.h"

namespace holdfast::telemetry {
namespace {

void encode(const Sample& from, wire::Sample::Builder to) {
  to.setMetric(static_cast<uint16_t>(from.metric));
  to.setMember(from.member.value);
  to.setGroup(from.group.value);
  if (!from.instance.empty()) {
    const auto name = from.instance.view();
    std::memcpy(to.initInstance(static_cast<uint32_t>(name.size())).begin(), name.data(),
                name.size());
  }
  to.setAt(from.at.ns);
  to.setValue(from.value);
  to.setTrials(from.trials);
}

std::optional<Refusal> decode(wire::Sample::Reader from, Sample& to) {
  const auto* info = find_metric(from.getMetric());
  if (!info) return Refusal::kUnknownMetric;
  to.metric = info->metric;
  to.member = MemberId{from.getMember()};
  to.group = GroupId{from.getGroup()};
  const auto name = from.getInstance();
  auto instance = Instance::parse({name.begin(), name.size()});
  if (!instance) return Refusal::kMalformed;
  to.instance = instance.value();
  to.at = WallTime{from.getAt()};
  to.value = from.getValue();
  to.trials = from.getTrials();
  return std::nullopt;
}

/// Reads `bytes` as one message and calls `use` with its batch.
template <typename F>
Result<> read(std::string_view bytes, F use) {
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0 ||
      bytes.size() > 4 * limits::kTelemetryBodyBytesMax)
    return Error{ErrorCode::kInvalid,
                 "a batch of samples can't be so many bytes: " + std::to_string(bytes.size())};
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.asBytes().begin(), bytes.data(), bytes.size());
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 2 * words.size() + 64;
    options.nestingLimit = 8;
    capnp::FlatArrayMessageReader message(words, options);
    return use(message.getRoot<wire::SampleBatch>());
  } catch (const kj::Exception& e) {
    return Error{ErrorCode::kInvalid,
                 std::string("not a batch of samples: ") + e.getDescription().cStr()};
  }
}

}  // namespace

std::string encode_batch(const SampleBatch& batch) {
  CHECK(batch.samples.size() <= limits::kSampleBatchMax);
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::SampleBatch>();
  root.setDomain(static_cast<uint8_t>(batch.domain));
  root.setNumber(batch.number);
  root.setLost(batch.lost);
  auto samples = root.initSamples(static_cast<uint32_t>(batch.samples.size()));
  for (uint32_t i = 0; i < samples.size(); ++i) encode(batch.samples[i], samples[i]);
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

Result<SampleBatch> decode_batch(std::string_view bytes) {
  SampleBatch batch;
  const auto done = read(bytes, [&](wire::SampleBatch::Reader from) -> Result<> {
    const uint8_t domain = from.getDomain();
    if (domain < 1 || domain > kDomains)
      return Error{ErrorCode::kInvalid, "domain: there is no domain " + std::to_string(domain)};
    batch.domain = static_cast<Domain>(domain);
    batch.number = from.getNumber();
    batch.lost = from.getLost();
    const auto samples = from.getSamples();
    if (samples.size() > limits::kSampleBatchMax)
      return Error{ErrorCode::kInvalid, "samples: " + std::to_string(samples.size()) +
                                            ", at most " + std::to_string(limits::kSampleBatchMax)};
    for (const auto one : samples) {
      Sample sample;
      if (const auto why = decode(one, sample))
        return Error{ErrorCode::kInvalid, "samples: one is " + std::string(to_text(*why))};
      if (domain_of(sample.metric) != batch.domain)
        return Error{ErrorCode::kInvalid, "samples: one is of another domain"};
      batch.samples.push_back(sample);
    }
    return success();
  });
  if (!done) return done.error();
  return batch;
}

Result<> decode_outside(std::string_view bytes, OutsideSamples& out) {
  OutsideSamples read_here;
  const auto done = read(bytes, [&](wire::SampleBatch::Reader from) -> Result<> {
    for (const auto one : from.getSamples()) {
      Sample sample;
      auto why = decode(one, sample);
      if (!why && sample.at.ns <= 0) why = Refusal::kMalformed;
      if (!why && read_here.samples.size() >= limits::kTelemetryPointsPerRequest)
        why = Refusal::kFlooding;
      if (why)
        ++read_here.refused[static_cast<std::size_t>(*why)];
      else
        read_here.samples.push_back(sample);
    }
    return success();
  });
  if (!done) return done;
  out.samples.insert(out.samples.end(), read_here.samples.begin(), read_here.samples.end());
  for (std::size_t i = 0; i < kRefusals; ++i) out.refused[i] += read_here.refused[i];
  return success();
}

}  // namespace holdfast::telemetry
