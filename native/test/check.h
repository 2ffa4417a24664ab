// A test is a named function; a check that fails says where and ends the program.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "../core/failure.h"

namespace test {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

[[noreturn]] inline void failed(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  std::exit(1);
}

// The code of the Failure that `work` throws, or "none".
inline std::string code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const grocerd::Failure& failure) {
    return failure.code();
  }
  return "none";
}

}  // namespace test

#define TEST_JOIN2(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN2(a, b)
#define TEST(name)                                                                              \
  static void TEST_JOIN(case_, __LINE__)();                                                     \
  static const test::Register TEST_JOIN(register_, __LINE__)(name, TEST_JOIN(case_, __LINE__)); \
  static void TEST_JOIN(case_, __LINE__)()

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) test::failed(__FILE__, __LINE__, "expected " #condition); \
  } while (0)

#define CHECK_CODE(expected, work)                                                                \
  do {                                                                                            \
    const std::string code = test::code_of([&] { work; });                                        \
    if (code != (expected))                                                                       \
      test::failed(__FILE__, __LINE__, "expected " + std::string(expected) + " but got " + code); \
  } while (0)
