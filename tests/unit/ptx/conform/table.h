/* docs/ptx-instructions.md: which opcodes a runner takes, by family. */
#ifndef PV_TESTS_CONFORM_TABLE_H
#define PV_TESTS_CONFORM_TABLE_H

#include "tests/unit/ptx/conform/runner.h"

/* Appends the whole page; runs every kernel for it. */
pv_code pv_conform_table(pv_conform_runner *runner, pv_text *page, pv_error *err);

#endif
