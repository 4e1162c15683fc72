#include "supervision/replication/arbiter/arbiter.hpp"

#include "messages/check.hpp"

namespace holdfast::replication {

std::string_view to_text(CasOutcome outcome) {
  switch (outcome) {
    case CasOutcome::kWon:
      return "won";
    case CasOutcome::kLost:
      return "lost";
    case CasOutcome::kUnknown:
      return "unknown";
    case CasOutcome::kRefused:
      return "refused";
  }
  CHECK(false);
}

}  // namespace holdfast::replication
