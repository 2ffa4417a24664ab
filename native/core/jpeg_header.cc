// The marker walk of a JPEG up to its first scan (ITU T.81 annex B) and the one EXIF tag we need.
#include "jpeg_header.h"

#include <cstring>
#include <string>

#include "failure.h"

namespace grocerd {
namespace {

// A window of bytes with checked access; positions are size_t so that nothing can wrap.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  size_t size() const { return size_; }
  bool has(size_t at, size_t count) const { return at <= size_ && count <= size_ - at; }
  uint8_t u8(size_t at) const { return data_[at]; }
  uint32_t u16(size_t at, bool little = false) const {
    return little ? static_cast<uint32_t>(data_[at] | data_[at + 1] << 8)
                  : static_cast<uint32_t>(data_[at] << 8 | data_[at + 1]);
  }
  uint32_t u32(size_t at, bool little) const {
    return little ? u16(at, true) | u16(at + 2, true) << 16 : u16(at) << 16 | u16(at + 2);
  }
  Bytes part(size_t at, size_t count) const { return Bytes(data_ + at, count); }
  bool starts_with(const char* text, size_t count) const {
    return has(0, count) && std::memcmp(data_, text, count) == 0;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

[[noreturn]] void truncated(size_t size) {
  throw Failure("IMAGE_TRUNCATED", "Expected a whole JPEG but it ends after " +
                                       std::to_string(size) + " bytes, inside its header");
}

// TIFF inside APP1: only the first directory and only tag 0x0112 matter. Nonsense means "not
// rotated".
int exif_orientation(const Bytes& tiff) {
  if (!tiff.has(0, 8)) return 1;
  const bool little = tiff.u8(0) == 'I';
  const size_t directory = tiff.u32(4, little);
  if (!tiff.has(directory, 2)) return 1;
  const size_t entries = tiff.u16(directory, little);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (!tiff.has(entry, 12)) return 1;
    if (tiff.u16(entry, little) != 0x0112) continue;
    const uint32_t value = tiff.u16(entry + 8, little);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC), which share the range.
bool is_frame(uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

void read_frame(const Bytes& segment, uint8_t marker, JpegHeader* header) {
  if (!segment.has(0, 6))
    throw Failure("IMAGE_UNREADABLE", "The JPEG has a frame header of " +
                                          std::to_string(segment.size()) +
                                          " bytes, expected 6 or more");
  if (segment.u8(0) != 8)
    throw Failure("IMAGE_UNSUPPORTED", "Expected a JPEG of 8 bits a channel but received " +
                                           std::to_string(segment.u8(0)));
  const uint8_t coding = marker & 0x0F;
  if ((coding & 3) == 3)
    throw Failure("IMAGE_UNSUPPORTED",
                  "Expected a baseline or progressive JPEG but it is lossless");
  header->height = static_cast<int>(segment.u16(1));
  header->width = static_cast<int>(segment.u16(3));
  header->components = segment.u8(5);
  header->progressive = (coding & 3) == 2;
  if (header->width == 0 || header->height == 0)
    throw Failure("IMAGE_UNREADABLE", "The JPEG says it is " + std::to_string(header->width) + "x" +
                                          std::to_string(header->height) + " pixels");
}

// Each scan of a progressive JPEG is a pass over all its coefficients: a few bytes for the sender, ten
// milliseconds for us. Encoders make ten, tuned ones a few more.
void require_few_scans(const Bytes& bytes, size_t first) {
  constexpr int kMaxScans = 64;
  int scans = 0;
  for (size_t at = first; bytes.has(at, 2); ++at)
    if (bytes.u8(at) == 0xFF && bytes.u8(at + 1) == 0xDA && ++scans > kMaxScans)
      throw Failure("IMAGE_UNSUPPORTED", "Expected a JPEG of at most " +
                                             std::to_string(kMaxScans) + " scans but it has more");
}

}  // namespace

JpegHeader read_jpeg_header(const uint8_t* data, size_t size) {
  if (size == 0) throw Failure("IMAGE_EMPTY", "Expected a JPEG but received 0 bytes");
  const Bytes bytes(data, size);
  if (!bytes.has(0, 2) || bytes.u16(0) != 0xFFD8)
    throw Failure("IMAGE_UNREADABLE", "Expected a JPEG but its first bytes are not FF D8");
  JpegHeader header;
  bool framed = false;
  size_t at = 2;
  for (;;) {
    // Fill bytes (FF) may stand before a marker, and old cameras leave junk there; both are
    // skipped.
    while (bytes.has(at, 2) &&
           !(bytes.u8(at) == 0xFF && bytes.u8(at + 1) != 0xFF && bytes.u8(at + 1) != 0))
      ++at;
    if (!bytes.has(at, 4)) truncated(size);
    const uint8_t marker = bytes.u8(at + 1);
    if (marker == 0xD9) truncated(size);
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {  // markers without a length
      at += 2;
      continue;
    }
    const size_t length = bytes.u16(at + 2);
    if (length < 2)
      throw Failure("IMAGE_UNREADABLE",
                    "The JPEG has a segment of length " + std::to_string(length));
    if (!bytes.has(at + 2, length)) truncated(size);
    const Bytes segment = bytes.part(at + 4, length - 2);
    if (marker == 0xDA) {
      if (!framed) throw Failure("IMAGE_UNREADABLE", "The JPEG has data before its frame header");
      require_few_scans(bytes, at);
      return header;
    }
    if (is_frame(marker) && !framed) {
      read_frame(segment, marker, &header);
      framed = true;
    } else if (marker == 0xE1 && segment.starts_with("Exif\0\0", 6)) {
      header.orientation = exif_orientation(segment.part(6, segment.size() - 6));
    }
    at += 2 + length;
  }
}

void require_decodable(const JpegHeader& header, int64_t max_pixels) {
  if (header.components != 1 && header.components != 3)
    throw Failure("IMAGE_UNSUPPORTED", "Expected a grey or RGB JPEG but it has " +
                                           std::to_string(header.components) + " components" +
                                           (header.components == 4 ? " (CMYK)" : ""));
  const int64_t pixels = static_cast<int64_t>(header.width) * header.height;
  if (pixels > max_pixels)
    throw Failure("IMAGE_TOO_LARGE", "Expected at most " + std::to_string(max_pixels) +
                                         " pixels but the picture has " +
                                         std::to_string(header.width) + "x" +
                                         std::to_string(header.height));
}

}  // namespace grocerd
