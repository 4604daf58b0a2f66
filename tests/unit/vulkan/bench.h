/* What the tests of shaders share: memory of a device that mirrors memory of the host, and
 * results held against the CPU's. */
#ifndef PV_TESTS_VULKAN_BENCH_H
#define PV_TESTS_VULKAN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/cuda/args.h"
#include "kernels/vulkan/device.h"

enum { K_MAX = 4096 };

/* The device that tests run on: one of software where there is one, so that they do the same
 * everywhere. */
size_t bench_device(const pv_vulkan *of);

/* 0, or the exit code of a machine without a device, which was said. */
int bench_open(void);
void bench_close(void);

/* Nothing is placed from here on. */
void begin(void);
/* Bytes that a shader reads, or NULL: that it writes; their address there. */
uint64_t place(const void *bytes, size_t count);
/* What lies at an address after a launch. */
const void *result(uint64_t address);
/* `variant` as in pv_vulkan_compile: the type of a tensor. */
bool launch(const char *name, uint32_t variant, const void *argument, size_t bytes, uint32_t groups,
            uint32_t rows);

/* The same bits, or both no number. */
bool same_floats(const float *got, const float *want, size_t n, const char *what);
/* Of any size, small ones, and with `edges` here and there what is on one. */
void fill(float *x, size_t n, uint64_t seed, bool edges);
uint32_t parts(size_t n, size_t of);

/* Room for rounded rows; and that row `row` of it is what the CPU rounds x to, identity i16, in
 * blocks of 256 if `whole`, else of 32. */
pv_cuda_acts empty_acts(size_t k, size_t rows);
void same_acts(const pv_cuda_acts *acts, const float *x, size_t k, size_t row, bool whole);

#endif
