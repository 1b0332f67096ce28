#pragma once

// Arithmetic of Liquid. Integers are 64-bit and overflow is an error; numbers with a point are computed in decimal and
// rounded once, so that 0.1 plus 0.2 is 0.3 on every machine. No libm.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace terreno::content::liquid {

/// mantissa × 10^exponent. What comes from outside has at most 19 significant digits, so that a product fits.
struct Decimal {
  __int128 mantissa = 0;
  int exponent = 0;
};

struct Number {
  bool is_integer = true;
  int64_t integer = 0;
  Decimal decimal;

  static Number of(int64_t value) { return {true, value, {}}; }
  static Number of(Decimal value) { return {false, 0, value}; }
  [[nodiscard]] Decimal as_decimal() const { return is_integer ? Decimal{integer, 0} : decimal; }
  [[nodiscard]] bool is_zero() const { return is_integer ? integer == 0 : decimal.mantissa == 0; }
};

[[nodiscard]] Decimal decimal_of(double finite);
/// The nearest double; nothing when it is beyond the largest.
[[nodiscard]] std::optional<double> double_of(const Decimal& value);

enum class Operation : uint8_t { add, subtract, multiply, divide, modulo };
/// Two integers give an integer (division and remainder round down, as in Ruby), otherwise the result is decimal.
/// Nothing on overflow. The caller has excluded division by zero.
[[nodiscard]] std::optional<Number> compute(const Number& left, Operation operation, const Number& right);
/// Below zero, zero or above zero, like left - right.
[[nodiscard]] int compare(const Number& left, const Number& right);

enum class Rounding : uint8_t { half_up, down, up };
/// To a multiple of 10^-digits. Nothing on overflow.
[[nodiscard]] std::optional<Decimal> rounded(const Decimal& value, int digits, Rounding rounding);
/// Cuts the fraction. Nothing beyond 64 bits.
[[nodiscard]] std::optional<int64_t> integer_of(const Decimal& value);

/// `-12.50` and the like, surrounded by nothing. At most 19 significant digits count, the rest is rounded away.
[[nodiscard]] std::optional<Decimal> parse_decimal(std::string_view text);
/// The integer that `text` is, whole; nothing otherwise or beyond 64 bits.
[[nodiscard]] std::optional<int64_t> parse_integer(std::string_view text);

/// As Ruby prints: `1.0`, `0.001`, `1.0e+20`.
void append_decimal(std::string& out, double value);

}  // namespace terreno::content::liquid
