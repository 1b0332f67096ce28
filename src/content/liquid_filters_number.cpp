#include "content/liquid_filters.h"
#include "content/liquid_render.h"

namespace terreno::content::liquid {
namespace {

Value computed(Renderer& r, const FilterInput& in, Operation operation) {
  const Number left = Renderer::number_of(in.value);
  const Number right = Renderer::number_of(in.argument(0));
  const bool divides = operation == Operation::divide || operation == Operation::modulo;
  if (divides && right.is_zero()) return r.fail(Errc::division_by_zero);
  return r.value_of(compute(left, operation, right));
}
Value plus(Renderer& r, const FilterInput& in) { return computed(r, in, Operation::add); }
Value minus(Renderer& r, const FilterInput& in) { return computed(r, in, Operation::subtract); }
Value times(Renderer& r, const FilterInput& in) { return computed(r, in, Operation::multiply); }
Value divided_by(Renderer& r, const FilterInput& in) { return computed(r, in, Operation::divide); }
Value modulo(Renderer& r, const FilterInput& in) { return computed(r, in, Operation::modulo); }

Value abs(Renderer& r, const FilterInput& in) {
  const Number number = Renderer::number_of(in.value);
  if (compare(number, Number::of(int64_t{0})) >= 0) return r.value_of(number);
  return r.value_of(compute(Number::of(int64_t{0}), Operation::subtract, number));
}

Value whole(Renderer& r, const Decimal& value, Rounding rounding) {
  const auto result = rounded(value, 0, rounding);
  const auto integer = result ? integer_of(*result) : std::nullopt;
  return integer ? Value::integer(*integer) : r.fail(Errc::number_overflow);
}
Value ceil(Renderer& r, const FilterInput& in) {
  const Number number = Renderer::number_of(in.value);
  return number.is_integer ? Value::integer(number.integer) : whole(r, number.decimal, Rounding::up);
}
Value floor(Renderer& r, const FilterInput& in) {
  const Number number = Renderer::number_of(in.value);
  return number.is_integer ? Value::integer(number.integer) : whole(r, number.decimal, Rounding::down);
}

Value round(Renderer& r, const FilterInput& in) {
  const Number number = Renderer::number_of(in.value);
  const Number digits = Renderer::number_of(in.argument(0));
  const auto count = digits.is_integer ? std::optional(digits.integer) : integer_of(digits.decimal);
  if (!count || *count > 400 || *count < -400) return r.value_of(number);
  if (number.is_integer && *count >= 0) return Value::integer(number.integer);
  if (*count == 0) return whole(r, number.decimal, Rounding::half_up);
  const auto result = rounded(number.as_decimal(), static_cast<int>(*count), Rounding::half_up);
  if (!result) return r.fail(Errc::number_overflow);
  if (number.is_integer || *count < 0) {
    const auto integer = integer_of(*result);
    if (!integer) return r.fail(Errc::number_overflow);
    return Value::integer(*integer);
  }
  return r.value_of(Number::of(*result));
}

Value at_least(Renderer& r, const FilterInput& in) {
  const Number number = Renderer::number_of(in.value);
  const Number bound = Renderer::number_of(in.argument(0));
  return r.value_of(compare(bound, number) > 0 ? bound : number);
}
Value at_most(Renderer& r, const FilterInput& in) {
  const Number number = Renderer::number_of(in.value);
  const Number bound = Renderer::number_of(in.argument(0));
  return r.value_of(compare(bound, number) < 0 ? bound : number);
}

constexpr FilterSpec kFilters[] = {
    {"abs", 0, 0, "", abs},     {"at_least", 1, 1, "", at_least},     {"at_most", 1, 1, "", at_most},
    {"ceil", 0, 0, "", ceil},   {"divided_by", 1, 1, "", divided_by}, {"floor", 0, 0, "", floor},
    {"minus", 1, 1, "", minus}, {"modulo", 1, 1, "", modulo},         {"plus", 1, 1, "", plus},
    {"round", 0, 1, "", round}, {"times", 1, 1, "", times},
};

}  // namespace

std::span<const FilterSpec> number_filters() { return kFilters; }

}  // namespace terreno::content::liquid
