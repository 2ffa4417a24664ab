// Planes against RGB: both ways of the same JPEG through every fit, turn, box, size and DCT scale.
// libturbojpeg makes the pictures here; where it is missing the case says so and tests nothing.
#include "../core/ycc.h"

#include <dlfcn.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "../image/turbojpeg.h"
#include "check.h"

using namespace grocerd;

namespace {

// The library's own encoder; only tests need one.
struct Encoder {
  void* (*init)() = nullptr;
  int (*compress)(void*, const unsigned char*, int, int, int, int, unsigned char**, unsigned long*,
                  int, int, int) = nullptr;
  void (*release)(unsigned char*) = nullptr;
};

std::string library_path() {
  const char* folder = std::getenv("GROCERD_TURBOJPEG_DIR");
  return folder ? std::string(folder) + "/libturbojpeg.so.0" : "libturbojpeg.so.0";
}

bool open_encoder(Encoder* encoder) {
  if (!probe_turbojpeg({library_path()}).found) return false;
  void* handle = dlopen(library_path().c_str(), RTLD_NOW);
  *reinterpret_cast<void**>(&encoder->init) = dlsym(handle, "tjInitCompress");
  *reinterpret_cast<void**>(&encoder->compress) = dlsym(handle, "tjCompress2");
  *reinterpret_cast<void**>(&encoder->release) = dlsym(handle, "tjFree");
  return encoder->init && encoder->compress && encoder->release;
}

// Slopes, waves in all colours and a little noise, as photographs have them.
std::vector<uint8_t> photograph(int width, int height) {
  std::mt19937 random_source(3);
  std::vector<uint8_t> rgb;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double noise = static_cast<double>(random_source() % 9) - 4;
      for (const double wave : {std::sin(x / 37.0), std::cos(y / 43.0), std::sin((x + y) / 59.0)})
        rgb.push_back(static_cast<uint8_t>(128 + 80 * wave + 40.0 * x / width + noise));
    }
  return rgb;
}

std::vector<uint8_t> encode(const Encoder& encoder, int width, int height, int subsampling) {
  static void* const handle = encoder.init();
  const std::vector<uint8_t> rgb = photograph(width, height);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  CHECK(encoder.compress(handle, rgb.data(), width, 0, height, 0, &bytes, &size, subsampling, 90,
                         0) == 0);
  // A copy of exactly this size: the sanitizer sees one byte too far.
  const std::vector<uint8_t> jpeg(bytes, bytes + size);
  encoder.release(bytes);
  return jpeg;
}

double mean_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

constexpr int k444 = 0, k422 = 1, k420 = 2, kGrey = 3, k440 = 4;

}  // namespace

TEST("planes give the pixels of RGB within 2 grey levels on average") {
  Encoder encoder;
  if (!open_encoder(&encoder)) {
    std::printf("skipped: libturbojpeg is not on this machine\n");
    return;
  }
  JpegDecoder decoder;
  int compared = 0;
  const struct {
    int width, height;
  } sizes[] = {{640, 480}, {641, 479}, {333, 777}, {1023, 250}};
  for (const auto& size : sizes)
    for (const int subsampling : {k444, k422, k420, kGrey}) {
      const auto jpeg = encode(encoder, size.width, size.height, subsampling);
      const JpegHeader header = read_jpeg_header(jpeg.data(), jpeg.size());
      for (const int denominator : {1, 2, 4, 8})
        for (int exif = 1; exif <= 8; ++exif) {
          InputSpec spec;
          spec.width = 40 + 8 * (exif % 3);
          spec.height = 48;
          spec.bgr = exif % 2 == 0;
          spec.nhwc = exif % 3 == 0;
          spec.fit = exif % 3 == 0 ? Fit::kFill : exif % 3 == 1 ? Fit::kCrop : Fit::kLetterbox;
          spec.filter = exif > 5 ? Filter::kBilinear : Filter::kArea;
          const Box box = exif % 4 == 0 ? Box{0.13, 0.21, 0.77, 0.9} : Box{};
          const Turn turn = turn_of(exif, 90 * (exif % 4));
          std::vector<float> from_rgb(spec.elements(), -1), from_planes(spec.elements(), -2);
          preprocess(decoder.decode(jpeg.data(), jpeg.size(), header, denominator), turn, box,
                     spec, from_rgb.data());
          const auto planes = decoder.decode_ycc(jpeg.data(), jpeg.size(), header, denominator);
          CHECK(planes.has_value() && planes->count == (subsampling == kGrey ? 1 : 3));
          preprocess(*planes, turn, box, spec, from_planes.data());
          CHECK(mean_difference(from_rgb, from_planes) < 2);
          ++compared;
        }
      const YccPicture grey = decoder.decode_grey(jpeg.data(), jpeg.size(), header, 8);
      CHECK(grey.count == 1 && grey.planes[0].width == (size.width + 7) / 8);
    }
  CHECK(compared == 512);
}

TEST("what has no planes of these kinds goes the other way, and broken planes are named") {
  Encoder encoder;
  if (!open_encoder(&encoder)) return;
  JpegDecoder decoder;
  const auto tall = encode(encoder, 64, 64, k440);
  CHECK(!decoder.decode_ycc(tall.data(), tall.size(), read_jpeg_header(tall.data(), tall.size()), 2)
             .has_value());
  const auto whole = encode(encoder, 640, 480, k420);
  JpegHeader header = read_jpeg_header(whole.data(), whole.size());
  CHECK_CODE("IMAGE_TRUNCATED", decoder.decode_ycc(whole.data(), whole.size() / 2, header, 4));
  CHECK_CODE("IMAGE_TRUNCATED", decoder.decode_grey(whole.data(), whole.size() / 2, header, 8));
  header.progressive = true;
  CHECK(!decoder.decode_ycc(whole.data(), whole.size(), header, 2).has_value());
  // Flipped bytes end in a picture or in a code, never outside the planes.
  std::mt19937 random_source(5);
  header.progressive = false;
  for (int i = 0; i < 300; ++i) {
    std::vector<uint8_t> flipped = whole;
    for (int changes = 0; changes < 4; ++changes)
      flipped[300 + random_source() % (flipped.size() - 300)] ^=
          static_cast<uint8_t>(1u << (random_source() % 8));
    const std::string code = test::code_of(
        [&] { decoder.decode_ycc(flipped.data(), flipped.size(), header, 1 << (i % 4)); });
    CHECK(code == "none" || code == "IMAGE_TRUNCATED" || code == "IMAGE_UNREADABLE");
  }
}
