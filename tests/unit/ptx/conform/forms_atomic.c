/* Atomics of one lane each, barriers that make something of predicates, and what threads ask. What
 * there was, and what there is then, are the results. */
#include "tests/unit/ptx/conform/forms.h"

#define GLOBAL(op, type, bits, r)                                                                 \
  {                                                                                               \
    "atom.global." op "." type, r "_=" r r,                                                       \
        "st.global.b" bits " [%ao+8], %i0;\natom.global." op "." type " %o0, [%ao+8], %i1;", NULL \
  }
#define SHARED(op, type, bits, r)                                  \
  {                                                                \
    "atom.shared." op "." type, r r "=" r r,                       \
        "st.shared.b" bits " [%s], %i0;\natom.shared." op "." type \
        " %o0, [%s], %i1;\n"                                       \
        "ld.shared.b" bits " %o1, [%s];",                          \
        NULL                                                       \
  }
#define REDUCED(op, type, bits, r)                                                      \
  {                                                                                     \
    "red.global." op "." type, "_=" r r,                                                \
        "st.global.b" bits " [%ao], %i0;\nred.global." op "." type " [%ao], %i1;", NULL \
  }
#define EVERY(op, type, bits, r) \
  GLOBAL(op, type, bits, r), SHARED(op, type, bits, r), REDUCED(op, type, bits, r)
#define EXCHANGED(space, type, bits, r, at)                                            \
  {"atom." space ".cas." type, r r "=" r r r,                                          \
   "st." space ".b" bits " [" at "], %i0;\natom." space ".cas." type " %o0, [" at      \
   "], %i0, %i2;\nld." space ".b" bits " %o1, [" at "];",                              \
   "equal"},                                                                           \
  {                                                                                    \
    "atom." space ".cas." type, r r "=" r r r,                                         \
        "st." space ".b" bits " [" at "], %i0;\natom." space ".cas." type " %o0, [" at \
        "], %i1, %i2;\nld." space ".b" bits " %o1, [" at "];",                         \
        NULL                                                                           \
  }

const pv_conform_form pv_conform_atomic[] = {
    EVERY("add", "u32", "32", "r"),
    EVERY("add", "s32", "32", "r"),
    EVERY("add", "u64", "64", "l"),
    EVERY("add", "f32", "32", "f"),
    EVERY("add.noftz", "f16", "16", "e"),
    EVERY("add.noftz", "f16x2", "32", "x"),
    EVERY("add.noftz", "bf16", "16", "b"),
    EVERY("add.noftz", "bf16x2", "32", "y"),
    EVERY("min", "u32", "32", "r"),
    EVERY("min", "s32", "32", "r"),
    EVERY("min", "u64", "64", "l"),
    EVERY("min", "s64", "64", "l"),
    EVERY("max", "u32", "32", "r"),
    EVERY("max", "s32", "32", "r"),
    EVERY("max", "u64", "64", "l"),
    EVERY("max", "s64", "64", "l"),
    EVERY("and", "b32", "32", "r"),
    EVERY("and", "b64", "64", "l"),
    EVERY("or", "b32", "32", "r"),
    EVERY("or", "b64", "64", "l"),
    EVERY("xor", "b32", "32", "r"),
    EVERY("xor", "b64", "64", "l"),
    EVERY("inc", "u32", "32", "r"),
    EVERY("dec", "u32", "32", "r"),
    GLOBAL("exch", "b32", "32", "r"),
    GLOBAL("exch", "b64", "64", "l"),
    SHARED("exch", "b32", "32", "r"),
    SHARED("exch", "b64", "64", "l"),
    EXCHANGED("global", "b16", "16", "h", "%ao"),
    EXCHANGED("global", "b32", "32", "r", "%ao"),
    EXCHANGED("global", "b64", "64", "l", "%ao"),
    EXCHANGED("shared", "b16", "16", "h", "%s"),
    EXCHANGED("shared", "b32", "32", "r", "%s"),
    EXCHANGED("shared", "b64", "64", "l", "%s"),
    {"atom.shared.add.u32", "rr=r",
     "st.shared.b32 [%s], %i0;\natom.shared.add.u32 %o0, [%s], 1;\nld.shared.b32 %o1, [%s];",
     "of a constant"},
    {"atom.global.relaxed.cta.add.u32", "r_=rr",
     "st.global.b32 [%ao+8], %i0;\natom.relaxed.cta.global.add.u32 %o0, [%ao+8], %i1;", NULL},
    {"bar.red.popc.u32", "r=p", "bar.red.popc.u32 %o0, 0, %i0;", NULL},
    {"bar.red.and.pred", "p=p", "bar.red.and.pred %o0, 0, %i0;", NULL},
    {"bar.red.or.pred", "p=p", "bar.red.or.pred %o0, 0, !%i0;", NULL},
    {"match.any.sync.b64", "r=s",
     ".reg .b64 %w;\ncvt.u64.u32 %w, %i0;\nmatch.any.sync.b64 %o0, %w, -1;", NULL},
    {"match.all.sync.b32", "rp=s", "match.all.sync.b32 %o0|%o1, %i0, -1;", NULL},
    {"match.all.sync.b32", "rp=s",
     ".reg .b32 %n;\nand.b32 %n, %i0, 0;\nmatch.all.sync.b32 %o0|%o1, %n, -1;", "equal"},
    {"cp.async.ca.shared.global", "rrrr=ll",
     ".reg .b32 %n;\nst.shared.v4.u32 [%s], {%t, %t, %t, %t};\nand.b32 %n, %t, 15;\n"
     "cp.async.ca.shared.global [%s], [%ai], 16, %n;\ncp.async.wait_all;\n"
     "ld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%s];",
     "of a part"},
};
const size_t pv_conform_atomic_count = sizeof pv_conform_atomic / sizeof pv_conform_atomic[0];

/* What a device keeps of a NaN that signals is not known. */
const pv_conform_form pv_conform_atomic_f64[] = {EVERY("add", "f64", "64", "d")};
const size_t pv_conform_atomic_f64_count =
    sizeof pv_conform_atomic_f64 / sizeof *pv_conform_atomic_f64;
