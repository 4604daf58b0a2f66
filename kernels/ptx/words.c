/* Sorted by byte value: the tables are searched by halves. */
#include "kernels/ptx/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Texture, surface, video and tensor memory (tcgen05) instructions are not known: no kernel here
 * uses them, and an unknown word is refused. */
static const pv_ptx_opcode opcodes[] = {
    {"abs", 2, 2, true},         {"activemask", 1, 1, true},
    {"add", 3, 3, true},         {"addc", 3, 3, true},
    {"and", 3, 3, true},         {"applypriority", 2, 2, false},
    {"atom", 2, 5, true},        {"bar", 0, 4, true},
    {"barrier", 0, 4, true},     {"bfe", 4, 4, true},
    {"bfi", 5, 5, true},         {"bfind", 2, 2, true},
    {"bmsk", 3, 3, true},        {"bra", 1, 1, false},
    {"brev", 2, 2, true},        {"brkpt", 0, 0, false},
    {"brx", 2, 2, false},        {"call", 1, 4, true},
    {"clz", 2, 2, true},         {"cnot", 2, 2, true},
    {"copysign", 3, 3, true},    {"cos", 2, 2, true},
    {"cp", 0, 6, false},         {"createpolicy", 1, 4, true},
    {"cvt", 2, 4, true},         {"cvta", 2, 2, true},
    {"discard", 2, 2, false},    {"div", 3, 3, true},
    {"dp2a", 4, 4, true},        {"dp4a", 4, 4, true},
    {"elect", 2, 2, true},       {"ex2", 2, 2, true},
    {"exit", 0, 0, false},       {"fence", 0, 2, false},
    {"fma", 4, 4, true},         {"fns", 4, 4, true},
    {"getctarank", 2, 2, true},  {"griddepcontrol", 0, 0, false},
    {"isspacep", 2, 2, true},    {"ld", 2, 4, true},
    {"ldmatrix", 2, 2, true},    {"ldu", 2, 2, true},
    {"lg2", 2, 2, true},         {"lop3", 5, 6, true},
    {"mad", 4, 4, true},         {"mad24", 4, 4, true},
    {"madc", 4, 4, true},        {"mapa", 3, 3, true},
    {"match", 3, 3, true},       {"max", 3, 4, true},
    {"mbarrier", 1, 4, true},    {"membar", 0, 0, false},
    {"min", 3, 4, true},         {"mma", 4, 5, true},
    {"mov", 2, 2, true},         {"movmatrix", 2, 2, true},
    {"mul", 3, 3, true},         {"mul24", 3, 3, true},
    {"nanosleep", 1, 1, false},  {"neg", 2, 2, true},
    {"not", 2, 2, true},         {"or", 3, 3, true},
    {"pmevent", 1, 1, false},    {"popc", 2, 2, true},
    {"prefetch", 1, 2, false},   {"prefetchu", 1, 1, false},
    {"prmt", 4, 4, true},        {"rcp", 2, 2, true},
    {"red", 2, 4, false},        {"redux", 3, 3, true},
    {"rem", 3, 3, true},         {"ret", 0, 0, false},
    {"rsqrt", 2, 2, true},       {"sad", 4, 4, true},
    {"selp", 4, 4, true},        {"set", 3, 4, true},
    {"setmaxnreg", 1, 1, false}, {"setp", 3, 4, true},
    {"shf", 4, 4, true},         {"shfl", 4, 5, true},
    {"shl", 3, 3, true},         {"shr", 3, 3, true},
    {"sin", 2, 2, true},         {"slct", 4, 4, true},
    {"sqrt", 2, 2, true},        {"st", 2, 4, false},
    {"stmatrix", 2, 2, false},   {"sub", 3, 3, true},
    {"subc", 3, 3, true},        {"szext", 3, 3, true},
    {"tanh", 2, 2, true},        {"testp", 2, 2, true},
    {"trap", 0, 0, false},       {"vabsdiff4", 4, 4, true},
    {"vote", 2, 3, true},        {"wgmma", 0, 8, true},
    {"wmma", 2, 5, true},        {"xor", 3, 3, true},
};

static const char *const modifiers[] = {
    /* caches and what is kept in them */
    "L1", "L1::evict_first", "L1::evict_last", "L1::evict_normal", "L1::evict_unchanged",
    "L1::no_allocate", "L2", "L2::128B", "L2::256B", "L2::64B", "L2::cache_hint", "L2::evict_first",
    "L2::evict_last", "L2::evict_normal", "L2::evict_unchanged",
    /* types, rounding, comparisons, spaces, scopes, shapes */
    "NaN", "a", "abs", "acq_rel", "acquire", "add", "alias", "aligned", "all", "and", "any",
    "approx", "arrive", "arrive_drop", "async", "async::generic", "async::global",
    "async::shared::cluster", "async::shared::cta", "b", "b1", "b128", "b16", "b32", "b4e", "b64",
    "b8", "ballot", "bf16", "bf16x2", "bfly", "bulk", "bulk_group", "ca", "cas", "cc", "cg",
    "clamp", "cluster", "col", "commit_group", "complete_tx", "const", "cs", "cta", "cv", "d",
    "dec", "down", "e4m3", "e4m3x2", "e5m2", "e5m2x2", "ecl", "ecr", "entry", "eq", "equ", "exch",
    "expect_tx", "f16", "f16x2", "f32", "f32x2", "f4e", "f64", "fence", "finite", "fractional",
    "ftz", "full", "ge", "generic", "geu", "gl", "global", "gpu", "gt", "gtu", "hi", "hs", "idx",
    "inc", "infinite", "init", "inval", "l", "launch_dependents", "le", "leu", "lo", "load",
    "local", "ls", "lt", "ltu", "lu", "m16n16k16", "m16n8k16", "m16n8k32", "m16n8k4", "m16n8k64",
    "m16n8k8", "m32n8k16", "m8n32k16", "m8n8", "m8n8k16", "m8n8k32", "m8n8k4", "max", "mbarrier",
    "mbarrier::complete_tx::bytes", "mbarrier_init", "min", "mma", "mma_async", "mmio", "mode",
    "multicast::cluster", "nan", "nc", "ne", "neu", "noComplete", "noftz", "noinc", "normal",
    "notanumber", "num", "number", "or", "pack", "param", "param::entry", "param::func", "parity",
    "pending_count", "popc", "pred", "prefetch", "proxy", "r", "range", "rc16", "rc8", "read",
    "red", "reduce", "relaxed", "release", "relu", "rm", "rmi", "rn", "rna", "rni", "row", "rp",
    "rpi", "rs", "rz", "rzi", "s16", "s16x2", "s32", "s4", "s64", "s8", "sat", "satfinite", "sc",
    "shared", "shared::cluster", "shared::cta", "shiftamt", "store", "subnormal", "sync", "sys",
    "tensormap", "tensormap::generic", "test_wait", "tf32", "to", "trans", "try_wait", "u16",
    "u16x2", "u32", "u4", "u64", "u8", "uni", "unified", "up", "v2", "v4", "v8", "volatile", "wait",
    "wait_all", "wait_group", "warp", "wb", "weak", "wide", "wrap", "wt", "x1", "x2", "x4", "xor",
    "xorsign"};

