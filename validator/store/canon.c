#include "validator/store/canon.h"

#include <string.h>

pv_code pv_canon_write(const json_t *value, pv_text *out, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_json_write(value,
                               JSON_SORT_KEYS | JSON_INDENT(1) | JSON_ENSURE_ASCII |
                                   JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY,
                               &text, err);
  if (code == PV_OK) pv_text_puts(&text, "\n");
  if (text.failed) code = pv_error_nomem(err, "JSON");
  if (code != PV_OK) {
    pv_text_free(&text);
    return code;
  }
  pv_text_free(out);
  *out = text;
  return PV_OK;
}

pv_code pv_canon_digest(const json_t *value, char out[PV_SHA256_HEX], pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_canon_write(value, &text, err);
  if (code == PV_OK) code = pv_sha256_bytes(text.data, text.length, out, err);
  pv_text_free(&text);
  return code;
}

bool pv_canon_no_memory(const json_error_t *error) {
  return error->text[0] == '\0'; /* jansson 2.14 says nothing at all when an allocation fails */
}

pv_code pv_canon_sealed(json_t *root, bool *out, pv_error *err) {
  char digest[PV_SHA256_HEX], seal[PV_SHA256_HEX] = "";
  const char *value = json_string_value(json_object_get(root, "seal"));
  if (value != NULL && strlen(value) == PV_SHA256_HEX - 1) memcpy(seal, value, sizeof seal);
  (void)json_object_del(root, "seal");
  const pv_code code = pv_canon_digest(root, digest, err);
  if (code == PV_OK) *out = strcmp(digest, seal) == 0;
  return code;
}

pv_code pv_canon_sealed_text(const char *text, size_t length, bool *out, pv_error *err) {
  static const char begin[] = "\n \"seal\": \"", end[] = "\",\n";
  enum { HEX = PV_SHA256_HEX - 1, LINE = sizeof begin - 1 + HEX + sizeof end - 1 };
  char digest[PV_SHA256_HEX];
  const char *line = memmem(text, length, begin, sizeof begin - 1);
  *out = false;
  if (line == NULL || (size_t)(text + length - line) < LINE ||
      memcmp(line + sizeof begin - 1 + HEX, end, sizeof end - 1) != 0)
    return PV_OK;
  /* A line end stays: that before the line, or that behind it. */
  const char *rest = line + LINE - 1;
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_nomem(err, "a digest");
  pv_sha256_add(hash, text, (size_t)(line - text));
  pv_sha256_add(hash, rest, (size_t)(text + length - rest));
  const pv_code code = pv_sha256_finish(hash, digest, err);
  if (code == PV_OK) *out = memcmp(digest, line + sizeof begin - 1, HEX) == 0;
  return code;
}
