#include "supervision/orchestrator/healing/healing_capnp.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>

#include "messages/check.hpp"

namespace holdfast::orchestrator::healing {

namespace {
unsigned size_of(const auto& list) { return static_cast<unsigned>(list.size()); }

// ---- events

void put_one(wire::Event::Builder out, const incidents::FindingTaken& in) {
  auto to = out.initFindingTaken();
  to.setIncident(in.incident);
  put(to.initFinding(), in.finding);
}
void put_one(wire::Event::Builder out, const incidents::Ranked& in) {
  auto to = out.initRanked();
  to.setIncident(in.incident);
  to.setCause(static_cast<uint16_t>(in.cause));
  put(to.initPlace(), in.place);
  to.setConfidence(in.confidence_ppm);
  to.setSeverity(static_cast<uint8_t>(in.severity));
}
void put_one(wire::Event::Builder out, const incidents::Merged& in) {
  auto to = out.initMerged();
  to.setInto(in.into);
  to.setFrom(in.from);
}
void put_one(wire::Event::Builder out, const incidents::Closed& in) { out.setClosed(in.incident); }
void put_one(wire::Event::Builder out, const remediation::Opened& in) {
  put(out.initOpened(), in.remedy);
}
void put_word(wire::WordGiven::Builder to, uint64_t remedy, const remediation::Word& word,
              const std::string& reason) {
  to.setRemedy(remedy);
  put(to.initWord(), word);
  to.setReason(reason.c_str());
}
void put_one(wire::Event::Builder out, const remediation::WordGiven& in) {
  put_word(out.initWordGiven(), in.remedy, in.word, in.reason);
}
void put_measurement(wire::Measurement::Builder to, uint64_t remedy, uint32_t round,
                     const remediation::Values& values) {
  to.setRemedy(remedy);
  to.setRound(round);
  put_all(to.initValues(size_of(values)), values);
}
void put_one(wire::Event::Builder out, const remediation::MeasureAsked& in) {
  put_measurement(out.initMeasureAsked(), in.remedy, in.round, {});
}
void put_one(wire::Event::Builder out, const remediation::MeasureTaken& in) {
  put_measurement(out.initMeasureTaken(), in.remedy, in.round, in.values);
}
void put_one(wire::Event::Builder out, const remediation::Moved& in) {
  auto to = out.initMoved();
  to.setRemedy(in.remedy);
  to.setTo(static_cast<uint8_t>(in.to));
  to.setText(in.text.c_str());
}
void put_one(wire::Event::Builder out, const remediation::StepIntended& in) {
  auto to = out.initStepIntended();
  put(to.initId(), in.id);
  put(to.initAction(), in.action);
  to.setNotAfter(in.not_after.ns);
}
void put_end(wire::StepEnded::Builder to, const remediation::StepId& id,
             remediation::StepOutcome outcome, std::optional<int64_t> previous,
             const std::string& text) {
  put(to.initId(), id);
  to.setOutcome(static_cast<uint8_t>(outcome));
  put(to.initPrevious(), previous);
  to.setText(text.c_str());
}
void put_one(wire::Event::Builder out, const remediation::StepEnded& in) {
  put_end(out.initStepEnded(), in.id, in.outcome, in.previous, in.text);
}
void put_one(wire::Event::Builder out, const remediation::Ended& in) {
  auto to = out.initEnded();
  to.setRemedy(in.remedy);
  to.setOutcome(static_cast<uint8_t>(in.outcome));
  to.setText(in.text.c_str());
}
void put_one(wire::Event::Builder out, const incidents::Event& in) {
  std::visit([&](const auto& one) { put_one(out, one); }, in);
}
void put_one(wire::Event::Builder out, const remediation::Event& in) {
  std::visit([&](const auto& one) { put_one(out, one); }, in);
}
void put_one(wire::Event::Builder out, const AskMade& in) { put(out.initAskMade(), in.ask); }
void put_answer(wire::Answered::Builder to, uint64_t ask, const std::vector<Proposal>& proposals) {
  to.setAsk(ask);
  put_all(to.initProposals(size_of(proposals)), proposals);
}
void put_one(wire::Event::Builder out, const AskAnswered& in) {
  put_answer(out.initAskAnswered(), in.ask, in.proposals);
}
void put_one(wire::Event::Builder out, const AskExpired& in) { out.setAskExpired(in.ask); }
void put_one(wire::Event::Builder out, const Considered& in) { put(out.initConsidered(), in); }
void put_one(wire::Event::Builder out, const CaseDecided& in) {
  auto to = out.initCaseDecided();
  to.setIncident(in.incident);
  to.setRemedy(in.remedy);
  to.setAgain(in.again.ns);
}
void put_one(wire::Event::Builder out, const CaseReopened& in) {
  auto to = out.initCaseReopened();
  to.setIncident(in.incident);
  to.setAskAgain(in.ask_again);
}
void put_one(wire::Event::Builder out, const Stored& in) { put(out.initStored(), in.entry); }
void put_one(wire::Event::Builder out, const Dropped& in) { put(out.initDropped(), in.key); }
void put_kill(wire::KillSet::Builder to, bool on, const Label& identity,
              const std::string& reason) {
  to.setOn(on);
  to.setIdentity(identity.str().c_str());
  to.setReason(reason.c_str());
}
void put_one(wire::Event::Builder out, const KillSet& in) {
  put_kill(out.initKillSet(), in.on, in.identity, in.reason);
}
void put_one(wire::Event::Builder out, const Paged& in) {
  auto to = out.initPaged();
  to.setIncident(in.incident);
  to.setRemedy(in.remedy);
  to.setText(in.text.c_str());
}
void put_one(wire::Event::Builder out, const NotesCleared& in) { out.setNotesCleared(in.upto); }
void put_one(wire::Event::Builder out, const ClockTold& in) { put(out.initClockTold(), in.clock); }

remediation::Values get_values(wire::Measurement::Reader in, Reading& reading) {
  return get_all<std::optional<int64_t>>(in.getValues(), 2 * remediation::kObjectivesMax, reading);
}
remediation::StepOutcome get_end(uint8_t raw, Reading& reading) {
  return reading.code<remediation::StepOutcome>(raw, 1, 4, "an unknown end of a step");
}
Label get_label(capnp::Text::Reader in, Reading& reading) {
  return reading.short_text<limits::kNameBytes>(in);
}

incidents::Event get_incident(wire::Event::Reader in, Reading& reading) {
  if (in.isFindingTaken())
    return incidents::FindingTaken{in.getFindingTaken().getIncident(),
                                   get(in.getFindingTaken().getFinding(), reading)};
  if (in.isRanked()) {
    const auto from = in.getRanked();
    return incidents::Ranked{
        from.getIncident(), reading.fault(from.getCause()), get(from.getPlace(), reading),
        from.getConfidence(),
        reading.code<Severity>(from.getSeverity(), 1, 3, "an unknown severity")};
  }
  if (in.isMerged()) return incidents::Merged{in.getMerged().getInto(), in.getMerged().getFrom()};
  return incidents::Closed{in.getClosed()};
}

remediation::Event get_remedy(wire::Event::Reader in, Reading& reading) {
  using namespace remediation;
  switch (in.which()) {
    case wire::Event::OPENED:
      return Opened{get(in.getOpened(), reading)};
    case wire::Event::WORD_GIVEN: {
      const auto from = in.getWordGiven();
      return WordGiven{from.getRemedy(), get(from.getWord(), reading),
                       reading.text(from.getReason())};
    }
    case wire::Event::MEASURE_ASKED:
      return MeasureAsked{in.getMeasureAsked().getRemedy(), in.getMeasureAsked().getRound()};
    case wire::Event::MEASURE_TAKEN: {
      const auto from = in.getMeasureTaken();
      return MeasureTaken{from.getRemedy(), from.getRound(), get_values(from, reading)};
    }
    case wire::Event::MOVED: {
      const auto from = in.getMoved();
      return Moved{from.getRemedy(), reading.code<Phase>(from.getTo(), 1, kPhases, "a phase"),
                   reading.text(from.getText())};
    }
    case wire::Event::STEP_INTENDED: {
      const auto from = in.getStepIntended();
      return StepIntended{
          get(from.getId(), reading), get(from.getAction(), reading), {from.getNotAfter()}};
    }
    case wire::Event::STEP_ENDED: {
      const auto from = in.getStepEnded();
      return StepEnded{get(from.getId(), reading), get_end(from.getOutcome(), reading),
                       get(from.getPrevious(), reading), reading.text(from.getText())};
    }
    default: {
      const auto from = in.getEnded();
      return Ended{from.getRemedy(),
                   reading.code<RemedyOutcome>(from.getOutcome(), 1, 5, "an unknown outcome"),
                   reading.text(from.getText())};
    }
  }
}

void append(capnp::MessageBuilder& message, std::string& out) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asChars();
  out.assign(bytes.begin(), bytes.size());
}

/// Runs `read` on the message in `bytes`, whatever they are.
template <typename Root, typename F>
Result<> with_message(const std::string& bytes, F&& read) {
  const auto corrupt = [](const char* what) {
    return Error{ErrorCode::kCorrupt, std::string("healing message: ") + what};
  };
  if (bytes.size() % sizeof(capnp::word) != 0) return corrupt("not a whole number of words");
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  if (!bytes.empty()) std::memcpy(words.begin(), bytes.data(), bytes.size());
  Reading reading;
  auto thrown = kj::runCatchingExceptions([&] {
    capnp::FlatArrayMessageReader reader(words);
    read(reader.getRoot<Root>(), reading);
  });
  KJ_IF_MAYBE (exception, thrown) return corrupt(exception->getDescription().cStr());
  if (reading.wrong) return corrupt(reading.wrong);
  return success();
}
}  // namespace

