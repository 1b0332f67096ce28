#include "events/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace terreno::events {

Inflated inflate_bounded(std::string_view compressed, size_t bytes_max, std::string& out) {
  constexpr int kDetectGzipOrZlib = 15 + 32;
  z_stream stream{};
  TERRENO_CHECK(inflateInit2(&stream, kDetectGzipOrZlib) == Z_OK, "zlib could not be initialised");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  // zlib's interface is not const-correct; it does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // NOLINT
  stream.avail_in = static_cast<uInt>(compressed.size());
  out.clear();
  for (;;) {
    const size_t used = out.size();
    // One byte above the bound tells "exactly full" from "too large".
    out.resize(std::min(bytes_max + 1, std::max<size_t>(used * 2, std::max<size_t>(compressed.size() * 4, 4096))));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(out.size() - used);
    const int result = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > bytes_max) return Inflated::too_large;
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) return Inflated::complete;
      if (inflateReset(&stream) != Z_OK) return Inflated::malformed;
    } else if (result != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      return Inflated::malformed;
    }
  }
}

}  // namespace terreno::events
