/* The functions behind the rows, and the rows: included by alu_any.c and alu_avx2.c, which say for
 * which processor. Results are those of the PTX ISA; where it leaves one open, that of an H100. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and expressions over lanes */
#include <math.h>
#include <string.h>

#include "kernels/ptx/alu.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef float f32;
typedef double f64;
typedef u16 b16;
typedef u32 b32;
typedef u64 b64;
typedef u16 f16, bf16;
/* What a lane of each type is stored as. */
typedef u32 lane_u8, lane_u16, lane_b16, lane_f16, lane_bf16, lane_u32, lane_b32;
typedef s32 lane_s8, lane_s16, lane_s32;
typedef u64 lane_u64, lane_b64;
typedef s64 lane_s64;
typedef f32 lane_f32;
typedef f64 lane_f64;

#define KIND_u8   "n"
#define KIND_s8   "n"
#define KIND_u16  "n"
#define KIND_s16  "n"
#define KIND_b16  "n"
#define KIND_f16  "n"
#define KIND_bf16 "n"
#define KIND_u32  "n"
#define KIND_s32  "n"
#define KIND_b32  "n"
#define KIND_f32  "n"
#define KIND_u64  "w"
#define KIND_s64  "w"
#define KIND_b64  "w"
#define KIND_f64  "w"

#include "kernels/ptx/alu_values.h"

#include "kernels/ptx/alu_round.h"

#include "kernels/ptx/alu_half_values.h"

#include "kernels/ptx/alu_packed_values.h"

/* One pass over the lanes: `value` of each active one. The lanes of a register never overlap
 * those of another, so that they may be done in any order. */
#define EACH_LANE(d, value)                                            \
  if (mask == PV_PTX_ALL) {                                            \
    _Pragma("GCC ivdep") for (unsigned l = 0; l < PV_PTX_LANES; l++) { \
      value;                                                           \
      (d)[l] = v;                                                      \
    }                                                                  \
  } else {                                                             \
    _Pragma("GCC ivdep") for (unsigned l = 0; l < PV_PTX_LANES; l++) { \
      value;                                                           \
      (d)[l] = mask >> l & 1u ? v : (d)[l];                            \
    }                                                                  \
  }
#define OPERAND(t, i) ((const lane_##t *)(const void *)(warp->registers + step->r[i]))
#define RESULT(t)     ((lane_##t *)(void *)(warp->registers + step->r[0]))
#define PREDICATE(i)  (*(u32 *)(void *)(warp->registers + step->r[i]))
#define RUN(id)       static void id(pv_ptx_warp *warp, const pv_ptx_step *step, uint32_t mask)