void put(wire::Event::Builder out, const Event& in) {
  std::visit([&](const auto& one) { put_one(out, one); }, in);
}

Event get(wire::Event::Reader in, Reading& reading) {
  switch (in.which()) {
    case wire::Event::FINDING_TAKEN:
    case wire::Event::RANKED:
    case wire::Event::MERGED:
    case wire::Event::CLOSED:
      return get_incident(in, reading);
    case wire::Event::OPENED:
    case wire::Event::WORD_GIVEN:
    case wire::Event::MEASURE_ASKED:
    case wire::Event::MEASURE_TAKEN:
    case wire::Event::MOVED:
    case wire::Event::STEP_INTENDED:
    case wire::Event::STEP_ENDED:
    case wire::Event::ENDED:
      return get_remedy(in, reading);
    case wire::Event::ASK_MADE:
      return AskMade{get(in.getAskMade(), reading)};
    case wire::Event::ASK_ANSWERED: {
      const auto from = in.getAskAnswered();
      return AskAnswered{from.getAsk(),
                         get_all<Proposal>(from.getProposals(), kProposalsMax, reading)};
    }
    case wire::Event::ASK_EXPIRED:
      return AskExpired{in.getAskExpired()};
    case wire::Event::CONSIDERED:
      return get(in.getConsidered(), reading);
    case wire::Event::CASE_DECIDED: {
      const auto from = in.getCaseDecided();
      return CaseDecided{from.getIncident(), from.getRemedy(), {from.getAgain()}};
    }
    case wire::Event::CASE_REOPENED:
      return CaseReopened{in.getCaseReopened().getIncident(), in.getCaseReopened().getAskAgain()};
    case wire::Event::STORED:
      return Stored{get(in.getStored(), reading)};
    case wire::Event::DROPPED:
      return Dropped{get(in.getDropped(), reading)};
    case wire::Event::KILL_SET: {
      const auto from = in.getKillSet();
      return KillSet{from.getOn(), get_label(from.getIdentity(), reading),
                     reading.text(from.getReason())};
    }
    case wire::Event::PAGED: {
      const auto from = in.getPaged();
      return Paged{from.getIncident(), from.getRemedy(), reading.text(from.getText())};
    }
    case wire::Event::NOTES_CLEARED:
      return NotesCleared{in.getNotesCleared()};
    case wire::Event::CLOCK_TOLD:
      return ClockTold{get(in.getClockTold(), reading)};
  }
  if (!reading.wrong) reading.wrong = "an unknown event";
  return NotesCleared{};
}

