// Builds the weight table of one axis.
#include "resample.h"

#include <algorithm>
#include <cmath>

namespace grocerd {
namespace {

// Box arithmetic leaves 49.9999999 where 50 is meant; a sliver of a neighbour would be read.
double snap(double edge) {
  const double whole = std::round(edge);
  return std::abs(edge - whole) < 1e-6 ? whole : edge;
}

// Every output gets the same number of taps, so that inner loops have one length; the start is
// moved back at the end of the picture, and unused taps weigh nothing.
Axis empty_axis(int size, int taps) {
  Axis axis;
  axis.size = size;
  axis.taps = taps;
  axis.first.resize(size);
  axis.weights.assign(static_cast<size_t>(size) * taps, 0.0f);
  return axis;
}

Axis area(double from, double scale, int limit, int size) {
  const int taps = std::min(limit, static_cast<int>(std::ceil(scale)) + 1);
  Axis axis = empty_axis(size, taps);
  for (int i = 0; i < size; ++i) {
    const double a = snap(from + i * scale);
    const double b = std::min<double>(limit, snap(from + (i + 1) * scale));
    axis.first[i] = std::clamp(static_cast<int>(std::floor(a)), 0, limit - taps);
    for (int k = 0; k < taps; ++k) {
      const double pixel = axis.first[i] + k;
      const double covered = std::min(b, pixel + 1) - std::max(a, pixel);
      axis.weights[i * taps + k] = static_cast<float>(std::max(0.0, covered) / (b - a));
    }
  }
  return axis;
}

Axis bilinear(double from, double to, double scale, int limit, int size) {
  const int taps = std::min(limit, 2);
  Axis axis = empty_axis(size, taps);
  const double lowest = std::clamp(std::floor(from), 0.0, limit - 1.0);
  const double highest = std::clamp(std::ceil(to) - 1, lowest, limit - 1.0);
  for (int i = 0; i < size; ++i) {
    const double centre = std::clamp(from + (i + 0.5) * scale - 0.5, lowest, highest);
    const int first = std::clamp(static_cast<int>(std::floor(centre)), 0, limit - taps);
    const float second = static_cast<float>(centre - first);
    axis.first[i] = first;
    axis.weights[i * taps] = taps == 1 ? 1.0f : 1.0f - second;
    if (taps == 2) axis.weights[i * taps + 1] = second;
  }
  return axis;
}

}  // namespace

Axis plan_axis(double from, double to, int limit, int size, Filter filter) {
  const double low = snap(from), high = snap(to);
  const double scale = (high - low) / size;
  return filter == Filter::kArea && scale > 1 ? area(low, scale, limit, size)
                                              : bilinear(low, high, scale, limit, size);
}

}  // namespace grocerd
