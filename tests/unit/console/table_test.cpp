// Tables for a terminal: alignment, width, colour, and text from outside that must not repaint it.
#include "nodes/console/table.hpp"

#include <gtest/gtest.h>

#include "messages/check.hpp"

namespace holdfast::console {
namespace {

TEST(Table, AlignsColumnsAndEndsNoLineInBlanks) {
  Table table({{"NAME", false, false}, {"COUNT", true, false}, {"NOTE", false, true}});
  table.add({"a", "1", ""});
  table.add({"longer", "12345678", "x"});
  EXPECT_EQ(table.str({80, false}),
            "NAME       COUNT  NOTE\n"
            "a              1\n"
            "longer  12345678  x\n");
}

TEST(Table, LeavesOutColumnsThatHoldNothing) {
  Table table({{"A", false, false}, {"EMPTY", false, false}, {"B", false, false}});
  table.add({"1", "", "2"});
  EXPECT_EQ(table.str({80, false}), "A  B\n1  2\n");
}

TEST(Table, CutsTheFlexibleColumnToTheScreen) {
  Table table({{"NAME", false, false}, {"NOTE", false, true}, {"N", true, false}});
  table.add({"abc", "a rather long note that does not fit", "7"});
  const auto text = table.str({24, false});
  EXPECT_EQ(text, "NAME  NOTE             N\nabc   a rather long …  7\n");
  for (std::size_t from = 0, end; (end = text.find('\n', from)) != std::string::npos;
       from = end + 1)
    EXPECT_LE(width_of(text.substr(from, end - from)), 24u);
}

TEST(Table, FlexibleColumnNeverVanishes) {
  Table table({{"NAME", false, false}, {"NOTE", false, true}});
  table.add({"a name that is wider than the screen", "note that is long"});
  EXPECT_EQ(table.str({10, false}),
            "NAME                                  NOTE\n"
            "a name that is wider than the screen  note th…\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({{"ACTOR", false, false}, {"N", true, false}});
  table.add({"├─ é", "1"});
  table.add({"abcd", "2"});
  EXPECT_EQ(table.str({80, false}), "ACTOR  N\n├─ é   1\nabcd   2\n");
}

TEST(Table, ControlCharactersFromOutsideAreNeverObeyed) {
  Table table({{"NOTE", false, false}});
  table.add(
      {"\x1b[2Jgone\r\n\x7f\xc2\x9b"
       "31m"});
  EXPECT_EQ(table.str({80, true}), "\x1b[1mNOTE\x1b[0m\n?[2Jgone????31m\n");
}

TEST(Table, ColoursOnlyWhereThereIsColour) {
  Table table({{"S", false, false}, {"T", false, false}});
  table.add({{"bad", Style::kBad}, "x"});
  EXPECT_EQ(table.str({80, false}), "S    T\nbad  x\n");
  EXPECT_EQ(table.str({80, true}), "\x1b[1mS\x1b[0m    \x1b[1mT\x1b[0m\n\x1b[31;1mbad\x1b[0m  x\n");
}

TEST(Table, RowOfAnotherWidthIsABug) {
  Table table({{"A", false, false}});
  EXPECT_THROW(table.add({"1", "2"}), CheckFailed);
}

}  // namespace
}  // namespace holdfast::console