// ---- between nodes

std::string encode_command(const Command& command) {
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<wire::Command>();
  if (const auto* report = std::get_if<Report>(&command.what)) {
    put(out.initReport(), report->finding);
  } else if (const auto* arrived = std::get_if<AdviceArrived>(&command.what)) {
    put_answer(out.initAdviceArrived(), arrived->ask, arrived->proposals);
  } else if (const auto* propose = std::get_if<Propose>(&command.what)) {
    put(out.initPropose().initProposal(), propose->proposal);
    out.getPropose().setIdentity(propose->identity.str().c_str());
  } else if (const auto* approve = std::get_if<Approve>(&command.what)) {
    put_word(out.initApprove(), approve->remedy, {approve->identity, {}, true}, {});
  } else if (const auto* reject = std::get_if<Reject>(&command.what)) {
    put_word(out.initReject(), reject->remedy, {reject->identity, {}, false}, reject->reason);
  } else if (const auto* kill = std::get_if<KillSwitch>(&command.what)) {
    put_kill(out.initKillSwitch(), kill->on, kill->identity, kill->reason);
  } else if (const auto* result = std::get_if<StepResult>(&command.what)) {
    put_end(out.initStepResult(), result->id, result->outcome, result->previous, result->text);
  } else if (const auto* measured = std::get_if<Measured>(&command.what)) {
    put_measurement(out.initMeasured(), measured->remedy, measured->round, measured->values);
  } else {
    const auto* written = std::get_if<NotesWritten>(&command.what);
    CHECK(written != nullptr);
    out.setNotesWritten(written->upto);
  }
  std::string bytes;
  append(message, bytes);
  return bytes;
}

