// The turning is a change of origin and strides; the rest is arithmetic on a spec.
#include "tensor_layout.h"

namespace grocerd {
namespace {

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

}  // namespace

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

Target aim(double extent_width, double extent_height, const Turn& turn, const Box& box,
           const InputSpec& spec, float* tensor) {
  Target target;
  target.placement =
      place(extent_width, extent_height, turn, box, spec.fit, spec.width, spec.height);
  const Placement& placement = target.placement;
  target.width = turn.swaps_axes() ? placement.height : placement.width;
  target.height = turn.swaps_axes() ? placement.width : placement.height;

  const std::ptrdiff_t step_pixel = spec.nhwc ? 3 : 1;
  const std::ptrdiff_t step_row = step_pixel * spec.width;
  const std::ptrdiff_t step_channel =
      spec.nhwc ? 1 : static_cast<std::ptrdiff_t>(spec.width) * spec.height;
  target.normalise = normalise_of(spec, step_channel);
  const size_t pixels = static_cast<size_t>(spec.width) * spec.height;
  if (placement.width < spec.width || placement.height < spec.height)
    fill_grey(target.normalise, step_pixel, pixels, tensor);
  target.strides = turned(turn, placement.y * step_row + placement.x * step_pixel, step_pixel,
                          step_row, target.width, target.height);
  return target;
}

}  // namespace grocerd
