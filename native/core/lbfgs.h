// Minimises a smooth convex function of many variables by L-BFGS with backtracking. Pure.
#pragma once

#include <functional>
#include <vector>

namespace grocerd {

// The value at x; fills the gradient, which has the length of x.
using Objective =
    std::function<double(const std::vector<double>& x, std::vector<double>* gradient)>;

struct Minimum {
  std::vector<double> x;
  double value = 0;
  int iterations = 0;
};

// From `x` on, until no component of the gradient is larger than `tolerance`, no step goes down any
// more (the precision of the value is reached), or `max_iterations` are done.
Minimum minimise(const Objective& objective, std::vector<double> x, int max_iterations,
                 double tolerance);

}  // namespace grocerd
