#include "validator/cli/topics.h"

#include "base/text.h"

static const pv_topic topics[] = {
    {"kernel-descriptor", "how a kernel of your own is called, for pv kernel check",
     "A descriptor says what a kernel stands for and how it is launched. It lies beside the "
     "kernel,\n"
     "MY.yaml beside MY.ptx; `pv kernel describe MY.ptx --as OPERATION` writes one to begin with.\n"
     "\n"
     "    schema: pv/kernel/v1\n"
     "    file: my.ptx                        # relative to this file; PTX, or machine code\n"
     "    entry: my_gemv\n"
     "    operation: q4_k_gemv                # see pv kernel operations\n"
     "    numerics: float32                   # what it adds up in, in any order\n"
     "    allow: [contraction]\n"
     "    parameters: [weights, x, y, k, rows]\n"
     "    grid: [ceil_div(rows, 2), batch]\n"
     "    block: 64\n"
     "\n"
     "  numerics    float32, tf32, float16, bfloat16: within a bound that follows from it; i16, "
     "i8,\n"
     "              f32-f64acc: every bit of the definition\n"
     "  allow       approx, ftz, contraction, order (floats added in memory): what it may have\n"
     "  tensors     NAME: TYPE, or NAME: {type, stride or row_bytes, zero: true}, where one is "
     "not\n"
     "              dense float32 or the operation's blocks: f16, bf16, q8_0, q8_1, q8_K\n"
     "  constants   NAME: EXPRESSION\n"
     "  parameters  in the entry's order: a tensor or scratch buffer, an expression, TYPE: "
     "EXPRESSION\n"
     "              (u32, s32, u64, f32, ...), struct: [...], bytes: N zeros\n"
     "  scratch     NAME: BYTES, or NAME: {bytes, zero: true}\n"
     "  grid, block [x, y, z], what is left out is 1; shared: bytes of dynamic shared memory;\n"
     "              cooperative: true\n"
     "  limits      a condition; cases beyond it are left out\n"
     "  writes      what it may write: outputs and scratch buffers, where nothing is said\n"
     "  before      launches that come first, each with file, entry, parameters, grid, block, ...\n"
     "\n"
     "Expressions: whole numbers and floats over the operation's sizes and the constants; + - * / "
     "%\n"
     "<< >>, comparisons, && || !, ceil_div(a, b), round_up(a, b), min, max, log2.\n"
     "docs/kernel-descriptor.md has the rest."},
};
enum { TOPICS = sizeof topics / sizeof *topics };

const pv_topic *pv_topic_at(size_t n) {
  return n < TOPICS ? &topics[n] : NULL;
}

const pv_topic *pv_topic_find(const char *name) {
  return pv_text_find(name, topics, TOPICS, sizeof *topics);
}
