// The few entries of the TurboJPEG 2 API that we use; their declarations are ABI-stable since 1.4
// (2014).
#include "turbojpeg.h"

#include <mutex>

#include "../core/failure.h"

namespace grocerd {
namespace {

constexpr int kPixelRgb = 0;        // TJPF_RGB
constexpr int kPixelGrey = 6;       // TJPF_GRAY
constexpr int kColoursYcc = 1;      // TJCS_YCbCr
constexpr int kColoursGrey = 2;     // TJCS_GRAY
constexpr int kAccurateDct = 4096;  // TJFLAG_ACCURATEDCT: the pixels that other decoders give
constexpr int kLimitScans = 32768;  // TJFLAG_LIMITSCANS: ignored before 2.1
constexpr int kStopOnWarning = 8192;  // TJFLAG_STOPONWARNING: what follows is refused anyway
constexpr int kFlags = kAccurateDct | kLimitScans | kStopOnWarning;
constexpr int kErrorIsWarning = 0;  // TJERR_WARNING

struct Api {
  void* (*init_decompress)();
  int (*decompress)(void*, const unsigned char*, unsigned long, unsigned char*, int, int, int, int,
                    int);
  int (*read_header)(void*, const unsigned char*, unsigned long, int*, int*, int*, int*);
  int (*decompress_planes)(void*, const unsigned char*, unsigned long, unsigned char**, int, int*,
                           int, int);
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

int scaled(int length, int denominator) { return (length + denominator - 1) / denominator; }

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
  bind(library, "tjDecompressHeader3", &state.api.read_header);
  bind(library, "tjDecompressToYUVPlanes", &state.api.decompress_planes);
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

void JpegDecoder::open() {
  if (!has_turbojpeg())
    throw Failure("RUNTIME_NOT_FOUND",
                  "Expected libturbojpeg to decode a JPEG but it is not loaded");
  if (!handle_) handle_ = loaded().api.init_decompress();
  if (!handle_) throw Failure("IMAGE_UNREADABLE", "libturbojpeg could not start a decoder");
}

void JpegDecoder::require_success(int status) {
  if (status == 0) return;
  const Api& api = loaded().api;
  const std::string reason = api.error_text(handle_);
  if (api.error_code(handle_) == kErrorIsWarning)
    throw Failure("IMAGE_TRUNCATED", "Expected a whole JPEG but part of it is missing: " + reason);
  throw Failure("IMAGE_UNREADABLE", "The JPEG cannot be decoded: " + reason);
}

Picture JpegDecoder::decode(const uint8_t* data, size_t size, const JpegHeader& header,
                            int denominator) {
  open();
  Picture picture;
  picture.width = scaled(header.width, denominator);
  picture.height = scaled(header.height, denominator);
  picture.extent_width = static_cast<double>(header.width) / denominator;
  picture.extent_height = static_cast<double>(header.height) / denominator;
  pixels_.resize(static_cast<size_t>(picture.width) * picture.height * 3);
  picture.rgb = pixels_.data();
  require_success(loaded().api.decompress(handle_, data, size, pixels_.data(), picture.width, 0,
                                          picture.height, kPixelRgb, kFlags));
  return picture;
}

YccPicture JpegDecoder::decode_grey(const uint8_t* data, size_t size, const JpegHeader& header,
                                    int denominator) {
  open();
  const int width = scaled(header.width, denominator), height = scaled(header.height, denominator);
  pixels_.resize(static_cast<size_t>(width) * height);
  require_success(loaded().api.decompress(handle_, data, size, pixels_.data(), width, 0, height,
                                          kPixelGrey, kFlags));
  YccPicture picture;
  picture.count = 1;
  picture.planes[0] = {pixels_.data(), width, width, height, 1, 1};
  picture.extent_width = static_cast<double>(header.width) / denominator;
  picture.extent_height = static_cast<double>(header.height) / denominator;
  return picture;
}

std::optional<YccPicture> JpegDecoder::decode_ycc(const uint8_t* data, size_t size,
                                                  const JpegHeader& header, int denominator) {
  // A progressive one is rare, and only the other entry limits its scans in every version.
  if (header.progressive) return std::nullopt;
  open();
  const Api& api = loaded().api;
  int width = 0, height = 0, subsampling = -1, colours = -1;
  require_success(api.read_header(handle_, data, size, &width, &height, &subsampling, &colours));
  const bool known = subsampling >= 0 && subsampling < 4 &&
                     (colours == kColoursYcc || colours == kColoursGrey) &&
                     width == header.width && height == header.height;
  if (!known) return std::nullopt;
  struct Sampling {
    int planes, x, y;
  };
  // TJSAMP_444, 422, 420, GRAY.
  constexpr Sampling kSamplings[] = {{3, 1, 1}, {3, 2, 1}, {3, 2, 2}, {1, 1, 1}};
  const Sampling sampling = kSamplings[subsampling];
  width = scaled(header.width, denominator);
  height = scaled(header.height, denominator);

  YccPicture picture;
  picture.count = sampling.planes;
  picture.extent_width = static_cast<double>(header.width) / denominator;
  picture.extent_height = static_cast<double>(header.height) / denominator;
  // The library pads the first plane to whole samples of the others; the padding is not read.
  const int columns = scaled(width, sampling.x), rows = scaled(height, sampling.y);
  const int stride = columns * sampling.x;
  const size_t first = static_cast<size_t>(stride) * rows * sampling.y;
  const size_t other = static_cast<size_t>(columns) * rows;
  pixels_.resize(first + (sampling.planes - 1) * other);
  picture.planes[0] = {pixels_.data(), stride, width, height, 1, 1};
  for (int p = 1; p < sampling.planes; ++p)
    picture.planes[p] = {pixels_.data() + first + (p - 1) * other, columns, columns, rows,
                         sampling.x, sampling.y};
  unsigned char* planes[3] = {pixels_.data(), pixels_.data() + first,
                              pixels_.data() + first + other};
  int strides[3] = {stride, columns, columns};
  require_success(api.decompress_planes(handle_, data, size, planes, width, strides, height,
                                        kFlags));
  return picture;
}

}  // namespace grocerd
