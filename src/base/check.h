#pragma once

#include <string_view>

namespace terreno {

/// Prints the place, the expression, the message and a backtrace to standard error, and aborts. The message must hold
/// no personal data: it may end up in a system log.
[[noreturn]] void check_failed(const char* file, int line, const char* expression, std::string_view message);

}  // namespace terreno

/// A programmer's error stops the program, in release too. No input from outside may reach one.
#define TERRENO_CHECK(condition, message)                               \
  do {                                                                  \
    if (!(condition)) [[unlikely]]                                      \
      ::terreno::check_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)

#ifdef NDEBUG
#define TERRENO_DCHECK(condition, message) static_cast<void>(0)
#else
/// For what is too dear to check in release.
#define TERRENO_DCHECK(condition, message) TERRENO_CHECK(condition, message)
#endif
