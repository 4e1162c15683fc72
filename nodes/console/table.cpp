#include "nodes/console/table.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::console {
namespace {

constexpr std::size_t kGap = 2;            // between columns
constexpr std::size_t kFlexibleLeast = 8;  // a flexible column never gets narrower

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::string clean(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // C0, DEL, and C1 as UTF-8 (0xc2 0x80..0x9f), which terminals obey too.
    const bool c1 = c == 0xc2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                    static_cast<unsigned char>(text[i + 1]) <= 0x9f;
    if (c1) ++i;
    if (c1 || c < 0x20 || c == 0x7f)
      out += '?';
    else
      out += text[i];
  }
  return out;
}

// The first `width` characters, the last one an ellipsis where something was cut.
std::string cut(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::string out;
  std::size_t taken = 0;
  for (char byte : text) {
    if (!continues(byte) && taken++ == width - 1) break;
    out += byte;
  }
  return out + "…";
}

const char* code_of(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kWarn:
      return "\x1b[33m";
    case Style::kBad:
      return "\x1b[31;1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kBold:
      return "\x1b[1m";
  }
  return "";
}

}  // namespace

std::string styled(std::string_view text, Style style, const Screen& screen) {
  const auto plain = clean(text);
  if (!screen.colour || style == Style::kPlain || plain.empty()) return plain;
  return code_of(style) + plain + "\x1b[0m";
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

void Table::add(std::vector<Cell> row) {
  CHECK(row.size() == columns_.size());
  for (auto& cell : row) cell.text = clean(cell.text);
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(const Screen& screen) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i].text));
  std::size_t total = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    widths[i] = std::max(widths[i], width_of(columns_[i].title));
    total += widths[i] + kGap;
  }
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (!columns_[i].flexible || total <= screen.width + kGap) continue;
    const auto excess = std::min(total - screen.width - kGap, widths[i]);
    widths[i] = std::min(widths[i], std::max(kFlexibleLeast, widths[i] - excess));
  }
  return widths;
}

std::string Table::str(const Screen& screen) const {
  const auto columns = widths(screen);
  const auto line = [&](const std::vector<Cell>& cells) {
    std::string out;
    std::size_t owed = 0;  // blanks before the next cell, so that no line ends in blanks
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (columns[i] == 0) continue;
      const auto text = cut(cells[i].text, columns[i]);
      const auto blanks = columns[i] - width_of(text);
      if (!text.empty()) {
        out.append(owed + (columns_[i].right ? blanks : 0), ' ');
        out += styled(text, cells[i].style, screen);
        owed = (columns_[i].right ? 0 : blanks) + kGap;
      } else {
        owed += columns[i] + kGap;
      }
    }
    return out + "\n";
  };
  std::vector<Cell> titles;
  for (const auto& column : columns_) titles.emplace_back(column.title, Style::kBold);
  auto out = line(titles);
  for (const auto& row : rows_) out += line(row);
  return out;
}

}  // namespace holdfast::console
