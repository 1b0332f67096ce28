#include "base/check.h"

#include <execinfo.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace terreno {

void check_failed(const char* file, int line, const char* expression, std::string_view message) {
  std::fprintf(stderr, "check failed: %s:%d: %s: %.*s\n", file, line, expression, static_cast<int>(message.size()),
               message.data());
  std::array<void*, 64> frames{};
  backtrace_symbols_fd(frames.data(), backtrace(frames.data(), static_cast<int>(frames.size())), 2);
  std::abort();
}

}  // namespace terreno
