#include "demo/documents.h"

namespace terreno::demo {

// Made from the YAML files when the program is built (embed.cmake).
std::vector<DocumentFile> raices_documents();
std::vector<DocumentFile> lisiere_documents();

std::vector<DocumentFile> documents_of(Organisation organisation) {
  return organisation == Organisation::raices ? raices_documents() : lisiere_documents();
}

}  // namespace terreno::demo
