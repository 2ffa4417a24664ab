// Exact search of the nearest among many unit vectors: a first pass over 8-bit copies with a proven
// bound leaves few rows, and these are compared as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grocerd {

struct Neighbour {
  int32_t row;
  float score;  // the inner product, of the rows as they were given
};

class NearestRows {
 public:
  // `rows`: count x dims, row by row. Throws std::invalid_argument where that does not fit, or a
  // number is not finite.
  NearestRows(std::vector<float> rows, size_t dims);

  size_t dims() const { return dims_; }
  size_t count() const { return errors_.size(); }

  // The `most` rows with the largest inner product, best first; of equal ones the earlier row. May
  // be called by one thread at a time. `query` has dims values, all finite, else nothing is found.
  const std::vector<Neighbour>& search(const float* query, size_t most);

 private:
  void quantise(const float* values, int8_t* to, float* step, float* error, float* length) const;

  const std::vector<float> rows_;
  const size_t dims_, padded_;
  std::vector<int8_t> small_;                    // count x padded_, what pads is 0
  std::vector<float> steps_, errors_, lengths_;  // by row: one grey of small_, |row - copy|, |row|
  std::vector<int8_t> query_;
  std::vector<int32_t> products_;
  std::vector<float> scores_, slack_, sorted_;
  std::vector<Neighbour> found_;
};

}  // namespace grocerd
