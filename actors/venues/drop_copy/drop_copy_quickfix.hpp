// The drop-copy session on QuickFIX: a session of its own with its own numbers, fed and drained by
// the gateway's loop. Nothing that it sends is ever repeated: a resend is answered by a gap-fill.
#pragma once

#include "actors/venues/drop_copy/drop_copy.hpp"

namespace holdfast::venues {

/// Drop-copy sessions under `identity`. kInvalid when an identity is missing or the dictionary
/// can't be read.
MakeDropCopy quickfix_drop_copies(SessionIdentity identity);

}  // namespace holdfast::venues
