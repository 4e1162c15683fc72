#include "supervision/orchestrator/orchestrator_capnp.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>

#include "messages/schema/orchestrator_journal.capnp.h"
#include "supervision/orchestrator/healing/healing_capnp.hpp"

namespace holdfast::orchestrator {

namespace wire = orchestrator_wire;
using replication::Bytes;
using replication::ByteView;

namespace {

Error corrupt(const char* what) {
  return {ErrorCode::kCorrupt, std::string("orchestrator journal: ") + what};
}

void put(wire::Decision::Builder out, const Decision& in) {
  out.setNumber(in.number);
  out.setAt(in.at.ns);
  auto failure = out.initFailure();
  failure.setKind(static_cast<uint8_t>(in.failure.kind));
  failure.setMember(in.failure.member.value);
  failure.setGroup(in.failure.group.value);
  failure.setAt(in.failure.at.ns);
  failure.setPath(in.failure.path.c_str());
  failure.setText(in.failure.text.c_str());
  failure.setGuard(in.failure.guard);
  out.setRemedy(static_cast<uint8_t>(in.advice.remedy));
  out.setTarget(in.advice.target.value);
  out.setReason(in.advice.reason.c_str());
  out.setOutcome(static_cast<uint8_t>(in.outcome));
  out.setOutcomeText(in.outcome_text.c_str());
}

std::string text(capnp::Text::Reader in) { return {in.begin(), in.size()}; }

Result<Decision> get(wire::Decision::Reader in) {
  Decision out;
  out.number = in.getNumber();
  out.at = {in.getAt()};
  const auto failure = in.getFailure();
  if (failure.getKind() < 1 || failure.getKind() > kFailureKinds)
    return corrupt("an unknown kind of failure");
  if (in.getRemedy() < 1 || in.getRemedy() > kRemedies) return corrupt("an unknown remedy");
  if (in.getOutcome() > kOutcomes) return corrupt("an unknown outcome");
  if (out.number == 0) return corrupt("a decision without a number");
  out.failure = {static_cast<FailureKind>(failure.getKind()),
                 {failure.getMember()},
                 {failure.getGroup()},
                 {failure.getAt()},
                 text(failure.getPath()),
                 text(failure.getText()),
                 failure.getGuard()};
  out.advice = {static_cast<Remedy>(in.getRemedy()), {in.getTarget()}, text(in.getReason())};
  out.outcome = static_cast<Outcome>(in.getOutcome());
  out.outcome_text = text(in.getOutcomeText());
  return out;
}

void append(capnp::MessageBuilder& message, Bytes& out) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = std::as_bytes(std::span(words.asBytes().begin(), words.asBytes().size()));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Runs `read` on the message in `bytes`, whatever they are.
template <typename Root, typename F>
Result<> with_message(ByteView bytes, F&& read) {
  if (bytes.size() % sizeof(capnp::word) != 0) return corrupt("not a whole number of words");
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  if (!bytes.empty()) std::memcpy(words.begin(), bytes.data(), bytes.size());
  Result<> result = success();
  auto thrown = kj::runCatchingExceptions([&] {
    capnp::FlatArrayMessageReader reader(words);
    result = read(reader.getRoot<Root>());
  });
  KJ_IF_MAYBE (exception, thrown) return corrupt(exception->getDescription().cStr());
  return result;
}

}  // namespace

void OrchestratorCodec::encode_events(std::span<const Event> events, Bytes& out) const {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Events>().initEvents(static_cast<unsigned>(events.size()));
  for (unsigned i = 0; i < events.size(); ++i) {
    if (const auto* decided = std::get_if<Decided>(&events[i])) {
      put(list[i].initDecided(), decided->decision);
      continue;
    }
    if (const auto* of_healing = std::get_if<healing::Event>(&events[i])) {
      healing::put(list[i].initHealing(), *of_healing);
      continue;
    }
    const auto& settled = std::get<Settled>(events[i]);
    auto to = list[i].initSettled();
    to.setNumber(settled.number);
    to.setOutcome(static_cast<uint8_t>(settled.outcome));
    to.setText(settled.text.c_str());
  }
  append(message, out);
}

Result<> OrchestratorCodec::decode_events(ByteView bytes, std::vector<Event>& out) const {
  return with_message<wire::Events>(bytes, [&](wire::Events::Reader root) -> Result<> {
    for (auto event : root.getEvents()) {
      switch (event.which()) {
        case wire::Event::DECIDED: {
          auto decision = get(event.getDecided());
          if (!decision) return decision.error();
          out.push_back(Decided{std::move(decision).value()});
          continue;
        }
        case wire::Event::SETTLED: {
          const auto settled = event.getSettled();
          if (settled.getOutcome() < 1 || settled.getOutcome() > kOutcomes)
            return corrupt("an unknown outcome");
          out.push_back(Settled{settled.getNumber(), static_cast<Outcome>(settled.getOutcome()),
                                text(settled.getText())});
          continue;
        }
        case wire::Event::HEALING: {
          healing::Reading reading;
          auto of_healing = healing::get(event.getHealing(), reading);
          if (reading.wrong) return corrupt(reading.wrong);
          out.push_back(std::move(of_healing));
          continue;
        }
      }
      return corrupt("an unknown event");
    }
    return success();
  });
}

void OrchestratorCodec::encode_state(const State& state, Bytes& out) const {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::State>();
  root.setLast(state.last);
  auto list = root.initDecisions(static_cast<unsigned>(state.decisions.size()));
  for (unsigned i = 0; i < state.decisions.size(); ++i) put(list[i], state.decisions[i]);
  auto heard = root.initHeard(static_cast<unsigned>(state.heard.size()));
  unsigned at = 0;
  for (const auto& [member, when] : state.heard) {
    heard[at].setMember(member.value);
    heard[at++].setAt(when.ns);
  }
  auto guards = root.initGuards(static_cast<unsigned>(state.guards.size()));
  at = 0;
  for (const auto& [member, number] : state.guards) {
    guards[at].setMember(member.value);
    guards[at++].setNumber(number);
  }
  healing::put(root.initHealing(), state.healing);
  append(message, out);
}

Result<> OrchestratorCodec::decode_state(ByteView bytes, State& out) const {
  return with_message<wire::State>(bytes, [&](wire::State::Reader root) -> Result<> {
    State state;
    state.last = root.getLast();
    for (auto in : root.getDecisions()) {
      auto decision = get(in);
      if (!decision) return decision.error();
      const uint64_t before = state.decisions.empty() ? 0 : state.decisions.back().number;
      if (decision.value().number <= before || decision.value().number > state.last)
        return corrupt("decisions are not in order");
      state.decisions.push_back(std::move(decision).value());
    }
    if (state.decisions.size() > kDecisionsKept) return corrupt("too many decisions");
    for (auto heard : root.getHeard()) state.heard[{heard.getMember()}] = {heard.getAt()};
    for (auto told : root.getGuards()) state.guards[{told.getMember()}] = told.getNumber();
    healing::Reading reading;
    state.healing = healing::get(root.getHealing(), reading);
    if (reading.wrong) return corrupt(reading.wrong);
    out = std::move(state);
    return success();
  });
}

}  // namespace holdfast::orchestrator
