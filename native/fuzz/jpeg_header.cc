// Fuzzes the header of a JPEG: whatever the bytes are, a header or a coded failure.
#include "../core/jpeg_header.h"

#include <cstdlib>

#include "../image/turbojpeg.h"
#include "input.h"

using namespace grocerd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::answered([&] {
    const JpegHeader header = read_jpeg_header(data, size);
    if (header.width < 1 || header.height < 1 || header.orientation < 1 || header.orientation > 8)
      std::abort();
    require_decodable(header, kMaxPixels);
  });
  return 0;
}
