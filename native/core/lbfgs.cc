// The two-loop recursion of Nocedal over the last ten steps, and the search along its direction.
#include "lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace grocerd {
namespace {

using Vector = std::vector<double>;

constexpr size_t kPairs = 10;
constexpr int kMostHalvings = 30;
constexpr double kDecrease = 1e-4;   // Armijo: the share of the promised descent that must come
constexpr double kNoise = 1e-6;      // relative: the value comes from sums of floats
constexpr double kCurvature = 1e-10;  // pairs flatter than this say nothing

// How far a step went and how the gradient changed on it.
struct Pair {
  Vector step, change;
  double step_by_change;
};

double dot(const Vector& a, const Vector& b) {
  // Four sums, since one alone waits for each addition.
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4)
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return sums[0] + sums[1] + sums[2] + sums[3];
}

void add(Vector* to, double factor, const Vector& what) {
  for (size_t i = 0; i < what.size(); ++i) (*to)[i] += factor * what[i];
}

double largest(const Vector& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

// Minus the approximate inverse Hessian times the gradient.
Vector direction_of(const Vector& gradient, const std::deque<Pair>& pairs) {
  Vector direction = gradient;
  std::vector<double> shares(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    shares[i] = dot(pairs[i].step, direction) / pairs[i].step_by_change;
    add(&direction, -shares[i], pairs[i].change);
  }
  // Without a pair the first step has length 1 at most: nothing is known of the scale yet.
  const double scale =
      pairs.empty() ? 1 / std::max(1.0, std::sqrt(dot(gradient, gradient)))
                    : pairs.back().step_by_change / dot(pairs.back().change, pairs.back().change);
  for (double& value : direction) value *= -scale;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const double share = dot(pairs[i].change, direction) / pairs[i].step_by_change;
    add(&direction, -shares[i] - share, pairs[i].step);
  }
  return direction;
}

}  // namespace

Minimum minimise(const Objective& objective, Vector x, int max_iterations, double tolerance) {
  Vector gradient(x.size()), next(x.size()), next_gradient(x.size());
  double value = objective(x, &gradient);
  std::deque<Pair> pairs;
  int iteration = 0;
  for (; iteration < max_iterations && largest(gradient) > tolerance; ++iteration) {
    const Vector direction = direction_of(gradient, pairs);
    const double slope = dot(direction, gradient);
    double length = 1, next_value = 0;
    bool down = false;
    for (int halvings = 0; !down && halvings < kMostHalvings; ++halvings) {
      next = x;
      add(&next, length, direction);
      next_value = objective(next, &next_gradient);
      // Near the end the descent drowns in the value's rounding, and the gradient, which does not,
      // tells it (the approximate Wolfe condition of Hager and Zhang 2005).
      down = next_value <= value + kDecrease * length * slope ||
             (next_value <= value + kNoise * std::abs(value) &&
              std::abs(dot(direction, next_gradient)) <= (1 - 2 * kDecrease) * std::abs(slope));
      if (!down) length /= 2;
    }
    if (!down) break;
    Pair pair{next, next_gradient, 0};
    add(&pair.step, -1, x);
    add(&pair.change, -1, gradient);
    pair.step_by_change = dot(pair.step, pair.change);
    if (pair.step_by_change > kCurvature * dot(pair.change, pair.change)) {
      if (pairs.size() == kPairs) pairs.pop_front();
      pairs.push_back(std::move(pair));
    }
    x.swap(next);
    gradient.swap(next_gradient);
    value = next_value;
  }
  return {std::move(x), value, iteration};
}

}  // namespace grocerd
