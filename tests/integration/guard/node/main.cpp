// A node for the guard's tests: does what its configuration says, in one word a line.
//   exit N     end with code N at once            hang       count progress, then stop counting
//   deaf       ignore SIGTERM                      talk N     write N lines to stdout
//   give_up    last words, then end with code 1
// It appends a line to FILE.starts at each start and one to FILE.stops when SIGTERM came.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "supervision/runtime/guard_events_linux.hpp"
#include "supervision/runtime/progress_file_linux.hpp"

namespace {

void append(const std::string& path, const std::string& line) {
  std::ofstream(path, std::ios::app) << line << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace holdfast;
  if (argc < 3 || std::string(argv[1]) != "--config") return 2;
  const std::string config = argv[2];
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);

  bool hang = false;
  bool deaf = false;
  std::ifstream file(config);
  std::string word;
  int number = 0;
  int code = -1;
  int lines = 0;
  while (file >> word) {
    if (word == "exit" && file >> number) code = number;
    if (word == "talk" && file >> number) lines = number;
    if (word == "hang") hang = true;
    if (word == "deaf") deaf = true;
    if (word == "give_up") {
      leave_last_words("more than 5 restarts");
      code = 1;
    }
  }
  append(config + ".starts",
         std::to_string(getpid()) + (argc > 3 ? " " + std::string(argv[3]) : ""));
  for (int i = 0; i < lines; ++i) std::printf("line %d of the node\n", i);
  std::fflush(stdout);
  if (code >= 0) return code;

  std::atomic<uint64_t> unwatched{0};
  std::atomic<uint64_t>* counter = &unwatched;
  auto progress = [&]() -> Result<ProgressFile> {
    const char* path = std::getenv(kProgressFileVariable);
    if (path == nullptr) return Error{ErrorCode::kNotFound, "no guard"};
    return ProgressFile::create(path);
  }();
  if (progress.ok()) counter = progress.value().add_loop("hot").value();
  const timespec tick{0, 5'000'000};
  for (int turns = 0;; ++turns) {
    if (sigtimedwait(&term, nullptr, &tick) == SIGTERM && !deaf) break;
    if (!hang || turns < 3) counter->fetch_add(1);
  }
  append(config + ".stops", std::to_string(getpid()));
  return 0;
}
