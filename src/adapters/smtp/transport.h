#pragma once

// Bytes over one non-blocking socket, plain or under TLS.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/smtp/session.h"

namespace terreno::smtp {

/// What all connections of a pool share: authorities and the rules of verification.
class TlsContext {
 public:
  /// Null, with the reason in `failure`, when the authorities' file cannot be read.
  [[nodiscard]] static std::unique_ptr<TlsContext> create(const std::string& authorities_file, bool verify,
                                                          std::string& failure);
  ~TlsContext();
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);
  [[nodiscard]] State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

class Transport {
 public:
  enum class Result : uint8_t { done, wait_read, wait_write, closed };

  /// Borrows the socket, which must be non-blocking.
  explicit Transport(int socket);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Begins TLS as `host` (for SNI and, when the context verifies, for the certificate).
  void begin_tls(TlsContext& context, const std::string& host);
  /// `done` when the handshake is over. Call again when the socket is as it asks. On `closed`, see `failure`.
  Result handshake();
  [[nodiscard]] bool is_encrypted() const { return tls_ != nullptr; }

  /// Reads into `buffer`; `size` says how much came. `done` means that there may be more.
  Result read(char* buffer, size_t capacity, size_t& size);
  /// Writes what the session has pending, until it is all written or the socket is full. Tells the session before bytes
  /// can leave: under TLS, where a failed write does not say how much the peer can read, view by view.
  Result write(Session& session);

  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  struct Tls;
  Result write_plain(Session& session);
  Result write_encrypted(Session& session);
  Result tls_result(int code);

  int socket_;
  std::unique_ptr<Tls> tls_;
  std::string failure_;
};

}  // namespace terreno::smtp
