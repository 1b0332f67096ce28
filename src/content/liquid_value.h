#pragma once

// Values of Liquid: what templates read and filters make. A Value is 16 bytes, copied freely, and owns nothing: texts,
// arrays and objects are views of what an Arena or the caller keeps alive. Part of the facade, through liquid.h.

#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace terreno::content::liquid {

struct Error;
struct Member;
struct ObjectData;
struct LoopState;

/// Two ends of `(first..last)`, both included.
struct RangeData {
  int64_t first = 0;
  int64_t last = -1;
};

class Value {
 public:
  enum class Kind : uint8_t { nil, boolean, integer, decimal, text, array, object, range, loop };

  constexpr Value() = default;
  static Value boolean(bool value) {
    Value v(Kind::boolean);
    v.boolean_ = value;
    return v;
  }
  static Value integer(int64_t value) {
    Value v(Kind::integer);
    v.integer_ = value;
    return v;
  }
  /// A binary floating-point number that stands for its shortest decimal form; arithmetic on it is decimal. Finite.
  static Value decimal(double value) {
    Value v(Kind::decimal);
    v.decimal_ = value;
    return v;
  }
  /// A view of UTF-8 text, at most 4 GiB. `is_html`: already HTML, not to be escaped again.
  static Value text(std::string_view value, bool is_html = false) {
    Value v(Kind::text);
    v.size_ = static_cast<uint32_t>(value.size());
    v.text_ = value.data();
    v.is_html_ = is_html;
    return v;
  }
  /// A view of values that somebody else keeps.
  static Value array(std::span<const Value> items) {
    Value v(Kind::array);
    v.size_ = static_cast<uint32_t>(items.size());
    v.items_ = items.data();
    return v;
  }
  static Value object(const ObjectData* object) {
    Value v(Kind::object);
    v.object_ = object;
    return v;
  }
  static Value range(const RangeData* range) {
    Value v(Kind::range);
    v.range_ = range;
    return v;
  }
  static Value loop(const LoopState* loop) {
    Value v(Kind::loop);
    v.loop_ = loop;
    return v;
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is_nil() const { return kind_ == Kind::nil; }
  [[nodiscard]] bool is_text() const { return kind_ == Kind::text; }
  [[nodiscard]] bool is_array() const { return kind_ == Kind::array; }
  [[nodiscard]] bool is_object() const { return kind_ == Kind::object; }
  /// Everything but nil and false, as in Ruby.
  [[nodiscard]] bool is_true() const { return kind_ != Kind::nil && (kind_ != Kind::boolean || boolean_); }
  [[nodiscard]] bool is_html() const { return is_html_; }

  // Each reads the kind of its name and nothing else.
  [[nodiscard]] bool as_boolean() const { return boolean_; }
  [[nodiscard]] int64_t as_integer() const { return integer_; }
  [[nodiscard]] double as_decimal() const { return decimal_; }
  [[nodiscard]] std::string_view as_text() const { return {text_, size_}; }
  [[nodiscard]] std::span<const Value> as_array() const { return {items_, size_}; }
  [[nodiscard]] std::span<const Member> as_object() const;
  [[nodiscard]] const RangeData& as_range() const { return *range_; }
  [[nodiscard]] const LoopState& as_loop() const { return *loop_; }

  /// The value under `key` of an object, or nullptr; nullptr for every other kind.
  [[nodiscard]] const Value* find(std::string_view key) const;

 private:
  explicit Value(Kind kind) : kind_(kind) {}

  Kind kind_ = Kind::nil;
  bool is_html_ = false;
  uint32_t size_ = 0;
  union {
    bool boolean_;
    int64_t integer_ = 0;
    double decimal_;
    const char* text_;
    const Value* items_;
    const ObjectData* object_;
    const RangeData* range_;
    const LoopState* loop_;
  };
};
static_assert(sizeof(Value) == 16);

struct Member {
  std::string_view key;
  Value value;
};

/// Members in their given order, and for long objects the same sorted by key, so that a look-up stays short.
struct ObjectData {
  const Member* members = nullptr;
  uint32_t count = 0;
  const uint32_t* sorted = nullptr;
};

inline std::span<const Member> Value::as_object() const { return {object_->members, object_->count}; }

inline const Value* Value::find(std::string_view key) const {
  if (kind_ != Kind::object) return nullptr;
  const ObjectData& object = *object_;
  if (object.sorted == nullptr) {
    for (const Member *member = object.members, *end = member + object.count; member != end; ++member) {
      if (member->key.size() == key.size() && std::memcmp(member->key.data(), key.data(), key.size()) == 0)
        return &member->value;
    }
    return nullptr;
  }
  uint32_t low = 0;
  uint32_t high = object.count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const Member& member = object.members[object.sorted[middle]];
    const int order = member.key.compare(key);
    if (order == 0) return &member.value;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return nullptr;
}

/// Keeps what Values point to. Everything it made lives until `reset` or its end. Not thread-safe; one owner.
class Arena {
 public:
  Arena() = default;
  /// Uses `first` before asking for memory.
  explicit Arena(std::span<std::byte> first) : next_(first.data()), end_(first.data() + first.size()) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised memory, aligned for a Value.
  void* allocate(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    used_ += bytes;
    if (bytes > static_cast<size_t>(end_ - next_)) return allocate_block(bytes);
    void* result = next_;
    next_ += bytes;
    return result;
  }
  /// Copies.
  [[nodiscard]] std::string_view keep(std::string_view text);
  [[nodiscard]] Value text(std::string_view text) { return Value::text(keep(text)); }
  [[nodiscard]] Value array(std::span<const Value> items);
  /// Copies the members, not the texts they view. Of equal keys the last one counts.
  [[nodiscard]] Value object(std::span<const Member> members);
  [[nodiscard]] Value range(RangeData range);

  [[nodiscard]] size_t used_bytes() const { return used_; }
  /// Forgets everything made; keeps the largest block for the next use.
  void reset();

 private:
  void* allocate_block(size_t bytes);

  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  size_t used_ = 0;
  size_t block_bytes_ = 4096;
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size = 0;
  };
  std::vector<Block> blocks_;
};

/// Nesting of arrays and objects in JSON data.
inline constexpr size_t kDataDepthMax = 64;
/// Length of one JSON text.
inline constexpr size_t kDataBytesMax = 64 << 20;

/// Reads one JSON value into `arena`; `text` may go afterwards. Integers beyond 64 bits with sign are kept as text of
/// their digits. Error: data_not_json; `subject` says what is wrong.
[[nodiscard]] std::expected<Value, Error> from_json(std::string_view text, Arena& arena);

}  // namespace terreno::content::liquid
