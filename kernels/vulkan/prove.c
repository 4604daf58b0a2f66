#include "kernels/vulkan/prove.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* As proof.comp has it. */
typedef struct arguments {
  uint64_t a, b, c, result;
  uint32_t operation, count, base, unused;
} arguments;

enum { A, B, C, RESULT, ARRAYS };
#define ARRAY_BYTES ((uint64_t)PV_OP_CASES * sizeof(uint64_t))
#define AT_ONCE     (UINT64_C(1) << 28) /* inputs of a conversion, PV_OP_CASES results */
_Static_assert(AT_ONCE / PV_OP_FOLD == PV_OP_CASES, "the results of a launch fill an array");

typedef struct bench {
  pv_vulkan_device *device;
  pv_vulkan_pipeline pipeline;
  pv_vulkan_memory there[ARRAYS], here[ARRAYS]; /* of the device; of the host, for copies */
} bench;

static pv_code set_up(pv_vulkan *vulkan, size_t index, const pv_vulkan_module *module, bench *b,
                      pv_error *err) {
  pv_code code = pv_vulkan_device_open(vulkan, index, &b->device, err);
  for (unsigned i = 0; code == PV_OK && i < ARRAYS; i++) {
    code = pv_vulkan_allocate(b->device, ARRAY_BYTES, false, &b->there[i], err);
    if (code == PV_OK) code = pv_vulkan_allocate(b->device, ARRAY_BYTES, true, &b->here[i], err);
  }
  if (code == PV_OK) code = pv_vulkan_compile(b->device, module, 0, &b->pipeline, err);
  return code;
}

static void take_down(bench *b) {
  if (b->device == NULL) return;
  if (b->pipeline.pipeline != NULL) pv_vulkan_discard(b->device, &b->pipeline);
  for (unsigned i = 0; i < ARRAYS; i++) {
    pv_vulkan_release(b->device, &b->there[i]);
    pv_vulkan_release(b->device, &b->here[i]);
  }
  pv_vulkan_device_close(b->device);
}

/* `count` results, of inputs that lie in `here` or that are base + i. */
static pv_code launch(bench *b, uint32_t operation, uint32_t count, uint32_t base, double *seconds,
                      pv_error *err) {
  const arguments with = {.a = b->there[A].address,
                          .b = b->there[B].address,
                          .c = b->there[C].address,
                          .result = b->there[RESULT].address,
                          .operation = operation,
                          .count = count,
                          .base = base};
  double took = 0;
  pv_code code = pv_vulkan_begin(b->device, err);
  if (code != PV_OK) return code;
  for (unsigned i = A; i <= RESULT; i++) /* the results too: what is not written is seen */
    pv_vulkan_copy(b->device, &b->here[i], 0, &b->there[i], 0, ARRAY_BYTES);
  pv_vulkan_launch(b->device, &b->pipeline, &with, sizeof with,
                   (count + PV_OP_GROUP - 1) / PV_OP_GROUP, 1, false);
  pv_vulkan_copy(b->device, &b->there[RESULT], 0, &b->here[RESULT], 0, ARRAY_BYTES);
  code = pv_vulkan_finish(b->device, &took, err);
  *seconds += took;
  return code;
}

static uint64_t at(const bench *b, unsigned array, bool is_long, uint32_t i) {
  const void *from = b->here[array].mapped;
  return is_long ? ((const uint64_t *)from)[i] : ((const uint32_t *)from)[i];
}

static void note(pv_proof_result *r, uint64_t a, uint64_t b, uint64_t c, uint64_t got,
                 uint64_t want) {
  if (r->differing++ > 0) return;
  r->a = a;
  r->b = b;
  r->c = c;
  r->got = got;
  r->want = want;
}

