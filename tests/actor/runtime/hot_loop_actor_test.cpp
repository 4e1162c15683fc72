#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"

struct Note {
  int number = 0;
  std::vector<std::string> texts;
};
struct Boom {};
HOLDFAST_LOCAL_MESSAGE(Note)
HOLDFAST_LOCAL_MESSAGE(Boom)

namespace holdfast {
namespace {

class LoopActorTest : public ::testing::Test {
 protected:
  ActorSystem system;
  HotLoop loop;
};

TEST_F(LoopActorTest, HandlesMessagesInOrderOnTheLoopsThread) {
  std::vector<int> seen;
  auto actor = spawn_function_on(system, loop, [&seen](LoopActor*) {
    return Behavior{[&seen](const Note& note) { seen.push_back(note.number); }};
  });
  for (int i = 0; i < 100; ++i) anon_send(actor, Note{i, {"text"}});
  loop.turn();
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[i], i);
}

}  // namespace
}  // namespace holdfast
