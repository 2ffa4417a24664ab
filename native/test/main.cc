// Runs every registered case and prints one line each.
#include "check.h"

int main() {
  for (const test::Case& each : test::cases()) {
    each.run();
    std::printf("ok %s\n", each.name);
  }
  std::printf("%zu passed, 0 failed\n", test::cases().size());
}
