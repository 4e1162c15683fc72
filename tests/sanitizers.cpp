// How the sanitizers behave in test binaries, compiled in so that a binary started by hand behaves
// like one that tests/run starts. The runtimes call these functions if they are there.
//
// What is passed over is in libraries that we do not build, and each line says what it is.

#include "supervision/runtime/tsan_edges.hpp"

// CAF 0.17's spawn of a function without arguments dereferences an empty shared_ptr to its
// arguments, only to bind a reference that is never used (caf/detail/init_fun_factory.hpp).
extern "C" const char* __ubsan_default_options() {
  return "halt_on_error=1:print_stacktrace=1:suppressions=" HOLDFAST_SOURCE_DIR
         "/tests/sanitizers.ubsan";
}

// ThreadSanitizer does not see into libcaf_core, so it misses that a message handed over orders one
// thread before another. Our loop actors tell it (supervision/runtime/tsan_edges.hpp); what is left
// is the end of a message that the library itself made or drops, and answers that a test's
// blocking actor takes. TcpFence's reset cuts a connection under a thread that reads from it: that
// is what it is for.
extern "C" const char* __tsan_default_suppressions() {
  return HOLDFAST_TSAN_LIBRARY_RACES
      "race:caf::detail::tuple_vals\n"
      "race:testing::GatewayNode::ask\n"
      "race:ingress::tests::Node::stats\n"
      "race:^reset$\n";
}
