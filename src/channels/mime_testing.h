#pragma once

// What the tests of this folder share: a message that breaks no rule, signers over real keys, and programs that verify.

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "adapters/crypto/crypto.h"
#include "channels/channels.h"

namespace terreno::channels {

inline EmailMessage sample_message() {
  EmailMessage message;
  message.from = {"Asociación Norte", "hola@news.example.org"};
  message.to = {"Ana", "ana@example.org"};
  message.subject = "Bienvenida";
  message.text = "Hola Ana\n";
  message.html = "<p>Hola Ana</p>\n";
  message.message_id = "0123.4567@news.example.org";
  message.date = Timestamp{1'795'442'587'250};
  message.return_path = "bounce+0123@b.example.org";
  return message;
}

inline Signer signer_of(const crypto::SigningKey& key) {
  return {key.algorithm() == crypto::KeyAlgorithm::rsa_2048 ? SignatureAlgorithm::rsa_sha256
                                                            : SignatureAlgorithm::ed25519_sha256,
          crypto::sha256, [key](std::string_view bytes) { return key.sign(bytes); }};
}

/// A folder that disappears with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "terreno-mail-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// The exit code of a shell command.
inline int run(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace terreno::channels
