// The one exception of the native code: a code of src/errors.ts and a sentence for a person.
// It is thrown freely inside and caught at two edges only: the worker thread and the N-API call.
#pragma once

#include <stdexcept>
#include <string>

namespace grocerd {

class Failure : public std::runtime_error {
 public:
  Failure(const char* code, const std::string& message)
      : std::runtime_error(message), code_(code) {}

  // A string literal: it outlives every thread that may carry the failure.
  const char* code() const noexcept { return code_; }

 private:
  const char* code_;
};

}  // namespace grocerd
