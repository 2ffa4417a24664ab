// JPEG to RGB24 by libturbojpeg, opened at run time; one decoder a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../core/jpeg_header.h"
#include "../core/library.h"
#include "../core/preprocess.h"

namespace grocerd {

// Larger pictures are refused from their header, before anything is allocated.
constexpr int64_t kMaxPixels = 64 * 1000 * 1000;

// Opens libturbojpeg once for the process; later calls return what the first success or latest try
// found.
LibraryProbe probe_turbojpeg(const std::vector<std::string>& candidates);
bool has_turbojpeg();

class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // Decodes at 1/denominator (1, 2, 4 or 8), as stored. The pixels live until the next decode.
  // Throws IMAGE_TRUNCATED (every warning: part of the picture is grey then), IMAGE_UNREADABLE,
  // RUNTIME_NOT_FOUND without the library.
  Picture decode(const uint8_t* data, size_t size, const JpegHeader& header, int denominator);

 private:
  void* handle_ = nullptr;
  std::vector<uint8_t> pixels_;
};

}  // namespace grocerd
