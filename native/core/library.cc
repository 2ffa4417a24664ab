// dlopen with the reasons kept.
#include "library.h"

#include <dlfcn.h>

namespace grocerd {

void* Library::symbol(const char* name) const { return handle ? dlsym(handle, name) : nullptr; }

Library open_library(const std::vector<std::string>& candidates, const char* required_symbol) {
  Library library;
  for (const std::string& path : candidates) {
    // Local, so that two runtimes with their own copies of TBB or protobuf do not see each other.
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char* reason = dlerror();
      library.tried.push_back({path, reason ? reason : "dlopen gave no reason"});
    } else if (!dlsym(handle, required_symbol)) {
      library.tried.push_back({path, std::string("it has no symbol ") + required_symbol});
    } else {
      library.handle = handle;
      library.path = path;
      return library;
    }
  }
  return library;
}

std::string describe_missing(const char* name, const std::vector<Attempt>& tried) {
  std::string text = std::string("Expected to find ") + name + " but none of " +
                     std::to_string(tried.size()) + " places has it";
  for (const Attempt& attempt : tried) text += "\n  " + attempt.path + ": " + attempt.reason;
  return text;
}

}  // namespace grocerd