Result<Command> decode_command(const std::string& bytes) {
  Command out;
  auto read = with_message<wire::Command>(bytes, [&](wire::Command::Reader in, Reading& reading) {
    switch (in.which()) {
      case wire::Command::REPORT:
        out.what = Report{get(in.getReport(), reading)};
        return;
      case wire::Command::ADVICE_ARRIVED: {
        const auto from = in.getAdviceArrived();
        out.what = AdviceArrived{from.getAsk(),
                                 get_all<Proposal>(from.getProposals(), kProposalsMax, reading)};
        return;
      }
      case wire::Command::PROPOSE:
        out.what = Propose{get(in.getPropose().getProposal(), reading),
                           get_label(in.getPropose().getIdentity(), reading)};
        return;
      case wire::Command::APPROVE:
        out.what = Approve{in.getApprove().getRemedy(),
                           get_label(in.getApprove().getWord().getPerson(), reading)};
        return;
      case wire::Command::REJECT:
        out.what = Reject{in.getReject().getRemedy(),
                          get_label(in.getReject().getWord().getPerson(), reading),
                          reading.text(in.getReject().getReason())};
        return;
      case wire::Command::KILL_SWITCH: {
        const auto from = in.getKillSwitch();
        out.what = KillSwitch{from.getOn(), get_label(from.getIdentity(), reading),
                              reading.text(from.getReason())};
        return;
      }
      case wire::Command::STEP_RESULT: {
        const auto from = in.getStepResult();
        out.what = StepResult{get(from.getId(), reading), get_end(from.getOutcome(), reading),
                              get(from.getPrevious(), reading), reading.text(from.getText())};
        return;
      }
      case wire::Command::MEASURED: {
        const auto from = in.getMeasured();
        out.what = Measured{from.getRemedy(), from.getRound(), get_values(from, reading)};
        return;
      }
      case wire::Command::NOTES_WRITTEN:
        out.what = NotesWritten{in.getNotesWritten()};
        return;
    }
    if (!reading.wrong) reading.wrong = "an unknown command";
  });
  if (!read) return read.error();
  return out;
}

std::string encode_step(const SentStep& sent) {
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<wire::ExecuteStep>();
  put(out.initId(), sent.step.id);
  out.setWorkflow(sent.step.workflow.c_str());
  put(out.initAction(), sent.step.action);
  out.setExecutor(sent.step.executor.value);
  out.setNotAfter(sent.step.not_after.ns);
  out.setUndoes(sent.step.voids.has_value());
  if (sent.step.voids) put(out.initVoids(), *sent.step.voids);
  out.setEpoch(sent.epoch.value);
  std::string bytes;
  append(message, bytes);
  return bytes;
}

Result<SentStep> decode_step(const std::string& bytes) {
  SentStep out;
  auto read =
      with_message<wire::ExecuteStep>(bytes, [&](wire::ExecuteStep::Reader in, Reading& reading) {
        out.step.id = get(in.getId(), reading);
        out.step.workflow = reading.text(in.getWorkflow());
        out.step.action = get(in.getAction(), reading);
        out.step.executor = {in.getExecutor()};
        out.step.not_after = {in.getNotAfter()};
        if (in.getUndoes()) out.step.voids = get(in.getVoids(), reading);
        out.epoch = {in.getEpoch()};
      });
  if (!read) return read.error();
  return out;
}

}  // namespace holdfast::orchestrator::healing
