// The real `holdfast` command against the real server, a hand-made node behind it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "nodes/node/api/endpoints_http.hpp"
#include "nodes/node/api/files_linux.hpp"
#include "tests/integration/operator_api/fake_backend.hpp"

namespace holdfast::operator_api {

inline const std::string kToken(64, 'd'), kViewerToken(64, 'a');

struct Outcome {
  int code = -1;
  std::string out, err;
  Json json() const { return Json::parse(out); }
};

inline std::string slurp(const std::string& path) {
  std::ifstream stream(path);
  return {(std::istreambuf_iterator<char>(stream)), {}};
}

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-cli-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    state_ = name;
    token_file_ = state_ + "/operator.token";
    std::ofstream(token_file_) << "admin root " << kToken << "\nviewer vic " << kViewerToken
                               << "\n";
    std::filesystem::permissions(token_file_, std::filesystem::perms(0600));
    auto tokens = read_token_file(token_file_);
    ASSERT_TRUE(tokens) << tokens.error().text;
    auto server = start_operator_api(
        {}, std::move(tokens).value(), backend_, [](const std::string&) { return true; },
        [] { return at(0); });
    ASSERT_TRUE(server) << server.error().text;
    server_ = std::move(server).value();
    ASSERT_TRUE(announce(state_, server_->url(), token_file_));
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(state_);
  }

  // Runs the command in the state folder's environment; waits for its end.
  Outcome holdfast(std::vector<std::string> words, std::vector<std::string> environment = {}) {
    const auto out = state_ + "/stdout", err = state_ + "/stderr";
    words.insert(words.begin(), HOLDFAST_COMMAND);
    if (environment.empty()) environment = {"HOLDFAST_STATE_DIR=" + state_};
    const auto pid = ::fork();
    if (pid == 0) {
      ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      std::vector<char*> argv, envp;
      for (auto& word : words) argv.push_back(word.data());
      for (auto& word : environment) envp.push_back(word.data());
      argv.push_back(nullptr);
      envp.push_back(nullptr);
      ::execve(argv[0], argv.data(), envp.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(out), slurp(err)};
  }

  FakeBackend backend_;
  std::string state_, token_file_;
  std::unique_ptr<Server> server_;
};

}  // namespace holdfast::operator_api
