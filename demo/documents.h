#pragma once

// The documents that an organisation of the demonstration has set up; the same YAML files lie in demo/raices/ and
// demo/lisiere/, and are built into the program.

#include <string>
#include <vector>

#include "demo/people.h"

namespace terreno::demo {

struct DocumentFile {
  std::string path;  ///< such as `journeys/bienvenida.yaml`
  std::string text;
};
[[nodiscard]] std::vector<DocumentFile> documents_of(Organisation organisation);

}  // namespace terreno::demo
