// What an asynchronous operation came to: a value or a failure. Carried from worker threads to the
// caller.
#pragma once

#include <new>
#include <optional>
#include <utility>

#include "failure.h"

namespace grocerd {

template <typename T>
struct Outcome {
  std::optional<T> value;
  std::optional<Failure> failure;
};

// Runs `work` and turns whatever it throws into a failure: nothing may leave a thread as an
// exception.
template <typename T, typename Work>
Outcome<T> outcome_of(const char* fallback_code, Work&& work) noexcept {
  Outcome<T> outcome;
  try {
    outcome.value.emplace(std::forward<Work>(work)());
  } catch (const Failure& failure) {
    outcome.failure.emplace(failure);
  } catch (const std::bad_alloc&) {
    outcome.failure.emplace(fallback_code, "out of memory");
  } catch (const std::exception& error) {
    outcome.failure.emplace(fallback_code, error.what());
  }
  return outcome;
}

}  // namespace grocerd
