// Limits of this process that the kernel enforces.
#pragma once

namespace grocerd::system {

// Sets the soft RLIMIT_DATA (private writable memory) to `bytes`, at most the hard limit.
// Throws std::invalid_argument or, where the kernel refuses, std::runtime_error.
void limit_data(double bytes);

}  // namespace grocerd::system
