#pragma once

#include <string>
#include <utility>

namespace terreno {

/// A text that must not reach a log or an error: it has no formatter, so that printing one does not compile. Wiped when
/// destroyed. `reveal()` is the only way in, and easy to search for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret() {
    // Volatile, so that the compiler does not drop the wipe of a dying object.
    volatile char* bytes = text_.data();
    for (size_t i = 0; i < text_.size(); ++i) bytes[i] = 0;
  }

  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace terreno
