/* Prompts for a model that has no reference: token ids alone, made of its vocabulary and context.
 */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/sha256.h"
#include "base/text.h"
#include "runtime/reference/internal.h"

/* One position, few of them, a power of two and one more, more than a warp has lanes. The
 * interpreter gets those of at most 16. */
static const size_t lengths[] = {1, 3, 16, 17, 64};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

void pv_reference_random_ids(uint64_t *state, uint32_t vocab, uint32_t *ids, size_t count) {
  for (size_t i = 0; i < count; i++) ids[i] = (uint32_t)(pv_random_lcg(state) % vocab);
}

/* The edges of the vocabulary stand behind the first position: the row of such a token may be all
 * zeros, and a prompt of nothing else would have no direction to compare. */
static bool make_prompt(pv_reference *r, uint32_t vocab, size_t length, pv_reference_prompt *out) {
  uint64_t state = length;
  uint32_t *ids = PV_ARENA_NEW(&r->arena, length, uint32_t);
  char *name = pv_arena_printf(&r->arena, "builtin-%zu", length);
  if (ids == NULL || name == NULL) return false;
  pv_reference_random_ids(&state, vocab, ids, length);
  if (length > 2) ids[1] = 0;
  if (length > 1) ids[length - 1] = vocab - 1;
  *out =
      (pv_reference_prompt){.name = name, .text = "", .ids = ids, .count = length, .vocab = vocab};
  return true;
}

pv_code pv_reference_builtin(uint32_t vocab, size_t context, pv_reference **out, pv_error *err) {
  if (vocab == 0 || context == 0)
    return pv_error_set(err, PV_ERR_INPUT, "a model without tokens or positions has no prompts");
  pv_reference *r = calloc(1, sizeof *r);
  bool made = r != NULL;
  if (made) r->prompts = PV_ARENA_NEW(&r->arena, LENGTHS, pv_reference_prompt);
  made = made && r->prompts != NULL;
  for (size_t i = 0; i < LENGTHS && made; i++) {
    const size_t length = lengths[i] < context ? lengths[i] : context;
    if (r->count > 0 && r->prompts[r->count - 1].count == length) break; /* the context is full */
    made = make_prompt(r, vocab, length, &r->prompts[r->count]);
    r->count += made;
  }
  if (made) {
    *out = r;
    return PV_OK;
  }
  pv_reference_close(r);
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the built-in prompts");
}

pv_code pv_reference_builtin_digest(char out[PV_SHA256_HEX], pv_error *err) {
  static const struct {
    uint32_t vocab;
    size_t context;
  } models[] = {{1, 1}, {2, 2}, {7, 8}, {258, 40}, {151936, 262144}};
  pv_text text = PV_TEXT_INIT;
  pv_code code = PV_OK;
  for (size_t m = 0; m < sizeof models / sizeof *models && code == PV_OK; m++) {
    pv_reference *r = NULL;
    code = pv_reference_builtin(models[m].vocab, models[m].context, &r, err);
    for (size_t i = 0; code == PV_OK && i < r->count; i++) {
      pv_text_printf(&text, "%s:", r->prompts[i].name);
      for (size_t k = 0; k < r->prompts[i].count; k++)
        pv_text_printf(&text, " %u", r->prompts[i].ids[k]);
      pv_text_puts(&text, "\n");
    }
    pv_reference_close(r);
  }
  if (code == PV_OK && text.failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  if (code == PV_OK) code = pv_sha256_bytes(text.data, text.length, out, err);
  pv_text_free(&text);
  return code;
}
