#pragma once

// Where a component is weakest. Private to identity/.

#include <vector>

#include "identity/region.h"

namespace terreno::identity {

/// The edges of least total weight whose removal parts two nodes of a region, over its live edges; of several such sets
/// the one nearest to `a`. Indices into the region's edges. Empty when the two are apart already.
[[nodiscard]] std::vector<uint32_t> minimum_cut(const Region& region, uint32_t a, uint32_t b);
/// The nodes reached from one over live edges that are not in `without`.
[[nodiscard]] std::vector<uint32_t> reach(const Region& region, uint32_t from, const std::vector<uint32_t>& without);
/// Edges whose removal parts the component.
[[nodiscard]] std::vector<uint32_t> bridges(const Region& region, uint32_t from);
/// Of all paths the one whose weakest edge is strongest; of those, one of fewest edges. Empty when there is none.
[[nodiscard]] std::vector<uint32_t> strongest_path(const Region& region, uint32_t a, uint32_t b);

}  // namespace terreno::identity
