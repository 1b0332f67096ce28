#include "content/liquid_filters.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace terreno::content::liquid {
namespace {

// Sorted by name, built once.
const std::vector<FilterSpec>& all_filters() {
  static const std::vector<FilterSpec> filters = [] {
    std::vector<FilterSpec> all;
    for (const auto group :
         {text_filters(), encoding_filters(), array_filters(), number_filters(), time_filters(), locale_filters()})
      all.insert(all.end(), group.begin(), group.end());
    std::ranges::sort(all, {}, &FilterSpec::name);
    return all;
  }();
  return filters;
}

// Levenshtein distance, for words of a template: short.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t next = std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = std::exchange(row[j + 1], next);
    }
  }
  return row.back();
}

}  // namespace

const FilterSpec* find_filter(std::string_view name) {
  const auto& filters = all_filters();
  const auto found = std::ranges::lower_bound(filters, name, {}, &FilterSpec::name);
  return found != filters.end() && found->name == name ? &*found : nullptr;
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
  constexpr size_t kWordBytesMax = 40;
  if (word.size() > kWordBytesMax) return {};
  std::string_view best;
  // A third of the letters may be wrong; more is another word.
  size_t best_distance = word.size() / 3 + 2;
  for (const std::string_view candidate : known) {
    if (candidate.size() > 2 * kWordBytesMax) continue;
    const size_t d = distance(word, candidate);
    if (d < best_distance && d < candidate.size()) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string_view nearest_filter(std::string_view word) {
  // What others call it.
  if (word == "raw" || word == "safe") return "unescaped";
  if (word == "hmac") return "hmac_sha256";
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const FilterSpec& filter : all_filters()) all.push_back(filter.name);
    return all;
  }();
  return nearest_word(word, names);
}

}  // namespace terreno::content::liquid
