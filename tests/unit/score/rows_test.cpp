#include "nodes/score/rows.hpp"

#include <gtest/gtest.h>

namespace holdfast::score {
namespace {

TEST(Cells, TakesQuotesAway) {
  EXPECT_EQ(cells(R"("a, b", c ,"d ""e""")"), (std::vector<std::string>{"a, b", "c", R"(d "e")"}));
  EXPECT_EQ(cells(""), (std::vector<std::string>{""}));
  EXPECT_EQ(cells("1,,"), (std::vector<std::string>{"1", "", ""}));
}

TEST(Time, IsReadInAllWaysOfTheCollections) {
  const WallTime expected{1'530'626'400'000'000'000};  // 2018-07-03 14:00:00 UTC
  for (const char* text :
       {"2018-07-03 14:00:00", "2018-07-03T14:00:00Z", "2018-07-03 14:00", "2018/07/03 14:00:00",
        "2018-07-03 14:00:00.000000", "2018-07-03T16:00:00+02:00", "2018-07-03T09:30:00-0430"})
    EXPECT_EQ(parse_time(text), expected) << text;
  EXPECT_EQ(parse_time("1970-01-01 00:00:00.5"), WallTime{500'000'000});
  EXPECT_EQ(parse_time("1969-12-31 23:59:59"), WallTime{-1'000'000'000});
}

TEST(Time, RefusesWhatIsNone) {
  for (const char* text : {"", "yesterday", "2018-07-03", "2018-13-03 14:00:00",
                           "2018-02-30 14:00:00", "2018-07-03 24:00:00", "2018-07-03 14:61:00",
                           "2018-07-03 14:00:00x", "2018-07-03 14:00:00.", "2018-07-03T14:00+",
                           "9999-07-03 14:00:00", "2018-7-3 14:00:00", "1530626400"})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(Number, IsFiniteAndAllOfTheText) {
  EXPECT_EQ(parse_number(" 1.5e3 "), 1'500);
  EXPECT_EQ(parse_number("+7"), 7);
  for (const char* text : {"", "nan", "inf", "-inf", "1e999", "1,5", "1x", "--1"})
    EXPECT_FALSE(parse_number(text)) << text;
}

TEST(Header, NamesColumnsInAnyCaseAndOrder) {
  const auto columns = parse_header("\xEF\xBB\xBF\"Label\",Value,TimeStamp\r");
  ASSERT_TRUE(columns);
  EXPECT_EQ(columns->label, 0U);
  EXPECT_EQ(columns->value, 1U);
  EXPECT_EQ(columns->time, 2U);
  EXPECT_FALSE(parse_header("timestamp,value")->label);
  EXPECT_FALSE(parse_header("2018-07-03 14:00:00,1,0"));
  EXPECT_FALSE(parse_header("time,value"));
}

TEST(Row, IsUsedOrSaysWhatIsWrong) {
  const Columns columns{0, 1, 2};
  Row row;
  EXPECT_EQ(parse_row("\"2018-07-03 14:00:00\",\"3.5\",\"1\"", columns, row), RowFault::kNone);
  EXPECT_EQ(row.value, 3.5);
  EXPECT_TRUE(row.label);
  EXPECT_EQ(parse_row("2018-07-03 14:00:00,,0", columns, row), RowFault::kEmpty);
  EXPECT_EQ(parse_row("  ", columns, row), RowFault::kEmpty);
  for (const char* line :
       {"2018-07-03 14:00:00", "2018-07-03 14:00:00,1", "never,1,0", "2018-07-03 14:00:00,nan,0",
        "2018-07-03 14:00:00,1,2", "2018-07-03 14:00:00,1,"})
    EXPECT_EQ(parse_row(line, columns, row), RowFault::kMalformed) << line;
}

}  // namespace
}  // namespace holdfast::score
