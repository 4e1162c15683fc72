// Tables for a terminal: columns as wide as their content, the flexible one cut to the screen,
// colour only where it is wanted. Text from outside loses its control characters, so that no
// venue's error message can repaint an operator's screen. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::console {

enum class Style : uint8_t { kPlain, kGood, kWarn, kBad, kDim, kBold };

/// Where the output goes.
struct Screen {
  std::size_t width = 120;  // columns; tables are made to fit
  bool colour = false;
};

/// `text` without control characters, in a style where there is colour.
std::string styled(std::string_view text, Style style, const Screen& screen);

/// Characters that `text` takes on screen (UTF-8, no wide ones).
std::size_t width_of(std::string_view text);

class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;     // numbers
    bool flexible = false;  // gives up width first; at most one
  };
  struct Cell {
    std::string text;
    Style style = Style::kPlain;
    Cell(std::string t = "", Style s = Style::kPlain) : text(std::move(t)), style(s) {}
    Cell(const char* t, Style s = Style::kPlain) : text(t), style(s) {}
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns.
  void add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  /// Title line and rows, each ended by a newline; columns without any content are left out.
  std::string str(const Screen& screen) const;

 private:
  std::vector<std::size_t> widths(const Screen& screen) const;
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace holdfast::console
