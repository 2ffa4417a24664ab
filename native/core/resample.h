// One axis of a resize as a table of weights: which source pixels make each output pixel.
#pragma once

#include <vector>

namespace grocerd {

enum class Filter { kArea, kBilinear };

// Output i is the sum of weights[i * taps + k] * source[first[i] + k] for k < taps.
struct Axis {
  int size = 0;
  int taps = 0;
  std::vector<int> first;
  std::vector<float> weights;

  int low() const {
    return first.front();
  }  // the lowest and one past the highest pixel that is read
  int high() const { return first.back() + taps; }
};

// Resamples the edges `from`..`to` (pixels, fractional) of `limit` pixels into `size` pixels.
// kArea averages by the exact area when it shrinks (as OpenCV's INTER_AREA); everything else is
// bilinear with half-pixel centres, clamped to the pixels that the region touches.
Axis plan_axis(double from, double to, int limit, int size, Filter filter);

}  // namespace grocerd
