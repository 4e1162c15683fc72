// holdfast-venue: the simulated exchange. Reads its options, opens the ports, says where it
// listens, and serves until SIGTERM or SIGINT.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "nodes/venue/venue_linux.hpp"

namespace {

using holdfast::Duration;
using holdfast::exchange::Venue;
using holdfast::exchange::VenueOptions;

Venue* running = nullptr;  // for the signal handler

void on_signal(int) { running->stop(); }

constexpr const char* kAbout =
    "A simulated exchange: FIX 4.4 acceptor, price-time priority matching, drop copy, switchable "
    "faults,\n"
    "and a record of its own that checks can trust.\n\n"
    "Any counterparty may log on under any SenderCompID with TargetCompID = --sender. A "
    "counterparty X-DROP\n"
    "gets copies of X's execution reports. It trades any symbol, DAY, GTC, IOC and FOK.\n\n"
    "  holdfast-venue --port 9878 --control 9879 --record /tmp/venue.jsonl\n"
    "  echo help | nc -q1 127.0.0.1 9879        what can be switched while it runs\n\n"
    "Prints one line, 'listening fix=PORT control=PORT', when it is ready. SIGTERM: logs out, "
    "exits 0.\n"
    "Exit: 0 stopped, 1 failed while running, 2 wrong options, 3 a port or file can't be had.";

struct Arguments {
  VenueOptions venue;
  int control = -1;
  int64_t cancel_on_disconnect_ms = 0;
  std::string ports_file;
};

void declare(CLI::App& app, Arguments& a) {
  VenueOptions& v = a.venue;
  app.add_option("--port", v.port, "FIX port; 0 picks one")->capture_default_str();
  app.add_option("--host", v.host, "IPv4 address that FIX listens on")->capture_default_str();
  app.add_option("--control", a.control,
                 "control port on loopback; 0 picks one; without it there is none")
      ->check(CLI::Range(0, 65535));
  app.add_option("--ports-file", a.ports_file, "write fix=PORT and control=PORT here once ready");
  app.add_option("--sender", v.exchange.sender, "own CompID")->capture_default_str();
  app.add_option("--symbols", v.exchange.symbols, "trade only these, comma separated; default any")
      ->delimiter(',');
  app.add_option("--record", v.record_path, "append every fact to this file, JSON lines");
  app.add_option("--store", v.exchange.store_directory,
                 "keep FIX sessions in this directory over restarts; default in memory");
  app.add_option("--drop-copy-suffix", v.exchange.drop_copy_suffix,
                 "counterparties that end so get copies; '' for none")
      ->capture_default_str();
  app.add_option("--cancel-on-disconnect", a.cancel_on_disconnect_ms,
                 "cancel a session's DAY orders when it stays away for MS; 0 never")
      ->check(CLI::Range(0, 86'400'000))
      ->capture_default_str();
  app.add_flag("--replace-connection", v.exchange.replace_connection,
               "let a second logon of a session take over; default it is refused, as by QuickFIX");
  app.add_flag("--spin", v.spin, "poll without sleeping; for a core of its own");
  const std::string faults = "Faults from the start (the control port's command of the same name)";
  app.add_option("--reject-next", v.desk_faults.reject_next, "reject the first N orders")
      ->group(faults);
  app.add_option("--reject-every", v.desk_faults.reject_every, "reject every Nth order")
      ->group(faults);
  app.add_flag("--accept-duplicates", v.desk_faults.accept_duplicates, "take a ClOrdID twice")
      ->group(faults);
  app.add_option("--delay", v.faults.delay_ms, "everything sent waits MS milliseconds")
      ->group(faults);
  app.add_option("--drop-after", v.faults.drop_after,
                 "cut the connection at the Nth application message")
      ->group(faults);
  app.add_flag("--silent", v.faults.silent, "answer nothing")->group(faults);
  app.add_option("--duplicate-reports", v.faults.duplicate_reports,
                 "send the first N reports twice")
      ->group(faults);
  app.add_option("--refuse-logons", v.faults.refuse_logons, "refuse the first N logons")
      ->group(faults);
  app.add_option("--refuse-relogon", v.faults.refuse_relogon_ms,
                 "refuse a session's next logon for MS")
      ->group(faults);
  app.add_option("--halt", v.halted, "symbols halted from the start, comma separated")
      ->delimiter(',')
      ->group(faults);
}

int serve(const Arguments& arguments) {
  auto opened = Venue::open(arguments.venue);
  if (!opened) {
    std::fprintf(stderr, "holdfast-venue: %s\n", opened.error().text.c_str());
    return opened.error().code == holdfast::ErrorCode::kIo ? 3 : 2;
  }
  Venue& venue = *opened.value();
  running = &venue;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  if (!arguments.ports_file.empty()) {
    const auto written = holdfast::exchange::write_ports_file(arguments.ports_file, venue.port(),
                                                              venue.control_port());
    if (!written) {
      std::fprintf(stderr, "holdfast-venue: %s\n", written.error().text.c_str());
      return 3;
    }
  }
  std::printf("listening fix=%u control=%u\n", venue.port(), venue.control_port());
  std::fflush(stdout);
  venue.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kAbout, "holdfast-venue");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  arguments.venue.control = arguments.control >= 0;
  arguments.venue.control_port = static_cast<uint16_t>(std::max(0, arguments.control));
  arguments.venue.exchange.cancel_on_disconnect =
      Duration::milliseconds(arguments.cancel_on_disconnect_ms);
  try {
    return serve(arguments);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "holdfast-venue: %s\n", e.what());
    return 1;
  }
}
