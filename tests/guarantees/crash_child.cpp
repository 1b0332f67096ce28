#include "crash_child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

extern char** environ;

namespace terreno::guarantees {

Child::Child(const std::vector<std::string>& arguments, const Environment& more) {
  int ends[2];
  TERRENO_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "a pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<std::string> settings;
  for (char** each = environ; *each != nullptr; ++each) settings.emplace_back(*each);
  for (const auto& [name, value] : more) settings.push_back(name + "=" + value);
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
  for (const std::string& each : settings) envp.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const int failed = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  output_ = ends[0];
  TERRENO_CHECK(failed == 0, "the program can be started");
}

Child::~Child() {
  if (!has_ended_) {
    signal(SIGKILL);
    wait();
  }
  ::close(output_);
}

std::optional<std::string> Child::line() {
  while (true) {
    if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    char bytes[4096];
    const ssize_t got = ::read(output_, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    buffer_.append(bytes, static_cast<size_t>(got));
  }
}

void Child::signal(int number) const {
  if (!has_ended_) ::kill(pid_, number);
}

bool Child::wait() {
  if (has_ended_) return is_clean_;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  has_ended_ = true;
  was_killed_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  is_clean_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return is_clean_;
}

}  // namespace terreno::guarantees
