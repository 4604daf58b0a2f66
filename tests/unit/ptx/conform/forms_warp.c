/* What the threads of a warp or a block do together, and control flow. */
#include "tests/unit/ptx/conform/forms.h"

/* The lower half of a warp, the upper one asleep. */
#define HALF                                                                     \
  ".reg .b32 %lane;\n.reg .pred %in;\nand.b32 %lane, %t, 31;\nmov.u32 %o0, 0;\n" \
  "setp.ge.u32 %in, %lane, 16;\n@%in bra OUT;\n"
#define ALL ".reg .b32 %all;\nmov.u32 %all, -1;\n"

#define SHUFFLE(mode)                                                                         \
  {"shfl.sync." mode ".b32", "rp=rnm", "shfl.sync." mode ".b32 %o0|%o1, %i0, %i1, %i2, -1;",  \
   NULL},                                                                                     \
      {"shfl.sync." mode ".b32", "rp=rnm",                                                    \
       ALL "shfl.sync." mode ".b32 %o0|%o1, %i0, %i1, %i2, %all;", "mask in a register"},     \
      {"shfl.sync." mode ".b32", "r=rnm", "shfl.sync." mode ".b32 %o0, %i0, %i1, %i2, -1;",   \
       "no predicate"},                                                                       \
      {"shfl.sync." mode ".b32", "rp=rm", "shfl.sync." mode ".b32 %o0|%o1, %i0, 3, %i1, -1;", \
       "distance given"},                                                                     \
      {"shfl.sync." mode ".b32", "rp=r", "shfl.sync." mode ".b32 %o0|%o1, %i0, 1, 31, -1;",   \
       "clamp given"},                                                                        \
  {                                                                                           \
    "shfl.sync." mode ".b32", "rp=r",                                                         \
        ALL ".reg .b32 %away, %c;\nmov.u32 %away, 16;\nmov.u32 %c, 31;\nshfl.sync." mode      \
            ".b32 %o0|%o1, %i0, %away, %c, %all;",                                            \
        "far"                                                                                 \
  }

#define REDUCE(what)                                                                     \
  {"redux.sync." what, "r=r", "redux.sync." what " %o0, %i0, -1;", NULL},                \
      {"redux.sync." what, "r=r", ALL "redux.sync." what " %o0, %i0, %all;",             \
       "mask in a register"},                                                            \
  {                                                                                      \
    "redux.sync." what, "r=r", HALF "redux.sync." what " %o0, %i0, 65535;\nOUT:", "half" \
  }

#define VOTE(what, result) \
  { "vote.sync." what, result "=p", "vote.sync." what " %o0, %i0, -1;", NULL }

#define MMA "mma.sync.aligned."
#define MULTIPLY(shape, types, a, b, c, signature)                                            \
  {                                                                                           \
    MMA shape ".row.col." types, signature,                                                   \
        MMA shape ".row.col." types " {%o0, %o1, %o2, %o3}, {" a "}, {" b "}, {" c "};", NULL \
  }
#define K16(types) \
  MULTIPLY("m16n8k16", types, "%i0, %i1", "%i2", "%i3, %i4, %i5, %i6", "rrrr=rrrrrrr")
#define K32(types)                                                                    \
  MULTIPLY("m16n8k32", types, "%i0, %i1, %i2, %i3", "%i4, %i5", "%i6, %i7, %i8, %i9", \
           "rrrr=rrrrrrrrrr")

#define SPECIAL(name) \
  { "mov.u32", "r=", "mov.u32 %o0, " name ";", name }

