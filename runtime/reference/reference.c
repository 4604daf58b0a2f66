#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "kernels/quant/quant.h"
#include "runtime/reference/internal.h"

enum { PROMPTS_MAX = 1024, VOCAB_MAX = 1 << 24, NAME_MAX_BYTES = 64, DIGEST = 32 };

static pv_code refuse(pv_error *err, const char *name, uint64_t byte, const char *why) {
  const pv_code code = pv_error_set(err, PV_ERR_INPUT, "the reference %s", why);
  pv_error_at(err, name, 0, 0, (int64_t)byte);
  pv_error_hint(err, "make it again: pv reference build, or pv synth --prompts");
  return code;
}

static pv_code check_digest(const unsigned char *data, size_t length, const char *name,
                            pv_error *err) {
  char hex[PV_SHA256_HEX];
  unsigned char own[DIGEST];
  const pv_code code = pv_sha256_bytes(data, length - DIGEST, hex, err);
  if (code != PV_OK) return code;
  pv_sha256_raw(hex, own, DIGEST);
  return memcmp(data + length - DIGEST, own, DIGEST) == 0
             ? PV_OK
             : refuse(err, name, length - DIGEST, "is damaged");
}

typedef struct reader {
  pv_cursor c;
  pv_reference *r;
  bool starved; /* c.failed, for want of memory */
} reader;

/* What was made in the arena, or NULL, which ends the reading. */
static void *made(reader *in, void *memory) {
  if (memory == NULL) in->starved = in->c.failed = true;
  return memory;
}

static char *read_string(reader *in) {
  const uint32_t length = pv_cursor_u32(&in->c);
  const unsigned char *bytes = pv_cursor_take(&in->c, length);
  if (bytes != NULL && memchr(bytes, '\0', length) == NULL &&
      pv_utf8_valid((const char *)bytes, length))
    return made(in, pv_arena_strndup(&in->r->arena, (const char *)bytes, length));
  in->c.failed = true;
  return NULL;
}

/* A name goes into contracts, reasons and reports: plain, and no two alike. */
static bool name_is_sound(const pv_reference *r, const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const size_t length = strlen(name);
  if (length == 0 || length > NAME_MAX_BYTES || strspn(name, allowed) != length) return false;
  for (size_t i = 0; i < r->count; i++)
    if (strcmp(r->prompts[i].name, name) == 0) return false;
  return true;
}

/* `count` token ids below the vocabulary's size. */
static uint32_t *read_ids(reader *in, uint32_t vocab, uint64_t count) {
  const unsigned char *bytes = pv_cursor_take(&in->c, count * 4);
  if (bytes == NULL) return NULL;
  uint32_t *ids = made(in, PV_ARENA_NEW(&in->r->arena, (size_t)count, uint32_t));
  pv_cursor values = pv_cursor_make(bytes, count * 4);
  for (uint64_t i = 0; ids != NULL && i < count; i++) {
    ids[i] = pv_cursor_u32(&values);
    if (ids[i] >= vocab) in->c.failed = true;
  }
  return ids;
}

static uint32_t *read_counted_ids(reader *in, uint32_t vocab, size_t *count) {
  *count = pv_cursor_u32(&in->c);
  return read_ids(in, vocab, *count);
}

static float *read_margins(reader *in, size_t count) {
  const unsigned char *bytes = pv_cursor_take(&in->c, (uint64_t)count * 4);
  if (bytes == NULL) return NULL;
  float *out = made(in, PV_ARENA_NEW(&in->r->arena, count, float));
  pv_cursor values = pv_cursor_make(bytes, (uint64_t)count * 4);
  for (size_t i = 0; out != NULL && i < count; i++) {
    out[i] = pv_cursor_f32(&values);
    if (!(out[i] >= 0.0f) || isinf(out[i])) in->c.failed = true;
  }
  return out;
}

