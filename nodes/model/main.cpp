// holdfast-model: a scripted language model. Reads its options, says where it listens, and answers
// as the script says until SIGTERM or SIGINT.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "nodes/model/server_http.hpp"

namespace {

constexpr const char* kAbout =
    "A scripted language model behind an OpenAI-compatible endpoint: what asks a model can be "
    "tried\n"
    "without one, and against every misbehaviour.\n\n"
    "  holdfast-model --port 9790 --script good\n"
    "  holdfast-model --script 'throttled*2,server_error,good'     the last goes on for ever\n"
    "  curl -d silent http://127.0.0.1:9790/script                 changes it while it runs\n"
    "  curl http://127.0.0.1:9790/stats                            what was asked\n\n"
    "Behaviours: good slow late silent half wrong_schema throttled server_error unavailable\n"
    "forbidden wrong_action injected random promote_all abstain huge declined cut_short\n\n"
    "Prints one line, 'listening PORT', when it is ready. SIGTERM: exits 0.\n"
    "Exit: 0 stopped, 2 wrong options, 3 the port can't be had.";

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kAbout, "holdfast-model");
  holdfast::model::ServerOptions options;
  int64_t slow_ms = options.slow.ms(), late_ms = options.late.ms();
  app.add_option("--host", options.address, "address that it listens on")->capture_default_str();
  app.add_option("--port", options.port, "port; 0 picks one")->capture_default_str();
  app.add_option("--script", options.script, "what it does, in turn")->capture_default_str();
  app.add_option("--slow-ms", slow_ms, "how long `slow` takes")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  app.add_option("--late-ms", late_ms, "how long `late` takes")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
  app.add_option("--retry-after", options.retry_after_s, "seconds that it tells others to wait")
      ->capture_default_str();
  app.add_option("--key", options.key, "the key that askers must have; default: none is needed");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  options.slow = holdfast::Duration::milliseconds(slow_ms);
  options.late = holdfast::Duration::milliseconds(late_ms);
  // Blocked before the server's thread starts, so that only sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  auto server = holdfast::model::Server::start(options);
  if (!server) {
    std::fprintf(stderr, "holdfast-model: %s\n", server.error().text.c_str());
    return server.error().code == holdfast::ErrorCode::kInvalid ? 2 : 3;
  }
  std::printf("listening %u\n", server.value()->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server.value()->stop();
  return 0;
}
