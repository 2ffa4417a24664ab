// Fuzzes a fit: sizes that lie, labels out of range, numbers that are none; what is let pass must end.
#include "../core/logistic.h"

#include <stdexcept>

#include "input.h"

using namespace grocerd;

namespace {

std::vector<float> floats(fuzz::Bytes* bytes, size_t most) {
  std::vector<float> values(bytes->ConsumeIntegralInRange<size_t>(0, most));
  for (float& value : values) value = bytes->ConsumeFloatingPoint<float>();
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Bytes bytes(data, size);
  LogisticProblem problem;
  problem.dims = bytes.ConsumeIntegralInRange<size_t>(0, 4);
  problem.classes = bytes.ConsumeIntegralInRange<size_t>(0, 4);
  problem.labels.resize(bytes.ConsumeIntegralInRange<size_t>(0, 6));
  for (int32_t& label : problem.labels) label = bytes.ConsumeIntegralInRange(-1, 4);
  problem.features = floats(&bytes, 24);
  if (bytes.ConsumeBool()) problem.features.resize(problem.rows() * problem.dims, 0.5f);
  if (bytes.ConsumeBool()) problem.row_weights = floats(&bytes, 6);
  problem.l2 = bytes.ConsumeFloatingPoint<double>();
  if (bytes.ConsumeBool()) problem.frozen = {floats(&bytes, 12), floats(&bytes, 3)};
  if (bytes.ConsumeBool()) problem.start = {floats(&bytes, 16), floats(&bytes, 4)};
  problem.max_iterations = bytes.ConsumeIntegralInRange(-1, 30);
  problem.threads = bytes.ConsumeIntegralInRange(0, 2);
  const std::atomic<bool> cancelled{false};
  try {
    require_valid(problem);
    fit_logistic(std::move(problem), cancelled);
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
