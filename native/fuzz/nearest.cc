// Fuzzes the search of the nearest rows: sizes that lie and any numbers; what is found must be what comparing all would find.
#include "../core/nearest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "input.h"

using namespace grocerd;

namespace {

float number(fuzz::Bytes* bytes) {
  if (bytes->ConsumeIntegral<uint8_t>() == 0) return bytes->ConsumeFloatingPoint<float>();
  return bytes->ConsumeFloatingPointInRange(-1.0f, 1.0f);
}

double product(const float* a, const float* b, size_t dims) {
  double sum = 0;
  for (size_t i = 0; i < dims; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Bytes bytes(data, size);
  const size_t dims = bytes.ConsumeIntegralInRange<size_t>(0, 40);
  const size_t most = bytes.ConsumeIntegralInRange<size_t>(0, 12);
  std::vector<float> query(dims), rows(bytes.ConsumeIntegralInRange<size_t>(0, 10) * dims);
  if (bytes.ConsumeIntegral<uint8_t>() == 0) rows.resize(rows.size() + 1);
  for (float& value : query) value = number(&bytes);
  for (float& value : rows) value = number(&bytes);
  try {
    NearestRows nearest(rows, dims);
    const std::vector<Neighbour>& found = nearest.search(query.data(), most);
    if (found.size() > std::min(most, nearest.count())) std::abort();
    const bool tame = std::all_of(rows.begin(), rows.end(), [](float v) { return std::abs(v) <= 1; }) &&
                      std::all_of(query.begin(), query.end(), [](float v) { return std::abs(v) <= 1; });
    double worst = INFINITY;
    for (const Neighbour& one : found) {
      if (one.row < 0 || static_cast<size_t>(one.row) >= nearest.count()) std::abort();
      worst = product(rows.data() + one.row * dims, query.data(), dims);
    }
    // No row that was left out is nearer, beyond the rounding of floats.
    for (size_t row = 0; tame && !found.empty() && row < nearest.count(); ++row) {
      const bool taken = std::any_of(found.begin(), found.end(), [row](const Neighbour& one) {
        return static_cast<size_t>(one.row) == row;
      });
      if (!taken && product(rows.data() + row * dims, query.data(), dims) > worst + 1e-4) std::abort();
    }
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
