#include "actors/ingress/client/close_cause.hpp"

namespace holdfast::client {

std::string_view name_of(CloseCause cause) {
  switch (cause) {
    case CloseCause::kPeer:
      return "peer";
    case CloseCause::kLocal:
      return "local";
    case CloseCause::kGarbage:
      return "garbage";
    case CloseCause::kOversize:
      return "oversize";
    case CloseCause::kUnsent:
      return "unsent";
    case CloseCause::kOpenAnswers:
      return "open_answers";
    case CloseCause::kSilent:
      return "silent";
    case CloseCause::kLogin:
      return "login";
  }
  return "unknown";
}

}  // namespace holdfast::client
