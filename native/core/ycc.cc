// Each plane is resized by its own two tables, row by row of the output; a row then becomes RGB,
// whole grey levels, and numbers in the tensor.
#include "ycc.h"

#include <algorithm>

#include "tensor_layout.h"

namespace grocerd {
namespace {

// The samples are read where they lie, and weights stand one tap after the other, so that the
// compiler makes vectors of all loops.
GROCERD_ALSO_AVX2 void add_row(const uint8_t* __restrict row, float weight, float* __restrict sum,
                               int count) {
  for (int i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(row[i]);
}

GROCERD_ALSO_AVX2 void add_tap(const float* __restrict sum, const int* __restrict first,
                               const float* __restrict weight, float* __restrict line, int count) {
  for (int i = 0; i < count; ++i) line[i] += weight[i] * sum[first[i]];
}

// One channel of a row: luma + a * cb + b * cr, as JFIF has it, to a whole level and a number.
GROCERD_ALSO_AVX2 void to_channel(const float* __restrict y, const float* __restrict cb,
                                  const float* __restrict cr, float a, float b, float factor,
                                  float offset, float* __restrict out, int count) {
  for (int i = 0; i < count; ++i) {
    const float level = y[i] + a * (cb[i] - 128.0f) + b * (cr[i] - 128.0f);
    // Clamped as whole numbers: comparing floats would keep the loop from being vectorised.
    const int grey = std::min(std::max(static_cast<int>(whole(level)), 0), 255);
    out[i] = static_cast<float>(grey) * factor + offset;
  }
}

// One plane on its way: its tables, and the row that is being made.
class Line {
 public:
  Line(const Plane& plane, const Target& target, Filter filter)
      : plane_(plane), size_(target.width), line_(static_cast<size_t>(target.width)) {
    const Region& source = target.placement.source;
    const double x = plane.shrunk_x, y = plane.shrunk_y;
    rows_ = plan_axis(source.y0 / y, source.y1 / y, plane.height, target.height, filter);
    const Axis columns = plan_axis(source.x0 / x, source.x1 / x, plane.width, target.width, filter);
    low_ = columns.low();
    sum_.resize(static_cast<size_t>(columns.high() - low_));
    for (int k = 0; k < columns.taps; ++k)
      for (int i = 0; i < size_; ++i) {
        first_.push_back(columns.first[i] + k - low_);
        weights_.push_back(columns.weights[static_cast<size_t>(i) * columns.taps + k]);
      }
  }

  float* make(int row) {
    std::fill(sum_.begin(), sum_.end(), 0.0f);
    for (int k = 0; k < rows_.taps; ++k) {
      const float weight = rows_.weights[static_cast<size_t>(row) * rows_.taps + k];
      if (weight == 0) continue;
      const uint8_t* from =
          plane_.samples + static_cast<size_t>(rows_.first[row] + k) * plane_.stride + low_;
      add_row(from, weight, sum_.data(), static_cast<int>(sum_.size()));
    }
    std::fill(line_.begin(), line_.end(), 0.0f);
    for (size_t tap = 0; tap < first_.size(); tap += static_cast<size_t>(size_))
      add_tap(sum_.data(), first_.data() + tap, weights_.data() + tap, line_.data(), size_);
    return line_.data();
  }

 private:
  const Plane& plane_;
  const int size_;
  int low_ = 0;
  Axis rows_;
  std::vector<int> first_;      // by tap, then by output pixel; counted from low_
  std::vector<float> weights_;  // likewise
  std::vector<float> sum_, line_;
};

}  // namespace

void preprocess(const YccPicture& picture, const Turn& turn, const Box& box, const InputSpec& spec,
                float* tensor) {
  const Target target = aim(picture.extent_width, picture.extent_height, turn, box, spec, tensor);
  std::vector<Line> lines;
  for (int p = 0; p < picture.count; ++p)
    lines.emplace_back(picture.planes[p], target, spec.filter);
  const size_t width = static_cast<size_t>(target.width);
  const std::vector<float> grey(width, 128.0f);
  std::vector<float> out(width);
  constexpr float kBlue[] = {0.0f, -0.344136f, 1.772f}, kRed[] = {1.402f, -0.714136f, 0.0f};

  for (int j = 0; j < target.height; ++j) {
    const float* line[3] = {lines[0].make(j), grey.data(), grey.data()};
    for (int p = 1; p < picture.count; ++p) line[p] = lines[p].make(j);
    for (int c = 0; c < 3; ++c) {
      const Normalise& normalise = target.normalise;
      to_channel(line[0], line[1], line[2], kBlue[c], kRed[c], normalise.factor[c],
                 normalise.offset[c], out.data(), target.width);
      float* to = tensor + target.strides.origin + j * target.strides.y + normalise.channel[c];
      for (int i = 0; i < target.width; ++i) to[i * target.strides.x] = out[i];
    }
  }
}

}  // namespace grocerd