static pv_code prove_cases(bench *b, pv_proof_result *r, pv_error *err) {
  const pv_operation *o = r->operation;
  const bool is_long = pv_op_is_long(o->code), is_tree = o->code == PV_OP_TREE;
  void *x = b->here[A].mapped, *y = b->here[B].mapped, *z = b->here[C].mapped;
  pv_op_inputs_make(o, x, y, z);
  memset(b->here[RESULT].mapped, 0xa5, ARRAY_BYTES);
  const pv_code code = launch(b, o->code, PV_OP_CASES, 0, &r->seconds, err);
  if (code != PV_OK) return code;
  for (uint32_t i = 0; i < (is_tree ? PV_OP_CASES / PV_OP_GROUP : PV_OP_CASES); i++) {
    const uint64_t want = pv_op_expected(o, x, y, z, i), got = at(b, RESULT, is_long, i);
    const bool packed = o->inputs == PV_INPUTS_INDEX; /* two in a word */
    const uint64_t first = at(b, A, is_long, packed ? i / 2 : i);
    if (!pv_op_counts(o, first, at(b, B, is_long, i), want)) continue;
    r->compared++;
    if (!pv_op_same(o, got, want))
      note(r, packed ? i : first, at(b, B, is_long, i), at(b, C, is_long, i), got, want);
  }
  return PV_OK;
}

/* The first of PV_OP_FOLD conversions that differs, and how many do. */
static pv_code find_conversion(bench *b, pv_proof_result *r, uint32_t base, pv_error *err) {
  const uint32_t operation = PV_OP_CONVERTED + (uint32_t)r->operation->code - PV_OP_FOLDED;
  const uint64_t before = r->differing;
  const pv_code code = launch(b, operation, PV_OP_FOLD, base, &r->seconds, err);
  if (code != PV_OK) return code;
  for (uint32_t i = 0; i < PV_OP_FOLD; i++) {
    const uint64_t got = at(b, RESULT, false, i);
    const uint64_t want = pv_op_converted(r->operation, base + i);
    if (got != want) note(r, base + i, 0, 0, got, want);
  }
  if (r->differing == before) /* it gave something else the second time */
    note(r, base, 0, 0, 0, 0);
  return PV_OK;
}

static pv_code prove_every(bench *b, pv_proof_result *r, pv_error *err) {
  const pv_operation *o = r->operation;
  pv_code code = PV_OK;
  for (uint64_t done = 0; code == PV_OK && done < o->length && r->differing == 0; done += AT_ONCE) {
    const uint64_t left = o->length - done, inputs = left < AT_ONCE ? left : AT_ONCE;
    const uint32_t base = o->first + (uint32_t)done, count = (uint32_t)(inputs / PV_OP_FOLD);
    memset(b->here[RESULT].mapped, 0xa5, ARRAY_BYTES);
    code = launch(b, o->code, count, base, &r->seconds, err);
    for (uint32_t i = 0; code == PV_OK && i < count && r->differing == 0; i++) {
      r->compared += PV_OP_FOLD;
      if (at(b, RESULT, false, i) != pv_op_folded(o, base + i * PV_OP_FOLD))
        code = find_conversion(b, r, base + i * PV_OP_FOLD, err);
    }
  }
  return code;
}

static pv_code prove_as_told(pv_vulkan *vulkan, size_t index, const pv_vulkan_module *module,
                             pv_proof *out, pv_error *err) {
  bench b = {0};
  size_t count = 0;
  const pv_operation *all = pv_operations(&count);
  *out = (pv_proof){0};
  pv_code code = set_up(vulkan, index, module, &b, err);
  for (size_t i = 0; code == PV_OK && i < count; i++) {
    pv_proof_result *r = &out->results[out->count];
    const bool every = all[i].inputs == PV_INPUTS_EVERY;
    if (every && out->failed != NULL) continue;
    r->operation = &all[i];
    code = every ? prove_every(&b, r, err) : prove_cases(&b, r, err);
    if (code != PV_OK) break;
    out->count++;
    if (r->differing > 0 && out->failed == NULL) out->failed = r;
  }
  take_down(&b);
  return code;
}

/* Sums of subnormals are not the CPU's: no defect of a shader does that. */
static bool flushes(const pv_proof *proof) {
  for (size_t i = 0; i < proof->count; i++)
    if (strcmp(proof->results[i].operation->name, "subnormal-add") == 0)
      return proof->results[i].differing > 0;
  return false;
}

