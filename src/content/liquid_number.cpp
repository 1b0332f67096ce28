#include "content/liquid_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace terreno::content::liquid {
namespace {

using Wide = __int128;

constexpr Wide kWideMax = (static_cast<Wide>(0x7fffffffffffffff) << 64) | static_cast<Wide>(~uint64_t{0});

constexpr int kPowersMax = 38;
constexpr std::array<Wide, kPowersMax + 1> make_powers() {
  std::array<Wide, kPowersMax + 1> powers{};
  powers[0] = 1;
  for (int i = 1; i <= kPowersMax; ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
constexpr auto kPowers = make_powers();

Wide magnitude(Wide value) { return value < 0 ? -value : value; }

int digits_of(Wide value) {
  value = magnitude(value);
  int digits = 1;
  while (digits <= kPowersMax && value >= kPowers[digits]) ++digits;
  return digits;
}

bool scale(Wide& value, int power) {
  if (value == 0) return true;
  if (power > kPowersMax || magnitude(value) > kWideMax / kPowers[power]) return false;
  value *= kPowers[power];
  return true;
}

// Brings both to the smaller exponent; false when that does not fit.
bool align(Decimal& left, Decimal& right) {
  if (left.mantissa == 0) left.exponent = right.exponent;
  if (right.mantissa == 0) right.exponent = left.exponent;
  if (left.exponent > right.exponent) {
    if (!scale(left.mantissa, left.exponent - right.exponent)) return false;
    left.exponent = right.exponent;
  } else if (right.exponent > left.exponent) {
    if (!scale(right.mantissa, right.exponent - left.exponent)) return false;
    right.exponent = left.exponent;
  }
  return true;
}

std::optional<Number> number_of_double(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  return Number::of(decimal_of(value));
}

// Exponents too far apart for 128 bits: the binary operation is correctly rounded too, and there is no decimal surprise
// left at that distance.
std::optional<Number> compute_in_binary(const Decimal& left, Operation operation, const Decimal& right) {
  const auto a = double_of(left);
  const auto b = double_of(right);
  if (!a || !b) return std::nullopt;
  switch (operation) {
    case Operation::add:
      return number_of_double(*a + *b);
    case Operation::subtract:
      return number_of_double(*a - *b);
    case Operation::modulo: {
      double rest = std::fmod(*a, *b);  // exact by definition
      if (rest != 0 && (rest < 0) != (*b < 0)) rest += *b;
      return number_of_double(rest);
    }
    case Operation::multiply:
    case Operation::divide:
      break;
  }
  return std::nullopt;
}

std::optional<Number> compute_decimal(Decimal left, Operation operation, Decimal right) {
  const Decimal original_left = left;
  const Decimal original_right = right;
  switch (operation) {
    case Operation::add:
    case Operation::subtract: {
      if (!align(left, right)) return compute_in_binary(original_left, operation, original_right);
      Wide result = 0;
      const bool overflow = operation == Operation::add
                                ? __builtin_add_overflow(left.mantissa, right.mantissa, &result)
                                : __builtin_sub_overflow(left.mantissa, right.mantissa, &result);
      if (overflow) return compute_in_binary(original_left, operation, original_right);
      return Number::of(Decimal{result, left.exponent});
    }
    case Operation::multiply: {
      Wide result = 0;
      if (__builtin_mul_overflow(left.mantissa, right.mantissa, &result)) return std::nullopt;
      return Number::of(Decimal{result, left.exponent + right.exponent});
    }
    case Operation::divide: {
      // At least 18 digits of quotient, and one more digit that remembers a remainder: rounding to double sees both.
      const int power = 37 - digits_of(left.mantissa);
      if (power > 0) {
        scale(left.mantissa, power);
        left.exponent -= power;
      }
      Wide quotient = left.mantissa / right.mantissa;
      int exponent = left.exponent - right.exponent;
      if (left.mantissa % right.mantissa != 0) {
        const bool negative = (left.mantissa < 0) != (right.mantissa < 0);
        quotient = quotient * 10 + (negative ? -1 : 1);
        --exponent;
      }
      return Number::of(Decimal{quotient, exponent});
    }
    case Operation::modulo: {
      if (!align(left, right)) return compute_in_binary(original_left, operation, original_right);
      Wide rest = left.mantissa % right.mantissa;
      if (rest != 0 && (rest < 0) != (right.mantissa < 0)) rest += right.mantissa;
      return Number::of(Decimal{rest, left.exponent});
    }
  }
  return std::nullopt;
}

std::optional<Number> compute_integer(int64_t left, Operation operation, int64_t right) {
  int64_t result = 0;
  switch (operation) {
    case Operation::add:
      if (__builtin_add_overflow(left, right, &result)) return std::nullopt;
      return Number::of(result);
    case Operation::subtract:
      if (__builtin_sub_overflow(left, right, &result)) return std::nullopt;
      return Number::of(result);
    case Operation::multiply:
      if (__builtin_mul_overflow(left, right, &result)) return std::nullopt;
      return Number::of(result);
    case Operation::divide:
      if (left == INT64_MIN && right == -1) return std::nullopt;
      result = left / right;
      if (left % right != 0 && (left < 0) != (right < 0)) --result;
      return Number::of(result);
    case Operation::modulo:
      if (right == -1) return Number::of(int64_t{0});
      result = left % right;
      if (result != 0 && (result < 0) != (right < 0)) result += right;
      return Number::of(result);
  }
  return std::nullopt;
}

}  // namespace

Decimal decimal_of(double finite) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, finite, std::chars_format::scientific).ptr;
  Decimal value;
  bool negative = false;
  bool fraction = false;
  const char* at = text;
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '-') {
      negative = true;
    } else if (*at == '.') {
      fraction = true;
    } else {
      value.mantissa = value.mantissa * 10 + (*at - '0');
      if (fraction) --value.exponent;
    }
  }
  if (at != end) {
    ++at;
    if (*at == '+') ++at;
    int exponent = 0;
    std::from_chars(at, end, exponent);
    value.exponent += exponent;
  }
  if (negative) value.mantissa = -value.mantissa;
  return value;
}

