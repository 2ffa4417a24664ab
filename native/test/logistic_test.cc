// The kernels against plain loops, and fits against what must hold at an optimum.
#include "../core/logistic.h"

#include <cmath>
#include <random>
#include <string>

#include "../core/dense.h"
#include "check.h"

using namespace grocerd;

namespace {

const std::atomic<bool> kGoOn{false}, kCancelled{true};

std::vector<float> noise(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

LogisticProblem problem_of(size_t rows, size_t dims, size_t classes) {
  LogisticProblem problem;
  problem.features = noise(rows * dims, 1);
  problem.dims = dims;
  problem.classes = classes;
  for (size_t i = 0; i < rows; ++i) problem.labels.push_back(static_cast<int32_t>(i % classes));
  problem.l2 = 0.01;
  return problem;
}

// The largest component of the loss's gradient at `head`, by plain loops in double.
double slope_at(const LogisticProblem& problem, const LinearHead& head) {
  const size_t dims = problem.dims, classes = problem.classes;
  std::vector<double> weights(classes * dims), bias(classes);
  for (size_t i = 0; i < problem.rows(); ++i) {
    const float* row = &problem.features[i * dims];
    std::vector<double> powers(classes);
    double sum = 0;
    for (size_t c = 0; c < classes; ++c) {
      double logit = head.bias[c];
      for (size_t d = 0; d < dims; ++d)
        logit += static_cast<double>(row[d]) * head.weights[c * dims + d];
      sum += powers[c] = std::exp(logit);
    }
    for (size_t c = 0; c < classes; ++c) {
      const bool truth = static_cast<size_t>(problem.labels[i]) == c;
      const double slope = (powers[c] / sum - truth) / static_cast<double>(problem.rows());
      bias[c] += slope;
      for (size_t d = 0; d < dims; ++d) weights[c * dims + d] += slope * row[d];
    }
  }
  double most = 0;
  for (size_t c = problem.frozen.bias.size(); c < classes; ++c) {
    most = std::max(most, std::abs(bias[c]));
    for (size_t d = 0; d < dims; ++d) {
      const double slope = weights[c * dims + d] + problem.l2 * head.weights[c * dims + d];
      most = std::max(most, std::abs(slope));
    }
  }
  return most;
}

std::string refusal_of(void (*spoil)(LogisticProblem*)) {
  LogisticProblem problem = problem_of(10, 4, 3);
  spoil(&problem);
  try {
    require_valid(problem);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST("kernels of every width give what plain loops give, for every number of classes") {
  constexpr size_t kRows = 2 * kRowsStep, kDims = 2 * kDimsStep;
  const auto a = noise(kRows * kDims, 2);
  for (const size_t widest : {16, 32, 64}) {
    const DenseKernels& kernels = dense_kernels(widest);
    for (size_t classes = 1; classes <= 25; ++classes) {
      const size_t stride = classes + 1;
      const auto b = noise(classes * kDims, 3), p = noise(kRows * stride, 4);
      std::vector<float> out(kRows * stride, 7);
      std::vector<double> sums(classes * kDims, 1);
      kernels.products(a.data(), kRows, b.data(), classes, kDims, out.data(), stride);
      kernels.add_outer(a.data(), kRows, p.data(), stride, classes, kDims, sums.data());
      for (size_t c = 0; c < classes; ++c) {
        for (size_t r = 0; r < kRows; ++r) {
          double product = 0;
          for (size_t d = 0; d < kDims; ++d) product += a[r * kDims + d] * b[c * kDims + d];
          CHECK(std::abs(out[r * stride + c] - product) < 1e-4);
          CHECK(out[r * stride + classes] == 7);  // what lies beside is left alone
        }
        for (size_t d = 0; d < kDims; ++d) {
          double sum = 1;
          for (size_t r = 0; r < kRows; ++r) sum += p[r * stride + c] * a[r * kDims + d];
          CHECK(std::abs(sums[c * kDims + d] - sum) < 1e-4);
        }
      }
    }
  }
}

TEST("a fit ends where the slope is 0, for any number of threads and awkward sizes") {
  for (const int threads : {1, 3}) {
    LogisticProblem problem = problem_of(1501, 37, 7);
    problem.threads = threads;
    const LogisticFit fit = fit_logistic(problem, kGoOn);
    CHECK(fit.iterations > 3 && fit.head.bias.size() == 7 && fit.head.weights.size() == 7 * 37);
    CHECK(slope_at(problem, fit.head) < 2e-5);
  }
}

TEST("frozen classes come back bit by bit and the others fit round them") {
  LogisticProblem problem = problem_of(200, 32, 5);
  problem.frozen = {noise(3 * 32, 5), noise(3, 6)};
  const LogisticFit fit = fit_logistic(problem, kGoOn);
  for (size_t i = 0; i < 3 * 32; ++i) CHECK(fit.head.weights[i] == problem.frozen.weights[i]);
  for (size_t i = 0; i < 3; ++i) CHECK(fit.head.bias[i] == problem.frozen.bias[i]);
  CHECK(slope_at(problem, fit.head) < 2e-5);
}

TEST("rows of weight 0 are as good as absent, and a start at the optimum stays there") {
  LogisticProblem problem = problem_of(100, 32, 4), fewer = problem;
  problem.row_weights.assign(100, 1);
  for (size_t i = 60; i < 100; ++i) problem.row_weights[i] = 0;
  fewer.features.resize(60 * 32);
  fewer.labels.resize(60);
  const LogisticFit fit = fit_logistic(problem, kGoOn), same = fit_logistic(fewer, kGoOn);
  CHECK(fit.loss == same.loss && fit.head.weights == same.head.weights);
  problem.start = fit.head;
  CHECK(fit_logistic(problem, kGoOn).iterations <= 1);
}

TEST("a fit that is cancelled stops") {
  CHECK_CODE("ENGINE_STOPPED", fit_logistic(problem_of(20, 4, 2), kCancelled));
}

TEST("what cannot be fitted is refused with what was expected and received") {
  CHECK(refusal_of([](auto*) {}) == "none");
  CHECK(refusal_of([](auto* p) { p->features.pop_back(); }) ==
        "Expected 40 values for features but received 39");
  CHECK(refusal_of([](auto* p) { p->features[7] = NAN; }) ==
        "Expected finite numbers for features but received nan at 7");
  CHECK(refusal_of([](auto* p) { p->labels[4] = 3; }) ==
        "Expected labels from 0 to 2 but received 3 for row 4");
  CHECK(refusal_of([](auto* p) { p->row_weights.assign(10, 0); }) ==
        "Expected a row with a weight above 0 but received none");
  CHECK(refusal_of([](auto* p) { p->frozen = {std::vector<float>(12), std::vector<float>(3)}; }) ==
        "Expected fewer than 3 frozen classes but received 3");
  CHECK(refusal_of([](auto* p) { p->l2 = -1; }) == "Expected 0 to 1e+09 for l2 but received -1");
}