#define RUN_1(op, id, td, ta, expr)                                                 \
  RUN(id) {                                                                         \
    lane_##td *d = RESULT(td);                                                      \
    const lane_##ta *pa = OPERAND(ta, 1);                                           \
    EACH_LANE(d, const ta a = (ta)pa[l]; const lane_##td v = (lane_##td)(td)(expr)) \
  }
#define RUN_2(op, id, td, ta, tb, expr)                          \
  RUN(id) {                                                      \
    lane_##td *d = RESULT(td);                                   \
    const lane_##ta *pa = OPERAND(ta, 1);                        \
    const lane_##tb *pb = OPERAND(tb, 2);                        \
    EACH_LANE(d, const ta a = (ta)pa[l]; const tb b = (tb)pb[l]; \
              const lane_##td v = (lane_##td)(td)(expr))         \
  }
#define RUN_3(op, id, td, ta, tb, tc, expr)                                              \
  RUN(id) {                                                                              \
    lane_##td *d = RESULT(td);                                                           \
    const lane_##ta *pa = OPERAND(ta, 1);                                                \
    const lane_##tb *pb = OPERAND(tb, 2);                                                \
    const lane_##tc *pc = OPERAND(tc, 3);                                                \
    EACH_LANE(d, const ta a = (ta)pa[l]; const tb b = (tb)pb[l]; const tc c = (tc)pc[l]; \
              const lane_##td v = (lane_##td)(td)(expr))                                 \
  }
#define RUN_4(op, id, t, tc, expr)                                                   \
  RUN(id) {                                                                          \
    lane_##t *d = RESULT(t);                                                         \
    const lane_##t *pa = OPERAND(t, 1), *pb = OPERAND(t, 2);                         \
    const lane_##tc *pc = OPERAND(tc, 3), *pe = OPERAND(tc, 4);                      \
    EACH_LANE(d, const t a = (t)pa[l]; const t b = (t)pb[l]; const tc c = (tc)pc[l]; \
              const tc e = (tc)pe[l]; const lane_##t v = (lane_##t)(t)(expr))        \
  }
#define RUN_LUT(op, id)                                                                 \
  RUN(id) {                                                                             \
    lane_b32 *d = RESULT(b32);                                                          \
    const lane_b32 *pa = OPERAND(b32, 1), *pb = OPERAND(b32, 2), *pc = OPERAND(b32, 3); \
    const unsigned table = (unsigned)step->offset;                                      \
    EACH_LANE(d, const b32 v = lop3(pa[l], pb[l], pc[l], table))                        \
  }
#define RUN_SELECT(op, id, t)                                      \
  RUN(id) {                                                        \
    lane_##t *d = RESULT(t);                                       \
    const lane_##t *a = OPERAND(t, 1), *b = OPERAND(t, 2);         \
    const u32 which = PREDICATE(3);                                \
    EACH_LANE(d, const lane_##t v = which >> l & 1u ? a[l] : b[l]) \
  }
#define RUN_COMPARE(op, id, t, expr)                         \
  RUN(id) {                                                  \
    const lane_##t *pa = OPERAND(t, 1), *pb = OPERAND(t, 2); \
    u32 holds = 0;                                           \
    for (unsigned l = 0; l < PV_PTX_LANES; l++) {            \
      const t a = (t)pa[l], b = (t)pb[l];                    \
      holds |= (u32)(expr) << l;                             \
    }                                                        \
    PREDICATE(0) = (PREDICATE(0) & ~mask) | (holds & mask);  \
  }
#define RUN_TEST(op, id, t, least, class)                   \
  RUN(id) {                                                 \
    const lane_##t *pa = OPERAND(t, 1);                     \
    u32 holds = 0;                                          \
    for (unsigned l = 0; l < PV_PTX_LANES; l++)             \
      holds |= (u32)is_of((f64)pa[l], least, class) << l;   \
    PREDICATE(0) = (PREDICATE(0) & ~mask) | (holds & mask); \
  }
#define RUN_LOGIC(op, id, operands, expr)                    \
  RUN(id) {                                                  \
    const u32 a = PREDICATE(1), b = PREDICATE(operands - 1); \
    (void)b;                                                 \
    PREDICATE(0) = (PREDICATE(0) & ~mask) | ((expr)&mask);   \
  }

#include "kernels/ptx/alu_approx.h"
#include "kernels/ptx/alu_convert.h"
#include "kernels/ptx/alu_float.h"
#include "kernels/ptx/alu_half.h"
#include "kernels/ptx/alu_integer.h"
#include "kernels/ptx/alu_packed.h"

#define ALL_ROWS(ONE, TWO, THREE, FOUR, LUT, SELECT, COMPARE, TEST, LOGIC) \
  INTEGER_ROWS(ONE, TWO, THREE, FOUR, LUT, SELECT, COMPARE, LOGIC)         \
  FLOAT_ROWS(ONE, TWO, THREE, SELECT, COMPARE)                             \
  PACKED_ROWS(TWO, THREE, TEST)                                            \
  HALF_ROWS(ONE, TWO, THREE, COMPARE)                                      \
  CONVERT_ROWS(ONE)                                                        \
  HALF_CONVERT_ROWS(ONE, TWO)                                              \
  APPROXIMATE_ROWS(ONE, TWO)
ALL_ROWS(RUN_1, RUN_2, RUN_3, RUN_4, RUN_LUT, RUN_SELECT, RUN_COMPARE, RUN_TEST, RUN_LOGIC)

#define ROW_1(op, id, td, ta, expr)         {op, KIND_##td KIND_##ta, id},
#define ROW_2(op, id, td, ta, tb, expr)     {op, KIND_##td KIND_##ta KIND_##tb, id},
#define ROW_3(op, id, td, ta, tb, tc, expr) {op, KIND_##td KIND_##ta KIND_##tb KIND_##tc, id},
#define ROW_4(op, id, t, tc, expr)          {op, KIND_##t KIND_##t KIND_##t KIND_##tc KIND_##tc, id},
#define ROW_LUT(op, id)                     {op, "nnnni", id},
#define ROW_SELECT(op, id, t)               {op, KIND_##t KIND_##t KIND_##t "p", id},
#define ROW_COMPARE(op, id, t, expr)        {op, "p" KIND_##t KIND_##t, id},
#define ROW_TEST(op, id, t, least, class)   {op, "p" KIND_##t, id},
#define ROW_LOGIC(op, id, operands, expr)   {op, operands == 3 ? "ppp" : "pp", id},

const pv_ptx_alu PV_PTX_ALU_TABLE[] = {
    ALL_ROWS(ROW_1, ROW_2, ROW_3, ROW_4, ROW_LUT, ROW_SELECT, ROW_COMPARE, ROW_TEST, ROW_LOGIC)};
/* NOLINTEND(bugprone-macro-parentheses) */
