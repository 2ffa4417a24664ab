// Which part of a stored picture lands where in a model's input: rotation, crop box and fit.
// Arithmetic only; no pixel is touched here.
#pragma once

namespace grocerd {

// Takes coordinates of the upright picture to the stored one. Both are centred (the middle is 0,0),
// so a turn or mirror is a signed permutation: sx = xx*u + xy*v, sy = yx*u + yy*v.
struct Turn {
  int xx = 1, xy = 0, yx = 0, yy = 1;

  bool swaps_axes() const { return xx == 0; }
};

// `exif` 1 to 8; `clockwise` 0, 90, 180 or 270, applied to the picture after EXIF made it upright.
Turn turn_of(int exif, int clockwise);

struct Box {
  double x0 = 0, y0 = 0, x1 = 1, y1 = 1;  // 0..1 of the upright picture
};

enum class Fit { kFill, kCrop, kLetterbox };

// Letterbox bars are this grey, before mean and scale.
constexpr float kLetterboxGrey = 114;

struct Region {
  double x0, y0, x1, y1;  // stored pixels, edges, fractional
};

struct Placement {
  Region source;            // in the stored picture
  int x, y, width, height;  // where it lands in the upright input; the rest is letterbox grey
};

// `width`, `height`: the extent of the stored picture in pixels (fractional after a scaled decode).
Placement place(double width, double height, const Turn& turn, const Box& box, Fit fit,
                int target_width, int target_height);

// The smallest 1/1, 1/2, 1/4 or 1/8 (its denominator) at which decoding still gives at least as
// many pixels as the placement needs in both directions.
int decode_denominator(const Placement& full_size, const Turn& turn);

}  // namespace grocerd
