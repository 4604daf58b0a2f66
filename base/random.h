/* Random numbers by stated generators: equal seeds give equal numbers, on any machine and in any
 * version, since models, prompts and cases are made of them. */
#ifndef PV_BASE_RANDOM_H
#define PV_BASE_RANDOM_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): the state
 * advances by PV_RANDOM_STEP; the output is the state, mixed. Period 2^64, any seed. */
#define PV_RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t pv_random_mix(uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static inline uint64_t pv_random_next(uint64_t *state) {
  return pv_random_mix(*state += PV_RANDOM_STEP);
}

/* [0, 1), of 53 bits. */
static inline double pv_random_unit(uint64_t *state) {
  return (double)(pv_random_next(state) >> 11) * 0x1p-53;
}

/* The generator of prompts: the upper 31 bits of s = 6364136223846793005 s + 1442695040888963407
 * mod 2^64 (Knuth's MMIX). */
static inline uint64_t pv_random_lcg(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *state >> 33;
}

#endif
