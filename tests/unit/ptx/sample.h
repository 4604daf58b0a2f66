/* PTX files of the tests, read and parsed. */
#ifndef PV_TESTS_PTX_SAMPLE_H
#define PV_TESTS_PTX_SAMPLE_H

#include "base/file.h"
#include "kernels/ptx/ptx.h"

#define SAMPLES "tests/unit/ptx/data/"

typedef struct sample {
  pv_arena arena;
  pv_bytes bytes;
  pv_ptx_module *module; /* NULL when it could not be read: a failed assertion says why */
} sample;

sample sample_open(const char *path);
void sample_close(sample *s);

#endif
