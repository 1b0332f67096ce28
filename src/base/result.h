#pragma once

#include <expected>
#include <utility>

// Expected failures are values: `std::expected<T, Error>`, with one closed `Errc` per folder. Nothing is thrown across
// a folder. TERRENO_TRY returns the error of an expression from the enclosing function, or declares the value:
//
//   TERRENO_TRY(auto address, normalise_email(text));

#define TERRENO_CONCAT_(a, b) a##b
#define TERRENO_CONCAT(a, b) TERRENO_CONCAT_(a, b)
#define TERRENO_TRY_(name, declaration, expression)           \
  auto name = (expression);                                   \
  if (!name) return std::unexpected(std::move(name).error()); \
  declaration = std::move(*name)  // NOLINT(bugprone-macro-parentheses)

#define TERRENO_TRY(declaration, ...) \
  TERRENO_TRY_(TERRENO_CONCAT(terreno_try_, __COUNTER__), declaration, (__VA_ARGS__))

/// The same for `std::expected<void, Error>`.
#define TERRENO_TRY_VOID(...)                                      \
  do {                                                             \
    if (auto terreno_try_void = (__VA_ARGS__); !terreno_try_void)  \
      return std::unexpected(std::move(terreno_try_void).error()); \
  } while (false)
