// The bound: with x = x' + e, y = y' + f (copies and what they miss), x.y = x'.y' + x'.f + e.y, so it
// differs from x'.y' by at most |x'||f| + |e||y|.
#include "nearest.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>

#include "tensor_layout.h"

namespace grocerd {
namespace {

constexpr size_t kStep = 32;

// Products of 8-bit numbers, two at a time in 16 bits: 127 * 127 * 2^17 still fits into 32.
GROCERD_ALSO_AVX2 void products(const int8_t* __restrict rows, const int8_t* __restrict query,
                                size_t count, size_t dims, int32_t* __restrict out) {
  for (size_t row = 0; row < count; ++row) {
    const int8_t* at = rows + row * dims;
    int32_t sum = 0;
    for (size_t d = 0; d < dims; ++d)
      sum += static_cast<int16_t>(at[d]) * static_cast<int16_t>(query[d]);
    out[row] = sum;
  }
}

double exact(const float* a, const float* b, size_t dims) {
  double sum = 0;
  for (size_t d = 0; d < dims; ++d) sum += static_cast<double>(a[d]) * b[d];
  return sum;
}

}  // namespace

NearestRows::NearestRows(std::vector<float> rows, size_t dims)
    : rows_(std::move(rows)), dims_(dims), padded_((dims + kStep - 1) / kStep * kStep) {
  if (dims == 0 || dims > (1 << 16) || rows_.size() % dims != 0)
    throw std::invalid_argument("Expected rows of 1 to 65536 numbers but received " +
                                std::to_string(rows_.size()) + " for rows of " +
                                std::to_string(dims));
  for (const float value : rows_)
    if (!std::isfinite(value)) throw std::invalid_argument("Expected rows of finite numbers");
  const size_t count = rows_.size() / dims;
  small_.resize(count * padded_);
  steps_.resize(count);
  errors_.resize(count);
  lengths_.resize(count);
  for (size_t row = 0; row < count; ++row)
    quantise(&rows_[row * dims], &small_[row * padded_], &steps_[row], &errors_[row],
             &lengths_[row]);
}

void NearestRows::quantise(const float* values, int8_t* to, float* step, float* error,
                           float* length) const {
  float most = 0;
  for (size_t d = 0; d < dims_; ++d) most = std::max(most, std::abs(values[d]));
  *step = most / 127;
  double missed = 0, whole = 0;
  for (size_t d = 0; d < dims_; ++d) {
    to[d] = most > 0 ? static_cast<int8_t>(std::lround(values[d] / *step)) : int8_t{0};
    const double difference = static_cast<double>(values[d]) - static_cast<double>(*step) * to[d];
    missed += difference * difference;
    whole += static_cast<double>(values[d]) * values[d];
  }
  *error = static_cast<float>(std::sqrt(missed));
  *length = static_cast<float>(std::sqrt(whole));
}

const std::vector<Neighbour>& NearestRows::search(const float* query, size_t most) {
  found_.clear();
  const size_t rows = count(), wanted = std::min(most, rows);
  for (size_t d = 0; d < dims_; ++d)
    if (!std::isfinite(query[d])) return found_;
  if (wanted == 0) return found_;
  query_.assign(padded_, 0);
  float step = 0, error = 0, length = 0;
  quantise(query, query_.data(), &step, &error, &length);

  scores_.resize(rows);
  slack_.resize(rows);
  sorted_.resize(rows);
  products_.resize(rows);
  products(small_.data(), query_.data(), rows, padded_, products_.data());
  // What floats lose in these sums is far below a hundredth more.
  const float copy = (length + error) * 1.01f, missed = error * 1.01f;
  for (size_t row = 0; row < rows; ++row) {
    scores_[row] = static_cast<float>(products_[row]) * steps_[row] * step;
    slack_[row] = copy * errors_[row] + missed * lengths_[row] + 1e-6f;
    sorted_[row] = scores_[row] - slack_[row];
  }
  // So many rows are certainly at least this good: what cannot reach it is not among them.
  std::nth_element(sorted_.begin(), sorted_.begin() + static_cast<long>(wanted - 1), sorted_.end(),
                   std::greater<float>());
  const float floor = sorted_[wanted - 1];
  for (size_t row = 0; row < rows; ++row)
    if (scores_[row] + slack_[row] >= floor)
      found_.push_back({static_cast<int32_t>(row),
                        static_cast<float>(exact(query, &rows_[row * dims_], dims_))});
  const auto better = [](const Neighbour& a, const Neighbour& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  };
  std::sort(found_.begin(), found_.end(), better);
  found_.resize(wanted);
  return found_;
}

}  // namespace grocerd
