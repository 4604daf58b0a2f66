#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "kernels/arith/arith.h"
#include "kernels/quant/quant.h"
#include "runtime/reference/reference.h"

static void put_u32(pv_text *out, uint32_t value) {
  pv_text_little(out, value, 4);
}

static void put_string(pv_text *out, const char *text) {
  put_u32(out, (uint32_t)strlen(text));
  pv_text_puts(out, text);
}

static void put_ids(pv_text *out, const uint32_t *ids, size_t count) {
  put_u32(out, (uint32_t)count);
  for (size_t i = 0; i < count; i++) put_u32(out, ids[i]);
}

/* Top tokens and margins as they are given, then the logits in binary16. */
static void put_logits(pv_text *out, const pv_reference_prompt *p) {
  pv_text_add(out, p->logits != NULL ? "\1" : "", 1);
  if (p->logits == NULL) return;
  for (size_t i = 0; i < p->count; i++) put_u32(out, p->top[i]);
  for (size_t i = 0; i < p->count; i++) put_u32(out, pv_bits_f32(p->top_margin[i]));
  for (size_t i = 0; i < p->count * p->vocab && !out->failed; i++)
    pv_text_little(out, pv_f32_to_f16(p->logits[i]), 2);
}

/* Of all that is not fixed in size; the products are of numbers that are in memory. */
static uint64_t size_of(const pv_reference_prompt *prompts, size_t count) {
  uint64_t bytes = 64;
  for (size_t i = 0; i < count; i++) {
    bytes += strlen(prompts[i].text) + 128 + 12 * (uint64_t)prompts[i].count;
    if (prompts[i].logits != NULL) bytes += 2 * (uint64_t)prompts[i].count * prompts[i].vocab;
  }
  return bytes;
}

/* The digest of everything before it, as bytes. */
static pv_code put_trailer(pv_text *out, pv_error *err) {
  char hex[PV_SHA256_HEX];
  unsigned char bytes[(PV_SHA256_HEX - 1) / 2];
  const pv_code code = pv_sha256_bytes(out->data, out->length, hex, err);
  if (code != PV_OK) return code;
  pv_sha256_raw(hex, bytes, sizeof bytes);
  pv_text_add(out, (const char *)bytes, sizeof bytes);
  return PV_OK;
}

pv_code pv_reference_write(const char *path, uint32_t vocab, const pv_reference_prompt *prompts,
                           size_t count, pv_error *err) {
  pv_text out = PV_TEXT_INIT;
  if (size_of(prompts, count) > PV_REFERENCE_BYTES_MAX) {
    pv_error_set(err, PV_ERR_LIMIT, "the reference would be larger than %llu MiB",
                 (unsigned long long)(PV_REFERENCE_BYTES_MAX >> 20));
    pv_error_hint(err, "take fewer or shorter prompts");
    return PV_ERR_LIMIT;
  }
  pv_text_add(&out, PV_REFERENCE_MAGIC, PV_REFERENCE_MAGIC_BYTES);
  put_u32(&out, vocab);
  put_u32(&out, (uint32_t)count);
  for (size_t i = 0; i < count; i++) {
    put_string(&out, prompts[i].name);
    put_string(&out, prompts[i].text);
    put_ids(&out, prompts[i].ids, prompts[i].count);
    put_ids(&out, NULL, 0);
    put_ids(&out, NULL, 0);
    put_logits(&out, &prompts[i]);
  }
  pv_code code = out.failed ? pv_error_set(err, PV_ERR_NOMEM, "out of memory for the reference")
                            : put_trailer(&out, err);
  if (code == PV_OK && out.failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the reference");
  pv_reference *back = NULL; /* what no reader would take is not written */
  if (code == PV_OK) code = pv_reference_parse(out.data, out.length, path, &back, err);
  pv_reference_close(back);
  if (code == PV_OK) code = pv_file_replace(path, out.data, out.length, err);
  pv_text_free(&out);
  return code;
}
