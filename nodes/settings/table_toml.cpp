#include "nodes/settings/table_toml.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace holdfast::settings {
namespace {

constexpr std::size_t kFileBytesMax = 4u << 20;

struct Unit {
  std::string_view suffix;
  int64_t factor;
};
constexpr std::array kDurations = {Unit{"ns", 1},
                                   Unit{"us", 1'000},
                                   Unit{"ms", 1'000'000},
                                   Unit{"s", 1'000'000'000},
                                   Unit{"m", 60'000'000'000},
                                   Unit{"h", 3'600'000'000'000},
                                   Unit{"d", 86'400'000'000'000}};
constexpr std::array kSizes = {Unit{"", 1}, Unit{"B", 1}, Unit{"KiB", 1ll << 10},
                               Unit{"MiB", 1ll << 20}, Unit{"GiB", 1ll << 30}};

// "20ms" by a table of units; nothing when it is not a whole number and a known unit.
std::optional<int64_t> number_with_unit(std::string_view text, std::span<const Unit> units) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  auto suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  if (suffix.starts_with(' ')) suffix.remove_prefix(1);
  for (const auto& unit : units) {
    int64_t product = 0;
    if (suffix == unit.suffix)
      return __builtin_mul_overflow(number, unit.factor, &product) ? std::nullopt
                                                                   : std::optional(product);
  }
  return std::nullopt;
}

std::string duration_text(Duration d) {
  std::string best = std::to_string(d.ns) + "ns";
  for (const auto& unit : kDurations)
    if (d.ns % unit.factor == 0)
      best = std::to_string(d.ns / unit.factor) + std::string(unit.suffix);
  return best;
}

// What a node is, in words: `integer 5`, `text "x"`, `a table`.
std::string words_of(const toml::node& node) {
  if (const auto* v = node.as_string()) return "text " + in_quotes(v->get());
  if (const auto* v = node.as_integer()) return "integer " + std::to_string(v->get());
  if (const auto* v = node.as_boolean()) return v->get() ? "true" : "false";
  if (node.is_floating_point()) return "a decimal number";
  if (node.is_array_of_tables()) return "a list of tables";
  if (const auto* v = node.as_array()) return "a list of " + std::to_string(v->size());
  if (node.is_table()) return "a table";
  return "a date or time";
}

/// The first line (from 1) up to which the text is refused.
uint32_t refused_line(const std::vector<std::string>& lines) {
  const auto refused = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += lines[i] + "\n";
    try {
      (void)toml::parse(text);
    } catch (const TomlRefused&) {
      return true;
    } catch (const toml::parse_error&) {
    }
    return false;
  };
  std::size_t below = 0, refused_at = lines.size();
  while (below + 1 < refused_at) {
    const auto middle = below + (refused_at - below) / 2;
    (refused(middle) ? refused_at : below) = middle;
  }
  return static_cast<uint32_t>(refused_at);
}

}  // namespace

std::optional<Document> open_document(const std::string& file, Problems& problems) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream bytes;
  if (stream) bytes << stream.rdbuf();
  if (!stream || stream.bad()) {
    problems.add({file, 0, 0, std::string("cannot be read: ") + std::strerror(errno)});
    return std::nullopt;
  }
  const auto text = bytes.str();
  if (text.size() > kFileBytesMax) {
    problems.add({file, 0, 0, "is larger than 4 MiB, no configuration file of ours is"});
    return std::nullopt;
  }
  Document document;
  document.file = file;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) document.lines.push_back(line);
  try {
    document.root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    problems.add({file, error.source().begin.line, error.source().begin.column,
                  "not valid TOML: " + std::string(error.description())});
    return std::nullopt;
  } catch (const TomlRefused&) {
    problems.add({file, refused_line(document.lines), 1,
                  "not valid TOML: something stands here that is no key, no value and no comment"});
    return std::nullopt;
  }
  return document;
}

const toml::node* TableReader::ask(std::string_view key) {
  asked_.emplace_back(key);
  return table_->get(key);
}

void TableReader::at(const toml::source_region& where, std::string text) {
  problems_->add({document_->file, where.begin.line, where.begin.column, std::move(text)});
}

void TableReader::missing(std::string_view key, const std::string& expected) {
  at(table_->source(), what_ + " needs the key " + in_quotes(key) + ": " + expected);
}

void TableReader::note(std::string_view key, const std::string& expected) {
  const auto* node = table_->get(key);
  if (node == nullptr) return missing(key, expected);
  at(node->source(), std::string(key) + ": expected " + expected + ", found " + words_of(*node));
}

void TableReader::complain(std::string_view key, const std::string& text) {
  const auto* node = table_->get(key);
  at(node == nullptr ? table_->source() : node->source(), text);
}

