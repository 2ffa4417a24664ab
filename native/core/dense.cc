// One template of each product, compiled for vectors of 16 bytes (SSE2, NEON), 32 (AVX2) and 64
// (AVX-512). A tile's sums stay in registers: 12 where there are 16 of them, 24 where there are 32.
#include "dense.h"

#include <cstring>

#define GROCERD_INLINE inline __attribute__((always_inline))

namespace grocerd {
namespace {

template <size_t Bytes>
struct Vector {
  typedef float type __attribute__((vector_size(Bytes)));
  static constexpr size_t kLanes = Bytes / sizeof(float);
};

// Through memcpy, since rows are aligned for floats only; it becomes one load.
template <typename V>
GROCERD_INLINE void load(const float* from, V* to) {
  std::memcpy(to, from, sizeof(V));
}

template <typename V>
GROCERD_INLINE float sum_of(const V& lanes) {
  float sum = 0;
  for (size_t i = 0; i < sizeof(V) / sizeof(float); ++i) sum += lanes[i];
  return sum;
}

template <size_t Bytes, size_t Rows, size_t Classes>
GROCERD_INLINE void product_tile(const float* a, const float* b, size_t dims, float* out,
                                 size_t stride) {
  using V = typename Vector<Bytes>::type;
  V sums[Rows][Classes] = {};
  for (size_t d = 0; d < dims; d += Vector<Bytes>::kLanes) {
    V left[Rows];
#pragma GCC unroll 12
    for (size_t r = 0; r < Rows; ++r) load(a + r * dims + d, &left[r]);
#pragma GCC unroll 12
    for (size_t c = 0; c < Classes; ++c) {
      V right;
      load(b + c * dims + d, &right);
#pragma GCC unroll 12
      for (size_t r = 0; r < Rows; ++r) sums[r][c] += left[r] * right;
    }
  }
#pragma GCC unroll 12
  for (size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 12
    for (size_t c = 0; c < Classes; ++c) out[r * stride + c] = sum_of(sums[r][c]);
}

// Classes in steps of `Classes`, the rest in the widest smaller steps. Rows of `b` stay near, rows
// of `a` pass by.
template <size_t Bytes, size_t Rows, size_t Classes>
GROCERD_INLINE void products_of(const float* a, size_t rows, const float* b, size_t classes,
                                size_t dims, float* out, size_t stride) {
  size_t c = 0;
  for (; c + Classes <= classes; c += Classes)
    for (size_t r = 0; r < rows; r += Rows)
      product_tile<Bytes, Rows, Classes>(a + r * dims, b + c * dims, dims, out + r * stride + c,
                                         stride);
  if constexpr (Classes > 1) {
    if (c < classes)
      products_of<Bytes, Rows, Classes / 2>(a, rows, b + c * dims, classes - c, dims, out + c,
                                            stride);
  }
}

template <size_t Bytes, size_t Classes>
GROCERD_INLINE void outer_tile(const float* a, size_t rows, const float* p, size_t stride,
                               size_t dims, double* sums) {
  using V = typename Vector<Bytes>::type;
  constexpr size_t kLanes = Vector<Bytes>::kLanes;
  V tile[Classes][2] = {};
  for (size_t r = 0; r < rows; ++r) {
    V first, second;
    load(a + r * dims, &first);
    load(a + r * dims + kLanes, &second);
#pragma GCC unroll 12
    for (size_t c = 0; c < Classes; ++c) {
      tile[c][0] += first * p[r * stride + c];
      tile[c][1] += second * p[r * stride + c];
    }
  }
#pragma GCC unroll 12
  for (size_t c = 0; c < Classes; ++c)
    for (size_t half = 0; half < 2; ++half)
      for (size_t i = 0; i < kLanes; ++i) sums[c * dims + half * kLanes + i] += tile[c][half][i];
}

template <size_t Bytes, size_t Classes>
GROCERD_INLINE void outers_of(const float* a, size_t rows, const float* p, size_t stride,
                              size_t classes, size_t dims, double* sums) {
  size_t c = 0;
  for (; c + Classes <= classes; c += Classes)
    for (size_t d = 0; d < dims; d += 2 * Vector<Bytes>::kLanes)
      outer_tile<Bytes, Classes>(a + d, rows, p + c, stride, dims, sums + c * dims + d);
  if constexpr (Classes > 1) {
    if (c < classes)
      outers_of<Bytes, Classes / 2>(a, rows, p + c, stride, classes - c, dims, sums + c * dims);
  }
}

#define GROCERD_KERNELS(name, target, bytes, rows, classes, outer)                             \
  target void products_##name(const float* a, size_t n, const float* b, size_t k, size_t dims, \
                              float* out, size_t stride) {                                     \
    products_of<bytes, rows, classes>(a, n, b, k, dims, out, stride);                          \
  }                                                                                            \
  target void outers_##name(const float* a, size_t n, const float* p, size_t stride, size_t k, \
                            size_t dims, double* sums) {                                       \
    outers_of<bytes, outer>(a, n, p, stride, k, dims, sums);                                   \
  }                                                                                            \
  constexpr DenseKernels k_##name{products_##name, outers_##name};

#if defined(__x86_64__)
GROCERD_KERNELS(avx512, __attribute__((target("avx512f"))), 64, 4, 6, 12)
GROCERD_KERNELS(avx2, __attribute__((target("avx2,fma"))), 32, 3, 4, 6)
GROCERD_KERNELS(sse2, , 16, 3, 4, 6)
#else
GROCERD_KERNELS(plain, , 16, 4, 6, 12)
#endif

}  // namespace

const DenseKernels& dense_kernels(size_t widest) {
#if defined(__x86_64__)
  if (widest >= 64 && __builtin_cpu_supports("avx512f")) return k_avx512;
  if (widest >= 32 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return k_avx2;
  return k_sse2;
#else
  static_cast<void>(widest);
  return k_plain;
#endif
}

}  // namespace grocerd
