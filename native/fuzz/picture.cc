// Fuzzes the whole way of a JPEG: header, decode at a DCT scale, planes, resize, tensor and grid. Needs libturbojpeg.
#include <cstdlib>

#include "../core/engine.h"
#include "../core/luma_grid.h"
#include "input.h"

using namespace grocerd;

namespace {

constexpr int kMostPixels = 256 * 1024;  // so that a run is fast; sizes are not what is tried here

bool has_decoder() {
  static const bool found = probe_turbojpeg({"libturbojpeg.so.0"}).found;
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (!has_decoder()) {
    std::fputs("libturbojpeg.so.0 is not here: nothing is tried\n", stderr);
    std::exit(0);
  }
  fuzz::Bytes bytes(data, size);
  EngineInput input;
  const InputSpec spec = fuzz::spec_of(&bytes);
  input.box = fuzz::box_of(&bytes);
  input.clockwise = fuzz::rotation_of(&bytes);
  input.bytes = bytes.ConsumeRemainingBytes<uint8_t>();
  JpegDecoder decoder;
  fuzz::answered([&] {
    const JpegHeader header = read_jpeg_header(input.bytes.data(), input.bytes.size());
    require_decodable(header, kMostPixels);
    luma_grid(input.bytes, input.box, input.clockwise, 32, 24, &decoder);
  });
  fuzz::answered([&] {
    const JpegHeader header = read_jpeg_header(input.bytes.data(), input.bytes.size());
    require_decodable(header, kMostPixels);
    std::vector<float> tensor(spec.elements());
    fill_tensor(input, spec, &decoder, tensor.data());
  });
  return 0;
}
