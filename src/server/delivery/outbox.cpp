#include "server/delivery/outbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace terreno::server {

namespace {

constexpr size_t kHeadBytes = 12;  // u32 size, u64 checksum
constexpr uint32_t kRecordBytesMax = 16 << 20;

std::filesystem::path path_of(const std::filesystem::path& folder, uint64_t number) {
  return folder / fmt::format("{:010}.log", number);
}

}  // namespace

void KeptMessage::encode(Writer& out) const {
  out.u8(1);
  out.id(decision);
  out.id(person);
  out.varint(attempt);
  out.time(at);
  out.boolean(is_sandbox);
  for (const std::string* field : {&journey, &message, &language, &from, &to, &subject, &html, &text, &raw})
    out.bytes(*field);
  out.varint(size_bytes);
}

KeptMessage KeptMessage::decode(Reader& in) {
  KeptMessage kept;
  if (in.u8() != 1) in.fail();
  kept.decision = in.decision_id();
  kept.person = in.person_id();
  kept.attempt = static_cast<uint32_t>(in.varint());
  kept.at = in.time();
  kept.is_sandbox = in.boolean();
  for (std::string* field : {&kept.journey, &kept.message, &kept.language, &kept.from, &kept.to, &kept.subject,
                             &kept.html, &kept.text, &kept.raw})
    *field = in.text();
  kept.size_bytes = in.varint();
  return kept;
}

std::vector<channels::Header> headers_of(std::string_view raw) {
  std::vector<channels::Header> headers;
  while (!raw.empty()) {
    const size_t end = raw.find("\r\n");
    std::string_view line = raw.substr(0, end);
    raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 2);
    if (line.empty()) break;
    if ((line.front() == ' ' || line.front() == '\t') && !headers.empty()) {
      headers.back().value += line;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
  }
  return headers;
}

std::expected<std::unique_ptr<Outbox>, governance::Error> Outbox::open(std::filesystem::path folder,
                                                                       OutboxOptions options) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return storage_failed("create outbox");
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(folder), options));
  if (auto loaded = outbox->load(); !loaded) return std::unexpected(loaded.error());
  return outbox;
}

std::expected<void, governance::Error> Outbox::load() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    uint64_t number = 0;
    if (name.size() != 14 || !name.ends_with(".log")) continue;
    if (std::from_chars(name.data(), name.data() + 10, number).ec == std::errc{}) files_.push_back(number);
  }
  if (error) return storage_failed("list outbox");
  std::ranges::sort(files_);
  for (const uint64_t number : files_) {
    const auto bytes = read_whole(path_of(folder_, number), options_.file_bytes + kRecordBytesMax);
    if (!bytes) return std::unexpected(bytes.error());
    uint64_t offset = 0;
    Reader in(*bytes);
    while (!in.rest().empty()) {
      const uint32_t size = in.u32();
      const uint64_t checksum = in.u64();
      const std::string_view record = in.raw(size);
      if (!in.ok() || hash64(record) != checksum) break;
      Reader inner(record);
      const KeptMessage kept = KeptMessage::decode(inner);
      if (inner.done()) {
        sequence_[kept.decision] = first_ + places_.size();
        places_.push_back({kept.decision, number, offset + kHeadBytes, size, kept.is_sandbox});
        if (kept.is_sandbox) ++sandbox_count_;
      }
      offset += kHeadBytes + size;
    }
  }
  // A torn end is left behind: what comes now goes into a file of its own.
  return begin_file(files_.empty() ? 1 : files_.back() + 1);
}

std::expected<void, governance::Error> Outbox::begin_file(uint64_t number) {
  current_ = Descriptor(::open(path_of(folder_, number).c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
  if (!current_.is_open()) return storage_failed("create outbox file");
  files_.push_back(number);
  written_ = 0;
  while (files_.size() > options_.files_max) forget_file(files_.front());
  return {};
}

void Outbox::forget_file(uint64_t number) {
  files_.pop_front();
  while (!places_.empty() && places_.front().file == number) {
    const auto found = sequence_.find(places_.front().decision);
    if (found != sequence_.end() && found->second == first_) sequence_.erase(found);
    if (places_.front().is_sandbox) --sandbox_count_;
    places_.pop_front();
    ++first_;
  }
  std::error_code error;
  std::filesystem::remove(path_of(folder_, number), error);
}

void Outbox::keep(const KeptMessage& message) {
  std::string record(kHeadBytes, '\0');
  {
    Writer out(record);
    message.encode(out);
  }
  const std::string_view payload = std::string_view(record).substr(kHeadBytes);
  std::string head;
  Writer out(head);
  out.u32(static_cast<uint32_t>(payload.size()));
  out.u64(hash64(payload));
  std::ranges::copy(head, record.begin());

  const std::lock_guard lock(mutex_);
  if (record.size() > kRecordBytesMax || !write_all(current_.number(), record)) {
    ++dropped_;
    // Part of it may be there: what comes next begins a file of its own.
    static_cast<void>(begin_file(files_.back() + 1));
    return;
  }
  sequence_[message.decision] = first_ + places_.size();
  places_.push_back({message.decision, files_.back(), written_ + kHeadBytes,
                     static_cast<uint32_t>(record.size() - kHeadBytes), message.is_sandbox});
  if (message.is_sandbox) ++sandbox_count_;
  written_ += record.size();
  if (written_ >= options_.file_bytes) static_cast<void>(begin_file(files_.back() + 1));
}

std::optional<KeptMessage> Outbox::read(const Place& place) const {
  const Descriptor file(::open(path_of(folder_, place.file).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  std::string bytes(place.size, '\0');
  const ssize_t got = ::pread(file.number(), bytes.data(), bytes.size(), static_cast<off_t>(place.offset));
  if (got != static_cast<ssize_t>(bytes.size())) return std::nullopt;
  Reader in(bytes);
  KeptMessage kept = KeptMessage::decode(in);
  if (!in.done()) return std::nullopt;
  return kept;
}

std::vector<KeptMessage> Outbox::list(DecisionId before, size_t limit, bool sandbox_only) const {
  const std::lock_guard lock(mutex_);
  size_t end = places_.size();
  if (!before.is_zero()) {
    const auto found = sequence_.find(before);
    end = found == sequence_.end() ? 0 : static_cast<size_t>(found->second - first_);
  }
  std::vector<KeptMessage> messages;
  while (end > 0 && messages.size() < limit) {
    const Place& place = places_[--end];
    if (sandbox_only && !place.is_sandbox) continue;
    if (auto kept = read(place)) messages.push_back(std::move(*kept));
  }
  return messages;
}

std::optional<KeptMessage> Outbox::find(DecisionId decision) const {
  const std::lock_guard lock(mutex_);
  const auto found = sequence_.find(decision);
  if (found == sequence_.end()) return std::nullopt;
  return read(places_[static_cast<size_t>(found->second - first_)]);
}

uint64_t Outbox::sandbox_count() const {
  const std::lock_guard lock(mutex_);
  return sandbox_count_;
}

}  // namespace terreno::server
