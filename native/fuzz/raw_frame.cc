// Fuzzes raw frames and planes: any size with its pixels, any box, turn, fit and layout; and sizes that lie about the bytes.
#include "../core/engine.h"
#include "../core/luma_grid.h"
#include "input.h"

using namespace grocerd;

namespace {

// Planes as a decoder gives them: each of exactly the samples that it may be read.
void try_planes(fuzz::Bytes* bytes, const InputSpec& spec, const Box& box, const Turn& turn) {
  YccPicture picture;
  std::vector<uint8_t> samples[3];
  const int width = bytes->ConsumeIntegralInRange(1, 64);
  const int height = bytes->ConsumeIntegralInRange(1, 64);
  const int x = bytes->ConsumeIntegralInRange(1, 2), y = bytes->ConsumeIntegralInRange(1, 2);
  picture.count = bytes->ConsumeBool() ? 3 : 1;
  // A scaled decode rounds its size up: less than one pixel of it is none.
  picture.extent_width = width - bytes->ConsumeFloatingPointInRange(0.0, 0.875);
  picture.extent_height = height - bytes->ConsumeFloatingPointInRange(0.0, 0.875);
  for (int p = 0; p < picture.count; ++p) {
    const int shrunk_x = p ? x : 1, shrunk_y = p ? y : 1;
    const int columns = (width + shrunk_x - 1) / shrunk_x;
    const int rows = (height + shrunk_y - 1) / shrunk_y;
    const int stride = columns + bytes->ConsumeIntegralInRange(0, 3);
    samples[p].assign(static_cast<size_t>(stride) * (rows - 1) + columns, 77);
    picture.planes[p] = {samples[p].data(), stride, columns, rows, shrunk_x, shrunk_y};
  }
  std::vector<float> tensor(spec.elements());
  preprocess(picture, turn, box, spec, tensor.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Bytes bytes(data, size);
  const InputSpec spec = fuzz::spec_of(&bytes);
  const Box box = fuzz::box_of(&bytes);
  const Turn turn = turn_of(bytes.ConsumeIntegralInRange(1, 8), fuzz::rotation_of(&bytes));
  try_planes(&bytes, spec, box, turn);

  EngineInput input;
  input.kind = EngineInput::Kind::kRgb;
  input.box = box;
  input.width = bytes.ConsumeIntegralInRange(1, 64);
  input.height = bytes.ConsumeIntegralInRange(1, 64);
  const int missing = bytes.ConsumeIntegralInRange(-2, 2);
  input.bytes = bytes.ConsumeRemainingBytes<uint8_t>();
  input.bytes.resize(
      static_cast<size_t>(std::max(0, input.width * input.height * 3 + missing)), 99);
  std::vector<float> tensor(spec.elements());
  JpegDecoder decoder;
  fuzz::answered([&] { fill_tensor(input, spec, &decoder, tensor.data()); });

  if (missing != 0) return 0;
  const Picture picture{input.bytes.data(), input.width, input.height,
                        static_cast<double>(input.width), static_cast<double>(input.height)};
  preprocess(picture, turn, box, spec, tensor.data());
  std::vector<uint8_t> upright(input.bytes.size());
  make_upright(picture, turn, upright.data());
  return 0;
}
