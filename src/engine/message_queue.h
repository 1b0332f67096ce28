#pragma once

// Messages that one partition has sent and the writer does not have yet, oldest first.
//
// 1. What leaves, leaves in the order in which it was sent.
// 2. Adding, dropping and taking cost what they move: a message that stays is not looked at again.
//
// Lives on the apply thread of its partition; nothing here locks.

#include <deque>

#include "engine/journal_record.h"

namespace terreno::engine {

class MessageQueue {
 public:
  /// Takes the messages over and leaves `messages` empty, with its memory when they were copied.
  void add(MessageBatch& messages);
  [[nodiscard]] bool empty() const { return batches_.empty(); }
  /// As `journal_bytes` counts them.
  [[nodiscard]] size_t bytes() const { return bytes_; }
  /// Of the oldest message; there must be one.
  [[nodiscard]] const MessageHeader& front() const { return batches_.front().headers[next_]; }

  /// Drops the oldest as long as `is_durable(target, mark)` holds. The journal holds the messages of a sender in the
  /// order in which they were sent, so those that it holds are the oldest.
  template <typename IsDurable>
  void drop_while(const IsDurable& is_durable) {
    while (!empty() && is_durable(batches_.front().batch.items()[next_].partition, front().mark)) pop_front();
  }
  /// Takes the oldest, as many as fit `bytes_max` and at least one; there must be one.
  [[nodiscard]] MessageBatch take_piece(size_t bytes_max);

 private:
  void pop_front();

  std::deque<MessageBatch> batches_;  ///< none is empty
  size_t next_ = 0;                   ///< of the first batch: what comes before it is gone
  size_t bytes_ = 0;
};

}  // namespace terreno::engine
