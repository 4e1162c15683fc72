// Linked once for each library of each room, whole: it is the link that is tested, and that the
// library's static initialisers run.
#include <errno.h>
#include <gtest/gtest.h>

#include <string_view>

TEST(Link, RoomStandsOnWhatItNames) {
  EXPECT_TRUE(std::string_view(program_invocation_short_name).starts_with("unit_link_"));
}