static float *read_logits(reader *in, size_t rows, uint32_t vocab) {
  uint64_t elements = 0, bytes = 0;
  if (!pv_ck_mul(rows, vocab, &elements) || !pv_ck_mul(elements, 2, &bytes)) in->c.failed = true;
  const unsigned char *halves = in->c.failed ? NULL : pv_cursor_take(&in->c, bytes);
  if (halves == NULL) return NULL;
  float *out = made(in, PV_ARENA_NEW(&in->r->arena, elements, float));
  for (uint64_t i = 0; out != NULL && i < elements; i++) {
    out[i] = pv_f16_to_f32((uint16_t)(halves[2 * i] | halves[2 * i + 1] << 8));
    if (!isfinite(out[i])) in->c.failed = true;
  }
  return out;
}

static void read_prompt(reader *in, uint32_t vocab) {
  pv_reference_prompt *p = &in->r->prompts[in->r->count];
  p->vocab = vocab;
  p->name = read_string(in);
  p->text = read_string(in);
  p->ids = read_counted_ids(in, vocab, &p->count);
  p->hf_greedy = read_counted_ids(in, vocab, &p->hf_greedy_count);
  p->f64_greedy = read_counted_ids(in, vocab, &p->f64_greedy_count);
  const uint8_t has_logits = pv_cursor_u8(&in->c);
  if (in->c.failed || has_logits > 1 || p->count == 0 || !name_is_sound(in->r, p->name))
    in->c.failed = true;
  if (has_logits == 0 || in->c.failed) return;
  p->top = read_ids(in, vocab, p->count);
  p->top_margin = read_margins(in, p->count);
  p->logits = read_logits(in, p->count, vocab);
}

pv_code pv_reference_parse(const void *data, size_t length, const char *name, pv_reference **out,
                           pv_error *err) {
  if (length < PV_REFERENCE_MAGIC_BYTES + 8 + DIGEST ||
      memcmp(data, PV_REFERENCE_MAGIC, PV_REFERENCE_MAGIC_BYTES) != 0)
    return refuse(err, name, 0, "is not one of version 1");
  const pv_code code = check_digest(data, length, name, err);
  if (code != PV_OK) return code;
  reader in = {.c = pv_cursor_make(data, length - DIGEST)};
  pv_cursor_take(&in.c, PV_REFERENCE_MAGIC_BYTES);
  const uint32_t vocab = pv_cursor_u32(&in.c), count = pv_cursor_u32(&in.c);
  if (vocab == 0 || vocab > VOCAB_MAX || count == 0 || count > PROMPTS_MAX)
    return refuse(err, name, 8, "has an impossible size");
  pv_reference *r = calloc(1, sizeof *r);
  if (r != NULL) r->prompts = PV_ARENA_NEW(&r->arena, count, pv_reference_prompt);
  in.r = r;
  if (r == NULL || r->prompts == NULL) {
    pv_reference_close(r);
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the reference");
  }
  for (; r->count < count && !in.c.failed; r->count++) read_prompt(&in, vocab);
  if (in.c.failed || in.c.at != in.c.length) {
    pv_reference_close(r);
    if (in.starved) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the reference");
    return refuse(err, name, in.c.at,
                  "has a part that is cut off, of the wrong length or out of range");
  }
  *out = r;
  return PV_OK;
}

pv_code pv_reference_open(const char *path, pv_reference **out, pv_error *err) {
  pv_bytes bytes;
  pv_code code = pv_file_read(path, PV_REFERENCE_BYTES_MAX, &bytes, err);
  if (code != PV_OK) return code;
  code = pv_reference_parse(bytes.data, bytes.length, path, out, err);
  pv_bytes_free(&bytes);
  return code;
}

void pv_reference_close(pv_reference *reference) {
  if (reference == NULL) return;
  pv_arena_free(&reference->arena);
  free(reference);
}

size_t pv_reference_prompt_count(const pv_reference *reference) {
  return reference->count;
}

const pv_reference_prompt *pv_reference_prompt_at(const pv_reference *reference, size_t index) {
  return &reference->prompts[index];
}

const pv_reference_prompt *pv_reference_find(const pv_reference *reference, const char *name) {
  for (size_t i = 0; i < reference->count; i++)
    if (strcmp(reference->prompts[i].name, name) == 0) return &reference->prompts[i];
  return NULL;
}
