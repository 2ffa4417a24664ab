// The two dense products that a linear head spends its time on, for the widest vectors of this CPU.
// No general matrix library: both matrices lie row by row and sides are padded to what a tile takes.
#pragma once

#include <cstddef>

namespace grocerd {

// A side of `dims` is a multiple of kDimsStep and a side of `rows` one of kRowsStep; what pads them
// is zero.
constexpr size_t kDimsStep = 32, kRowsStep = 12;

inline size_t padded(size_t count, size_t step) { return (count + step - 1) / step * step; }

struct DenseKernels {
  // out[r * stride + c] = the dot product of row r of `a` and row c of `b`, both `dims` long.
  void (*products)(const float* a, size_t rows, const float* b, size_t classes, size_t dims,
                   float* out, size_t stride);
  // sums[c * dims + d] += over all rows r: p[r * stride + c] * a[r * dims + d]. One call adds in
  // float; the sum over many calls is kept in double.
  void (*add_outer)(const float* a, size_t rows, const float* p, size_t stride, size_t classes,
                    size_t dims, double* sums);
};

// For vectors of `widest` bytes at most; fewer where this CPU has no such vectors.
const DenseKernels& dense_kernels(size_t widest = 64);

}  // namespace grocerd
