// JPEG to RGB24, to planes or to grey by libturbojpeg, opened at run time; one decoder a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../core/jpeg_header.h"
#include "../core/library.h"
#include "../core/preprocess.h"
#include "../core/ycc.h"

namespace grocerd {

// Larger pictures are refused from their header, before anything is allocated. As maxPixels in
// src/inference/sharp-decode.ts.
constexpr int64_t kMaxPixels = 12 * 1024 * 1024;

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

  // The same as it is stored: no colour plane is made larger, none becomes RGB. Nothing for what is
  // progressive or not grey or YCbCr 4:4:4, 4:2:2 or 4:2:0.
  std::optional<YccPicture> decode_ycc(const uint8_t* data, size_t size, const JpegHeader& header,
                                       int denominator);

  // Brightness alone, one plane; colour is not even transformed. Any JPEG that decode() takes.
  YccPicture decode_grey(const uint8_t* data, size_t size, const JpegHeader& header,
                         int denominator);

 private:
  void open();
  void require_success(int status);

  void* handle_ = nullptr;
  std::vector<uint8_t> pixels_;
};

}  // namespace grocerd
