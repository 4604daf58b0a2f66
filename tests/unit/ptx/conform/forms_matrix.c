/* Matrices: loads and stores of 8 by 8, and products of floats. */
#include "tests/unit/ptx/conform/forms.h"

#define FILLED "st.shared.v4.u32 [%s], {%i0, %i1, %i2, %i3};\nbar.sync 0;\n"
#define LOAD(words, signature, registers)                                                     \
  {                                                                                           \
    "ldmatrix.sync.aligned.m8n8." words ".shared.b16", signature "=rrrr",                     \
        FILLED "ldmatrix.sync.aligned.m8n8." words ".shared.b16 {" registers "}, [%s];", NULL \
  }
#define STORE(words, registers)                                                    \
  {                                                                                \
    "stmatrix.sync.aligned.m8n8." words ".shared.b16", "rrrr=rrrr",                \
        FILLED "stmatrix.sync.aligned.m8n8." words ".shared.b16 [%s], {" registers \
               "};\n"                                                              \
               "bar.sync 0;\nld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%s];",        \
        NULL                                                                       \
  }
#define PRODUCT(shape, types, signature, d, a, b, c)                                             \
  {                                                                                              \
    "mma.sync.aligned." shape ".row.col." types, signature,                                      \
        "mma.sync.aligned." shape ".row.col." types " {" d "}, {" a "}, {" b "}, {" c "};", NULL \
  }
#define FOUR                           "%o0, %o1, %o2, %o3"
#define SHORT(shape, types, signature) /* A of two registers, B of one */ \
  PRODUCT(shape, types, signature, FOUR, "%i0, %i1", "%i2", "%i3, %i4, %i5, %i6")
#define LONG(shape, types, signature) /* A of four, B of two */ \
  PRODUCT(shape, types, signature, FOUR, "%i0, %i1, %i2, %i3", "%i4, %i5", "%i6, %i7, %i8, %i9")

const pv_conform_form pv_conform_matrix[] = {
    LOAD("x2", "rr", "%o0, %o1"),
    LOAD("x1.trans", "r", "%o0"),
    LOAD("x2.trans", "rr", "%o0, %o1"),
    LOAD("x4.trans", "rrrr", FOUR),
    STORE("x1", "%i1"),
    STORE("x2", "%i1, %i2"),
    STORE("x4", "%i1, %i2, %i3, %i0"),
    STORE("x1.trans", "%i1"),
    STORE("x4.trans", "%i1, %i2, %i3, %i0"),
    {"movmatrix.sync.aligned.m8n8.trans.b16", "r=r",
     "movmatrix.sync.aligned.m8n8.trans.b16 %o0, %i0;", NULL},
    LONG("m16n8k32", "satfinite.s32.s8.s8.s32", "rrrr=rrrrrrrrrr"),
    LONG("m16n8k32", "satfinite.s32.u8.s8.s32", "rrrr=rrrrrrrrrr"),
    SHORT("m16n8k8", "f32.f16.f16.f32", "ffff=xxxffff"),
    LONG("m16n8k16", "f32.f16.f16.f32", "ffff=xxxxxxffff"),
    PRODUCT("m16n8k8", "f16.f16.f16.f16", "xx=xxxxx", "%o0, %o1", "%i0, %i1", "%i2", "%i3, %i4"),
    PRODUCT("m16n8k16", "f16.f16.f16.f16", "xx=xxxxxxxx", "%o0, %o1", "%i0, %i1, %i2, %i3",
            "%i4, %i5", "%i6, %i7"),
    SHORT("m16n8k8", "f32.bf16.bf16.f32", "ffff=yyyffff"),
    LONG("m16n8k16", "f32.bf16.bf16.f32", "ffff=yyyyyyffff"),
    SHORT("m16n8k4", "f32.tf32.tf32.f32", "ffff=zzzffff"),
    LONG("m16n8k8", "f32.tf32.tf32.f32", "ffff=zzzzzzffff"),
    PRODUCT("m8n8k4", "f64.f64.f64.f64", "dd=dddd", "%o0, %o1", "%i0", "%i1", "%i2, %i3"),
};
const size_t pv_conform_matrix_count = sizeof pv_conform_matrix / sizeof pv_conform_matrix[0];
