// Two names of the file system exchanged in one step.
#pragma once

#include <string>

namespace grocerd::system {

// Afterwards each path is what the other was; nobody ever sees one missing. False where the kernel
// or the file system cannot do it. Throws std::runtime_error with the system's words otherwise.
bool exchange_paths(const std::string& one, const std::string& other);

}  // namespace grocerd::system
