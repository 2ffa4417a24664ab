// The resize runs in stored orientation, rows first: each output row is a weighted sum of whole
// source rows (plain float loops that the compiler vectorises), then shrinks sideways into the
// tensor, whose strides do the turning.
#include "preprocess.h"

#include <algorithm>

#include "tensor_layout.h"

namespace grocerd {
namespace {

GROCERD_ALSO_AVX2 void add_row(const uint8_t* __restrict row, float weight, float* __restrict sum,
                               int count) {
  for (int i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(row[i]);
}

void shrink_row(const float* sum, const Axis& columns, const Normalise& normalise,
                std::ptrdiff_t step, float* at) {
  const float* weight = columns.weights.data();
  for (int i = 0; i < columns.size; ++i, weight += columns.taps, at += step) {
    const float* from = sum + 3 * (columns.first[i] - columns.low());
    float red = 0, green = 0, blue = 0;
    for (int k = 0; k < columns.taps; ++k, from += 3) {
      red += weight[k] * from[0];
      green += weight[k] * from[1];
      blue += weight[k] * from[2];
    }
    at[normalise.channel[0]] = whole(red) * normalise.factor[0] + normalise.offset[0];
    at[normalise.channel[1]] = whole(green) * normalise.factor[1] + normalise.offset[1];
    at[normalise.channel[2]] = whole(blue) * normalise.factor[2] + normalise.offset[2];
  }
}

}  // namespace

std::vector<int64_t> InputSpec::shape() const {
  if (nhwc) return {1, height, width, 3};
  return {1, 3, height, width};
}

void preprocess(const Picture& picture, const Turn& turn, const Box& box, const InputSpec& spec,
                float* tensor) {
  const Target target = aim(picture.extent_width, picture.extent_height, turn, box, spec, tensor);
  const Region& source = target.placement.source;
  const Axis columns = plan_axis(source.x0, source.x1, picture.width, target.width, spec.filter);
  const Axis rows = plan_axis(source.y0, source.y1, picture.height, target.height, spec.filter);
  const int low = columns.low(), count = 3 * (columns.high() - low);
  std::vector<float> sum(static_cast<size_t>(count));
  for (int j = 0; j < target.height; ++j) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (int k = 0; k < rows.taps; ++k) {
      const float weight = rows.weights[static_cast<size_t>(j) * rows.taps + k];
      if (weight == 0) continue;
      const size_t row = static_cast<size_t>(rows.first[j] + k);
      add_row(picture.rgb + 3 * (row * picture.width + low), weight, sum.data(), count);
    }
    shrink_row(sum.data(), columns, target.normalise, target.strides.x,
               tensor + target.strides.origin + j * target.strides.y);
  }
}

void make_upright(const Picture& picture, const Turn& turn, uint8_t* upright) {
  const std::ptrdiff_t width = turn.swaps_axes() ? picture.height : picture.width;
  const Strides strides = turned(turn, 0, 3, 3 * width, picture.width, picture.height);
  const uint8_t* from = picture.rgb;
  for (int y = 0; y < picture.height; ++y) {
    uint8_t* to = upright + strides.origin + y * strides.y;
    for (int x = 0; x < picture.width; ++x, from += 3, to += strides.x) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
}

}  // namespace grocerd
