// The audit log's file, its records and checkpoints: any bytes are what they say or are refused,
// and what is read is written again as the same bytes.

// runs: 20000
// links: holdfast_audit_linux

#include <cstdint>
#include <string_view>

#include "supervision/orchestrator/audit/crypto_linux.hpp"
#include "supervision/orchestrator/audit/frame.hpp"
#include "supervision/orchestrator/audit/verification.hpp"

using namespace holdfast;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto record = audit::decode(bytes))
    FATAL_UNLESS(audit::encode(record.value()) == bytes);
  (void)audit::is_json_object(bytes);
  if (const auto note = audit::parse_checkpoint(bytes)) {
    const auto again = audit::parse_checkpoint(audit::text_of(note.value()));
    FATAL_UNLESS(again && again.value() == note.value());
  }
  (void)audit::parse_checkpoints(bytes);
  (void)audit::parse_verifier(audit::sha256, bytes);
  audit::FrameScanner scanner;
  audit::Verification verification(audit::sha256, {});
  scanner.feed(bytes);
  uint64_t frames = 0;
  while (const auto record = scanner.next()) {
    verification.take(*record, scanner.offset());
    ++frames;
  }
  const auto report = verification.finish(scanner.damage(), scanner.offset(), scanner.unfinished());
  FATAL_UNLESS(report.records == frames);
  return 0;
}
