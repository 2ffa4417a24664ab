// How bright a JPEG is on a coarse grid: what a scene looks like, without its colours.
#pragma once

#include <vector>

#include "../image/turbojpeg.h"
#include "geometry.h"

namespace grocerd {

// Mean brightness 0..1 of the cells of a grid over `box` of the upright picture, row by row, from
// the smallest DCT scale that has a pixel a cell. Throws the IMAGE_ codes.
std::vector<float> luma_grid(const std::vector<uint8_t>& jpeg, const Box& box, int clockwise,
                             int columns, int rows, JpegDecoder* decoder);

}  // namespace grocerd