static const char *const specials[] = {
    /* of a launch, its clusters, its blocks and threads */
    "%aggr_smem_size", "%clock", "%clock64", "%clock_hi", "%cluster_ctaid.x", "%cluster_ctaid.y",
    "%cluster_ctaid.z", "%cluster_ctarank", "%cluster_nctaid.x", "%cluster_nctaid.y",
    "%cluster_nctaid.z", "%cluster_nctarank", "%clusterid.x", "%clusterid.y", "%clusterid.z",
    "%ctaid.x", "%ctaid.y", "%ctaid.z", "%current_graph_exec", "%dynamic_smem_size", "%envreg0",
    "%envreg1", "%envreg10", "%envreg11", "%envreg12", "%envreg13", "%envreg14", "%envreg15",
    "%envreg16", "%envreg17", "%envreg18", "%envreg19", "%envreg2", "%envreg20", "%envreg21",
    "%envreg22", "%envreg23", "%envreg24", "%envreg25", "%envreg26", "%envreg27", "%envreg28",
    "%envreg29", "%envreg3", "%envreg30", "%envreg31", "%envreg4", "%envreg5", "%envreg6",
    "%envreg7", "%envreg8", "%envreg9", "%globaltimer", "%globaltimer_hi", "%globaltimer_lo",
    "%gridid", "%is_explicit_cluster", "%laneid", "%lanemask_eq", "%lanemask_ge", "%lanemask_gt",
    "%lanemask_le", "%lanemask_lt", "%nclusterid.x", "%nclusterid.y", "%nclusterid.z", "%nctaid.x",
    "%nctaid.y", "%nctaid.z", "%nsmid", "%ntid.x", "%ntid.y", "%ntid.z", "%nwarpid",
    "%reserved_smem_offset_begin", "%reserved_smem_offset_cap", "%reserved_smem_offset_end",
    "%smid", "%tid.x", "%tid.y", "%tid.z", "%total_smem_size", "%warpid",
    /* a constant that looks like one */
    "WARP_SZ"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Compares `length` bytes with a NUL-terminated word as strcmp would. */
static int compare(const char *bytes, size_t length, const char *word) {
  const size_t own = strlen(word);
  const int order = memcmp(bytes, word, length < own ? length : own);
  if (order != 0) return order;
  return (length > own) - (length < own);
}

/* An entry of a table whose entries, of `size` bytes, begin with a word. */
static const void *find(const void *table, size_t count, size_t size, const char *name,
                        size_t length) {
  size_t low = 0, high = count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const void *entry = (const char *)table + middle * size;
    const int order = compare(name, length, *(const char *const *)entry);
    if (order == 0) return entry;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}
#define FIND(list, name, length) find((list), COUNT(list), sizeof *(list), (name), (length))

const pv_ptx_opcode *pv_ptx_opcode_find(const char *name, size_t length) {
  return FIND(opcodes, name, length);
}

const char *pv_ptx_modifier_find(const char *name, size_t length) {
  const char *const *word = FIND(modifiers, name, length);
  return word != NULL ? *word : NULL;
}

const char *pv_ptx_special_find(const char *name, size_t length) {
  const char *const *word = FIND(specials, name, length);
  return word != NULL ? *word : NULL;
}

const char *pv_ptx_opcode_at(size_t index) {
  return index < COUNT(opcodes) ? opcodes[index].name : NULL;
}

const char *pv_ptx_modifier_at(size_t index) {
  return index < COUNT(modifiers) ? modifiers[index] : NULL;
}

const char *pv_ptx_special_at(size_t index) {
  return index < COUNT(specials) ? specials[index] : NULL;
}

/* Words are short: two letters off is near. */
static const char *nearest(const char *(*at)(size_t), const char *name) {
  const char *best = NULL, *word = NULL;
  size_t least = 3;
  for (size_t i = 0; (word = at(i)) != NULL; i++) {
    const size_t d = pv_text_distance(name, word);
    if (d < least && d < strlen(word)) {
      least = d;
      best = word;
    }
  }
  return best;
}

const char *pv_ptx_opcode_nearest(const char *name) {
  return nearest(pv_ptx_opcode_at, name);
}

const char *pv_ptx_modifier_nearest(const char *name) {
  return nearest(pv_ptx_modifier_at, name);
}
