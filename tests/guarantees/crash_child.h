#pragma once

// A program that was started to be killed: its words line by line, its end by signal.

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace terreno::guarantees {

class Child {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;
  /// Starts it with what this process has in its environment, and `more`.
  explicit Child(const std::vector<std::string>& arguments, const Environment& more = {});
  /// Kills what still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The next line that it wrote, on either stream; nullopt: it has closed them.
  [[nodiscard]] std::optional<std::string> line();
  void signal(int number) const;
  /// Waits for its end. True: it ended by itself, with 0.
  bool wait();
  /// After `wait`: it was killed.
  [[nodiscard]] bool was_killed() const { return was_killed_; }

 private:
  int pid_ = -1;
  int output_ = -1;
  std::string buffer_;
  bool has_ended_ = false;
  bool was_killed_ = false;
  bool is_clean_ = false;
};

}  // namespace terreno::guarantees
