#pragma once

// The filters, by subject. Private. A filter takes evaluated values and returns one; an error goes through
// Renderer::fail. Names and numbers of arguments are checked while parsing.

#include <span>

#include "content/liquid_program.h"

namespace terreno::content::liquid {

[[nodiscard]] std::span<const FilterSpec> text_filters();
[[nodiscard]] std::span<const FilterSpec> encoding_filters();
[[nodiscard]] std::span<const FilterSpec> array_filters();
[[nodiscard]] std::span<const FilterSpec> number_filters();
[[nodiscard]] std::span<const FilterSpec> time_filters();
[[nodiscard]] std::span<const FilterSpec> locale_filters();

}  // namespace terreno::content::liquid
