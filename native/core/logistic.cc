// The loss and its gradient over blocks of rows that stay in the cache, shared out to threads.
#include "logistic.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "dense.h"
#include "failure.h"
#include "lbfgs.h"

namespace grocerd {
namespace {

constexpr size_t kBlock = 8 * kRowsStep;  // rows that are worked on together
constexpr double kMost = 65536;  // dims and classes: none is near, and products of them fit
constexpr double kWorthAThread = 2e6;  // multiplications; below it a thread costs more

std::string text_of(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

[[noreturn]] void refuse(const std::string& expected, const std::string& received) {
  throw std::invalid_argument("Expected " + expected + " but received " + received);
}

void require_size(const std::string& what, size_t wanted, size_t received) {
  if (wanted != received)
    refuse(std::to_string(wanted) + " values for " + what, std::to_string(received));
}

void require_finite(const std::string& what, const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      refuse("finite numbers for " + what, text_of(values[i]) + " at " + std::to_string(i));
}

// Calls work(0) to work(threads - 1) at the same time.
template <typename Work>
void in_parallel(size_t threads, const Work& work) {
  std::vector<std::thread> others;
  others.reserve(threads);
  for (size_t i = 1; i < threads; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
}

// Rows in the form that the kernels take: padded with zeros, rows of weight 0 left out.
struct Rows {
  size_t count = 0, dims = 0;
  std::vector<float> features;
  std::vector<int32_t> labels;
  std::vector<float> weights;  // their sum is 1
};

// Takes the problem's features, in place where they need no padding: they are most of the memory.
Rows packed(LogisticProblem* problem) {
  Rows rows;
  rows.dims = padded(problem->dims, kDimsStep);
  const bool in_place = rows.dims == problem->dims;
  if (in_place)
    rows.features.swap(problem->features);
  else
    rows.features.resize(problem->rows() * rows.dims);
  const float* source = in_place ? rows.features.data() : problem->features.data();
  double sum = 0;
  for (size_t i = 0; i < problem->rows(); ++i) {
    const float weight = problem->row_weights.empty() ? 1 : problem->row_weights[i];
    if (weight == 0) continue;
    std::memmove(&rows.features[rows.count++ * rows.dims], source + i * problem->dims,
                 problem->dims * sizeof(float));
    rows.labels.push_back(problem->labels[i]);
    rows.weights.push_back(weight);
    sum += weight;
  }
  for (float& weight : rows.weights) weight = static_cast<float>(weight / sum);
  rows.features.resize(rows.count * rows.dims);
  rows.features.resize(padded(rows.count, kRowsStep) * rows.dims);  // with zeros
  std::vector<float>().swap(problem->features);
  return rows;
}

// Logits to probabilities in place; the log of the sum of the powers.
double softmax(float* logits, size_t classes) {
  const float most = *std::max_element(logits, logits + classes);
  float sum = 0;
  for (size_t c = 0; c < classes; ++c) sum += logits[c] = std::exp(logits[c] - most);
  for (size_t c = 0; c < classes; ++c) logits[c] /= sum;
  return most + std::log(static_cast<double>(sum));
}

class Loss {
 public:
  Loss(LogisticProblem* problem, const std::atomic<bool>& cancelled)
      : rows_(packed(problem)),
        dims_(problem->dims),
        classes_(problem->classes),
        frozen_(problem->frozen.bias.size()),
        free_(classes_ - frozen_),
        l2_(problem->l2),
        cancelled_(cancelled) {
    const size_t blocks = (rows_.count + kBlock - 1) / kBlock;
    const double work = static_cast<double>(rows_.count) * rows_.dims * free_;
    const size_t worth = 1 + static_cast<size_t>(work / kWorthAThread);
    const size_t threads = std::min({static_cast<size_t>(problem->threads), blocks, worth});
    for (size_t i = 0; i < threads; ++i) {
      const size_t from = blocks * i / threads * kBlock;
      const size_t to = std::min(rows_.count, blocks * (i + 1) / threads * kBlock);
      shares_.push_back({from, to, 0, std::vector<float>(kBlock * classes_),
                         std::vector<double>(free_ * rows_.dims), std::vector<double>(free_)});
    }
    weights_.resize(free_ * rows_.dims);
    bias_.resize(free_);
    add_frozen_logits(problem->frozen);
  }

  // Variables: the free classes' weights, free x dims, then their bias.
  size_t variables() const { return free_ * (dims_ + 1); }

  double operator()(const std::vector<double>& x, std::vector<double>* gradient) {
    if (cancelled_) throw Failure("ENGINE_STOPPED", "The process is ending");
    for (size_t c = 0; c < free_; ++c)
      for (size_t d = 0; d < dims_; ++d)
        weights_[c * rows_.dims + d] = static_cast<float>(x[c * dims_ + d]);
    for (size_t c = 0; c < free_; ++c) bias_[c] = static_cast<float>(x[free_ * dims_ + c]);
    in_parallel(shares_.size(), [this](size_t i) { add_rows(&shares_[i]); });

    double loss = 0, squares = 0;
    for (const Share& share : shares_) loss += share.loss;
    for (size_t c = 0; c < free_; ++c) {
      for (size_t d = 0; d < dims_; ++d) {
        const double weight = x[c * dims_ + d];
        double sum = l2_ * weight;
        for (const Share& share : shares_) sum += share.weights[c * rows_.dims + d];
        (*gradient)[c * dims_ + d] = sum;
        squares += weight * weight;
      }
      double sum = 0;
      for (const Share& share : shares_) sum += share.bias[c];
      (*gradient)[free_ * dims_ + c] = sum;
    }
    return loss + l2_ / 2 * squares;
  }

 private:
  // What one thread works on, and its part of the loss and of the gradient.
  struct Share {
    size_t from, to;
    double loss;
    std::vector<float> logits;  // of one block
    std::vector<double> weights, bias;
  };

  // They are the same in every evaluation.
  void add_frozen_logits(const LinearHead& frozen) {
    if (frozen_ == 0) return;
    std::vector<float> weights(frozen_ * rows_.dims);
    for (size_t c = 0; c < frozen_; ++c)
      std::copy_n(&frozen.weights[c * dims_], dims_, &weights[c * rows_.dims]);
    frozen_logits_.resize(padded(rows_.count, kRowsStep) * frozen_);
    kernels_.products(rows_.features.data(), padded(rows_.count, kRowsStep), weights.data(),
                      frozen_, rows_.dims, frozen_logits_.data(), frozen_);
    for (size_t i = 0; i < frozen_logits_.size(); ++i)
      frozen_logits_[i] += frozen.bias[i % frozen_];
  }

  void add_rows(Share* share) const {
    share->loss = 0;
    std::fill(share->weights.begin(), share->weights.end(), 0);
    std::fill(share->bias.begin(), share->bias.end(), 0);
    for (size_t from = share->from; from < share->to && !cancelled_; from += kBlock)
      add_block(from, std::min(kBlock, share->to - from), share);
  }

  void add_block(size_t from, size_t count, Share* share) const {
    const float* features = &rows_.features[from * rows_.dims];
    const size_t taken = padded(count, kRowsStep);
    float* logits = share->logits.data();
    kernels_.products(features, taken, weights_.data(), free_, rows_.dims, logits + frozen_,
                      classes_);
    for (size_t r = 0; r < taken; ++r) {
      float* row = logits + r * classes_;
      if (r >= count) {
        std::fill_n(row, classes_, 0.0f);
        continue;
      }
      std::copy_n(frozen_logits_.data() + (from + r) * frozen_, frozen_, row);
      for (size_t c = 0; c < free_; ++c) row[frozen_ + c] += bias_[c];
      const int32_t label = rows_.labels[from + r];
      const float weight = rows_.weights[from + r], truth = row[label];
      share->loss += weight * (softmax(row, classes_) - truth);
      // From here on the row holds the loss's slope by each logit.
      row[label] -= 1;
      for (size_t c = 0; c < free_; ++c)
        share->bias[c] += row[frozen_ + c] *= weight;
    }
    kernels_.add_outer(features, taken, logits + frozen_, classes_, free_, rows_.dims,
                       share->weights.data());
  }

  const DenseKernels& kernels_ = dense_kernels();
  const Rows rows_;
  const size_t dims_, classes_, frozen_, free_;
  const double l2_;
  const std::atomic<bool>& cancelled_;
  std::vector<float> frozen_logits_;  // rows x frozen
  std::vector<float> weights_, bias_;
  std::vector<Share> shares_;
};

std::vector<double> start_of(const LogisticProblem& problem, size_t variables) {
  std::vector<double> x(variables);
  if (problem.start.bias.empty()) return x;
  const size_t frozen = problem.frozen.bias.size(), free = problem.classes - frozen;
  const auto weights = problem.start.weights.begin() + frozen * problem.dims;
  std::copy(weights, problem.start.weights.end(), x.begin());
  std::copy(problem.start.bias.begin() + frozen, problem.start.bias.end(),
            x.begin() + free * problem.dims);
  return x;
}

void require_head(const std::string& name, const LinearHead& head, size_t classes, size_t dims) {
  require_size(name + ".weights", classes * dims, head.weights.size());
  require_size(name + ".bias", classes, head.bias.size());
  require_finite(name + ".weights", head.weights);
  require_finite(name + ".bias", head.bias);
}

void require_between(const char* what, double low, double high, double received) {
  if (!(received >= low && received <= high))
    refuse(text_of(low) + " to " + text_of(high) + " for " + what, text_of(received));
}

void require_rows(const LogisticProblem& problem) {
  if (problem.rows() == 0) refuse("at least 1 row", "0");
  require_size("features", problem.rows() * problem.dims, problem.features.size());
  require_finite("features", problem.features);
  for (size_t i = 0; i < problem.rows(); ++i) {
    const int32_t label = problem.labels[i];
    if (label < 0 || static_cast<size_t>(label) >= problem.classes)
      refuse("labels from 0 to " + std::to_string(problem.classes - 1),
             std::to_string(label) + " for row " + std::to_string(i));
  }
  const std::vector<float>& weights = problem.row_weights;
  if (weights.empty()) return;
  require_size("rowWeights", problem.rows(), weights.size());
  require_finite("rowWeights", weights);
  const auto [least, most] = std::minmax_element(weights.begin(), weights.end());
  if (*least < 0) refuse("rowWeights of 0 or more", text_of(*least));
  if (*most == 0) refuse("a row with a weight above 0", "none");
}

}  // namespace

void require_valid(const LogisticProblem& problem) {
  require_between("dims", 1, kMost, static_cast<double>(problem.dims));
  require_between("classes", 2, kMost, static_cast<double>(problem.classes));
  require_between("l2", 0, 1e9, problem.l2);
  require_between("maxIterations", 0, 1e9, problem.max_iterations);
  require_between("tolerance", 0, 1e9, problem.tolerance);
  require_between("threads", 1, 64, problem.threads);
  require_rows(problem);
  const size_t frozen = problem.frozen.bias.size();
  if (frozen >= problem.classes)
    refuse("fewer than " + std::to_string(problem.classes) + " frozen classes",
           std::to_string(frozen));
  require_head("frozen", problem.frozen, frozen, problem.dims);
  if (!problem.start.bias.empty() || !problem.start.weights.empty())
    require_head("start", problem.start, problem.classes, problem.dims);
}

LogisticFit fit_logistic(LogisticProblem problem, const std::atomic<bool>& cancelled) {
  Loss loss(&problem, cancelled);
  const Minimum minimum =
      minimise([&loss](const auto& x, auto* gradient) { return loss(x, gradient); },
               start_of(problem, loss.variables()), problem.max_iterations, problem.tolerance);
  LogisticFit fit{std::move(problem.frozen), minimum.value, minimum.iterations};
  const size_t free = problem.classes - fit.head.bias.size();
  const auto bias = minimum.x.begin() + static_cast<ptrdiff_t>(free * problem.dims);
  fit.head.weights.insert(fit.head.weights.end(), minimum.x.begin(), bias);
  fit.head.bias.insert(fit.head.bias.end(), bias, minimum.x.end());
  return fit;
}

}  // namespace grocerd
