#pragma once

// The key that signs mail: RSA-2048, `dkim.pem` in the data folder's `keys/`.

#include <expected>
#include <filesystem>
#include <optional>

#include "adapters/crypto/crypto.h"
#include "channels/channels.h"
#include "governance/governance.h"

namespace terreno::server {

/// Nothing when there is none yet. Error: storage_failed; corrupt, what is there is no key.
[[nodiscard]] std::expected<std::optional<crypto::SigningKey>, governance::Error> load_dkim_key(
    const std::filesystem::path& folder);
/// Durable, and readable by the owner alone. Error: storage_failed.
[[nodiscard]] std::expected<void, governance::Error> save_dkim_key(const std::filesystem::path& folder,
                                                                   const crypto::SigningKey& key);

}  // namespace terreno::server