bool TableReader::flag(std::string_view key, bool otherwise) {
  const auto* node = ask(key);
  if (node == nullptr) return otherwise;
  if (const auto* value = node->as_boolean()) return value->get();
  note(key, "true or false");
  return otherwise;
}

int64_t TableReader::integer(std::string_view key, std::optional<int64_t> otherwise, int64_t least,
                             int64_t most) {
  const auto* node = ask(key);
  const auto expected = "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  if (node == nullptr) {
    if (!otherwise) missing(key, expected);
    return otherwise.value_or(least);
  }
  if (const auto* value = node->as_integer();
      value && value->get() >= least && value->get() <= most)
    return value->get();
  note(key, expected);
  return otherwise.value_or(least);
}

std::string TableReader::text(std::string_view key, std::optional<std::string> otherwise,
                              std::size_t bytes_max) {
  const auto* node = ask(key);
  const auto expected = "text of at most " + std::to_string(bytes_max) + " bytes";
  if (node == nullptr) {
    if (!otherwise) missing(key, expected);
    return otherwise.value_or("");
  }
  if (const auto* value = node->as_string(); value && value->get().size() <= bytes_max)
    return value->get();
  note(key, expected);
  return otherwise.value_or("");
}

// 1 to bytes_max printable characters, or "" after a note.
std::string TableReader::word(std::string_view key, std::size_t bytes_max, bool needed) {
  const auto* node = ask(key);
  const auto expected = "1 to " + std::to_string(bytes_max) + " printable ASCII characters";
  if (node == nullptr) {
    if (needed) missing(key, expected);
    return {};
  }
  const auto printable = [](unsigned char c) { return c >= 0x20 && c <= 0x7e; };
  if (const auto* value = node->as_string()) {
    const auto& text = value->get();
    if (!text.empty() && text.size() <= bytes_max &&
        std::all_of(text.begin(), text.end(), printable))
      return text;
  }
  note(key, expected);
  return {};
}

void TableReader::each_text(std::string_view key, std::size_t most,
                            const std::function<bool(const std::string&)>& take) {
  const auto* node = ask(key);
  if (node == nullptr) return;
  const auto* list = node->as_array();
  if (list == nullptr || list->size() > most)
    return note(key, "a list of at most " + std::to_string(most) + " texts");
  std::vector<std::string> seen;
  for (const auto& element : *list) {
    const auto* word = element.as_string();
    if (word == nullptr || !take(word->get())) {
      at(element.source(), std::string(key) + ": expected a short text of printable ASCII, found " +
                               words_of(element));
    } else if (std::find(seen.begin(), seen.end(), word->get()) != seen.end()) {
      at(element.source(), std::string(key) + ": " + in_quotes(word->get()) + " is there twice");
    } else {
      seen.push_back(word->get());
    }
  }
}

Duration TableReader::duration(std::string_view key, std::optional<Duration> otherwise,
                               Duration least, Duration most) {
  const auto* node = ask(key);
  const auto expected = "a time like \"20ms\" (ns, us, ms, s, m, h, d) from \"" +
                        duration_text(least) + "\" to \"" + duration_text(most) + "\"";
  if (node == nullptr) {
    if (!otherwise) missing(key, expected);
    return otherwise.value_or(least);
  }
  if (const auto* value = node->as_string()) {
    const auto ns = number_with_unit(value->get(), kDurations);
    if (ns && *ns >= least.ns && *ns <= most.ns) return {*ns};
  }
  note(key, expected);
  return otherwise.value_or(least);
}

int64_t TableReader::with_suffix(std::string_view key, std::string_view suffix, int64_t least,
                                 int64_t most) {
  const auto* node = ask(key);
  const auto expected = "an integer from " + std::to_string(least) + " to " + std::to_string(most) +
                        ", as in 25 or \"25 " + std::string(suffix) + "\"";
  if (node == nullptr) {
    missing(key, expected);
    return least;
  }
  std::optional<int64_t> number;
  const Unit unit[] = {{suffix, 1}};
  if (const auto* value = node->as_string()) number = number_with_unit(value->get(), unit);
  if (const auto* value = node->as_integer()) number = value->get();
  if (number && *number >= least && *number <= most) return *number;
  note(key, expected);
  return least;
}

uint64_t TableReader::bytes(std::string_view key, std::optional<uint64_t> otherwise,
                            uint64_t least) {
  const auto* node = ask(key);
  const auto expected =
      "a size like \"256MiB\" (KiB, MiB, GiB) of at least " + std::to_string(least) + " bytes";
  if (node == nullptr) {
    if (!otherwise) missing(key, expected);
    return otherwise.value_or(least);
  }
  std::optional<int64_t> size;
  if (const auto* value = node->as_string()) size = number_with_unit(value->get(), kSizes);
  if (const auto* value = node->as_integer()) size = value->get();
  if (size && *size >= 0 && static_cast<uint64_t>(*size) >= least)
    return static_cast<uint64_t>(*size);
  note(key, expected);
  return otherwise.value_or(least);
}

