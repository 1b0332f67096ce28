#include "content/liquid_value.h"

#include <simdjson.h>

#include <algorithm>
#include <numeric>

#include "content/liquid.h"

namespace terreno::content::liquid {
namespace {

// Below this a scan that compares lengths first beats any index.
constexpr size_t kScanMembersMax = 16;
constexpr size_t kBlockBytesMax = 1 << 20;

}  // namespace

void* Arena::allocate_block(size_t bytes) {
  const size_t size = std::max(bytes, block_bytes_);
  block_bytes_ = std::min(block_bytes_ * 2, kBlockBytesMax);
  blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
  std::byte* start = blocks_.back().bytes.get();
  next_ = start + bytes;
  end_ = start + size;
  return start;
}

void Arena::reset() {
  used_ = 0;
  if (blocks_.empty()) return;
  auto largest = std::ranges::max_element(blocks_, {}, &Block::size);
  Block kept = std::move(*largest);
  blocks_.clear();
  next_ = kept.bytes.get();
  end_ = next_ + kept.size;
  blocks_.push_back(std::move(kept));
}

std::string_view Arena::keep(std::string_view text) {
  if (text.empty()) return {};
  char* bytes = static_cast<char*>(allocate(text.size()));
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

Value Arena::array(std::span<const Value> items) {
  Value* copy = static_cast<Value*>(allocate(items.size_bytes()));
  std::uninitialized_copy(items.begin(), items.end(), copy);
  return Value::array({copy, items.size()});
}

Value Arena::range(RangeData range) { return Value::range(new (allocate(sizeof range)) RangeData(range)); }

Value Arena::object(std::span<const Member> members) {
  Member* copy = static_cast<Member*>(allocate(members.size_bytes()));
  uint32_t count = 0;
  auto* data = new (allocate(sizeof(ObjectData))) ObjectData;
  data->members = copy;
  if (members.size() <= kScanMembersMax) {
    for (const Member& member : members) {
      Member* same = std::find_if(copy, copy + count, [&](const Member& m) { return m.key == member.key; });
      if (same != copy + count)
        same->value = member.value;  // keeps the place of the first, as Ruby does
      else
        new (copy + count++) Member(member);
    }
    data->count = count;
    return Value::object(data);
  }
  std::vector<uint32_t> order(members.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    const int by_key = members[a].key.compare(members[b].key);
    return by_key != 0 ? by_key < 0 : a < b;
  });
  // Of equal keys the first keeps its place and takes the value of the last.
  std::vector<uint32_t> value_of(members.size());
  std::vector<bool> repeats(members.size(), false);
  for (size_t i = 0; i < order.size();) {
    size_t end = i + 1;
    while (end < order.size() && members[order[end]].key == members[order[i]].key) repeats[order[end++]] = true;
    value_of[order[i]] = order[end - 1];
    i = end;
  }
  std::vector<uint32_t> place(members.size());
  for (uint32_t i = 0; i < members.size(); ++i) {
    if (repeats[i]) continue;
    place[i] = count;
    new (copy + count++) Member{members[i].key, members[value_of[i]].value};
  }
  auto* sorted = static_cast<uint32_t*>(allocate(count * sizeof(uint32_t)));
  uint32_t* next = sorted;
  for (const uint32_t i : order)
    if (!repeats[i]) *next++ = place[i];
  data->count = count;
  data->sorted = sorted;
  return Value::object(data);
}

namespace {

Value build(simdjson::dom::element element, Arena& arena) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::NULL_VALUE:
      return {};
    case Type::BOOL:
      return Value::boolean(bool(element));
    case Type::INT64:
      return Value::integer(int64_t(element));
    // Exact as text; as a binary number it would lose digits, and it is an id more often than a quantity.
    case Type::UINT64:
      return arena.text(std::to_string(uint64_t(element)));
    case Type::DOUBLE:
      return Value::decimal(double(element));
    case Type::STRING:
      return arena.text(std::string_view(element));
    case Type::ARRAY: {
      std::vector<Value> items;
      for (const auto item : simdjson::dom::array(element)) items.push_back(build(item, arena));
      return arena.array(items);
    }
    case Type::OBJECT: {
      std::vector<Member> members;
      for (const auto field : simdjson::dom::object(element))
        members.push_back({arena.keep(field.key), build(field.value, arena)});
      return arena.object(members);
    }
  }
  return {};
}

}  // namespace

std::expected<Value, Error> from_json(std::string_view text, Arena& arena) {
  simdjson::dom::parser parser(kDataBytesMax);
  if (const auto failure = parser.allocate(std::max<size_t>(text.size(), 64), kDataDepthMax); failure)
    return std::unexpected(Error{.code = Errc::data_not_json, .subject = simdjson::error_message(failure)});
  simdjson::dom::element root;
  if (const auto failure = parser.parse(text.data(), text.size()).get(root); failure)
    return std::unexpected(Error{.code = Errc::data_not_json, .subject = simdjson::error_message(failure)});
  return build(root, arena);
}

}  // namespace terreno::content::liquid
