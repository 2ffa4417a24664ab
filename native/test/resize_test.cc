// Crop, resize, turn and fit against a slow reference in doubles that shares no code with them.
#include <algorithm>
#include <cmath>
#include <random>

#include "../core/preprocess.h"
#include "check.h"

using namespace grocerd;

namespace {

std::mt19937 random_source(7);

std::vector<uint8_t> noise(int width, int height) {
  std::vector<uint8_t> pixels(static_cast<size_t>(width) * height * 3);
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random_source());
  return pixels;
}

Picture picture_of(const std::vector<uint8_t>& pixels, int width, int height) {
  return {pixels.data(), width, height, static_cast<double>(width), static_cast<double>(height)};
}

// Average of [from, to) of a line of samples by exact area.
double area(const std::vector<double>& line, double from, double to) {
  double sum = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const double covered = std::min(to, i + 1.0) - std::max(from, static_cast<double>(i));
    if (covered > 0) sum += covered * line[i];
  }
  return sum / (to - from);
}

double linear(const std::vector<double>& line, double at, double low, double high) {
  const double clamped = std::clamp(at, low, high);
  const size_t i = static_cast<size_t>(clamped);
  const size_t next = std::min(i + 1, line.size() - 1);
  return line[i] + (line[next] - line[i]) * (clamped - static_cast<double>(i));
}

std::vector<double> resample(const std::vector<double>& line, double from, double to, int size,
                             bool by_area) {
  std::vector<double> result;
  const double scale = (to - from) / size;
  for (int i = 0; i < size; ++i)
    result.push_back(by_area && scale > 1 ? area(line, from + i * scale, from + (i + 1) * scale)
                                          : linear(line, from + (i + 0.5) * scale - 0.5,
                                                   std::floor(from), std::ceil(to) - 1));
  return result;
}

// An upright picture of one channel, resampled along x and then along y.
std::vector<std::vector<double>> reference(const std::vector<std::vector<double>>& rows, double x0,
                                           double y0, double x1, double y1, int width, int height,
                                           bool by_area) {
  std::vector<std::vector<double>> wide;
  for (const auto& row : rows) wide.push_back(resample(row, x0, x1, width, by_area));
  std::vector<std::vector<double>> result(height, std::vector<double>(width));
  for (int x = 0; x < width; ++x) {
    std::vector<double> column;
    for (const auto& row : wide) column.push_back(row[x]);
    const auto shrunk = resample(column, y0, y1, height, by_area);
    for (int y = 0; y < height; ++y) result[y][x] = shrunk[y];
  }
  return result;
}

// The pixel of an upright picture, straight from the EXIF standard's table of what row and column 0
// are.
uint8_t upright_pixel(const std::vector<uint8_t>& stored, int width, int height, int exif, int u,
                      int v, int c) {
  int x = u, y = v;
  if (exif == 2) x = width - 1 - u;
  if (exif == 3) x = width - 1 - u, y = height - 1 - v;
  if (exif == 4) y = height - 1 - v;
  if (exif == 5) x = v, y = u;
  if (exif == 6) x = v, y = height - 1 - u;
  if (exif == 7) x = width - 1 - v, y = height - 1 - u;
  if (exif == 8) x = width - 1 - v, y = u;
  return stored[(static_cast<size_t>(y) * width + x) * 3 + c];
}

void compare(int width, int height, int exif, const Box& box, InputSpec spec) {
  const auto pixels = noise(width, height);
  std::vector<float> tensor(spec.elements(), NAN);
  preprocess(picture_of(pixels, width, height), turn_of(exif, 0), box, spec, tensor.data());

  const bool swapped = exif > 4;
  const int upright_width = swapped ? height : width, upright_height = swapped ? width : height;
  double x0 = box.x0 * upright_width, x1 = box.x1 * upright_width;
  double y0 = box.y0 * upright_height, y1 = box.y1 * upright_height;
  int left = 0, top = 0, out_width = spec.width, out_height = spec.height;
  if (spec.fit == Fit::kCrop) {
    const double scale = std::max(spec.width / (x1 - x0), spec.height / (y1 - y0));
    const double cut_x = ((x1 - x0) - spec.width / scale) / 2,
                 cut_y = ((y1 - y0) - spec.height / scale) / 2;
    x0 += cut_x, x1 -= cut_x, y0 += cut_y, y1 -= cut_y;
  }
  if (spec.fit == Fit::kLetterbox) {
    const double scale = std::min(spec.width / (x1 - x0), spec.height / (y1 - y0));
    out_width = std::max(1, static_cast<int>(std::lround((x1 - x0) * scale)));
    out_height = std::max(1, static_cast<int>(std::lround((y1 - y0) * scale)));
    left = (spec.width - out_width) / 2, top = (spec.height - out_height) / 2;
  }
  for (int c = 0; c < 3; ++c) {
    std::vector<std::vector<double>> rows(upright_height, std::vector<double>(upright_width));
    for (int v = 0; v < upright_height; ++v)
      for (int u = 0; u < upright_width; ++u)
        rows[v][u] = upright_pixel(pixels, width, height, exif, u, v, c);
    const auto expected =
        reference(rows, x0, y0, x1, y1, out_width, out_height, spec.filter == Filter::kArea);
    const int place = spec.bgr ? 2 - c : c;
    for (int y = 0; y < spec.height; ++y)
      for (int x = 0; x < spec.width; ++x) {
        const size_t at = spec.nhwc
                              ? (static_cast<size_t>(y) * spec.width + x) * 3 + place
                              : (static_cast<size_t>(place) * spec.height + y) * spec.width + x;
        const bool inside = x >= left && x < left + out_width && y >= top && y < top + out_height;
        const double pixel = inside ? expected[y - top][x - left] : kLetterboxGrey;
        const double level = tensor[at] * spec.scale[place] + spec.mean[place];
        CHECK(std::abs(level - pixel) < 0.5 + 1e-3);
        CHECK(std::abs(level - std::round(level)) < 1e-4);
      }
  }
}

