#include "nodes/node/api/views.hpp"

namespace holdfast::operator_api {

std::string_view name_of(VenueAction action) {
  switch (action) {
    case VenueAction::kHalt:
      return "halt";
    case VenueAction::kResume:
      return "resume";
    case VenueAction::kReconnect:
      return "reconnect";
  }
  return "unknown";
}

}  // namespace holdfast::operator_api
