/* Normalisation form C. The library knows the characters; the order of combining marks is found
 * here, since its own sorting takes quadratic time for a long run of them. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/ck.h"
#include "runtime/tokenizer/internal.h"

#define POINT_BITS 21
#define POINT_MASK ((1u << POINT_BITS) - 1)
#define EXPANSION  4 /* code points that one decomposes into, at most */

/* Code points; above POINT_BITS their combining class, until they are in order. */
typedef struct points {
  int32_t *data;
  int32_t *scratch; /* as many */
  size_t count, capacity;
} points;

/* Below U+0300, the first combining mark, every text is in form C; its first byte is 0xcc. */
bool pv_nfc_is_plain(const unsigned char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (text[i] >= 0xcc) return false;
  return true;
}

static pv_code reserve(points *self, pv_error *err) {
  if (self->capacity - self->count >= EXPANSION) return PV_OK;
  uint64_t capacity, bytes;
  if (!pv_ck_mul(self->capacity + 512, 2, &capacity) ||
      !pv_ck_mul(capacity, sizeof *self->data, &bytes))
    return pv_error_set(err, PV_ERR_LIMIT, "the text is too long to be normalised");
  int32_t *data = realloc(self->data, (size_t)bytes);
  if (data != NULL) self->data = data;
  int32_t *scratch = data == NULL ? NULL : realloc(self->scratch, (size_t)bytes);
  if (scratch == NULL) return pv_error_set(err, PV_ERR_NOMEM, "no memory to normalise the text");
  self->scratch = scratch;
  self->capacity = (size_t)capacity;
  return PV_OK;
}

/* The text is valid UTF-8. */
static pv_code decompose(points *self, const unsigned char *text, size_t length, pv_error *err) {
  for (size_t at = 0; at < length;) {
    const pv_utf8 front = pv_utf8_front(text + at, length - at);
    const pv_code code = reserve(self, err);
    if (code != PV_OK) return code;
    int boundary = 0;
    const utf8proc_ssize_t made =
        utf8proc_decompose_char((int32_t)front.code_point, self->data + self->count, EXPANSION,
                                UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundary);
    if (made < 1 || made > EXPANSION)
      return pv_error_set(err, PV_ERR_INTERNAL, "utf8proc does not decompose U+%04X",
                          front.code_point);
    for (utf8proc_ssize_t i = 0; i < made; i++) {
      int32_t *point = &self->data[self->count++];
      *point |= (int32_t)utf8proc_get_property(*point)->combining_class << POINT_BITS;
    }
    at += front.length;
  }
  return PV_OK;
}

static unsigned class_of(int32_t point) {
  return (unsigned)point >> POINT_BITS;
}

/* Combining classes ascend in a run of marks, equal ones keep their order: a counting sort. */
static void order_run(int32_t *run, size_t count, int32_t *scratch) {
  size_t first[257] = {0};
  bool ordered = true;
  for (size_t i = 0; i < count; i++) {
    ordered = ordered && (i == 0 || class_of(run[i - 1]) <= class_of(run[i]));
    first[class_of(run[i]) + 1]++;
  }
  if (ordered) return;
  for (unsigned k = 0; k < 256; k++) first[k + 1] += first[k];
  for (size_t i = 0; i < count; i++) scratch[first[class_of(run[i])]++] = run[i];
  memcpy(run, scratch, count * sizeof *run);
}

static void order(points *self) {
  for (size_t at = 0; at < self->count;) {
    size_t end = at;
    while (end < self->count && class_of(self->data[end]) != 0) end++;
    if (end - at > 1) order_run(self->data + at, end - at, self->scratch);
    at = end + 1;
  }
  for (size_t i = 0; i < self->count; i++) self->data[i] &= (int32_t)POINT_MASK;
}

pv_code pv_nfc_add(const unsigned char *text, size_t length, pv_text *out, pv_error *err) {
  points self = {0};
  pv_code code = decompose(&self, text, length, err);
  if (code != PV_OK) goto cleanup;
  order(&self);
  const utf8proc_ssize_t composed = utf8proc_normalize_utf32(
      self.data, (utf8proc_ssize_t)self.count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (composed < 0 || (size_t)composed > self.count) {
    code = pv_error_set(err, PV_ERR_INTERNAL, "utf8proc does not compose the text");
    goto cleanup;
  }
  for (utf8proc_ssize_t i = 0; i < composed; i++) {
    unsigned char bytes[4];
    pv_text_add(out, (const char *)bytes, (size_t)utf8proc_encode_char(self.data[i], bytes));
  }
  if (out->failed) code = pv_error_set(err, PV_ERR_NOMEM, "no memory to normalise the text");

cleanup:
  free(self.data);
  free(self.scratch);
  return code;
}
