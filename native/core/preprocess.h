// From a decoded picture to the numbers a model takes: crop, resize, turn, colour order, layout,
// mean and scale, written once, straight into the input tensor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "geometry.h"
#include "resample.h"

namespace grocerd {

struct InputSpec {
  int width = 0, height = 0;  // of the model's input, pixels
  bool bgr = false;
  bool nhwc = false;
  // In the tensor's own channel order; value = (pixel - mean) / scale.
  std::array<float, 3> mean{0, 0, 0};
  std::array<float, 3> scale{1, 1, 1};
  Fit fit = Fit::kFill;
  Filter filter = Filter::kArea;

  size_t elements() const { return static_cast<size_t>(width) * height * 3; }
  std::vector<int64_t> shape() const;
};

// RGB24 as stored, not yet upright. Does not own its pixels.
struct Picture {
  const uint8_t* rgb = nullptr;
  int width = 0, height = 0;
  // What of width and height is picture: a scaled decode rounds its size up past the last true
  // pixel.
  double extent_width = 0, extent_height = 0;
};

// Resized pixels are rounded to whole grey levels before mean and scale. `tensor` takes
// spec.elements() floats. Throws nothing but std::bad_alloc.
void preprocess(const Picture& picture, const Turn& turn, const Box& box, const InputSpec& spec,
                float* tensor);

// Copies a picture upright: `upright` gets width * height * 3 bytes, axes swapped where the turn
// says so.
void make_upright(const Picture& picture, const Turn& turn, uint8_t* upright);

}  // namespace grocerd
