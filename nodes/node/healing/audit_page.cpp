#include "nodes/node/healing/audit_page.hpp"

namespace holdfast::node {

namespace {
/// The text of the note's object, as notes.cpp writes it; of anything else the whole.
std::string words_of(const std::string& json) {
  constexpr std::string_view kHead = "{\"event\":\"paged\",\"text\":\"";
  if (!json.starts_with(kHead) || !json.ends_with("\"}") || json.size() < kHead.size() + 2)
    return json;
  std::string out;
  for (std::size_t i = kHead.size(); i < json.size() - 2; ++i) {
    if (json[i] != '\\') {
      out += json[i];
    } else if (json[i + 1] == 'u') {
      out += '?';  // what is not printable has no place on a line
      i += 5;
    } else {
      out += json[++i];
    }
  }
  return out;
}
}  // namespace

std::string page_text(const orchestrator::healing::Note& note) {
  std::string out = "page";
  if (note.incident != 0) out += ": incident " + std::to_string(note.incident);
  if (note.remedy != 0)
    out += (note.incident != 0 ? ", remedy " : ": remedy ") + std::to_string(note.remedy);
  return out + ": " + words_of(note.text);
}

}  // namespace holdfast::node
