// Where the pixels of a resized picture go in the input tensor, and what is done to them there;
// shared by all kinds of pictures. It reads no pixel.
#pragma once

#include <cstddef>

#include "geometry.h"
#include "preprocess.h"

// The loops over pixels, once more for CPUs with AVX2: the same operations in the same order, so
// the same numbers. The loader's choice between the two cannot run under the sanitizers.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && \
    !defined(__SANITIZE_ADDRESS__)
#define GROCERD_ALSO_AVX2 __attribute__((target_clones("avx2", "default")))
#else
#define GROCERD_ALSO_AVX2
#endif

namespace grocerd {

// Where output pixel (i, j) of the stored orientation goes in an upright buffer of interleaved or
// planar channels. A turn is a change of origin and strides.
struct Strides {
  std::ptrdiff_t origin, x, y;
};

Strides turned(const Turn& turn, std::ptrdiff_t origin, std::ptrdiff_t step_u,
               std::ptrdiff_t step_v, int width, int height);

// (pixel - mean) / scale as one multiply and add a channel, indexed by R, G, B.
struct Normalise {
  float factor[3], offset[3];
  std::ptrdiff_t channel[3];  // where R, G and B stand in the tensor
};

struct Target {
  Placement placement;
  int width, height;  // of the placement, in the stored orientation
  Normalise normalise;
  Strides strides;
};

// Says where a picture of this extent lands, and fills the letterbox bars of `tensor`.
Target aim(double extent_width, double extent_height, const Turn& turn, const Box& box,
           const InputSpec& spec, float* tensor);

// To whole grey levels, halves to even, as every pipeline on 8-bit pictures does (OpenCV, Pillow,
// and so the training): an INT8 model turns a third of a level into another answer on 4 % of
// photographs. Adding and taking 1.5 * 2^23 rounds a float below 2^22 and vectorises where a call
// to nearbyint does not.
inline float whole(float level) {
  constexpr float kRounder = 12582912.0f;
  return (level + kRounder) - kRounder;
}

}  // namespace grocerd
