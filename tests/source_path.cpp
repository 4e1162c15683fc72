#include "tests/source_path.hpp"

namespace holdfast::tests {

std::string source_path(std::string_view relative) {
  return std::string(HOLDFAST_SOURCE_DIR "/").append(relative);
}

}  // namespace holdfast::tests
