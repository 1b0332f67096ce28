#pragma once

// Where a component is weakest. Private to identity/.

#include <vector>

#include "identity/region.h"

namespace terreno::identity {

struct Cut {
  std::vector<uint32_t> edges;  ///< in the region's edges
  std::vector<bool> inside;     ///< per node: on the side of `a`
};
/// The edges of least total weight whose removal parts two nodes of a region, over its live edges; of several such sets
/// the one nearest to `a`. No edges when the two are apart already. Each side of a cut hangs together.
[[nodiscard]] Cut minimum_cut(const Region& region, uint32_t a, uint32_t b);
/// Edges whose removal parts the component.
[[nodiscard]] std::vector<uint32_t> bridges(const Region& region, uint32_t from);
/// Of all paths the one whose weakest edge is strongest; of those, one of fewest edges. Empty when there is none.
[[nodiscard]] std::vector<uint32_t> strongest_path(const Region& region, uint32_t a, uint32_t b);

}  // namespace terreno::identity
