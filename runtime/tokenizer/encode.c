/* Text to ids: special tokens are cut out, the rest is normalised and split into pieces, each piece
 * is merged. With scores each part between special tokens is one piece. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/tokenizer/internal.h"

/* Memory in KiB that one match may use: the pattern needs a few frames only. */
#define HEAP_LIMIT_KIB 1024u
/* Bytes of text for each that form C may make of it. */
#define NFC_GROWTH 3u

typedef struct encoder {
  const pv_tokenizer *tok;
  const unsigned char *text;
  size_t length;
  bool controls; /* recognise control tokens too */
  pv_bpe *bpe;
  pcre2_match_data *match;
  pcre2_match_context *context;
  pv_text normal; /* a part in the form that is merged, reused from part to part */
  pv_id_list ids;
} encoder;

static pv_code check_utf8(const unsigned char *text, size_t length, pv_error *err) {
  for (size_t at = 0; at < length;) {
    const pv_utf8 front = pv_utf8_front(text + at, length - at);
    if (front.length == 0) {
      const pv_code code =
          pv_error_set(err, PV_ERR_INPUT, "the text is not valid UTF-8 at byte %zu (0x%02x)%s", at,
                       text[at], front.cut ? ": it ends inside a character" : "");
      pv_error_at(err, "", 0, 0, (int64_t)at);
      pv_error_hint(err, "give the text as UTF-8");
      return code;
    }
    at += front.length;
  }
  return PV_OK;
}

/* A match backs up at most once per character, in a run of white space: the limit is linear, and
 * reaching it means that the pattern was changed for the worse. */
static pv_code prepare(encoder *self, pv_error *err) {
  self->bpe = pv_bpe_new();
  self->match = pcre2_match_data_create(1, NULL);
  self->context = pcre2_match_context_create(NULL);
  if (self->bpe == NULL || self->match == NULL || self->context == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "no memory to encode the text");
  const uint32_t limit = (uint32_t)(self->length * 4 * NFC_GROWTH + 1000);
  if (pcre2_set_match_limit(self->context, limit) != 0 ||
      pcre2_set_depth_limit(self->context, limit) != 0 ||
      pcre2_set_heap_limit(self->context, HEAP_LIMIT_KIB) != 0)
    return pv_error_set(err, PV_ERR_INTERNAL, "PCRE2 refuses its limits");
  return PV_OK;
}

/* Ids of text without special tokens; `from` is where it stood, for an error. */
static pv_code encode_part(encoder *self, const unsigned char *part, size_t length, size_t from,
                           pv_error *err) {
  size_t at = 0;
  pv_code code = PV_OK;
  while (at < length && code == PV_OK) {
    const int found = pcre2_match(self->tok->pattern, part, length, at,
                                  PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, self->match, self->context);
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(self->match);
    if (found < 0 || range[0] != at || range[1] <= at || range[1] > length) {
      code = pv_error_set(err, found == PCRE2_ERROR_NOMEMORY ? PV_ERR_NOMEM : PV_ERR_LIMIT,
                          "the text from byte %zu on cannot be split (PCRE2 code %d)", from, found);
      pv_error_at(err, "", 0, 0, (int64_t)from);
      break;
    }
    code = pv_bpe_piece(self->tok, self->bpe, part + at, range[1] - at, &self->ids, err);
    at = range[1];
  }
  return code;
}

/* Ids of text without special tokens, by scores. The vocabulary has one sign for the blank and for
 * U+2581, so both are the blank here. */
static pv_code encode_scored(encoder *self, const unsigned char *part, size_t length,
                             pv_error *err) {
  static const char sign[] = PV_BLANK_SIGN;
  if (length == 0) return PV_OK;
  self->normal.length = 0;
  if (self->tok->blank_prefix) pv_text_puts(&self->normal, " ");
  size_t from = 0;
  for (size_t at = 0; at < length; at++) {
    if (length - at < 3 || memcmp(part + at, sign, 3) != 0) continue;
    pv_text_add(&self->normal, (const char *)part + from, at - from);
    pv_text_puts(&self->normal, " ");
    from = at + 3;
    at += 2;
  }
  pv_text_add(&self->normal, (const char *)part + from, length - from);
  if (self->normal.failed) return pv_error_set(err, PV_ERR_NOMEM, "no memory to encode the text");
  return pv_bpe_piece(self->tok, self->bpe, (const unsigned char *)self->normal.data,
                      self->normal.length, &self->ids, err);
}

/* Ids of [from, to). Neither the look-ahead of the pattern nor a composition may reach into a
 * special token beside it, so each part stands alone. */
static pv_code encode_plain(encoder *self, size_t from, size_t to, pv_error *err) {
  const unsigned char *part = self->text + from;
  if (self->tok->scored) return encode_scored(self, part, to - from, err);
  if (pv_nfc_is_plain(part, to - from)) return encode_part(self, part, to - from, from, err);
  self->normal.length = 0;
  const pv_code code = pv_nfc_add(part, to - from, &self->normal, err);
  if (code != PV_OK) return code;
  return encode_part(self, (const unsigned char *)self->normal.data, self->normal.length, from,
                     err);
}

