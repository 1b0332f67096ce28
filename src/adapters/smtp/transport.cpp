#include "adapters/smtp/transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace terreno::smtp {

namespace {

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a server that hangs up would end the program by SIGPIPE.
int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const int socket = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  const ssize_t written = ::send(socket, bytes, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(written);
}

int bio_read(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const int socket = static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
  const ssize_t count = ::recv(socket, bytes, static_cast<size_t>(size), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* created = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    BIO_meth_set_write(created, bio_write);
    BIO_meth_set_read(created, bio_read);
    BIO_meth_set_ctrl(created, bio_control);
    return created;
  }();
  return method;
}

}  // namespace

struct TlsContext::State {
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  bool verify = true;
};

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

std::unique_ptr<TlsContext> TlsContext::create(const std::string& authorities_file, bool verify, std::string& failure) {
  auto state = std::make_unique<State>();
  SSL_CTX* context = state->context.get();
  TERRENO_CHECK(context != nullptr, "OpenSSL gave no TLS context");
  state->verify = verify;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int loaded = authorities_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                              : SSL_CTX_load_verify_file(context, authorities_file.c_str());
  if (loaded != 1) {
    ERR_clear_error();
    failure = "the authorities' certificates cannot be read";
    return nullptr;
  }
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  return std::make_unique<TlsContext>(std::move(state));
}

struct Transport::Tls {
  std::unique_ptr<SSL, void (*)(SSL*)> ssl{nullptr, SSL_free};
};

Transport::Transport(int socket) : socket_(socket) {}
Transport::~Transport() = default;

void Transport::begin_tls(TlsContext& context, const std::string& host) {
  tls_ = std::make_unique<Tls>();
  tls_->ssl.reset(SSL_new(context.state().context.get()));
  SSL* ssl = tls_->ssl.get();
  BIO* bio = BIO_new(bio_method());
  TERRENO_CHECK(ssl != nullptr && bio != nullptr, "out of memory");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(socket_)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_connect_state(ssl);
  // An address has no server name (RFC 6066, 3), but certificates may name one.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) != 1) {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set1_host(ssl, host.c_str());
  }
  ERR_clear_error();
}

Transport::Result Transport::tls_result(int code) {
  switch (SSL_get_error(tls_->ssl.get(), code)) {
    case SSL_ERROR_WANT_READ:
      return Result::wait_read;
    case SSL_ERROR_WANT_WRITE:
      return Result::wait_write;
    default:
      break;
  }
  const long verified = SSL_get_verify_result(tls_->ssl.get());
  const unsigned long error = ERR_peek_last_error();
  if (verified != X509_V_OK) {
    failure_ = std::string("TLS: the certificate is refused: ") + X509_verify_cert_error_string(verified);
  } else if (const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr) {
    failure_ = std::string("TLS: ") + reason;
  } else {
    failure_ = "TLS: the server closed the connection";
  }
  ERR_clear_error();
  return Result::closed;
}

Transport::Result Transport::handshake() {
  ERR_clear_error();
  const int code = SSL_do_handshake(tls_->ssl.get());
  return code == 1 ? Result::done : tls_result(code);
}

Transport::Result Transport::read(char* buffer, size_t capacity, size_t& size) {
  size = 0;
  if (tls_) {
    ERR_clear_error();
    const int code = SSL_read_ex(tls_->ssl.get(), buffer, capacity, &size);
    return code == 1 ? Result::done : tls_result(code);
  }
  ssize_t count;
  do {
    count = ::recv(socket_, buffer, capacity, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) return Result::wait_read;
  if (count <= 0) {
    failure_ = count == 0 ? "the server closed the connection" : std::strerror(errno);
    return Result::closed;
  }
  size = static_cast<size_t>(count);
  // A short read emptied the socket: asking again would be a wasted call.
  return size < capacity ? Result::wait_read : Result::done;
}

Transport::Result Transport::write(Session& session) { return tls_ ? write_encrypted(session) : write_plain(session); }

Transport::Result Transport::write_plain(Session& session) {
  std::array<std::string_view, 64> views;
  std::array<iovec, 64> vectors;
  while (session.has_pending()) {
    const size_t count = session.pending(views.data(), views.size());
    size_t total = 0;
    for (size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<char*>(views[i].data()), views[i].size()};
      total += views[i].size();
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const ssize_t written = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return Result::wait_write;
    if (written < 0) {
      failure_ = std::strerror(errno);
      return Result::closed;
    }
    // The kernel took exactly so many: on a failure it takes none.
    session.on_written(static_cast<size_t>(written));
    if (static_cast<size_t>(written) < total) return Result::wait_write;
  }
  return Result::done;
}

Transport::Result Transport::write_encrypted(Session& session) {
  while (session.has_pending()) {
    std::string_view view;
    session.pending(&view, 1);
    session.may_leave(view.size());
    size_t written = 0;
    ERR_clear_error();
    const int code = SSL_write_ex(tls_->ssl.get(), view.data(), view.size(), &written);
    if (code != 1) return tls_result(code);
    session.on_written(written);
  }
  return Result::done;
}

}  // namespace terreno::smtp