std::optional<double> double_of(const Decimal& value) {
  char text[64];
  char* at = text + sizeof text;
  char* const last = at;
  // Digits from the right, in front of `e<exponent>`, which is written separately below.
  Wide rest = magnitude(value.mantissa);
  do {
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (value.mantissa < 0) *--at = '-';
  std::string digits(at, last);
  digits += 'e';
  digits += std::to_string(value.exponent);
  double result = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  if (parsed.ec == std::errc::result_out_of_range) {
    if (value.exponent < 0) return 0.0;
    return std::nullopt;
  }
  return result;
}

std::optional<Number> compute(const Number& left, Operation operation, const Number& right) {
  if (left.is_integer && right.is_integer) return compute_integer(left.integer, operation, right.integer);
  return compute_decimal(left.as_decimal(), operation, right.as_decimal());
}

int compare(const Number& left, const Number& right) {
  if (left.is_integer && right.is_integer)
    return left.integer < right.integer ? -1 : (left.integer > right.integer ? 1 : 0);
  Decimal a = left.as_decimal();
  Decimal b = right.as_decimal();
  if (align(a, b)) return a.mantissa < b.mantissa ? -1 : (a.mantissa > b.mantissa ? 1 : 0);
  const double x = double_of(left.as_decimal()).value_or(0);
  const double y = double_of(right.as_decimal()).value_or(0);
  return x < y ? -1 : (x > y ? 1 : 0);
}

std::optional<Decimal> rounded(const Decimal& value, int digits, Rounding rounding) {
  const int drop = -digits - value.exponent;  // how many digits of the mantissa go
  if (drop <= 0 || value.mantissa == 0) return value;
  Wide quotient = 0;
  Wide rest = value.mantissa;
  Wide unit = 0;
  if (drop <= kPowersMax) {
    unit = kPowers[drop];
    quotient = value.mantissa / unit;
    rest = value.mantissa % unit;
  }
  if (rest != 0) {
    switch (rounding) {
      case Rounding::half_up:
        // Half goes away from zero. With more digits dropped than there are, less than half is left.
        if (unit != 0 && magnitude(rest) >= unit - magnitude(rest)) quotient += rest < 0 ? -1 : 1;
        break;
      case Rounding::down:
        if (rest < 0) --quotient;
        break;
      case Rounding::up:
        if (rest > 0) ++quotient;
        break;
    }
  }
  return Decimal{quotient, -digits};
}

std::optional<int64_t> integer_of(const Decimal& value) {
  Wide whole = value.mantissa;
  if (value.exponent > 0) {
    if (!scale(whole, value.exponent)) return std::nullopt;
  } else if (value.exponent < 0) {
    whole = -value.exponent > kPowersMax ? 0 : whole / kPowers[-value.exponent];
  }
  if (whole > INT64_MAX || whole < INT64_MIN) return std::nullopt;
  return static_cast<int64_t>(whole);
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  bool negative = false;
  if (!text.empty() && text.front() == '-') {
    negative = true;
    text.remove_prefix(1);
  }
  Decimal value;
  bool point = false;
  size_t whole_digits = 0;
  size_t fraction_digits = 0;
  int significant = 0;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    ++(point ? fraction_digits : whole_digits);
    if (significant < 19) {
      value.mantissa = value.mantissa * 10 + (c - '0');
      if (value.mantissa != 0) ++significant;
      if (point) --value.exponent;
    } else {
      if (significant == 19) {
        ++significant;
        if (c >= '5') ++value.mantissa;
      }
      if (!point) ++value.exponent;
    }
  }
  if (!point || whole_digits == 0 || fraction_digits == 0) return std::nullopt;
  // A double's range: what lies beyond it is no number that a template can mean.
  if (value.exponent > 400) return std::nullopt;
  if (value.exponent < -400) return Decimal{};
  if (negative) value.mantissa = -value.mantissa;
  return value;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

void append_decimal(std::string& out, double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  std::string_view scientific(text, static_cast<size_t>(end - text));
  if (scientific.front() == '-') {
    out += '-';
    scientific.remove_prefix(1);
  }
  const size_t mark = scientific.find('e');
  std::string digits(1, scientific[0]);
  if (mark > 2) digits.append(scientific.substr(2, mark - 2));
  const bool negative_exponent = scientific[mark + 1] == '-';
  int exponent = 0;
  std::from_chars(scientific.data() + mark + 2, scientific.data() + scientific.size(), exponent);
  if (negative_exponent) exponent = -exponent;
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    out += '.';
    out += digits.size() > 1 ? digits.substr(1) : "0";
    out += exponent < 0 ? "e-" : "e+";
    const int size = std::abs(exponent);
    if (size < 10) out += '0';
    out += std::to_string(size);
    return;
  }
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += digits;
    return;
  }
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole) digits.append(whole - digits.size(), '0');
  out += digits.substr(0, whole);
  out += '.';
  out += digits.size() > whole ? digits.substr(whole) : "0";
}

}  // namespace terreno::content::liquid
