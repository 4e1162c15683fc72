// HOLDFAST_LOCAL_MESSAGE without the actor library behind it, so that a room can declare the
// structs that its actors exchange beside the structs, in a header that pure cores and other rooms
// include. The name below is the library's own; nothing else of it comes in here.
#pragma once

#include <type_traits>

namespace caf {
template <class T>
struct allowed_unsafe_message_type;
}  // namespace caf

/// Declares that `Type` travels as a message inside this process only: it needs no serialisation,
/// no registration and no type id. Put it at global scope right after the type. The type must be
/// copyable; wrap what is move-only into a shared_ptr (of const, if several may read it).
#define HOLDFAST_LOCAL_MESSAGE(Type)                            \
  namespace caf {                                               \
  template <>                                                   \
  struct allowed_unsafe_message_type<Type> : std::true_type {}; \
  }
