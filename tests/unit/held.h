/* What a process holds of a mapped file. */
#ifndef PV_TESTS_HELD_H
#define PV_TESTS_HELD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes in memory of the mapping that has a byte at `inside`. */
static inline uint64_t pv_testing_held(const unsigned char *inside) {
  FILE *f = fopen("/proc/self/smaps", "r");
  char line[512];
  unsigned long long from = 0, to = 0, rss = 0;
  bool here = false;
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
      here = (uintptr_t)inside >= from && (uintptr_t)inside < to;
    if (here && sscanf(line, "Rss: %llu kB", &rss) == 1) break;
  }
  if (f != NULL) fclose(f);
  return rss << 10;
}

#endif
