// Outputs of every element type come back as floats.
#include "../core/element.h"
#include "check.h"

using namespace grocerd;

TEST("reads halves, integers and refuses strings") {
  const uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x8000};
  const auto floats = to_float("f16", halves, 5);
  CHECK(floats[0] == 1 && floats[1] == -2 && floats[2] == 0x1p-24f && floats[3] == 65504 &&
        floats[4] == 0);
  const int64_t integers[] = {-5, 1LL << 40};
  CHECK(to_float("i64", integers, 2)[1] == 0x1p40f);
  CHECK_CODE("INFERENCE_FAILED", to_float("string", nullptr, 0));
}
