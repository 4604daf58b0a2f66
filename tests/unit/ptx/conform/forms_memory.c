/* Loads and stores of all widths and spaces, and how addresses are made. */
#include "tests/unit/ptx/conform/forms.h"

#define ONE  "%o0"
#define TWO  "{%o0, %o1}"
#define FOUR "{%o0, %o1, %o2, %o3}"

/* The operands lie at [%ai]: "ll" are 16 bytes. */
#define GLOBAL(type, signature, of)                                                \
  {"ld.global." type, signature, "ld.global." type " " of ", [%ai];", NULL}, {     \
    "ld.global." type, signature, "ld.global." type " " of ", [%ai+16];", "offset" \
  }
#define CACHED(type, signature, of) \
  { "ld.global.nc." type, signature, "ld.global.nc." type " " of ", [%ai];", NULL }
#define GENERIC(type, signature, of)                                 \
  {"ld." type, signature, "ld." type " " of ", [%ai];", NULL}, {     \
    "ld." type, signature, "ld." type " " of ", [%ai+16];", "offset" \
  }

/* A barrier of shared memory, at %bar, that all threads of a block arrive at once; %n is 0, the
 * parity of its first phase. */
#define BARRIER                                                                        \
  ".reg .b32 %bar, %n;\nmov.u32 %bar, scratch;\nmov.u32 %n, %ntid.x;\n"                \
  "setp.eq.s32 %p, %t, 0;\n@%p mbarrier.init.shared.b64 [%bar], %n;\nmov.u32 %n, 0;\n" \
  "bar.sync 0;\n"

/* Through memory that the threads of a block share: written by one, read by its neighbour. */
#define FILL "st.shared.v4.u32 [%s], {%i0, %i1, %i2, %i3};\n"
#define SHARED(type, signature, of)                                                                \
  {"ld.shared." type, signature, FILL "ld.shared." type " " of ", [%s];", NULL},                   \
      {"ld.shared." type, signature,                                                               \
       FILL                                                                                        \
       "bar.sync 0;\n"                                                                             \
       "ld.shared." type " " of ", [%far];",                                                       \
       "of a neighbour"},                                                                          \
      {"ld.shared." type, signature,                                                               \
       ".reg .b32 %base;\n" FILL "sub.s32 %base, %s, 16;\nld.shared." type " " of ", [%base+16];", \
       "offset"},                                                                                  \
  {                                                                                                \
    "ld.shared." type, signature,                                                                  \
        "setp.eq.s32 %p, %t, 0;\n@%p st.shared.v4.u32 [scratch], {%i0, %i1, %i2, %i3};\nbar.sync " \
        "0;\n"                                                                                     \
        "ld.shared." type " " of ", [scratch];",                                                   \
        "variable"                                                                                 \
  }

#define STORE(type, signature, of)                                                           \
  {"st.global." type, signature, "st.global." type " [%ao], " of ";", NULL}, {               \
    "st.global." type, signature,                                                            \
        ".reg .b64 %base;\nsub.s64 %base, %ao, 32;\nst.global." type " [%base+32], " of ";", \
        "offset"                                                                             \
  }
#define STORE_SHARED(type, signature, of)                                              \
  {"st.shared." type, signature,                                                       \
   "st.shared.v4.u32 [%s], {%t, %t, %t, %t};\nst.shared." type " [%s], " of            \
   ";\nld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%s];",                                  \
   NULL},                                                                              \
  {                                                                                    \
    "st.shared." type, signature,                                                      \
        ".reg .b32 %base;\nsub.s32 %base, %s, 64;\n"                                   \
        "st.shared.v4.u32 [%s], {%t, %t, %t, %t};\nst.shared." type " [%base+64], " of \
        ";\nld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%s];",                             \
        "offset"                                                                       \
  }

#define PARAM(type, signature, of, offset)                                                      \
  {"ld.param." type, signature, "ld.param." type " " of ", [blob+" offset "];", NULL},          \
      {"ld.param." type, signature,                                                             \
       ".reg .b64 %base;\nmov.b64 %base, blob;\nld.param." type " " of ", [%base+" offset "];", \
       "by address"},                                                                           \
  {                                                                                             \
    "ld.param." type, signature,                                                                \
        ".reg .b64 %base;\nmov.b64 %base, blob;\nadd.s64 %base, %base, " offset                 \
        ";\nld.param." type " " of ", [%base];",                                                \
        "by address without offset"                                                             \
  }

