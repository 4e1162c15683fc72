// Between the order entry schema and the domain types. Decoding is total: any bytes, hostile ones
// too, give a value or a clear error, within the bounds of limits.hpp. It checks shape (lengths,
// characters, known enumerators), not business rules: whether a price makes sense is the order
// shard's to say.
#pragma once

#include <capnp/message.h>

#include <span>
#include <variant>
#include <vector>

#include "messages/order_entry.hpp"
#include "messages/schema/order_entry.capnp.h"

namespace holdfast {

/// What one request asks for.
using OrderRequestBody = std::variant<NewOrder, CancelOrder, ReplaceOrder, MassCancel>;

/// An outcome as a client hears it; the ticket of the reply stays zero on the wire.
struct Outcome {
  OrderReply reply;
  uint32_t credits_left = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// The traversal and nesting limits for every message that comes in from a client or a server.
capnp::ReaderOptions rpc_reader_options();

// ---- values; errors are kInvalid and name the field
Result<NewOrder> decode(wire::NewOrder::Reader from);
Result<CancelOrder> decode(wire::CancelOrder::Reader from);
Result<ReplaceOrder> decode(wire::ReplaceOrder::Reader from);
Result<MassCancel> decode(wire::MassCancel::Reader from);
Result<OrderRequestBody> decode(wire::Request::Reader from);
/// A batch: all of it, or an error that names the first bad request by its position.
Result<std::vector<OrderRequestBody>> decode(capnp::List<wire::Request>::Reader from);
/// A reason newer than this program becomes kUnsupported, with its name in front of the text.
Result<Outcome> decode(wire::Outcome::Reader from);
Result<ExecutionReport> decode(wire::ExecutionReport::Reader from);
Result<std::vector<ExecutionReport>> decode(capnp::List<wire::ExecutionReport>::Reader from);
/// As Outcome for reasons. `wire_order_id` is internal and not on the wire.
Result<OrderView> decode(wire::OrderView::Reader from);
/// A text field of any of the text types.
template <typename T>
Result<T> decode_text(capnp::Text::Reader from) {
  return T::parse({from.begin(), from.size()});
}
Result<Account> decode_account(capnp::Text::Reader from);

void encode(const NewOrder& order, wire::NewOrder::Builder to);
void encode(const CancelOrder& cancel, wire::CancelOrder::Builder to);
void encode(const ReplaceOrder& replace, wire::ReplaceOrder::Builder to);
void encode(const MassCancel& mass, wire::MassCancel::Builder to);
void encode(const OrderRequestBody& body, wire::Request::Builder to);
void encode(const OrderReply& reply, uint32_t credits_left, wire::Outcome::Builder to);
void encode(const ExecutionReport& report, wire::ExecutionReport::Builder to);
void encode(const OrderView& view, wire::OrderView::Builder to);

wire::Reason to_wire(Reason reason);
/// Nothing when this program does not know the reason.
std::optional<Reason> from_wire(wire::Reason reason);
wire::Durability to_wire(Durability durability);

// ---- whole messages as bytes (a stream of one framed message), for files, tests and fuzzing
std::vector<std::byte> encode_message(const OrderRequestBody& body);
std::vector<std::byte> encode_message(const Outcome& outcome);
std::vector<std::byte> encode_message(const ExecutionReport& report);
std::vector<std::byte> encode_message(const OrderView& view);
Result<OrderRequestBody> decode_request(std::span<const std::byte> bytes);
Result<Outcome> decode_outcome(std::span<const std::byte> bytes);
Result<ExecutionReport> decode_report(std::span<const std::byte> bytes);
Result<OrderView> decode_view(std::span<const std::byte> bytes);

}  // namespace holdfast
