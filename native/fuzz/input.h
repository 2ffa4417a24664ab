// What a fuzz target makes of its bytes: numbers from the end, the rest as they are. Reads zeros where there are no more.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <vector>

#include "../core/failure.h"
#include "../core/preprocess.h"

namespace fuzz {

using Bytes = FuzzedDataProvider;

// What convert.cc lets pass, in small: a fraction of a box, edges in order.
inline grocerd::Box box_of(Bytes* bytes) {
  const double x0 = bytes->ConsumeProbability<double>(), y0 = bytes->ConsumeProbability<double>();
  const double x1 = bytes->ConsumeProbability<double>(), y1 = bytes->ConsumeProbability<double>();
  if (!(x0 < x1) || !(y0 < y1)) return {};
  return {x0, y0, x1, y1};
}

inline grocerd::InputSpec spec_of(Bytes* bytes) {
  grocerd::InputSpec spec;
  spec.width = bytes->ConsumeIntegralInRange(1, 64);
  spec.height = bytes->ConsumeIntegralInRange(1, 64);
  spec.bgr = bytes->ConsumeBool();
  spec.nhwc = bytes->ConsumeBool();
  spec.scale.fill(bytes->ConsumeFloatingPointInRange(0.01f, 300.0f));
  spec.fit = bytes->PickValueInArray(
      {grocerd::Fit::kFill, grocerd::Fit::kCrop, grocerd::Fit::kLetterbox});
  spec.filter = bytes->ConsumeBool() ? grocerd::Filter::kArea : grocerd::Filter::kBilinear;
  return spec;
}

inline int rotation_of(Bytes* bytes) { return bytes->PickValueInArray({0, 90, 180, 270}); }

// Runs `work`; a coded failure is an answer, everything else is a finding.
template <typename Work>
void answered(Work&& work) {
  try {
    work();
  } catch (const grocerd::Failure&) {
  }
}

}  // namespace fuzz