const pv_conform_form pv_conform_memory[] = {
    GLOBAL("u8", "h=lll", ONE),
    GLOBAL("u8", "r=lll", ONE),
    GLOBAL("s8", "h=lll", ONE),
    GLOBAL("s8", "r=lll", ONE),
    GLOBAL("u16", "h=lll", ONE),
    GLOBAL("u16", "r=lll", ONE),
    GLOBAL("s16", "h=lll", ONE),
    GLOBAL("s16", "r=lll", ONE),
    GLOBAL("u32", "r=lll", ONE),
    GLOBAL("u32", "l=lll", ONE),
    GLOBAL("s32", "r=lll", ONE),
    GLOBAL("s32", "l=lll", ONE),
    GLOBAL("f32", "f=lll", ONE),
    GLOBAL("u64", "l=lll", ONE),
    GLOBAL("f64", "d=lll", ONE),
    GLOBAL("v2.u32", "rr=llll", TWO),
    GLOBAL("v4.u32", "rrrr=llll", FOUR),
    GLOBAL("v2.f32", "ff=llll", TWO),
    GLOBAL("v4.f32", "ffff=llll", FOUR),
    GLOBAL("v2.u64", "ll=llll", TWO),
    CACHED("u8", "h=ll", ONE),
    CACHED("u16", "h=ll", ONE),
    CACHED("u32", "r=ll", ONE),
    CACHED("s32", "r=ll", ONE),
    CACHED("f32", "f=ll", ONE),
    CACHED("u64", "l=ll", ONE),
    CACHED("v2.u32", "rr=ll", TWO),
    CACHED("v4.u32", "rrrr=ll", FOUR),
    CACHED("v2.f32", "ff=ll", TWO),
    CACHED("v4.f32", "ffff=ll", FOUR),
    GENERIC("u32", "r=lll", ONE),
    GENERIC("f32", "f=lll", ONE),
    GENERIC("v4.u32", "rrrr=llll", FOUR),
    GENERIC("v4.f32", "ffff=llll", FOUR),

    STORE("u8", "_=r", "%i0"),
    STORE("u8", "_=h", "%i0"),
    STORE("u16", "_=h", "%i0"),
    STORE("u16", "_=r", "%i0"),
    STORE("u32", "_=r", "%i0"),
    STORE("f32", "_=f", "%i0"),
    STORE("u64", "_=l", "%i0"),
    STORE("f64", "_=d", "%i0"),
    STORE("v2.u32", "_=rr", "{%i0, %i1}"),
    STORE("v2.f32", "_=ff", "{%i0, %i1}"),
    STORE("v4.u32", "__=rrrr", "{%i0, %i1, %i2, %i3}"),
    STORE("v4.f32", "__=ffff", "{%i0, %i1, %i2, %i3}"),

    SHARED("u8", "r=rrrr", ONE),
    SHARED("u16", "h=rrrr", ONE),
    SHARED("u16", "r=rrrr", ONE),
    SHARED("u32", "r=rrrr", ONE),
    SHARED("u32", "l=rrrr", ONE),
    {"ld.shared.u32", "r=rrrr",
     "setp.eq.s32 %p, %t, 0;\n@%p st.shared.v4.u32 [scratch], {%i0, %i1, %i2, %i3};\nbar.sync 0;\n"
     "ld.shared.u32 %o0, [scratch+8];",
     "variable and offset"},
    SHARED("s32", "r=rrrr", ONE),
    SHARED("s32", "l=rrrr", ONE),
    SHARED("f32", "f=rrrr", ONE),
    SHARED("u64", "l=rrrr", ONE),
    SHARED("v2.u32", "rr=rrrr", TWO),
    SHARED("v4.u32", "rrrr=rrrr", FOUR),
    SHARED("v2.f32", "ff=rrrr", TWO),
    SHARED("v4.f32", "ffff=rrrr", FOUR),
    STORE_SHARED("u8", "rrrr=r", "%i0"),
    STORE_SHARED("u16", "rrrr=h", "%i0"),
    STORE_SHARED("u32", "rrrr=r", "%i0"),
    STORE_SHARED("f32", "rrrr=f", "%i0"),
    STORE_SHARED("u64", "rrrr=l", "%i0"),
    STORE_SHARED("v2.u32", "rrrr=rr", "{%i0, %i1}"),
    STORE_SHARED("v2.f32", "rrrr=ff", "{%i0, %i1}"),
    STORE_SHARED("v4.u32", "rrrr=rrrr", "{%i0, %i1, %i2, %i3}"),
    STORE_SHARED("v4.f32", "rrrr=ffff", "{%i0, %i1, %i2, %i3}"),

    PARAM("u32", "r=", ONE, "4"),
    PARAM("u32", "l=", ONE, "12"),
    PARAM("f32", "f=", ONE, "8"),
    PARAM("u64", "l=", ONE, "16"),
    PARAM("v2.u32", "rr=", TWO, "8"),

    {"cvta.to.global.u64", "r=r",
     ".reg .b64 %a;\ncvta.to.global.u64 %a, %ai;\nld.global.u32 %o0, [%a];", NULL},
    {"cvta.global.u64", "r=r", ".reg .b64 %a;\ncvta.global.u64 %a, %ai;\nld.u32 %o0, [%a];", NULL},
    {"cvta.shared.u64", "r=r",
     ".reg .b64 %a;\nst.shared.u32 [%s], %i0;\ncvt.u64.u32 %a, %s;\ncvta.shared.u64 %a, %a;\n"
     "ld.u32 %o0, [%a];",
     NULL},
    {"cvta.shared.u64", "f=f",
     ".reg .b64 %a, %b;\n.reg .b32 %c;\nst.shared.f32 [%s], %i0;\nmov.b64 %a, scratch;\n"
     "cvta.shared.u64 %a, %a;\nshl.b32 %c, %t, 4;\ncvt.u64.u32 %b, %c;\nadd.s64 %a, %a, %b;\n"
     "ld.f32 %o0, [%a+64];",
     "of a variable"},
    {"st.shared.f32", "ff=f",
     "setp.eq.s32 %p, %t, 5;\n@%p st.shared.f32 [scratch], %i0;\n"
     "@%p st.shared.f32 [scratch+4], %i0;\nbar.sync 0;\nld.shared.f32 %o0, [scratch];\n"
     "ld.shared.f32 %o1, [scratch+4];",
     "variable"},
    {"mov.u32", "r=", ".reg .b32 %a;\nmov.u32 %a, scratch;\nsub.s32 %o0, %s, %a;", "variable"},
    {"prefetch.global.L2", "r=r", "prefetch.global.L2 [%ai];\nmov.u32 %o0, %i0;", NULL},
    {"cp.async.cg.shared.global", "rrrr=ll",
     "cp.async.cg.shared.global [%s], [%ai], 16;\ncp.async.commit_group;\n"
     "cp.async.wait_group 0;\nld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%s];",
     NULL},
    {"cp.async.cg.shared.global", "rrrr=llll",
     "cp.async.cg.shared.global [%s], [%ai+16], 16;\ncp.async.commit_group;\n"
     "cp.async.wait_group 0;\nbar.sync 0;\nld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%far];",
     "of a neighbour"},
    {"cp.async.ca.shared.global", "rrrr=ll",
     "cp.async.ca.shared.global [%s], [%ai], 16;\ncp.async.wait_all;\n"
     "ld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%s];",
     NULL},
    {"cp.async.cg.shared.global.L2::cache_hint", "rrrr=ll",
     ".reg .b64 %policy;\ncreatepolicy.fractional.L2::evict_first.b64 %policy, 0f3f800000;\n"
     "cp.async.cg.shared.global.L2::cache_hint [%s], [%ai], 16, %policy;\ncp.async.wait_all;\n"
     "ld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%s];",
     NULL},
    {"mbarrier.try_wait.parity.shared.b64", "rrrr=ll",
     BARRIER "cp.async.ca.shared.global [%s], [%ai], 16;\n"
             "cp.async.mbarrier.arrive.noinc.shared.b64 [%bar];\n"
             "again:\nmbarrier.try_wait.parity.shared.b64 %p, [%bar], %n;\n@!%p bra again;\n"
             "ld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%far];",
     NULL},
    {"mbarrier.test_wait.parity.shared.b64", "r=r",
     BARRIER ".reg .b64 %state;\nst.shared.u32 [%s], %i0;\n"
             "mbarrier.arrive.shared.b64 %state, [%bar];\n"
             "again:\nmbarrier.test_wait.parity.shared.b64 %p, [%bar], %n;\n@!%p bra again;\n"
             "ld.shared.u32 %o0, [%far];",
     NULL},
    {"cp.async.bulk.prefetch.L2.global", "r=r",
     ".reg .b32 %size;\nmov.u32 %size, 16;\ncp.async.bulk.prefetch.L2.global [%ai], %size;\n"
     "mov.u32 %o0, %i0;",
     NULL},
    {"atom.global.add.u32", "r_=rr", "atom.global.add.u32 %o0, [%ao+8], %i0;", NULL},
};
const size_t pv_conform_memory_count = sizeof pv_conform_memory / sizeof pv_conform_memory[0];
