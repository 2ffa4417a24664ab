// The few entries of the TurboJPEG 2 API that we use; their declarations are ABI-stable since 1.4
// (2014).
#include "turbojpeg.h"

#include <mutex>

#include "../core/failure.h"

namespace grocerd {
namespace {

constexpr int kPixelRgb = 0;        // TJPF_RGB
constexpr int kAccurateDct = 4096;  // TJFLAG_ACCURATEDCT: the pixels that other decoders give
constexpr int kLimitScans = 32768;  // TJFLAG_LIMITSCANS: ignored before 2.1
constexpr int kErrorIsWarning = 0;  // TJERR_WARNING

struct Api {
  void* (*init_decompress)();
  int (*decompress)(void*, const unsigned char*, unsigned long, unsigned char*, int, int, int, int,
                    int);
  char* (*error_text)(void*);
  int (*error_code)(void*);
  int (*destroy)(void*);
};

struct Loaded {
  std::mutex mutex;
  LibraryProbe probe;
  Api api{};
};

// Process-wide on purpose: the library is never closed, and every Node environment shares it.
Loaded& loaded() {
  static auto* instance = new Loaded;
  return *instance;
}

template <typename Fn>
void bind(const Library& library, const char* name, Fn* fn) {
  *fn = reinterpret_cast<Fn>(library.symbol(name));
}

}  // namespace

LibraryProbe probe_turbojpeg(const std::vector<std::string>& candidates) {
  Loaded& state = loaded();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (state.probe.found) return state.probe;
  // tjGetErrorCode came with 1.6: without it a warning cannot be told from an error.
  const Library library = open_library(candidates, "tjGetErrorCode");
  state.probe.tried = library.tried;
  if (!library.handle) return state.probe;
  bind(library, "tjInitDecompress", &state.api.init_decompress);
  bind(library, "tjDecompress2", &state.api.decompress);
  bind(library, "tjGetErrorStr2", &state.api.error_text);
  bind(library, "tjGetErrorCode", &state.api.error_code);
  bind(library, "tjDestroy", &state.api.destroy);
  state.probe.found = true;
  state.probe.path = library.path;
  state.probe.version = library.symbol("tj3Init") ? "3" : "2";  // the library has no version call
  return state.probe;
}

bool has_turbojpeg() {
  Loaded& state = loaded();
  const std::lock_guard<std::mutex> lock(state.mutex);
  return state.probe.found;
}

JpegDecoder::JpegDecoder() = default;

JpegDecoder::~JpegDecoder() {
  if (handle_) loaded().api.destroy(handle_);
}

Picture JpegDecoder::decode(const uint8_t* data, size_t size, const JpegHeader& header,
                            int denominator) {
  if (!has_turbojpeg())
    throw Failure("RUNTIME_NOT_FOUND",
                  "Expected libturbojpeg to decode a JPEG but it is not loaded");
  const Api& api = loaded().api;
  if (!handle_) handle_ = api.init_decompress();
  if (!handle_) throw Failure("IMAGE_UNREADABLE", "libturbojpeg could not start a decoder");

  Picture picture;
  picture.width = (header.width + denominator - 1) / denominator;
  picture.height = (header.height + denominator - 1) / denominator;
  picture.extent_width = static_cast<double>(header.width) / denominator;
  picture.extent_height = static_cast<double>(header.height) / denominator;
  pixels_.resize(static_cast<size_t>(picture.width) * picture.height * 3);
  picture.rgb = pixels_.data();
  const int status = api.decompress(handle_, data, size, pixels_.data(), picture.width, 0,
                                    picture.height, kPixelRgb, kAccurateDct | kLimitScans);
  if (status == 0) return picture;
  const std::string reason = api.error_text(handle_);
  if (api.error_code(handle_) == kErrorIsWarning)
    throw Failure("IMAGE_TRUNCATED", "Expected a whole JPEG but part of it is missing: " + reason);
  throw Failure("IMAGE_UNREADABLE", "The JPEG cannot be decoded: " + reason);
}

}  // namespace grocerd
