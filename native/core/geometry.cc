// The arithmetic of rotation, crop box and fit.
#include "geometry.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace grocerd {
namespace {

Turn product(const Turn& a, const Turn& b) {
  return {a.xx * b.xx + a.xy * b.yx, a.xx * b.xy + a.xy * b.yy, a.yx * b.xx + a.yy * b.yx,
          a.yx * b.xy + a.yy * b.yy};
}

constexpr Turn kExif[] = {
    {1, 0, 0, 1}, {-1, 0, 0, 1}, {-1, 0, 0, -1}, {1, 0, 0, -1},
    {0, 1, 1, 0}, {0, 1, -1, 0}, {0, -1, -1, 0}, {0, -1, 1, 0},
};

}  // namespace

Turn turn_of(int exif, int clockwise) {
  const Turn stored = kExif[exif >= 1 && exif <= 8 ? exif - 1 : 0];
  const int by_exif[] = {1, 6, 3,
                         8};  // the EXIF values that mean 0, 90, 180, 270 degrees clockwise
  return product(stored, kExif[by_exif[(clockwise / 90) & 3] - 1]);
}

Placement place(double width, double height, const Turn& turn, const Box& box, Fit fit,
                int target_width, int target_height) {
  const double upright_width = turn.swaps_axes() ? height : width;
  const double upright_height = turn.swaps_axes() ? width : height;
  // Half sizes and centre in centred upright pixels.
  double half_x = (box.x1 - box.x0) * upright_width / 2;
  double half_y = (box.y1 - box.y0) * upright_height / 2;
  const double centre_x = (box.x0 + box.x1 - 1) * upright_width / 2;
  const double centre_y = (box.y0 + box.y1 - 1) * upright_height / 2;

  Placement placement{{}, 0, 0, target_width, target_height};
  const double scale_x = target_width / (2 * half_x), scale_y = target_height / (2 * half_y);
  if (fit == Fit::kCrop) {
    const double scale = std::max(scale_x, scale_y);
    half_x = target_width / scale / 2;
    half_y = target_height / scale / 2;
  } else if (fit == Fit::kLetterbox) {
    const double scale = std::min(scale_x, scale_y);
    const auto side = [scale](double half, int limit) {
      return std::clamp(static_cast<int>(std::lround(2 * half * scale)), 1, limit);
    };
    placement.width = side(half_x, target_width);
    placement.height = side(half_y, target_height);
    placement.x = (target_width - placement.width) / 2;
    placement.y = (target_height - placement.height) / 2;
  }

  const double stored_x = turn.xx * centre_x + turn.xy * centre_y + width / 2;
  const double stored_y = turn.yx * centre_x + turn.yy * centre_y + height / 2;
  const double stored_half_x = turn.swaps_axes() ? half_y : half_x;
  const double stored_half_y = turn.swaps_axes() ? half_x : half_y;
  placement.source = {
      std::max(0.0, stored_x - stored_half_x), std::max(0.0, stored_y - stored_half_y),
      std::min(width, stored_x + stored_half_x), std::min(height, stored_y + stored_half_y)};
  return placement;
}

int decode_denominator(const Placement& full_size, const Turn& turn) {
  const int width = turn.swaps_axes() ? full_size.height : full_size.width;
  const int height = turn.swaps_axes() ? full_size.width : full_size.height;
  const double spare = std::min((full_size.source.x1 - full_size.source.x0) / width,
                                (full_size.source.y1 - full_size.source.y0) / height);
  return spare >= 8 ? 8 : spare >= 4 ? 4 : spare >= 2 ? 2 : 1;
}

}  // namespace grocerd