/* The longest special token at the front of `text`, or PV_TABLE_NONE. The ids are ordered by their
 * bytes, so those that share the first n bytes are neighbours: [low, high) narrows byte by byte. */
static uint32_t special_at(const encoder *self, size_t at) {
  const pv_tokenizer *tok = self->tok;
  const unsigned char *text = self->text + at;
  const size_t left = self->length - at;
  uint32_t best = PV_TABLE_NONE, low = 0, high = tok->special_count;
  if (!tok->special_first[text[0]]) return best;
  for (size_t n = 0; low < high; n++) {
    /* a token of exactly n bytes comes first among those that share them */
    const uint32_t id = tok->special[low];
    if (tok->start[id + 1] - tok->start[id] == n) {
      if (self->controls || tok->kind[id] == PV_TOKEN_USER) best = id;
      low++;
    }
    if (n == left) break;
    for (int side = 0; side < 2; side++) { /* first with byte n >= text[n], then first above it */
      uint32_t a = low, b = high;
      while (a < b) {
        const uint32_t middle = a + (b - a) / 2;
        const unsigned char byte = (unsigned char)tok->bytes[tok->start[tok->special[middle]] + n];
        if (byte < text[n] || (side == 1 && byte == text[n]))
          a = middle + 1;
        else
          b = middle;
      }
      if (side == 0)
        low = a;
      else
        high = a;
    }
  }
  return best;
}

static pv_code encode_all(encoder *self, pv_error *err) {
  pv_code code = PV_OK;
  size_t from = 0;
  for (size_t at = 0; at < self->length && code == PV_OK;) {
    const uint32_t id = special_at(self, at);
    if (id == PV_TABLE_NONE) {
      at++;
      continue;
    }
    code = encode_plain(self, from, at, err);
    if (code == PV_OK) code = pv_id_list_add(&self->ids, id, err);
    at += (size_t)(self->tok->start[id + 1] - self->tok->start[id]);
    from = at;
  }
  if (code == PV_OK) code = encode_plain(self, from, self->length, err);
  return code;
}

pv_code pv_tokenizer_encode(const pv_tokenizer *tok, const char *text, size_t length, bool specials,
                            uint32_t **ids, size_t *count, pv_error *err) {
  encoder self = {
      .tok = tok, .text = (const unsigned char *)text, .length = length, .controls = specials};
  pv_code code;
  if (length > PV_TOKENIZER_MAX_TEXT) {
    code = pv_error_set(err, PV_ERR_LIMIT, "the text has %zu bytes, more than %zu", length,
                        PV_TOKENIZER_MAX_TEXT);
    pv_error_hint(err, "encode it in parts");
    goto cleanup;
  }
  code = check_utf8(self.text, length, err);
  if (code != PV_OK) goto cleanup;
  code = prepare(&self, err);
  if (code != PV_OK) goto cleanup;
  code = encode_all(&self, err);
  if (code != PV_OK) goto cleanup;
  *ids = self.ids.data;
  *count = self.ids.count;
  self.ids.data = NULL;

cleanup:
  free(self.ids.data);
  pv_text_free(&self.normal);
  pcre2_match_context_free(self.context);
  pcre2_match_data_free(self.match);
  pv_bpe_free(self.bpe);
  return code;
}

/* The id that the file wants at one end of a prompt. */
static pv_code add_end(const char *which, bool wanted, const pv_optional_id *end, pv_id_list *out,
                       pv_error *err) {
  if (!wanted) return PV_OK;
  if (end->present) return pv_id_list_add(out, end->id, err);
  const pv_code code = pv_error_set(
      err, PV_ERR_INPUT,
      "tokenizer.ggml.add_%s_token is true, and the file names no tokenizer.ggml.%s_token_id",
      which, which);
  pv_error_hint(err, "convert the model again, or give token ids instead of text");
  return code;
}

pv_code pv_tokenizer_prompt(const pv_tokenizer *tok, const char *text, size_t length, bool specials,
                            uint32_t **ids, size_t *count, pv_error *err) {
  uint32_t *inner = NULL;
  size_t inner_count = 0;
  pv_id_list list = {0};
  pv_code code = pv_tokenizer_encode(tok, text, length, specials, &inner, &inner_count, err);
  if (code == PV_OK) code = add_end("bos", tok->add_bos, &tok->bos, &list, err);
  for (size_t i = 0; i < inner_count && code == PV_OK; i++)
    code = pv_id_list_add(&list, inner[i], err);
  if (code == PV_OK) code = add_end("eos", tok->add_eos, &tok->eos, &list, err);
  free(inner);
  if (code != PV_OK) {
    free(list.data);
    return code;
  }
  *ids = list.data;
  *count = list.count;
  return PV_OK;
}
