// The search against the plain way: the same rows, in the same order, with the same scores.
#include "../core/nearest.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include "check.h"

using namespace grocerd;

namespace {

std::vector<float> unit_rows(size_t count, size_t dims, unsigned seed, float spread) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  // Clusters: rows of one product lie close together, which is where a bound has most to do.
  std::vector<float> rows(count * dims), middle(dims);
  for (size_t row = 0; row < count; ++row) {
    if (row % 30 == 0)
      for (float& value : middle) value = normal(random);
    double length = 0;
    for (size_t d = 0; d < dims; ++d) {
      rows[row * dims + d] = middle[d] + spread * normal(random);
      length += static_cast<double>(rows[row * dims + d]) * rows[row * dims + d];
    }
    for (size_t d = 0; d < dims; ++d)
      rows[row * dims + d] = static_cast<float>(rows[row * dims + d] / std::sqrt(length));
  }
  return rows;
}

std::vector<Neighbour> plain(const std::vector<float>& rows, size_t dims, const float* query,
                             size_t most) {
  std::vector<Neighbour> all;
  for (size_t row = 0; row < rows.size() / dims; ++row) {
    double sum = 0;
    for (size_t d = 0; d < dims; ++d) sum += static_cast<double>(query[d]) * rows[row * dims + d];
    all.push_back({static_cast<int32_t>(row), static_cast<float>(sum)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Neighbour& a, const Neighbour& b) { return a.score > b.score; });
  all.resize(std::min(most, all.size()));
  return all;
}

void require_same(const std::vector<float>& rows, size_t dims, size_t most) {
  NearestRows index(rows, dims);
  const std::vector<float> queries = unit_rows(60, dims, 77, 0.3f);
  for (size_t q = 0; q < 60; ++q) {
    // Every second query lies beside a row.
    std::vector<float> query(queries.begin() + static_cast<long>(q * dims),
                             queries.begin() + static_cast<long>((q + 1) * dims));
    if (q % 2 && !rows.empty())
      for (size_t d = 0; d < dims; ++d) query[d] = 0.1f * query[d] + rows[(q * 13 % index.count()) * dims + d];
    const auto wanted = plain(rows, dims, query.data(), most);
    const auto& found = index.search(query.data(), most);
    CHECK(found.size() == wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      CHECK(found[i].row == wanted[i].row);
      CHECK(found[i].score == wanted[i].score);
    }
  }
}

}  // namespace

TEST("the nearest rows are those of the plain way, whatever the spread, size and number") {
  for (const float spread : {0.001f, 0.05f, 0.5f, 3.0f})
    for (const size_t dims : {1u, 7u, 32u, 129u, 256u})
      require_same(unit_rows(300, dims, 5, spread), dims, 10);
  require_same(unit_rows(3, 64, 6, 0.2f), 64, 10);
  require_same({}, 64, 10);
}

TEST("equal rows come in their order, and rows of zeros are the farthest from nothing") {
  std::vector<float> rows(40 * 16, 0.25f);
  NearestRows index(rows, 16);
  const auto& found = index.search(rows.data(), 5);
  for (int i = 0; i < 5; ++i) CHECK(found[static_cast<size_t>(i)].row == i);
  NearestRows zeros(std::vector<float>(32, 0), 16);
  CHECK(zeros.search(rows.data(), 2)[1].score == 0);
}

TEST("rows that do not fit, and numbers that are none, are refused") {
  const auto refused = [](std::vector<float> rows, size_t dims) {
    try {
      NearestRows index(std::move(rows), dims);
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  CHECK(refused({1, 2, 3}, 2));
  CHECK(refused({1, 2}, 0));
  CHECK(refused({1, std::numeric_limits<float>::quiet_NaN()}, 2));
  NearestRows index({1, 0}, 2);
  const float bad[] = {std::numeric_limits<float>::infinity(), 0};
  CHECK(index.search(bad, 3).empty());
  CHECK(index.search(bad, 0).empty());
}
