// The grid is the first channel of a tensor of that size: no second resize has to be right.
#include "luma_grid.h"

namespace grocerd {

std::vector<float> luma_grid(const std::vector<uint8_t>& jpeg, const Box& box, int clockwise,
                             int columns, int rows, JpegDecoder* decoder) {
  const JpegHeader header = read_jpeg_header(jpeg.data(), jpeg.size());
  require_decodable(header, kMaxPixels);
  const Turn turn = turn_of(header.orientation, clockwise);
  const Placement placement =
      place(header.width, header.height, turn, box, Fit::kFill, columns, rows);
  InputSpec spec;
  spec.width = columns;
  spec.height = rows;
  spec.scale.fill(255);
  std::vector<float> grid(spec.elements());
  const YccPicture grey =
      decoder->decode_grey(jpeg.data(), jpeg.size(), header, decode_denominator(placement, turn));
  preprocess(grey, turn, box, spec, grid.data());
  grid.resize(static_cast<size_t>(columns) * rows);
  return grid;
}

}  // namespace grocerd