InputSpec spec_of(int width, int height, Fit fit = Fit::kFill, Filter filter = Filter::kArea) {
  InputSpec spec;
  spec.width = width;
  spec.height = height;
  spec.fit = fit;
  spec.filter = filter;
  spec.mean = {10, 20, 30};
  spec.scale = {2, 4, 8};
  return spec;
}

}  // namespace

TEST("resizes as the reference for every size, filter, fit, layout and colour order") {
  for (const auto& [width, height] : {std::pair{37, 23}, {8, 8}, {5, 40}, {1, 1}, {64, 3}})
    for (const Filter filter : {Filter::kArea, Filter::kBilinear})
      for (const Fit fit : {Fit::kFill, Fit::kCrop, Fit::kLetterbox})
        for (const bool other : {false, true}) {
          InputSpec spec = spec_of(11, 7, fit, filter);
          spec.nhwc = other;
          spec.bgr = other;
          compare(width, height, 1, {}, spec);
        }
}

TEST("turns by every EXIF value before the box is cut") {
  for (int exif = 1; exif <= 8; ++exif)
    for (const Fit fit : {Fit::kFill, Fit::kCrop, Fit::kLetterbox}) {
      compare(31, 20, exif, {}, spec_of(9, 14, fit));
      compare(31, 20, exif, {0.1, 0.25, 0.9, 0.6}, spec_of(9, 14, fit));
      compare(31, 20, exif, {0.5, 0.5, 0.55, 0.53}, spec_of(9, 14, fit));
    }
}

TEST("keeps pixels exactly when nothing is scaled") {
  InputSpec spec = spec_of(12, 9);
  spec.mean = {0, 0, 0};
  spec.scale = {1, 1, 1};
  spec.nhwc = true;
  const auto pixels = noise(12, 9);
  std::vector<float> tensor(spec.elements());
  preprocess(picture_of(pixels, 12, 9), {}, {}, spec, tensor.data());
  for (size_t i = 0; i < pixels.size(); ++i) CHECK(tensor[i] == static_cast<float>(pixels[i]));
}

TEST("makes a picture upright as the EXIF table says") {
  const auto pixels = noise(5, 3);
  for (int exif = 1; exif <= 8; ++exif) {
    std::vector<uint8_t> upright(pixels.size());
    make_upright(picture_of(pixels, 5, 3), turn_of(exif, 0), upright.data());
    const int width = exif > 4 ? 3 : 5;
    for (int v = 0; v < (exif > 4 ? 5 : 3); ++v)
      for (int u = 0; u < width; ++u)
        for (int c = 0; c < 3; ++c)
          CHECK(upright[(v * width + u) * 3 + c] == upright_pixel(pixels, 5, 3, exif, u, v, c));
  }
}

TEST("adds a camera's turn after the EXIF one") {
  const auto pixels = noise(5, 3);
  const int same_as[] = {1, 6, 3, 8};  // EXIF values of 0, 90, 180 and 270 degrees clockwise
  for (int quarter = 0; quarter < 4; ++quarter) {
    std::vector<uint8_t> by_camera(pixels.size()), by_exif(pixels.size());
    make_upright(picture_of(pixels, 5, 3), turn_of(1, quarter * 90), by_camera.data());
    make_upright(picture_of(pixels, 5, 3), turn_of(same_as[quarter], 0), by_exif.data());
    CHECK(by_camera == by_exif);
  }
  // Mirrored, then a quarter turn: first row of the result is the stored left column, bottom up,
  // mirrored.
  std::vector<uint8_t> upright(pixels.size());
  make_upright(picture_of(pixels, 5, 3), turn_of(2, 90), upright.data());
  CHECK(upright[0] == pixels[(2 * 5 + 4) * 3]);
}

TEST("shrinks by DCT only as far as the model's input allows") {
  const auto denominator = [](double width, double height, const Box& box, Fit fit) {
    const Placement placement = place(width, height, {}, box, fit, 224, 224);
    return decode_denominator(placement, {});
  };
  CHECK(denominator(348, 348, {}, Fit::kFill) == 1);
  CHECK(denominator(448, 448, {}, Fit::kFill) == 2);
  CHECK(denominator(1920, 1080, {}, Fit::kFill) == 4);
  CHECK(denominator(1920, 1080, {}, Fit::kCrop) == 4);
  CHECK(denominator(1920, 1080, {}, Fit::kLetterbox) == 8);
  CHECK(denominator(1920, 1080, {0.4, 0.4, 0.5, 0.6}, Fit::kFill) == 1);
  CHECK(denominator(8000, 8000, {}, Fit::kFill) == 8);
}