const pv_conform_form pv_conform_warp[] = {
    SHUFFLE("idx"),
    SHUFFLE("up"),
    SHUFFLE("down"),
    SHUFFLE("bfly"),
    {"shfl.sync.bfly.b32", "r=r", HALF "shfl.sync.bfly.b32 %o0, %i0, 8, 31, 65535;\nOUT:", "half"},
    {"shfl.sync.down.b32", "r=r",
     HALF "shfl.sync.down.b32 %o0, %i0, 4, 4127, 65535;\nOUT:", "half"},
    REDUCE("add.s32"),
    REDUCE("add.u32"),
    REDUCE("min.s32"),
    REDUCE("max.s32"),
    REDUCE("min.u32"),
    REDUCE("max.u32"),
    REDUCE("and.b32"),
    REDUCE("or.b32"),
    REDUCE("xor.b32"),
    VOTE("ballot.b32", "r"),
    VOTE("all.pred", "p"),
    VOTE("any.pred", "p"),
    VOTE("uni.pred", "p"),
    {"vote.sync.ballot.b32", "r=p", ALL "vote.sync.ballot.b32 %o0, %i0, %all;",
     "mask in a register"},
    {"vote.sync.ballot.b32", "r=p", HALF "vote.sync.ballot.b32 %o0, %i0, 65535;\nOUT:", "half"},
    {"activemask.b32", "r=r", HALF "activemask.b32 %o0;\nOUT:", "half"},
    {"match.any.sync.b32", "r=s", "match.any.sync.b32 %o0, %i0, -1;", NULL},
    K16("s32.s8.s8.s32"),
    K16("s32.u8.s8.s32"),
    K16("s32.s8.u8.s32"),
    K16("s32.u8.u8.s32"),
    K32("s32.s8.s8.s32"),
    K32("s32.u8.s8.s32"),
    K32("s32.s8.u8.s32"),
    K32("s32.u8.u8.s32"),
    {"bar.sync", "rr=rr",
     "st.shared.u32 [%s], %i0;\nbar.sync 0;\n"
     "ld.shared.u32 %o0, [%far];\nbar.sync 0;\nst.shared.u32 [%s], %i1;\nbar.sync 0;\n"
     "ld.shared.u32 %o1, [%far];",
     NULL},
    {"bar.warp.sync", "r=r",
     "st.shared.u32 [%s], %i0;\nbar.warp.sync -1;\n"
     "ld.shared.u32 %o0, [%near];",
     NULL},
    {"ldmatrix.sync.aligned.m8n8.x1.shared.b16", "r=rrrr",
     "st.shared.v4.u32 [%s], {%i0, %i1, %i2, %i3};\nbar.sync 0;\n"
     "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%o0}, [%s];",
     NULL},
    {"ldmatrix.sync.aligned.m8n8.x4.shared.b16", "rrrr=rrrr",
     "st.shared.v4.u32 [%s], {%i0, %i1, %i2, %i3};\nbar.sync 0;\n"
     "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%o0, %o1, %o2, %o3}, [%s];",
     NULL},
    {"griddepcontrol.wait", "r=r", "griddepcontrol.wait;\nmov.u32 %o0, %i0;", NULL},
    {"griddepcontrol.launch_dependents", "r=r",
     "griddepcontrol.launch_dependents;\nmov.u32 %o0, %i0;", NULL},
    SPECIAL("%tid.x"),
    SPECIAL("%tid.y"),
    SPECIAL("%tid.z"),
    SPECIAL("%ntid.x"),
    SPECIAL("%ntid.y"),
    SPECIAL("%ntid.z"),
    SPECIAL("%ctaid.x"),
    SPECIAL("%ctaid.y"),
    SPECIAL("%ctaid.z"),
    SPECIAL("%nctaid.x"),
    SPECIAL("%nctaid.y"),
    SPECIAL("%nctaid.z"),
    SPECIAL("%laneid"),
    {"bra", "r=rr",
     ".reg .pred %less;\nsetp.lt.u32 %less, %i0, %i1;\n@%less bra THEN;\nsub.s32 %o0, %i0, %i1;\n"
     "bra END;\nTHEN:\nadd.s32 %o0, %i0, %i1;\nEND:\nadd.s32 %o0, %o0, 1;",
     NULL},
    {"bra.uni", "r=r", "mov.u32 %o0, %i0;\nbra.uni END;\nmov.u32 %o0, 0;\nEND:", NULL},
    {"bra", "r=ss", /* every thread goes round as often as it likes, then the warp meets again */
     ".reg .pred %more;\n.reg .b32 %left;\nand.b32 %left, %i0, 31;\nmov.u32 %o0, 0;\nAGAIN:\n"
     "mad.lo.s32 %o0, %o0, 3, %i1;\nadd.s32 %left, %left, -1;\nsetp.gt.s32 %more, %left, 0;\n"
     "@%more bra AGAIN;\nshfl.sync.bfly.b32 %o0, %o0, 1, 31, -1;",
     "loop"},
    {"ret", "_=r",
     ".reg .pred %odd;\n.reg .b32 %b;\nst.global.u32 [%ao], %i0;\nand.b32 %b, %t, 1;\n"
     "setp.eq.s32 %odd, %b, 1;\n@%odd ret;\nst.global.u32 [%ao+4], %i0;",
     NULL},
};
const size_t pv_conform_warp_count = sizeof pv_conform_warp / sizeof pv_conform_warp[0];
