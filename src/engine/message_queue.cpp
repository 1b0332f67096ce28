#include "engine/message_queue.h"

#include "base/check.h"

namespace terreno::engine {

namespace {

/// Up to this, batches are put together: a batch of one message costs three allocations.
constexpr size_t kTogetherBytesMax = 64 << 10;

void copy_message(const MessageBatch& from, size_t index, MessageBatch& to) {
  const Batch::Item& item = from.batch.items()[index];
  to.batch.add(item.partition, item.type, item.id, from.batch.payload(item));
  to.headers.push_back(from.headers[index]);
}

}  // namespace

void MessageQueue::add(MessageBatch& messages) {
  TERRENO_CHECK(messages.headers.size() == messages.batch.items().size(), "a message without its header");
  if (messages.batch.empty()) return;
  const size_t added = journal_bytes(messages.batch);
  bytes_ += added;
  if (!batches_.empty() && journal_bytes(batches_.back().batch) + added <= kTogetherBytesMax) {
    for (size_t i = 0; i < messages.headers.size(); ++i) copy_message(messages, i, batches_.back());
    messages.clear();
  } else {
    batches_.push_back(std::move(messages));
    messages = MessageBatch();
  }
}

MessageBatch MessageQueue::take_piece(size_t bytes_max) {
  TERRENO_CHECK(!empty(), "a piece of no messages");
  MessageBatch piece;
  if (next_ == 0 && journal_bytes(batches_.front().batch) <= bytes_max) {
    piece = std::move(batches_.front());
    batches_.pop_front();
    bytes_ -= journal_bytes(piece.batch);
    return piece;
  }
  // Of one batch only: the writer puts small pieces together anyway.
  const size_t batches = batches_.size();
  do {
    copy_message(batches_.front(), next_, piece);
    pop_front();
  } while (batches_.size() == batches &&
           journal_bytes(piece.batch) + journal_bytes(batches_.front().batch.items()[next_]) <= bytes_max);
  return piece;
}

void MessageQueue::pop_front() {
  const Batch& first = batches_.front().batch;
  bytes_ -= journal_bytes(first.items()[next_]);
  if (++next_ < first.items().size()) return;
  batches_.pop_front();
  next_ = 0;
}

}  // namespace terreno::engine
