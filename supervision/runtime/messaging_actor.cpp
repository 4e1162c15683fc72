#include "supervision/runtime/actor.hpp"

namespace holdfast {

namespace {
constexpr auto kOurErrors = caf::atom("holdfast");
constexpr uint8_t kPoisonCode = 1;

void send_exit(const ActorHandle& target, caf::exit_reason reason) {
  if (target)
    caf::anon_send<caf::message_priority::high>(target, ExitMessage{ActorAddress{}, reason});
}
}  // namespace

void send_shutdown(const ActorHandle& target) {
  send_exit(target, caf::exit_reason::user_shutdown);
}

void send_kill(const ActorHandle& target) { send_exit(target, caf::exit_reason::kill); }

ExitInfo explain_exit(const ActorError& reason) {
  if (!reason) return {ExitKind::kNormal, ""};
  if (reason == caf::exit_reason::user_shutdown) return {ExitKind::kShutdown, "asked to stop"};
  if (reason == caf::exit_reason::kill) return {ExitKind::kKilled, "killed"};
  if (reason.category() == kOurErrors && reason.code() == kPoisonCode)
    return {ExitKind::kPoison, describe(reason)};
  return {ExitKind::kError, describe(reason)};
}

ActorError error_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    return error_text(e.what());
  } catch (...) {
    return error_text("an exception that is no std::exception");
  }
}

ActorError error_text(std::string text) {
  return caf::make_error(caf::sec::runtime_error, std::move(text));
}

ActorError error_poison(std::string text) {
  return {kPoisonCode, kOurErrors, make_message(std::move(text))};
}

std::string describe(const ActorError& error) {
  if (!error) return "no error";
  const bool has_words = error == caf::sec::runtime_error || error.category() == kOurErrors;
  if (has_words && error.context().match_elements<std::string>())
    return error.context().get_as<std::string>(0);
  return caf::to_string(error);
}

std::string deadline_text(Deadline deadline, const ActorError& error) {
  const std::string name = deadline.name;
  if (error == caf::sec::request_timeout)
    return name + ": no answer within " + std::to_string(deadline.after.ms()) + " ms";
  return name + ": " + describe(error);
}

}  // namespace holdfast
