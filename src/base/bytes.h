#pragma once

// How every record, message and state is encoded: little-endian, varints for counts and lengths, no padding, no
// reflection. A Writer appends to a string; a Reader walks a view and never reads past its end.
//
// 1. Reading what was written gives the same value; writing it again gives the same bytes.
// 2. A Reader that met malformed bytes stays failed and yields zeros and empty views: check `ok()` once, at the end.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"

namespace terreno {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(&out) {}

  void u8(uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  void u16(uint16_t value) { fixed(value); }
  void u32(uint32_t value) { fixed(value); }
  void u64(uint64_t value) { fixed(value); }
  void varint(uint64_t value) {
    while (value >= 0x80) {
      u8(static_cast<uint8_t>(value) | 0x80);
      value >>= 7;
    }
    u8(static_cast<uint8_t>(value));
  }
  /// Zig-zag, so that small negative numbers stay short.
  void signed_varint(int64_t value) {
    varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void bytes(std::string_view value) {
    varint(value.size());
    out_->append(value);
  }
  void raw(std::string_view value) { out_->append(value); }
  void id(Id128 value) {
    u64(value.high);
    u64(value.low);
  }
  void id(PersonId value) { id(value.value); }
  void id(RecordId value) { id(value.value); }
  void id(DecisionId value) { id(value.value); }
  void time(Timestamp value) { signed_varint(value.ms); }
  void duration(Duration value) { signed_varint(value.ms); }
  /// An enumeration with fewer than 256 values.
  template <typename Enum>
  void enumeration(Enum value) {
    u8(static_cast<uint8_t>(value));
  }

 private:
  template <typename Integer>
  void fixed(Integer value) {
    static_assert(std::endian::native == std::endian::little);
    out_->append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  std::string* out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return !failed_; }
  /// Everything was read and nothing was malformed.
  [[nodiscard]] bool done() const { return !failed_ && rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

  uint8_t u8() { return fixed<uint8_t>(); }
  bool boolean() { return u8() != 0; }
  uint16_t u16() { return fixed<uint16_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = u8();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return failed_ ? 0 : value;
    }
    fail();
    return 0;
  }
  int64_t signed_varint() {
    const uint64_t value = varint();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  /// Points into what is read; lives as long as that.
  std::string_view bytes() { return raw(varint()); }
  std::string_view raw(uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  std::string text() { return std::string(bytes()); }
  /// A count of things that take at least one byte each: what could not fit is malformed, so that a hostile count
  /// cannot reserve memory.
  size_t count() {
    const uint64_t value = varint();
    if (value > rest_.size()) fail();
    return failed_ ? 0 : value;
  }
  Id128 id() {
    const uint64_t high = u64();
    return {high, u64()};
  }
  PersonId person_id() { return {id()}; }
  RecordId record_id() { return {id()}; }
  DecisionId decision_id() { return {id()}; }
  Timestamp time() { return {signed_varint()}; }
  Duration duration() { return {signed_varint()}; }
  /// Fails when the value is above `last`, the enumeration's greatest.
  template <typename Enum>
  Enum enumeration(Enum last) {
    const uint8_t value = u8();
    if (value > static_cast<uint8_t>(last)) fail();
    return static_cast<Enum>(failed_ ? 0 : value);
  }

 private:
  template <typename Integer>
  Integer fixed() {
    Integer value = 0;
    if (rest_.size() < sizeof value) {
      fail();
      return 0;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace terreno
