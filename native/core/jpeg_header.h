// Reads what must be known of a JPEG before it is decoded: size, components, EXIF rotation.
// Our own bounded parser: it never reads past the bytes it is given and needs no library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grocerd {

struct JpegHeader {
  int width = 0;  // pixels as stored, before the EXIF rotation
  int height = 0;
  int orientation = 1;  // EXIF 1 to 8; 1 where there is none or it is nonsense
  int components = 0;   // 1 grey, 3 colour, 4 CMYK
  bool progressive = false;
};

// Throws IMAGE_EMPTY, IMAGE_UNREADABLE (no JPEG), IMAGE_TRUNCATED (ends before the picture's data),
// IMAGE_UNSUPPORTED (more scans than any encoder makes).
JpegHeader read_jpeg_header(const uint8_t* data, size_t size);

// Throws IMAGE_UNSUPPORTED for CMYK and other kinds we refuse, IMAGE_TOO_LARGE above `max_pixels`.
void require_decodable(const JpegHeader& header, int64_t max_pixels);

}  // namespace grocerd
