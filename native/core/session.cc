// The checks that every runtime shares.
#include "session.h"

#include "failure.h"

namespace grocerd {

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t side : shape)
    text += (text.empty() ? "" : "x") + (side < 0 ? std::string("?") : std::to_string(side));
  return text.empty() ? "scalar" : text;
}

void require_input(const std::vector<TensorInfo>& inputs, const std::vector<int64_t>& expected) {
  if (inputs.size() != 1)
    throw Failure("MODEL_SHAPE_MISMATCH",
                  "Expected a model with 1 input but it has " + std::to_string(inputs.size()));
  const TensorInfo& input = inputs.front();
  if (input.type != "f32")
    throw Failure("MODEL_SHAPE_MISMATCH",
                  "Expected model input '" + input.name + "' of type f32 but it is " + input.type);
  bool fits = input.shape.size() == expected.size();
  for (size_t i = 0; fits && i < expected.size(); ++i)
    fits = input.shape[i] < 0 || input.shape[i] == expected[i];
  if (!fits)
    throw Failure("MODEL_SHAPE_MISMATCH",
                  "Expected model input '" + input.name + "' of shape " + shape_text(expected) +
                      " (from input.width, height and layout) but the model has " +
                      shape_text(input.shape));
}

}  // namespace grocerd