std::string TableReader::source_text(const toml::node& node) const {
  const auto& where = node.source();
  if (where.begin.line == 0 || where.begin.line > document_->lines.size()) return {};
  const auto& line = document_->lines[where.begin.line - 1];
  if (where.begin.column == 0 || where.begin.column > line.size()) return {};
  auto text = line.substr(where.begin.column - 1);
  text = text.substr(0, text.find_first_not_of("+-0123456789._"));
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  return text;
}

int64_t TableReader::decimal_units(std::string_view key, std::optional<int64_t> otherwise,
                                   int64_t least) {
  const auto* node = ask(key);
  const auto expected = "a number of at least " + fixed_point::format(least) +
                        " with at most 8 decimals and no exponent";
  if (node == nullptr) {
    if (!otherwise) missing(key, expected);
    return otherwise.value_or(least);
  }
  std::string digits;
  if (const auto* value = node->as_string())
    digits = value->get();
  else if (const auto* whole = node->as_integer())
    digits = std::to_string(whole->get());
  else if (const auto* fraction = node->as_floating_point()) {
    digits = source_text(*node);
    // A guard on the slice of source text: it must be the very number that the parser read.
    if (std::strtod(digits.c_str(), nullptr) != fraction->get()) digits.clear();
  }
  const auto units = fixed_point::parse(digits);
  if (units && units.value() >= least) return units.value();
  if (node->is_floating_point() && !digits.empty())
    at(node->source(), std::string(key) + ": expected " + expected + ", found " + digits);
  else
    note(key, expected);
  return otherwise.value_or(least);
}

double TableReader::real(std::string_view key, std::optional<double> otherwise, double least,
                         double most) {
  const auto* node = ask(key);
  std::array<char, 80> expected{};
  std::snprintf(expected.data(), expected.size(), "a number from %g to %g", least, most);
  if (node == nullptr) {
    if (!otherwise) missing(key, expected.data());
    return otherwise.value_or(least);
  }
  // An infinity or NaN, which TOML can write, is in no range.
  if (const auto value = node->value<double>();
      node->is_number() && value && *value >= least && *value <= most)
    return *value;
  note(key, expected.data());
  return otherwise.value_or(least);
}

std::size_t TableReader::choice(std::string_view key, std::optional<std::size_t> otherwise,
                                const std::vector<std::string>& words) {
  const auto* node = ask(key);
  std::string expected = words.size() > 1 ? "one of" : "";
  for (const auto& word : words) expected += " " + in_quotes(word);
  if (node == nullptr) {
    if (!otherwise) missing(key, expected);
    return otherwise.value_or(0);
  }
  if (const auto* value = node->as_string()) {
    const auto found = std::find(words.begin(), words.end(), value->get());
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  note(key, expected);
  return otherwise.value_or(0);
}

std::optional<TableReader> TableReader::table(std::string_view key) {
  const auto* node = ask(key);
  if (node == nullptr) return std::nullopt;
  const auto* inner = node->as_table();
  if (inner == nullptr) {
    note(key, "a table, [" + std::string(key) + "]");
    return std::nullopt;
  }
  return TableReader(*document_, *inner, "[" + std::string(key) + "]", *problems_);
}

std::vector<TableReader> TableReader::tables(std::string_view key, bool needed, std::size_t most) {
  const auto* node = ask(key);
  const auto expected = "tables, [[" + std::string(key) + "]], at most " + std::to_string(most);
  std::vector<TableReader> readers;
  if (node == nullptr) {
    if (needed)
      problems_->add({document_->file, 0, 0, "needs at least one [[" + std::string(key) + "]]"});
    return readers;
  }
  const auto* list = node->as_array();
  if (list == nullptr || (!list->empty() && !list->is_array_of_tables()) || list->size() > most) {
    note(key, expected);
    return readers;
  }
  for (const auto& element : *list)
    readers.emplace_back(*document_, *element.as_table(), "[[" + std::string(key) + "]]",
                         *problems_);
  return readers;
}

void TableReader::finish() {
  for (const auto& [key, node] : *table_) {
    if (std::find(asked_.begin(), asked_.end(), key.str()) != asked_.end()) continue;
    const auto close = nearest(key.str(), asked_);
    std::string text = "unknown key " + in_quotes(key.str()) + " in " + what_;
    if (!close.empty()) {
      text += "; did you mean " + in_quotes(close) + "?";
    } else {
      text += "; known are";
      for (const auto& known : asked_) text += " " + known;
    }
    at(key.source(), text);
  }
}

}  // namespace holdfast::settings
