#pragma once

// The key that signs mail: RSA-2048, in the data folder, made when it is first needed.

#include <expected>
#include <filesystem>
#include <string>

#include "adapters/crypto/crypto.h"
#include "channels/channels.h"
#include "governance/governance.h"

namespace terreno::server {

/// Reads `folder/dkim.pem`, or makes it (about 0.2 s). Error: storage_failed, corrupt.
[[nodiscard]] std::expected<crypto::SigningKey, governance::Error> open_dkim_key(const std::filesystem::path& folder);

[[nodiscard]] channels::Signer signer_of(const crypto::SigningKey& key);

}  // namespace terreno::server
