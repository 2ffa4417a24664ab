// The header parser on whole, cut and mutated bytes; each case runs under the sanitizers.
#include <random>
#include <string>

#include "../core/jpeg_header.h"
#include "check.h"

using namespace grocerd;

namespace {

std::vector<uint8_t> segment(uint8_t marker, const std::vector<uint8_t>& body) {
  const size_t length = body.size() + 2;
  std::vector<uint8_t> bytes{0xFF, marker, static_cast<uint8_t>(length >> 8),
                             static_cast<uint8_t>(length)};
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

std::vector<uint8_t> joined(const std::vector<std::vector<uint8_t>>& parts) {
  std::vector<uint8_t> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// Exif with one directory entry: tag 0x0112, type SHORT, count 1.
std::vector<uint8_t> exif(uint8_t orientation, bool little) {
  std::vector<uint8_t> body{'E', 'x', 'i', 'f', 0, 0};
  const std::vector<uint8_t> tiff =
      little ? std::vector<uint8_t>{'I', 'I', 42, 0, 8, 0,           0, 0, 1, 0, 0x12, 1, 3,
                                    0,   1,   0,  0, 0, orientation, 0, 0, 0, 0, 0,    0, 0}
             : std::vector<uint8_t>{'M', 'M', 0, 42, 0, 0, 0,           8, 0, 1, 1, 0x12, 0,
                                    3,   0,   0, 0,  1, 0, orientation, 0, 0, 0, 0, 0,    0};
  body.insert(body.end(), tiff.begin(), tiff.end());
  return segment(0xE1, body);
}

std::vector<uint8_t> frame(uint8_t marker, int width, int height, uint8_t components,
                           uint8_t bits = 8) {
  return segment(marker,
                 {bits, static_cast<uint8_t>(height >> 8), static_cast<uint8_t>(height),
                  static_cast<uint8_t>(width >> 8), static_cast<uint8_t>(width), components});
}

const std::vector<uint8_t> kStart{0xFF, 0xD8}, kScan = segment(0xDA, {1, 1, 0, 0, 63, 0});

JpegHeader read(const std::vector<uint8_t>& bytes) {
  return read_jpeg_header(bytes.data(), bytes.size());
}

}  // namespace

TEST("reads size, components, coding and EXIF rotation of both byte orders") {
  for (const bool little : {false, true}) {
    const auto header = read(joined({kStart, exif(6, little), frame(0xC2, 640, 480, 3), kScan}));
    CHECK(header.width == 640 && header.height == 480 && header.components == 3);
    CHECK(header.progressive && header.orientation == 6);
  }
  CHECK(!read(joined({kStart, frame(0xC0, 1, 1, 1), kScan})).progressive);
  CHECK(read(joined({kStart, exif(9, true), frame(0xC0, 1, 1, 1), kScan})).orientation == 1);
  CHECK(read(joined({kStart, {0xFF, 0xFF}, frame(0xC0, 7, 1, 1), {0xFF}, kScan})).width == 7);
}

TEST("names what is wrong with a JPEG by its code") {
  CHECK_CODE("IMAGE_EMPTY", read_jpeg_header(nullptr, 0));
  CHECK_CODE("IMAGE_UNREADABLE", read({'h', 'e', 'l', 'l', 'o'}));
  CHECK_CODE("IMAGE_TRUNCATED", read(kStart));
  CHECK_CODE("IMAGE_TRUNCATED", read(joined({kStart, {0xFF, 0xD9, 0, 0}})));
  CHECK_CODE("IMAGE_UNREADABLE", read(joined({kStart, kScan})));
  CHECK_CODE("IMAGE_UNREADABLE", read(joined({kStart, frame(0xC0, 0, 4, 3), kScan})));
  CHECK_CODE("IMAGE_UNREADABLE", read(joined({kStart, segment(0xC0, {8}), kScan})));
  CHECK_CODE("IMAGE_UNREADABLE", read(joined({kStart, {0xFF, 0xC0, 0, 1}})));
  CHECK_CODE("IMAGE_UNSUPPORTED", read(joined({kStart, frame(0xC1, 4, 4, 3, 12), kScan})));
  CHECK_CODE("IMAGE_UNSUPPORTED", read(joined({kStart, frame(0xC3, 4, 4, 3), kScan})));
  CHECK_CODE("IMAGE_UNSUPPORTED",
             require_decodable(read(joined({kStart, frame(0xC0, 4, 4, 4), kScan})), 100));
  CHECK_CODE("IMAGE_TOO_LARGE",
             require_decodable(read(joined({kStart, frame(0xC0, 11, 10, 3), kScan})), 100));
  CHECK_CODE("none", require_decodable(read(joined({kStart, frame(0xC0, 10, 10, 3), kScan})), 100));
  for (const size_t scans : {64, 65}) {
    std::vector<std::vector<uint8_t>> parts{kStart, frame(0xC2, 8, 8, 3)};
    parts.resize(2 + scans, kScan);
    CHECK_CODE(scans > 64 ? "IMAGE_UNSUPPORTED" : "none", read(joined(parts)));
  }
}

TEST("stays inside its bytes at every cut and for 200,000 mutations") {
  const auto whole = joined({kStart, exif(3, true), segment(0xDB, std::vector<uint8_t>(65)),
                             exif(5, false), frame(0xC0, 348, 348, 3), kScan});
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    // A copy of exactly this size: the sanitizer sees one byte too far.
    const std::vector<uint8_t> part(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(cut));
    CHECK(test::code_of([&] { read(part); }) != "none");
  }
  std::mt19937 random_source(11);
  for (int i = 0; i < 200000; ++i) {
    std::vector<uint8_t> mutated = whole;
    for (uint32_t changes = 1 + random_source() % 6; changes > 0; --changes)
      mutated[random_source() % mutated.size()] = static_cast<uint8_t>(random_source());
    mutated.resize(1 + random_source() % mutated.size());
    test::code_of([&] { read(mutated); });
  }
}
