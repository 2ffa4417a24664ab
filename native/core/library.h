// Opens a shared library at run time: the first candidate that loads and has the symbol we need.
// A library is never closed again: runtimes leave threads and exit handlers behind.
#pragma once

#include <string>
#include <vector>

namespace grocerd {

struct Attempt {
  std::string path, reason;
};

struct Library {
  void* handle = nullptr;  // null: none of the candidates would do; `tried` says why
  std::string path;
  std::vector<Attempt> tried;

  void* symbol(const char* name) const;
};

// Candidates are absolute paths, or bare names for the loader's own search.
Library open_library(const std::vector<std::string>& candidates, const char* required_symbol);

// What a person is told about a library: doctor prints it, errors list `tried`.
struct LibraryProbe {
  bool found = false;
  std::string path, version;
  std::vector<std::string> devices;
  std::vector<Attempt> tried;
};

// "libopenvino_c: not found; tried A (reason); tried B (reason)". Thrown as RUNTIME_NOT_FOUND.
std::string describe_missing(const char* name, const std::vector<Attempt>& tried);

}  // namespace grocerd
