#include "tests/unit/ptx/conform/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "tests/unit/ptx/conform/operands.h"

enum {
  CHUNKS = 8,   /* digests of one kernel, about */
  DIGITS = 12,  /* of a digest */
  COLUMNS = 96, /* of a line */
  REPORTED = 4, /* differences told one by one */
  TOKEN = 24 * CONFORM_SLOTS
};

static size_t chunk(const pv_conform_kernel *k) {
  return (k->cases - k->edge_cases + CHUNKS - 1) / CHUNKS;
}

static pv_code digest(const void *a, size_t a_bytes, const void *b, size_t b_bytes,
                      char out[PV_SHA256_HEX], pv_error *err) {
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a digest");
  pv_sha256_add(hash, a, a_bytes);
  pv_sha256_add(hash, b, b_bytes);
  const pv_code code = pv_sha256_finish(hash, out, err);
  out[DIGITS] = '\0';
  return code;
}

/* "kernel NAME edges N cases N of DIGEST\n" */
static pv_code head(const pv_conform_kernel *k, char *out, size_t size, pv_error *err) {
  char of[PV_SHA256_HEX];
  const pv_code code =
      digest(k->text.data, k->text.length, k->in, k->cases * k->in_slots * 8, of, err);
  if (code == PV_OK)
    snprintf(out, size, "kernel %s edges %zu cases %zu of %s\n", k->name, k->edge_cases, k->cases,
             of);
  return code;
}

static void put_case(const pv_conform_kernel *k, const uint64_t *out, size_t index, char *token) {
  size_t at = 0;
  for (size_t i = 0; k->results[i] != '\0'; i++)
    at += (size_t)snprintf(token + at, TOKEN - at, "%s%0*" PRIx64, i > 0 ? "," : "",
                           (int)pv_conform_digits(k->results[i]), out[index * k->out_slots + i]);
}

static pv_code put_digest(const pv_conform_kernel *k, const uint64_t *out, size_t first,
                          char token[PV_SHA256_HEX], pv_error *err) {
  const size_t left = k->cases - first, count = left < chunk(k) ? left : chunk(k);
  return digest(out + first * k->out_slots, count * k->out_slots * 8, NULL, 0, token, err);
}

static void put_word(pv_text *to, size_t *column, const char *word) {
  const size_t length = strlen(word);
  if (*column > 0 && *column + 1 + length > COLUMNS) {
    pv_text_puts(to, "\n");
    *column = 0;
  }
  if (*column > 0) pv_text_puts(to, " ");
  pv_text_puts(to, word);
  *column += length + (*column > 0);
}

pv_code pv_conform_answers_add(pv_text *to, const pv_conform_kernel *k, const uint64_t *out,
                               pv_error *err) {
  char line[512], token[TOKEN], next[TOKEN], word[TOKEN + 24], of[PV_SHA256_HEX];
  size_t column = 0;
  pv_code code = head(k, line, sizeof line, err);
  if (code != PV_OK) return code;
  pv_text_puts(to, line);
  for (size_t i = 0, same; i < k->edge_cases; i += same) {
    put_case(k, out, i, token);
    for (same = 1; i + same < k->edge_cases; same++) {
      put_case(k, out, i + same, next);
      if (strcmp(token, next) != 0) break;
    }
    snprintf(word, sizeof word, "%zu*%s", same, token);
    put_word(to, &column, same > 1 ? word : token);
  }
  pv_text_puts(to, "\n=");
  column = 1;
  for (size_t i = k->edge_cases; i < k->cases && code == PV_OK; i += chunk(k)) {
    code = put_digest(k, out, i, of, err);
    put_word(to, &column, of);
  }
  pv_text_puts(to, "\n");
  if (code == PV_OK && to->failed)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for answers");
  return code;
}

/* Reads the words of a section one by one. */
typedef struct reader {
  const char *at;
  const char *word; /* the last one, without its count */
  size_t length, repeat;
} reader;

static void next_word(reader *r) {
  if (r->repeat > 1) {
    r->repeat--;
    return;
  }
  r->at += strspn(r->at, " \n");
  r->word = r->at;
  r->length = strcspn(r->at, " \n");
  r->at += r->length;
  r->repeat = 1;
  const char *star = memchr(r->word, '*', r->length);
  uint64_t count = 0;
  if (star != NULL && pv_parse_u64(r->word, (size_t)(star - r->word), &count) && count > 0) {
    r->repeat = count;
    r->length -= (size_t)(star + 1 - r->word);
    r->word = star + 1;
  }
}

static bool is(const reader *r, const char *token) {
  return strlen(token) == r->length && memcmp(r->word, token, r->length) == 0;
}

static void tell_case(pv_text *report, const pv_conform_kernel *k, size_t index, const reader *r,
                      const char *got) {
  pv_text_printf(report, "%s: case %zu:", k->name, index);
  for (size_t i = 0; k->operands[i] != '\0'; i++)
    pv_text_printf(report, " %0*" PRIx64, (int)pv_conform_digits(k->operands[i]),
                   k->in[index * k->in_slots + i]);
  pv_text_printf(report, ": expected %.*s, got %s\n", (int)r->length, r->word, got);
}

pv_code pv_conform_answers_check(const char *file, const pv_conform_kernel *k, const uint64_t *out,
                                 size_t *different, pv_text *report, pv_error *err) {
  char line[512], token[TOKEN], of[PV_SHA256_HEX];
  pv_code code = head(k, line, sizeof line, err);
  if (code != PV_OK) return code;
  reader r = {.at = strstr(file, line)};
  *different = 0;
  if (r.at == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "there are no answers for %s as it is now", k->name);
  r.at += strlen(line);
  for (size_t i = 0; i < k->edge_cases; i++) {
    next_word(&r);
    put_case(k, out, i, token);
    if (is(&r, token)) continue;
    if (++*different <= REPORTED) tell_case(report, k, i, &r, token);
  }
  next_word(&r);
  if (!is(&r, "=")) ++*different;
  for (size_t i = k->edge_cases; i < k->cases; i += chunk(k)) {
    next_word(&r);
    code = put_digest(k, out, i, of, err);
    if (code != PV_OK) return code;
    if (is(&r, of)) continue;
    if (++*different <= REPORTED)
      pv_text_printf(report,
                     "%s: one of %zu random cases from %zu on: expected digest %.*s, got %s\n",
                     k->name, chunk(k), i, (int)r.length, r.word, of);
  }
  return report->failed ? pv_error_set(err, PV_ERR_NOMEM, "out of memory for a report") : PV_OK;
}
