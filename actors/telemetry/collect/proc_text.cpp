#include "actors/telemetry/collect/proc_text.hpp"

#include <charconv>

namespace holdfast::telemetry::proc {
namespace {

/// The next line of `text`, which moves behind it.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// The next word of `line`, which moves behind it; empty at its end.
std::string_view take_word(std::string_view& line) {
  const auto begin = std::min(line.find_first_not_of(" \t"), line.size());
  const auto end = std::min(line.find_first_of(" \t", begin), line.size());
  const auto word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

bool number(std::string_view word, uint64_t& out) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || word.empty()) return false;
  out = value;
  return true;
}
bool take_number(std::string_view& line, uint64_t& out) { return number(take_word(line), out); }

/// Skips `count` words.
void skip(std::string_view& line, int count) {
  while (count-- > 0) take_word(line);
}

bool parse_cpu(std::string_view line, CpuTimes& out) {
  // user nice system idle iowait irq softirq steal; guest times are in user and nice already.
  std::array<uint64_t, 8> field{};
  for (std::size_t i = 0; i < field.size(); ++i)
    if (!take_number(line, field[i])) {
      if (i < 4) return false;
      break;  // kernels before 2.6 knew four
    }
  out.busy = field[0] + field[1] + field[2] + field[5] + field[6];
  out.idle = field[3];
  out.iowait = field[4];
  out.steal = field[7];
  return true;
}

}  // namespace

bool parse_stat(std::string_view text, Stat& out) {
  Stat stat;
  bool all = false, switches = false;
  while (!text.empty()) {
    auto line = take_line(text);
    const auto key = take_word(line);
    if (key == "cpu") {
      all = parse_cpu(line, stat.all);
    } else if (key.starts_with("cpu")) {
      if (stat.core_count < kCoresMax && parse_cpu(line, stat.cores[stat.core_count]))
        ++stat.core_count;
    } else if (key == "ctxt") {
      switches = take_number(line, stat.context_switches);
    } else if (key == "procs_running") {
      take_number(line, stat.runnable);
    } else if (key == "procs_blocked") {
      take_number(line, stat.blocked);
    }
  }
  if (!all || !switches) return false;
  out = stat;
  return true;
}

bool parse_pressure(std::string_view text, Pressure& out) {
  Pressure pressure;
  bool some = false;
  while (!text.empty()) {
    auto line = take_line(text);
    const auto key = take_word(line);
    uint64_t* to = key == "some" ? &pressure.some_us : key == "full" ? &pressure.full_us : nullptr;
    if (!to) continue;
    for (auto word = take_word(line); !word.empty(); word = take_word(line))
      if (word.starts_with("total=") && number(word.substr(6), *to)) some |= key == "some";
  }
  if (some) out = pressure;
  return some;
}

bool parse_self_stat(std::string_view text, SelfStat& out) {
  // The second field is the program's name in brackets, whatever is in it: count from its end.
  const auto bracket = text.rfind(')');
  if (bracket == std::string_view::npos) return false;
  auto line = text.substr(bracket + 1);
  SelfStat self;
  uint64_t user = 0, system = 0;
  skip(line, 9);  // fields 3 to 11; majflt is 12
  if (!take_number(line, self.major_faults)) return false;
  skip(line, 1);
  if (!take_number(line, user) || !take_number(line, system)) return false;
  skip(line, 4);
  if (!take_number(line, self.threads)) return false;
  skip(line, 3);
  if (!take_number(line, self.resident_pages)) return false;
  self.cpu_ticks = user + system;
  out = self;
  return true;
}

bool parse_self_status(std::string_view text, SelfStatus& out) {
  SelfStatus status;
  const bool all = parse_keyed(text, "VmRSS:", status.resident_kb) &&
                   parse_keyed(text, "voluntary_ctxt_switches:", status.voluntary_switches) &&
                   parse_keyed(text, "nonvoluntary_ctxt_switches:", status.involuntary_switches);
  if (all) out = status;
  return all;
}