pv_code pv_vulkan_prove(pv_vulkan *vulkan, size_t index, const pv_vulkan_module *module,
                        pv_proof *out, pv_error *err) {
  pv_vulkan_about about;
  pv_vulkan_describe(vulkan, index, &about);
  const pv_code code = prove_as_told(vulkan, index, module, out, err);
  if (code != PV_OK || about.subnormals == PV_VULKAN_KEPT || !flushes(out)) return code;
  pv_vulkan_tell(vulkan, index);
  return prove_as_told(vulkan, index, module, out, err);
}

void pv_proof_describe(const pv_proof_result *r, char out[PV_PROOF_ROOM]) {
  const int digits = ((r->a | r->b | r->c | r->got | r->want) >> 32) != 0 ? 16 : 8;
  (void)snprintf(out, PV_PROOF_ROOM,
                 "%s: %" PRIu64 " of %" PRIu64 " results are not the CPU's; of %0*" PRIx64
                 ", %0*" PRIx64 ", %0*" PRIx64 " it gives %0*" PRIx64 ", the CPU %0*" PRIx64,
                 r->operation->name, r->differing, r->compared, digits, r->a, digits, r->b, digits,
                 r->c, digits, r->got, digits, r->want);
}

enum { ONCE_MOST = PV_VULKAN_DEVICES_MAX };

/* What is known of each device since the process began. */
static struct {
  bool done, told;
  pv_proof proof;
  char text[3 * PV_VULKAN_NAME]; /* "": it is not proved */
} devices[ONCE_MOST];
static pthread_mutex_t alone = PTHREAD_MUTEX_INITIALIZER;

/* What was proved is what is used: shaders say the same of subnormals. */
static void keep_in_mind(pv_vulkan *vulkan, size_t index) {
  pv_vulkan_about about;
  if (devices[index].told) pv_vulkan_tell(vulkan, index);
  pv_vulkan_describe(vulkan, index, &about);
  devices[index].told |= about.subnormals == PV_VULKAN_KEPT && !about.promised;
  const char *kept = about.subnormals == PV_VULKAN_UNSAID ? "as they are"
                     : about.promised                     ? "kept as promised"
                                                          : "kept as told, without a promise";
  if (devices[index].proof.failed == NULL)
    (void)snprintf(devices[index].text, sizeof devices[index].text,
                   "%s (%s), Vulkan %u.%u.%u, %s: %zu operations proved, subnormals %s", about.name,
                   about.software ? "software, no GPU" : about.type, about.major, about.minor,
                   about.patch, about.driver, devices[index].proof.count, kept);
}

pv_code pv_vulkan_prove_once(pv_vulkan *vulkan, size_t index, pv_error *err) {
  char why[PV_PROOF_ROOM];
  const pv_vulkan_module *module = pv_vulkan_module_find("proof");
  pv_code code = PV_OK;
  if (index >= ONCE_MOST || module == NULL)
    return pv_error_set(err, PV_ERR_INTERNAL, "there is no proof of the device %zu", index);
  pthread_mutex_lock(&alone);
  pv_proof *proof = &devices[index].proof;
  if (!devices[index].done) code = pv_vulkan_prove(vulkan, index, module, proof, err);
  devices[index].done |= code == PV_OK;
  if (code == PV_OK) keep_in_mind(vulkan, index);
  if (code == PV_OK && proof->failed != NULL) {
    pv_proof_describe(proof->failed, why);
    code =
        pv_error_set(err, PV_ERR_UNSUPPORTED, "the Vulkan device %zu is not used: %s", index, why);
    pv_error_hint(err, "see: pv vulkan prove");
  }
  pthread_mutex_unlock(&alone);
  return code;
}

const char *pv_vulkan_proved(size_t index) {
  return index < ONCE_MOST && devices[index].text[0] != '\0' ? devices[index].text : NULL;
}
