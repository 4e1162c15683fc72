// The healing loop's state in a snapshot of the orchestrator.
#include <algorithm>

#include "supervision/orchestrator/healing/healing_capnp.hpp"

namespace holdfast::orchestrator::healing {

namespace {
unsigned size_of(const auto& list) { return static_cast<unsigned>(list.size()); }

void put_case(wire::Case::Builder out, uint64_t incident, const Case& in) {
  out.setIncident(incident);
  out.setCause(static_cast<uint16_t>(in.cause));
  out.setAsk(in.ask);
  out.setAsked(in.asked.ns);
  out.setAnswered(in.answered);
  put_all(out.initFresh(size_of(in.fresh)), in.fresh);
  out.setDecided(in.decided);
  out.setRetried(in.retried);
  out.setAgain(in.again.ns);
  out.setRounds(in.rounds);
  out.setRemedy(in.remedy);
  out.setRemedies(in.remedies);
  out.setPaged(in.paged);
}

Case get_case(wire::Case::Reader in, Reading& reading) {
  Case out;
  out.cause = reading.fault(in.getCause());
  out.ask = in.getAsk();
  out.asked = {in.getAsked()};
  out.answered = in.getAnswered();
  out.fresh = get_all<Proposal>(in.getFresh(), kProposalsMax, reading);
  out.decided = in.getDecided();
  out.retried = in.getRetried();
  out.again = {in.getAgain()};
  out.rounds = in.getRounds();
  out.remedy = in.getRemedy();
  out.remedies = in.getRemedies();
  out.paged = in.getPaged();
  return out;
}

template <typename List, typename Map>
void put_values(List out, const Map& map) {
  unsigned at = 0;
  for (const auto& [key, value] : map) put(out[at++], value);
}

template <typename T, typename Map, typename List>
void get_numbered(Map& map, List in, std::size_t most, uint64_t last, Reading& reading) {
  for (T& one : get_all<T>(in, most, reading)) {
    if ((one.number == 0 || one.number > last) && !reading.wrong) reading.wrong = "a number";
    const uint64_t number = one.number;
    map[number] = std::move(one);
  }
}

template <typename T, typename List>
std::deque<T> get_deque(List in, std::size_t most, Reading& reading) {
  auto all = get_all<T>(in, most, reading);
  return {std::make_move_iterator(all.begin()), std::make_move_iterator(all.end())};
}

void put_counters(wire::State::Builder out, const Counters& in) {
  const uint64_t all[] = {in.findings, in.asks,     in.unanswered, in.proposals,
                          in.denied,   in.remedies, in.notes_lost};
  auto list = out.initCounters(std::size(all));
  for (unsigned i = 0; i < std::size(all); ++i) list.set(i, all[i]);
}

Counters get_counters(capnp::List<uint64_t>::Reader in) {
  Counters out;
  uint64_t* const all[] = {&out.findings, &out.asks,     &out.unanswered, &out.proposals,
                           &out.denied,   &out.remedies, &out.notes_lost};
  for (unsigned i = 0; i < std::min<unsigned>(in.size(), std::size(all)); ++i) *all[i] = in[i];
  return out;
}
}  // namespace

void put(wire::State::Builder out, const State& in) {
  out.setLastIncident(in.incidents.last);
  put_values(out.initOpen(size_of(in.incidents.open)), in.incidents.open);
  put_all(out.initClosed(size_of(in.incidents.closed)), in.incidents.closed);
  out.setLastRemedy(in.remedies.last);
  put_values(out.initActive(size_of(in.remedies.active)), in.remedies.active);
  put_all(out.initEnded(size_of(in.remedies.ended)), in.remedies.ended);
  auto begun = out.initBegun(size_of(in.remedies.begun));
  for (unsigned i = 0; i < begun.size(); ++i) {
    begun[i].setAt(in.remedies.begun[i].at.ns);
    begun[i].setKind(static_cast<uint8_t>(in.remedies.begun[i].kind));
    put(begun[i].initTarget(), in.remedies.begun[i].target);
  }
  const auto standing = in.standing.sorted();
  auto entries = out.initStanding(size_of(standing));
  for (unsigned i = 0; i < standing.size(); ++i) put(entries[i], *standing[i]);
  auto cases = out.initCases(size_of(in.cases));
  unsigned at = 0;
  for (const auto& [incident, one] : in.cases) put_case(cases[at++], incident, one);
  put_values(out.initAsks(size_of(in.asks)), in.asks);
  out.setLastAsk(in.last_ask);
  out.setLastStandingAsk(in.last_standing_ask.ns);
  auto about = out.initAskedAbout(size_of(in.asked_about));
  at = 0;
  for (const auto& [key, when] : in.asked_about) {
    put(about[at].initKey(), key);
    about[at++].setAt(when.ns);
  }
  put_all(out.initRecommended(size_of(in.recommended)), in.recommended);
  out.setKilled(in.killed);
  out.setKilledBy(in.killed_by.str().c_str());
  out.setKilledAt(in.killed_at.ns);
  out.setLastNote(in.last_note);
  put_all(out.initNotes(size_of(in.notes)), in.notes);
  put_counters(out, in.counters);
  put(out.initClock(), in.clock);
  out.setClockTold(in.clock_told.ns);
}

State get(wire::State::Reader in, Reading& reading) {
  constexpr std::size_t kAskedAboutMost = 4'096;
  State out;
  out.incidents.last = in.getLastIncident();
  get_numbered<Incident>(out.incidents.open, in.getOpen(), incidents::kOpenMax, out.incidents.last,
                         reading);
  out.incidents.closed = get_deque<Incident>(in.getClosed(), incidents::kClosedKept, reading);
  out.remedies.last = in.getLastRemedy();
  get_numbered<remediation::Remedy>(out.remedies.active, in.getActive(), remediation::kActiveMax,
                                    out.remedies.last, reading);
  out.remedies.ended =
      get_deque<remediation::Remedy>(in.getEnded(), remediation::kEndedKept, reading);
  if (in.getBegun().size() > policy::kPastActionsMax && !reading.wrong)
    reading.wrong = "a list that is too long";
  for (auto one : in.getBegun()) {
    if (reading.wrong) break;
    out.remedies.begun.push_back(
        {{one.getAt()},
         reading.code<ActionKind>(one.getKind(), 1, kActionKinds, "an unknown action"),
         get(one.getTarget(), reading)});
  }
  for (auto& entry : get_all<advice::Entry>(in.getStanding(), advice::kEntriesMax, reading))
    out.standing.put(std::move(entry));
  for (auto one : in.getCases()) {
    if (reading.wrong) break;
    if (!out.incidents.open.contains(one.getIncident())) reading.wrong = "a case of no incident";
    out.cases[one.getIncident()] = get_case(one, reading);
  }
  out.last_ask = in.getLastAsk();
  get_numbered<Ask>(out.asks, in.getAsks(), kAsksMax + kStandingAsksMax, out.last_ask, reading);
  out.last_standing_ask = {in.getLastStandingAsk()};
  if (in.getAskedAbout().size() > kAskedAboutMost && !reading.wrong)
    reading.wrong = "a list that is too long";
  for (auto one : in.getAskedAbout()) {
    if (reading.wrong) break;
    out.asked_about[get(one.getKey(), reading)] = {one.getAt()};
  }
  out.recommended = get_deque<Considered>(in.getRecommended(), kRecommendedKept, reading);
  out.killed = in.getKilled();
  out.killed_by = reading.short_text<limits::kNameBytes>(in.getKilledBy());
  out.killed_at = {in.getKilledAt()};
  out.last_note = in.getLastNote();
  out.notes = get_deque<Note>(in.getNotes(), kNotesMax, reading);
  out.counters = get_counters(in.getCounters());
  out.clock = get(in.getClock(), reading);
  out.clock_told = {in.getClockTold()};
  return out;
}

}  // namespace holdfast::orchestrator::healing
