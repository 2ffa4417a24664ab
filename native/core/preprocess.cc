// The resize runs in stored orientation, rows first: each output row is a weighted sum of whole
// source rows (plain float loops that the compiler vectorises), then shrinks sideways into the
// tensor, whose strides do the turning.
#include "preprocess.h"

#include <algorithm>

namespace grocerd {
namespace {

// Where output pixel (i, j) of the stored orientation goes in an upright buffer of interleaved or
// planar channels. A turn is a change of origin and strides.
struct Strides {
  std::ptrdiff_t origin, x, y;
};

Strides turned(const Turn& turn, std::ptrdiff_t origin, std::ptrdiff_t step_u,
               std::ptrdiff_t step_v, int width, int height) {
  // Stored x runs along upright u, or along v when the axes are swapped; a negative sign starts at
  // its end.
  const int along_x = turn.xx + turn.xy, along_y = turn.yx + turn.yy;
  const std::ptrdiff_t x = along_x * (turn.xx != 0 ? step_u : step_v);
  const std::ptrdiff_t y = along_y * (turn.yy != 0 ? step_v : step_u);
  if (x < 0) origin -= x * (width - 1);
  if (y < 0) origin -= y * (height - 1);
  return {origin, x, y};
}

void add_row(const uint8_t* __restrict row, float weight, float* __restrict sum, int count) {
  for (int i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(row[i]);
}

// (pixel - mean) / scale as one multiply and add a channel, indexed by R, G, B.
struct Normalise {
  float factor[3], offset[3];
  std::ptrdiff_t channel[3];  // where R, G and B stand in the tensor
};

Normalise normalise_of(const InputSpec& spec, std::ptrdiff_t step_channel) {
  Normalise normalise;
  for (int c = 0; c < 3; ++c) {
    const int place = spec.bgr ? 2 - c : c;
    normalise.factor[c] = 1.0f / spec.scale[place];
    normalise.offset[c] = -spec.mean[place] / spec.scale[place];
    normalise.channel[c] = place * step_channel;
  }
  return normalise;
}

void fill_grey(const Normalise& normalise, std::ptrdiff_t step_pixel, size_t pixels,
               float* tensor) {
  for (int c = 0; c < 3; ++c) {
    const float value = kLetterboxGrey * normalise.factor[c] + normalise.offset[c];
    float* at = tensor + normalise.channel[c];
    for (size_t i = 0; i < pixels; ++i) at[i * step_pixel] = value;
  }
}

// To whole grey levels, halves to even, as every pipeline on 8-bit pictures does (OpenCV, Pillow,
// and so the training): an INT8 model turns a third of a level into another answer on 4 % of
// photographs. Adding and taking 1.5 * 2^23 rounds a float below 2^22 and vectorises where a call
// to nearbyint does not.
inline float whole(float level) {
  constexpr float kRounder = 12582912.0f;
  return (level + kRounder) - kRounder;
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
  const Placement placement = place(picture.extent_width, picture.extent_height, turn, box,
                                    spec.fit, spec.width, spec.height);
  const int width = turn.swaps_axes() ? placement.height : placement.width;
  const int height = turn.swaps_axes() ? placement.width : placement.height;
  const Axis columns =
      plan_axis(placement.source.x0, placement.source.x1, picture.width, width, spec.filter);
  const Axis rows =
      plan_axis(placement.source.y0, placement.source.y1, picture.height, height, spec.filter);

  const std::ptrdiff_t step_pixel = spec.nhwc ? 3 : 1;
  const std::ptrdiff_t step_row = step_pixel * spec.width;
  const std::ptrdiff_t step_channel =
      spec.nhwc ? 1 : static_cast<std::ptrdiff_t>(spec.width) * spec.height;
  const Normalise normalise = normalise_of(spec, step_channel);
  const size_t pixels = static_cast<size_t>(spec.width) * spec.height;
  if (placement.width < spec.width || placement.height < spec.height)
    fill_grey(normalise, step_pixel, pixels, tensor);

  const Strides strides = turned(turn, placement.y * step_row + placement.x * step_pixel,
                                 step_pixel, step_row, width, height);
  const int low = columns.low(), count = 3 * (columns.high() - low);
  std::vector<float> sum(static_cast<size_t>(count));
  for (int j = 0; j < height; ++j) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (int k = 0; k < rows.taps; ++k) {
      const float weight = rows.weights[static_cast<size_t>(j) * rows.taps + k];
      if (weight == 0) continue;
      const size_t row = static_cast<size_t>(rows.first[j] + k);
      add_row(picture.rgb + 3 * (row * picture.width + low), weight, sum.data(), count);
    }
    shrink_row(sum.data(), columns, normalise, strides.x, tensor + strides.origin + j * strides.y);
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
