// Multinomial logistic regression: the linear head of a classifier from embeddings. No Node in it,
// and no choice of l2, folds or weights: src/learn makes them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace grocerd {

struct LinearHead {
  std::vector<float> weights;  // classes x dims
  std::vector<float> bias;     // classes
};

struct LogisticProblem {
  std::vector<float> features;  // rows x dims
  size_t dims = 0, classes = 0;
  std::vector<int32_t> labels;     // the class of each row
  std::vector<float> row_weights;  // one a row, or none: all 1; rows of weight 0 cost nothing
  double l2 = 0;
  LinearHead frozen;  // of the first classes, which keep it; empty: every class is fitted
  LinearHead start;   // of all classes, where the search begins; empty: zero
  int max_iterations = 500;
  double tolerance = 1e-5;  // ends when no component of the gradient is larger
  int threads = 1;

  size_t rows() const { return labels.size(); }
};

struct LogisticFit {
  LinearHead head;  // of all classes, the frozen ones as they came
  double loss = 0;  // weighted mean cross-entropy + l2/2 times the squared weights that were fitted
  int iterations = 0;
};

// Throws std::invalid_argument that says which size, number or label is wrong.
void require_valid(const LogisticProblem& problem);

// Minimises the loss by L-BFGS; the bias is free of l2. Takes a problem that require_valid let pass.
// Throws ENGINE_STOPPED soon after `cancelled` is set.
LogisticFit fit_logistic(LogisticProblem problem, const std::atomic<bool>& cancelled);

}  // namespace grocerd