bool parse_self_io(std::string_view text, SelfIo& out) {
  SelfIo io;
  const bool all = parse_keyed(text, "read_bytes:", io.read_bytes) &&
                   parse_keyed(text, "write_bytes:", io.write_bytes);
  if (all) out = io;
  return all;
}

bool parse_schedstat(std::string_view text, SchedStat& out) {
  SchedStat stat;
  auto line = take_line(text);
  if (!take_number(line, stat.ran_ns) || !take_number(line, stat.waited_ns)) return false;
  if (stat.ran_ns == 0) return false;  // whoever reads this has run
  out = stat;
  return true;
}

bool parse_meminfo(std::string_view text, MemInfo& out) {
  MemInfo info;
  const bool all = parse_keyed(text, "MemTotal:", info.total_kb) &&
                   parse_keyed(text, "MemAvailable:", info.available_kb) && info.total_kb > 0;
  if (all) out = info;
  return all;
}

bool parse_keyed(std::string_view text, std::string_view key, uint64_t& out) {
  while (!text.empty()) {
    auto line = take_line(text);
    if (line.starts_with(key) && take_word(line) == key) return take_number(line, out);
  }
  return false;
}

bool parse_number(std::string_view text, uint64_t& out) {
  auto line = take_line(text);
  const auto word = take_word(line);
  if (word == "max") {
    out = UINT64_MAX;
    return true;
  }
  return number(word, out);
}

bool parse_cgroup_cpu(std::string_view text, CgroupCpu& out) {
  CgroupCpu cpu;
  const bool all = parse_keyed(text, "nr_periods", cpu.periods) &&
                   parse_keyed(text, "nr_throttled", cpu.throttled);
  if (all) out = cpu;
  return all;
}

std::string_view cgroup_path(std::string_view text, std::string_view controller) {
  while (!text.empty()) {
    const auto line = take_line(text);
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    auto names = line.substr(first + 1, second - first - 1);
    if (names.empty() && controller.empty()) return line.substr(second + 1);
    while (!names.empty()) {
      const auto comma = std::min(names.find(','), names.size());
      if (names.substr(0, comma) == controller) return line.substr(second + 1);
      names.remove_prefix(std::min(comma + 1, names.size()));
    }
  }
  return {};
}

bool parse_snmp_tcp(std::string_view text, Tcp& out) {
  std::string_view names;
  while (!text.empty()) {
    auto line = take_line(text);
    if (!line.starts_with("Tcp:")) continue;
    if (names.empty()) {
      names = line;
      continue;
    }
    Tcp tcp;
    bool segments = false, retransmitted = false;
    take_word(names);
    take_word(line);
    for (auto name = take_word(names); !name.empty(); name = take_word(names)) {
      const auto word = take_word(line);
      if (name == "OutSegs") segments = number(word, tcp.segments_out);
      if (name == "RetransSegs") retransmitted = number(word, tcp.retransmitted);
    }
    if (!segments || !retransmitted) return false;
    out = tcp;
    return true;
  }
  return false;
}

bool parse_diskstats(std::string_view text, unsigned major, unsigned minor, Disk& out,
                     std::string_view& name) {
  while (!text.empty()) {
    auto line = take_line(text);
    uint64_t first = 0, second = 0;
    if (!take_number(line, first) || !take_number(line, second)) continue;
    if (first != major || second != minor) continue;
    const auto device = take_word(line);
    // reads merged sectors ms, writes merged sectors ms, in flight, busy ms
    std::array<uint64_t, 10> field{};
    for (auto& one : field)
      if (!take_number(line, one)) return false;
    out = {field[0] + field[4], field[3] + field[7], field[2] + field[6], field[8], field[9]};
    name = device;
    return true;
  }
  return false;
}

}  // namespace holdfast::telemetry::proc
