#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <numeric>

#include "base/hash.h"
#include "content/liquid_filters.h"
#include "content/liquid_render.h"

namespace terreno::content::liquid {
namespace {

using Items = std::vector<Value>;

// Flattens arrays in arrays; false when the memory is used up.
bool flatten(Renderer& r, std::span<const Value> items, Items& into) {
  const size_t items_max = r.memory_left() / sizeof(Value);
  for (const Value& item : items) {
    if (item.is_array()) {
      if (!flatten(r, item.as_array(), into)) return false;
    } else {
      if (into.size() >= items_max) {
        r.fail(Errc::memory_exhausted, {}, std::to_string(r.options().limits.memory_bytes));
        return false;
      }
      into.push_back(item);
    }
  }
  return true;
}

// What filters of arrays run over, as Ruby's InputIterator: one value is an array of itself, nil is none.
Items items_of(Renderer& r, const Value& value) {
  Items items;
  switch (value.kind()) {
    case Value::Kind::nil:
      break;
    case Value::Kind::array:
      flatten(r, value.as_array(), items);
      break;
    case Value::Kind::range: {
      const RangeData range = value.as_range();
      if (range.last < range.first) break;
      const auto size = static_cast<uint64_t>(range.last) - static_cast<uint64_t>(range.first);
      if (size >= r.memory_left() / sizeof(Value)) {
        r.fail(Errc::memory_exhausted, {}, std::to_string(r.options().limits.memory_bytes));
        break;
      }
      if (!r.spend(size)) break;
      for (uint64_t i = 0; i <= size; ++i) items.push_back(Value::integer(range.first + static_cast<int64_t>(i)));
      break;
    }
    default:
      items.push_back(value);
  }
  if (r.stopped()) items.clear();
  return items;
}

// item[property] as Ruby understands it. nullopt: this kind of value has no properties at all, which for most filters
// makes the whole result nil.
struct Property {
  std::optional<Value> value;
};
Property property_of(Renderer& r, const Value& item, const Value& property) {
  switch (item.kind()) {
    case Value::Kind::object:
      if (property.is_text()) {
        const Value* found = item.find(property.as_text());
        return {found != nullptr ? *found : Value{}};
      }
      return {Value{}};
    case Value::Kind::text:
      if (property.is_text() && !r.spend_search(item.as_text(), property.as_text())) return {};
      if (property.is_text())
        return {item.as_text().find(property.as_text()) != std::string_view::npos ? property : Value{}};
      break;
    case Value::Kind::loop:
      if (property.is_text()) return {r.look_up(item, property.as_text(), Command::none)};
      break;
    case Value::Kind::integer:
    case Value::Kind::array:
      break;
    case Value::Kind::nil:
    case Value::Kind::boolean:
    case Value::Kind::decimal:
    case Value::Kind::range:
      return {};
  }
  r.fail(Errc::no_such_property, r.text_of(property));
  return {};
}

Value join(Renderer& r, const FilterInput& in) {
  const Items items = items_of(r, in.value);
  const std::string_view glue = in.arguments.empty() ? " " : r.text_of(in.argument(0));
  if (r.stopped()) return {};
  TextBuilder out(r);
  for (size_t i = 0; i < items.size() && !out.overflowed(); ++i) {
    if (i > 0) out.append(glue);
    out.append(r.text_of(items[i]));
  }
  return out.finish();
}

// Ruby's sort filters put nil last.
std::optional<int> nil_last(const Value& a, const Value& b) {
  if (!a.is_nil() && !b.is_nil()) return std::nullopt;
  return a.is_nil() && b.is_nil() ? 0 : (a.is_nil() ? 1 : -1);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
int compare_without_case(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i) {
    const auto x = static_cast<unsigned char>(lower(a[i]));
    const auto y = static_cast<unsigned char>(lower(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() < b.size() ? -1 : (a.size() > b.size() ? 1 : 0);
}

struct Keyed {
  Value key;
  Value item;
};

std::optional<std::vector<Keyed>> keyed_items(Renderer& r, const FilterInput& in) {
  const Items items = items_of(r, in.value);
  std::vector<Keyed> keyed;
  // One number alone is in order whatever it is asked for, as in Ruby.
  if (items.size() == 1 && items[0].kind() == Value::Kind::integer) return std::vector<Keyed>{{items[0], items[0]}};
  for (const Value& item : items) {
    if (in.arguments.empty() || in.argument(0).is_nil()) {
      keyed.push_back({item, item});
      continue;
    }
    const Property property = property_of(r, item, in.argument(0));
    if (!property.value) return std::nullopt;
    keyed.push_back({*property.value, item});
  }
  // Sorting looks at each element about log n times.
  size_t rounds = 1;
  for (size_t size = keyed.size(); size > 1; size /= 2) ++rounds;
  if (!r.spend(keyed.size() * rounds / 4)) return std::nullopt;
  return keyed;
}

template <typename Compare>
Value sorted(Renderer& r, const std::optional<std::vector<Keyed>>& keyed, Compare order) {
  if (!keyed || r.stopped()) return {};
  bool compares = true;
  // A heap, since it stays within its bounds whatever the comparison says, and values that do not compare make it say
  // anything. Equal ones keep their order by their index.
  std::vector<uint32_t> order_of(keyed->size());
  std::iota(order_of.begin(), order_of.end(), 0U);
  const auto is_before = [&](uint32_t a, uint32_t b) {
    const std::optional<int> result = order((*keyed)[a].key, (*keyed)[b].key);
    if (!result) compares = false;
    return result && (*result < 0 || (*result == 0 && a < b));
  };
  std::ranges::make_heap(order_of, is_before);
  std::ranges::sort_heap(order_of, is_before);
  if (!compares) return r.fail(Errc::not_comparable, "sort");
  Items items;
  for (const uint32_t index : order_of) items.push_back((*keyed)[index].item);
  return r.keep_array(items);
}

Value sort(Renderer& r, const FilterInput& in) {
  return sorted(r, keyed_items(r, in), [&r](const Value& a, const Value& b) {
    const auto order = nil_last(a, b);
    return order ? order : r.order_of(a, b);
  });
}

Value sort_natural(Renderer& r, const FilterInput& in) {
  auto keyed = keyed_items(r, in);
  // Once for each, not once for each comparison.
  if (keyed)
    for (Keyed& entry : *keyed)
      if (!entry.key.is_nil()) entry.key = Value::text(r.text_of(entry.key));
  return sorted(r, keyed, [&r](const Value& a, const Value& b) -> std::optional<int> {
    if (const auto order = nil_last(a, b)) return order;
    if (!r.spend(std::min(a.as_text().size(), b.as_text().size()) / 64)) return std::nullopt;
    return compare_without_case(a.as_text(), b.as_text());
  });
}

// What where, reject, find, find_index and has share: nullopt when the input has no properties or an error stopped.
template <typename Visit>
bool select(Renderer& r, const FilterInput& in, const Items& items, Visit visit) {
  const Value target = in.argument(1);
  for (size_t i = 0; i < items.size(); ++i) {
    const Property property = property_of(r, items[i], in.argument(0));
    if (!property.value) return false;
    const bool matches = target.is_nil() ? property.value->is_true() : r.equals(*property.value, target);
    if (!visit(i, matches)) break;
  }
  return !r.stopped();
}

Value filtered(Renderer& r, const FilterInput& in, bool keep_matching) {
  const Items items = items_of(r, in.value);
  Items kept;
  const bool done = select(r, in, items, [&](size_t i, bool matches) {
    if (matches == keep_matching) kept.push_back(items[i]);
    return true;
  });
  return done ? r.keep_array(kept) : Value{};
}
Value where(Renderer& r, const FilterInput& in) { return filtered(r, in, true); }
Value reject(Renderer& r, const FilterInput& in) { return filtered(r, in, false); }

std::optional<size_t> first_match(Renderer& r, const FilterInput& in, const Items& items) {
  std::optional<size_t> found;
  select(r, in, items, [&](size_t i, bool matches) {
    if (matches) found = i;
    return !matches;
  });
  return found;
}
Value find(Renderer& r, const FilterInput& in) {
  const Items items = items_of(r, in.value);
  const auto found = first_match(r, in, items);
  return found ? items[*found] : Value{};
}
Value find_index(Renderer& r, const FilterInput& in) {
  const auto found = first_match(r, in, items_of(r, in.value));
  return found ? Value::integer(static_cast<int64_t>(*found)) : Value{};
}
Value has(Renderer& r, const FilterInput& in) {
  return Value::boolean(first_match(r, in, items_of(r, in.value)).has_value());
}

// Ruby's eql?: 1 and 1.0 are two.
void append_identity(std::string& out, const Value& value, size_t bytes_max) {
  out += static_cast<char>('0' + static_cast<int>(value.kind()));
  append_json(out, value, bytes_max);
}

Value uniq(Renderer& r, const FilterInput& in) {
  const Items items = items_of(r, in.value);
  if (items.size() == 1) return r.keep_array(items);
  boost::unordered_flat_map<Id128, size_t, std::hash<Id128>> seen;
  Items kept;
  std::string identity;
  for (const Value& item : items) {
    Value key = item;
    if (!in.argument(0).is_nil()) {
      const Property property = property_of(r, item, in.argument(0));
      if (!property.value) return {};
      key = *property.value;
    }
    identity.clear();
    append_identity(identity, key, r.memory_left());
    if (identity.size() > r.memory_left()) return r.fail(Errc::memory_exhausted);
    if (!r.spend(identity.size() / 64)) return {};
    if (seen.emplace(hash128(identity), kept.size()).second) kept.push_back(item);
  }
  return r.keep_array(kept);
}

Value map(Renderer& r, const FilterInput& in) {
  Items mapped;
  for (const Value& item : items_of(r, in.value)) {
    if (in.argument(0).is_text() && in.argument(0).as_text() == "to_liquid") {
      mapped.push_back(item);
      continue;
    }
    const Property property = property_of(r, item, in.argument(0));
    if (r.stopped()) return {};
    mapped.push_back(property.value.value_or(Value{}));
  }
  return r.keep_array(mapped);
}

Value compact(Renderer& r, const FilterInput& in) {
  Items kept;
  for (const Value& item : items_of(r, in.value)) {
    Value key = item;
    if (!in.argument(0).is_nil()) {
      const Property property = property_of(r, item, in.argument(0));
      if (!property.value) return {};
      key = *property.value;
    }
    if (!key.is_nil()) kept.push_back(item);
  }
  return r.keep_array(kept);
}

Value reverse(Renderer& r, const FilterInput& in) {
  Items items = items_of(r, in.value);
  std::ranges::reverse(items);
  return r.keep_array(items);
}

Value concat(Renderer& r, const FilterInput& in) {
  if (!in.argument(0).is_array()) return r.fail(Errc::not_an_array, "concat");
  Items items = items_of(r, in.value);
  const auto more = in.argument(0).as_array();
  items.insert(items.end(), more.begin(), more.end());
  return r.keep_array(items);
}

Value sum(Renderer& r, const FilterInput& in) {
  Number total = Number::of(int64_t{0});
  for (const Value& item : items_of(r, in.value)) {
    Value value = item;
    if (!in.argument(0).is_nil()) {
      const Property property = property_of(r, item, in.argument(0));
      if (r.stopped()) return {};
      value = property.value.value_or(Value{});
    }
    const auto next = compute(total, Operation::add, Renderer::number_of(value));
    if (!next) return r.fail(Errc::number_overflow);
    total = *next;
  }
  return r.value_of(total);
}

Value first(Renderer& r, const FilterInput& in) { return r.look_up_command(in.value, Command::first); }
Value last(Renderer& r, const FilterInput& in) { return r.look_up_command(in.value, Command::last); }

Value size(Renderer& r, const FilterInput& in) {
  const Value size = r.look_up_command(in.value, Command::size);
  return size.is_nil() ? Value::integer(0) : size;
}

constexpr FilterSpec kFilters[] = {
    {"compact", 0, 1, "", compact}, {"concat", 1, 1, "", concat},
    {"find", 1, 2, "", find},       {"find_index", 1, 2, "", find_index},
    {"first", 0, 0, "", first},     {"has", 1, 2, "", has},
    {"join", 0, 1, "", join},       {"last", 0, 0, "", last},
    {"map", 1, 1, "", map},         {"reject", 1, 2, "", reject},
    {"reverse", 0, 0, "", reverse}, {"size", 0, 0, "", size},
    {"sort", 0, 1, "", sort},       {"sort_natural", 0, 1, "", sort_natural},
    {"sum", 0, 1, "", sum},         {"uniq", 0, 1, "", uniq},
    {"where", 1, 2, "", where},
};

}  // namespace

std::span<const FilterSpec> array_filters() { return kFilters; }

}  // namespace terreno::content::liquid
