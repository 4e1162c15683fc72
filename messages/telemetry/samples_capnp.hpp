// Batches of samples to and from Cap'n Proto, for the way between nodes and for intake from
// outside. Decoding is total and bounded: any bytes give a value or an error. Between nodes a batch
// is whole or refused; from outside each sample that can't be one is counted by cause, like
// everything else that comes from there.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "messages/telemetry/feed.hpp"
#include "messages/telemetry/view.hpp"

namespace holdfast::telemetry {

/// One message; CHECKs that the batch is within kSampleBatchMax.
std::string encode_batch(const SampleBatch& batch);
/// kInvalid names what is wrong: not such a message, an unknown domain or metric, a sample of
/// another domain, an instance that is none, more than kSampleBatchMax samples.
Result<SampleBatch> decode_batch(std::string_view bytes);

/// Adds the samples of a message from outside, of whatever domains, to `out`. kInvalid: no such
/// message at all; then nothing was added.
Result<> decode_outside(std::string_view bytes, OutsideSamples& out);

}  // namespace holdfast::telemetry
