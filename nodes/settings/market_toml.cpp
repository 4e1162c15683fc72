// venues.toml and instruments.toml.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "nodes/settings/files_toml.hpp"

namespace holdfast::settings {
namespace {

constexpr uint32_t kVenueGroupFirst = 1'001;  // gateway number n is group 1001 + n

// "17:05:30" as seconds since midnight.
uint32_t read_clock(TableReader& table, std::string_view key) {
  const auto text = table.text(key, std::nullopt, 16);
  unsigned hour = 0, minute = 0, second = 0;
  char rest = 0;
  const bool good = text.size() == 8 &&
                    std::sscanf(text.c_str(), "%2u:%2u:%2u%c", &hour, &minute, &second, &rest) == 3;
  if (good && hour < 24 && minute < 60 && second < 60) return (hour * 60 + minute) * 60 + second;
  if (table.has(key)) table.note(key, "a time of day like \"17:00:00\"");
  return 0;
}

bool time_zone_exists(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find("..") != std::string::npos) return false;
  std::error_code error;
  return name == "UTC" || std::filesystem::is_regular_file("/usr/share/zoneinfo/" + name, error);
}

ScheduleSettings read_schedule(TableReader table, const std::string& venue) {
  table.set_what("schedule of " + venue);
  ScheduleSettings schedule;
  schedule.time_zone = table.text("time_zone", std::nullopt, 64);
  if (table.has("time_zone") && !time_zone_exists(schedule.time_zone))
    table.note("time_zone", "a time zone of /usr/share/zoneinfo like \"America/New_York\"");
  schedule.start = read_clock(table, "start");
  schedule.end = read_clock(table, "end");
  table.finish();
  return schedule;
}

VenueEntry read_entry(TableReader& table) {
  VenueEntry entry;
  entry.name = table.name<limits::kNameBytes>("name");
  if (!entry.name.empty()) table.set_what("[[venue]] " + entry.name.str());
  const auto number =
      table.integer("number", std::nullopt, 0, static_cast<int64_t>(limits::kVenuesMax) - 1);
  entry.group = GroupId{kVenueGroupFirst + static_cast<uint32_t>(number)};
  entry.in_flight_max = static_cast<uint32_t>(table.integer(
      "in_flight_max", entry.in_flight_max, 1, static_cast<int64_t>(limits::kOutboxInFlightMax)));
  entry.priority = static_cast<uint32_t>(table.integer("priority", 0, 0, 1'000));
  entry.fees.maker_ppm = static_cast<int32_t>(table.integer("maker_fee_ppm", 0, -10'000, 10'000));
  entry.fees.taker_ppm = static_cast<int32_t>(table.integer("taker_fee_ppm", 0, -10'000, 10'000));
  return entry;
}

// Ages and time limits of the session.
void read_rules(TableReader& table, VenueSettings& venue) {
  auto& rules = venue.rules;
  rules.venue = venue.entry.name;
  rules.in_flight_max = venue.entry.in_flight_max;
  const auto limit = [&](const char* key, Duration otherwise) {
    return table.duration(key, otherwise, Duration::milliseconds(100), Duration::seconds(3'600));
  };
  rules.resend_age = limit("resend_age_max", rules.resend_age);
  rules.wait_age = limit("wait_age_max", rules.resend_age);
  rules.logon_timeout = limit("logon_timeout", rules.logon_timeout);
  rules.barrier_timeout = limit("barrier_timeout", rules.barrier_timeout);
  rules.logout_timeout = limit("logout_timeout", rules.logout_timeout);
  rules.answer_timeout = limit("answer_timeout", std::max(rules.answer_timeout, rules.resend_age));
  rules.status_interval = limit("status_interval", rules.status_interval);
  rules.reconcile_timeout = limit("reconcile_timeout", rules.reconcile_timeout);
  rules.cancel_on_disconnect = table.duration("cancel_on_disconnect", rules.cancel_on_disconnect,
                                              Duration{}, Duration::seconds(3'600));
  rules.open_before_reconciled = table.flag("open_before_reconciled", false);
  rules.accept_venue_reset = table.flag("accept_venue_reset", false);
  rules.flag_resets = table.flag("flag_resets", false);
  if (auto checked = venues::check(rules); !checked && !rules.venue.empty())
    table.complain("name", table.what() + ": " + checked.error().text);
}

void read_session(TableReader& table, const std::string& directory, VenueSettings& venue) {
  venue.host = table.text("host", std::nullopt, 253);
  venue.port = static_cast<uint16_t>(table.integer("port", std::nullopt, 1, 65'535));
  venue.sender_comp_id = table.name<limits::kVenueTextBytes>("sender_comp_id").str();
  venue.target_comp_id = table.name<limits::kVenueTextBytes>("target_comp_id").str();
  const auto dictionary = table.text("dictionary", std::nullopt, 4'096);
  if (!dictionary.empty()) {
    venue.dictionary = (std::filesystem::path(directory) / dictionary).lexically_normal().string();
    std::error_code error;
    if (!std::filesystem::is_regular_file(venue.dictionary, error))
      table.complain("dictionary", "dictionary: there is no file " + in_quotes(venue.dictionary));
  }
  venue.heartbeat_interval = table.duration("heartbeat_interval", venue.heartbeat_interval,
                                            Duration::seconds(1), Duration::seconds(3'600));
  if (venue.heartbeat_interval.ns % 1'000'000'000 != 0)
    table.note("heartbeat_interval", "whole seconds, as HeartBtInt (108) carries them");
  read_rules(table, venue);
}

DropCopySettings read_drop_copy(TableReader& table, const VenueSettings& venue) {
  DropCopySettings copy;
  copy.sender_comp_id = table.name<limits::kVenueTextBytes>("sender_comp_id").str();
  copy.target_comp_id = table.text("target_comp_id", venue.target_comp_id, limits::kVenueTextBytes);
  copy.host = table.text("host", venue.host, 253);
  copy.port = static_cast<uint16_t>(table.integer("port", venue.port, 1, 65'535));
  if (copy.sender_comp_id == venue.sender_comp_id && copy.target_comp_id == venue.target_comp_id)
    table.note("sender_comp_id", "another than the session's that trades");
  table.finish();
  return copy;
}

// A TOML date as the start of that day in UTC.
WallTime read_date(TableReader& table, std::string_view key, const toml::table& raw) {
  const auto* node = raw.get(key);
  if (node == nullptr || !node->is_date()) {
    table.note(key, "a date like 2012-06-20, without quotes");
    return {};
  }
  const auto date = node->as_date()->get();
  const std::chrono::year_month_day ymd{std::chrono::year(date.year),
                                        std::chrono::month(date.month), std::chrono::day(date.day)};
  const auto days = std::chrono::sys_days(ymd).time_since_epoch().count();
  return WallTime{static_cast<int64_t>(days) * 86'400'000'000'000};
}

void read_previous_close(TableReader& table, const toml::table& raw, Instrument& instrument) {
  if (!table.has("previous_close")) {
    (void)table.decimal<Price>("previous_close", Price{}, Price{});
    if (table.has("previous_close_date"))
      table.note("previous_close", "the price that previous_close_date belongs to");
    table.know("previous_close_date");
    return;
  }
  instrument.previous_close = table.decimal<Price>("previous_close", std::nullopt, Price{1});
  instrument.previous_close_time = read_date(table, "previous_close_date", raw);
  table.know("previous_close_date");
}

template <typename Step, typename Value>
void whole_steps(TableReader& table, std::string_view key, Value value, Step step,
                 const char* step_name) {
  if (step.units > 0 && value.units % step.units != 0)
    table.complain(key, std::string(key) + ": expected a multiple of the " + step_name + " " +
                            step.str() + ", found " + value.str());
}

Instrument read_instrument(TableReader& table, const toml::table& raw,
                           const std::set<VenueName>& venues) {
  Instrument instrument;
  instrument.symbol = table.name<limits::kSymbolBytes>("symbol");
  if (!instrument.symbol.empty()) table.set_what("[[instrument]] " + instrument.symbol.str());
  instrument.tick = table.decimal<Price>("tick", std::nullopt, Price{1});
  instrument.lot = table.decimal<Quantity>("lot", std::nullopt, Quantity{1});
  instrument.price_max = table.decimal<Price>("price_max", std::nullopt, Price{1});
  instrument.quantity_max = table.decimal<Quantity>("quantity_max", std::nullopt, Quantity{1});
  whole_steps(table, "price_max", instrument.price_max, instrument.tick, "tick");
  whole_steps(table, "quantity_max", instrument.quantity_max, instrument.lot, "lot");
  read_previous_close(table, raw, instrument);
  if (instrument.previous_close > instrument.price_max)
    table.complain("previous_close", "previous_close: expected at most price_max " +
                                         instrument.price_max.str() + ", found " +
                                         instrument.previous_close.str());
  instrument.venues = table.names<limits::kNameBytes>("venues", limits::kVenuesMax);
  if (instrument.venues.empty())
    table.complain("venues", table.what() + " needs the key \"venues\": at least one venue name");
  for (const auto& name : instrument.venues)
    if (!venues.contains(name)) {
      std::vector<std::string> known;
      for (const auto& venue : venues) known.push_back(venue.str());
      const auto close = nearest(name.view(), known);
      table.complain("venues",
                     "venues: " + in_quotes(name.view()) + " is not in venues.toml" +
                         (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?"));
    }
  return instrument;
}

}  // namespace

void read_venues(const Document& document, const std::string& directory,
                 std::vector<VenueSettings>& venues, Problems& problems) {
  TableReader root(document, document.root, "venues.toml", problems);
  std::set<VenueName> names;
  std::set<GroupId> groups;
  for (auto& table : root.tables("venue", true, limits::kVenuesMax)) {
    VenueSettings venue;
    venue.entry = read_entry(table);
    read_session(table, directory, venue);
    if (auto copy = table.table("drop_copy")) venue.drop_copy = read_drop_copy(*copy, venue);
    if (auto schedule = table.table("schedule"))
      venue.schedule = read_schedule(*schedule, table.what());
    const auto& name = venue.entry.name;
    if (!name.empty() && !names.insert(name).second)
      table.complain("name", "name: the venue " + in_quotes(name.view()) + " is there twice");
    if (table.has("number") && !groups.insert(venue.entry.group).second)
      table.complain("number",
                     "number: each venue needs its own, for good: its journal is kept "
                     "under it");
    table.finish();
    venues.push_back(std::move(venue));
  }
  root.finish();
}

void read_instruments(const Document& document, const std::vector<VenueSettings>& venues,
                      std::vector<Instrument>& instruments, Problems& problems) {
  TableReader root(document, document.root, "instruments.toml", problems);
  std::set<VenueName> known;
  for (const auto& venue : venues) known.insert(venue.entry.name);
  std::set<Symbol> symbols;
  auto tables = root.tables("instrument", true, limits::kSymbolsMax);
  for (auto& table : tables) {
    auto instrument = read_instrument(table, table.raw(), known);
    if (!instrument.symbol.empty() && !symbols.insert(instrument.symbol).second)
      table.complain("symbol",
                     "symbol: " + in_quotes(instrument.symbol.view()) + " is there twice");
    table.finish();
    instruments.push_back(std::move(instrument));
  }
  root.finish();
}

}  // namespace holdfast::settings
