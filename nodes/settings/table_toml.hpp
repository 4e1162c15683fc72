// Reads one TOML table key by key: each getter says what it expects, notes what it finds instead,
// and returns a usable value either way, so that one pass lists every mistake. A key that no getter
// asked for is a mistake too. This header's users are the only ones that see toml++.
#pragma once

#include "nodes/settings/parser_toml.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/fixed_point.hpp"
#include "messages/text.hpp"
#include "messages/time.hpp"
#include "nodes/settings/problems.hpp"

namespace holdfast::settings {

/// A file's text and its root table. `lines` serve decimals, which are read from the source text so
/// that money never is a binary fraction.
struct Document {
  std::string file;
  std::vector<std::string> lines;
  toml::table root;
};

/// Reads and parses `file`. Nothing: the problem is noted (not readable, too big, a syntax error
/// with its line).
std::optional<Document> open_document(const std::string& file, Problems& problems);

/// A view of one table. Ask for every known key, then call `finish`, which reports the unknown
/// ones. Getters without a default report a missing key.
class TableReader {
 public:
  /// `what` names the table in messages: "[node]", "[[venue]] XSIM".
  TableReader(const Document& document, const toml::table& table, std::string what,
              Problems& problems)
      : document_(&document), table_(&table), what_(std::move(what)), problems_(&problems) {}

  bool has(std::string_view key) const { return table_->contains(key); }
  bool flag(std::string_view key, bool otherwise);
  int64_t integer(std::string_view key, std::optional<int64_t> otherwise, int64_t least,
                  int64_t most);
  std::string text(std::string_view key, std::optional<std::string> otherwise,
                   std::size_t bytes_max = 256);
  /// Text that fits Text<N> and is not empty.
  template <std::size_t N>
  Text<N> name(std::string_view key, std::optional<Text<N>> otherwise = std::nullopt) {
    const auto found = word(key, N, !otherwise);
    return found.empty() ? otherwise.value_or(Text<N>{}) : Text<N>(found);
  }
  template <std::size_t N>
  std::vector<Text<N>> names(std::string_view key, std::size_t most) {
    std::vector<Text<N>> out;
    each_text(key, most, [&](const std::string& word) {
      auto parsed = Text<N>::parse(word);
      if (!parsed || word.empty()) return false;
      out.push_back(parsed.value());
      return true;
    });
    return out;
  }
  /// "250us", "20ms", "5s", "10m", "8h".
  Duration duration(std::string_view key, std::optional<Duration> otherwise, Duration least,
                    Duration most);
  /// 2500 or "2500 bps": an integer with or without the suffix.
  int64_t with_suffix(std::string_view key, std::string_view suffix, int64_t least, int64_t most);
  /// "256MiB", "4KiB", or a plain number of bytes.
  uint64_t bytes(std::string_view key, std::optional<uint64_t> otherwise, uint64_t least);
  /// 0.01, 100 or "0.01", exact to 8 decimals.
  template <typename Decimal>
  Decimal decimal(std::string_view key, std::optional<Decimal> otherwise, Decimal least) {
    std::optional<int64_t> fallback;
    if (otherwise) fallback = otherwise->units;
    return Decimal{decimal_units(key, fallback, least.units)};
  }
  /// A number from `least` to `most`, with or without a decimal point. For statistics: money is a
  /// `decimal`.
  double real(std::string_view key, std::optional<double> otherwise, double least, double most);
  /// One of the words; returns its position.
  std::size_t choice(std::string_view key, std::optional<std::size_t> otherwise,
                     const std::vector<std::string>& words);
  /// The table below `key`, or nothing when it is not there.
  std::optional<TableReader> table(std::string_view key);
  /// The tables of [[key]]. Missing: an empty list, and a problem when `needed`.
  std::vector<TableReader> tables(std::string_view key, bool needed, std::size_t most);

  /// Makes `key` known without reading it.
  void know(std::string_view key) { asked_.emplace_back(key); }
  /// The table itself, for kinds of value that no getter reads.
  const toml::table& raw() const { return *table_; }
  /// Notes: `key: expected …, found …` at the key's value (or at the table when it is missing).
  void note(std::string_view key, const std::string& expected);
  /// Notes `text` at the key's value, or at the table when there is no such key.
  void complain(std::string_view key, const std::string& text);
  void set_what(std::string what) { what_ = std::move(what); }
  const std::string& what() const { return what_; }
  /// Reports every key that was not asked for, with the nearest known one.
  void finish();

 private:
  const toml::node* ask(std::string_view key);
  std::string word(std::string_view key, std::size_t bytes_max, bool needed);
  int64_t decimal_units(std::string_view key, std::optional<int64_t> otherwise, int64_t least);
  void each_text(std::string_view key, std::size_t most,
                 const std::function<bool(const std::string&)>& take);
  std::string source_text(const toml::node& node) const;
  void missing(std::string_view key, const std::string& expected);
  void at(const toml::source_region& where, std::string text);

  const Document* document_;
  const toml::table* table_;
  std::string what_;
  Problems* problems_;
  std::vector<std::string> asked_;
};

}  // namespace holdfast::settings
