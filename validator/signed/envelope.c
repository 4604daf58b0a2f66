#include "validator/signed/envelope.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define PAYLOAD_TYPE "application/vnd.in-toto+json"
#define BUNDLE_TYPE  "application/vnd.dev.sigstore.bundle"

/* Base64, of the usual alphabet or that for addresses, with its padding; nothing else in it. */
static int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool decode(const char *text, size_t length, unsigned char *out, size_t *out_length) {
  size_t end = length;
  uint32_t bits = 0;
  *out_length = 0;
  if (length == 0 || length % 4 != 0) return false;
  while (end > length - 2 && text[end - 1] == '=') end--;
  for (size_t i = 0; i < end; i++) {
    const int value = digit(text[i]);
    if (value < 0) return false;
    bits = bits << 6 | (uint32_t)value;
    if (i % 4 == 0) continue;
    out[(*out_length)++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
  }
  /* Bits that no byte is made of are zero, or one text would have several spellings. */
  return end % 4 == 0 || (bits & (end % 4 == 2 ? 0xfu : 0x3u)) == 0;
}

static pv_code bytes_of(pv_arena *arena, const json_t *value, const char *what, pv_bytes *out,
                        pv_error *err) {
  if (!json_is_string(value))
    return pv_error_set(err, PV_ERR_INPUT, "it has no text as its %s", what);
  const size_t length = json_string_length(value);
  out->data = pv_arena_alloc(arena, length / 4 * 3 + 3, 1);
  if (out->data == NULL) return pv_error_nomem(err, "a signature");
  return decode(json_string_value(value), length, out->data, &out->length)
             ? PV_OK
             : pv_error_set(err, PV_ERR_INPUT, "its %s is no base64", what);
}

static pv_code load(const char *file, const void *bytes, size_t length, const char *what,
                    json_t **out, pv_error *err) {
  json_error_t where;
  *out = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
  if (json_is_object(*out)) return PV_OK;
  const bool memory = *out == NULL && where.text[0] == '\0';
  json_decref(*out);
  if (memory) return pv_error_nomem(err, "a statement");
  pv_error_set(err, PV_ERR_INPUT, "%s is no JSON object%s%s", what, *out == NULL ? ": " : "",
               *out == NULL ? where.text : "");
  if (*out == NULL && file != NULL)
    pv_error_at(err, file, where.line, where.column, where.position);
  *out = NULL;
  return PV_ERR_INPUT;
}

static const char *text_at(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

/* Takes the statement. */
static pv_code keep_statement(json_t *statement, pv_signed *s, pv_error *err) {
  const char *type = text_at(statement, "_type");
  s->statement = statement;
  s->predicate = text_at(statement, "predicateType");
  if (type == NULL || strcmp(type, PV_SIGNED_STATEMENT) != 0)
    return pv_error_refuse(err, "an in-toto statement has the _type " PV_SIGNED_STATEMENT,
                           "it is no in-toto statement of version 1");
  if (s->predicate == NULL || !json_is_object(json_object_get(statement, "predicate")))
    return pv_error_set(err, PV_ERR_INPUT, "the statement has no predicate with its type");
  const json_t *subject = json_object_get(statement, "subject");
  if (json_array_size(subject) == 0)
    return pv_error_set(err, PV_ERR_INPUT, "the statement has no subject");
  for (size_t i = 0; i < json_array_size(subject); i++)
    if (json_object_size(json_object_get(json_array_get(subject, i), "digest")) == 0)
      return pv_error_set(err, PV_ERR_INPUT, "subject %zu of the statement has no digest", i + 1);
  return PV_OK;
}

static pv_code read_envelope(pv_arena *arena, const json_t *object, pv_signed *s, pv_error *err) {
  const char *type = text_at(object, "payloadType");
  const json_t *list = json_object_get(object, "signatures");
  json_t *statement = NULL;
  s->envelope = true;
  if (type == NULL || strcmp(type, PAYLOAD_TYPE) != 0)
    return pv_error_refuse(err, "the payload of a statement is " PAYLOAD_TYPE,
                           "the envelope holds no in-toto statement");
  s->type = PAYLOAD_TYPE;
  s->signature_count = json_array_size(list);
  if (s->signature_count == 0)
    return pv_error_set(err, PV_ERR_INPUT, "the envelope has no signature");
  if (s->signature_count > PV_SIGNED_MANY)
    return pv_error_set(err, PV_ERR_INPUT, "the envelope has more than %d signatures",
                        PV_SIGNED_MANY);
  pv_code code = bytes_of(arena, json_object_get(object, "payload"), "payload", &s->payload, err);
  for (size_t i = 0; i < s->signature_count && code == PV_OK; i++)
    code = bytes_of(arena, json_object_get(json_array_get(list, i), "sig"), "signature",
                    &s->signatures[i], err);
  if (code == PV_OK)
    code = load(NULL, s->payload.data, s->payload.length, "the payload", &statement, err);
  return code == PV_OK ? keep_statement(statement, s, err) : code;
}

static pv_code read_chain(pv_arena *arena, const json_t *chain, pv_signed *s, pv_error *err) {
  const json_t *list = json_object_get(chain, "certificates");
  s->chain_count = json_array_size(list);
  if (s->chain_count == 0 || s->chain_count > PV_SIGNED_MANY)
    return pv_error_set(err, PV_ERR_INPUT, "the bundle has not 1 to %d certificates",
                        PV_SIGNED_MANY);
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->chain_count && code == PV_OK; i++)
    code = bytes_of(arena, json_object_get(json_array_get(list, i), "rawBytes"), "certificate",
                    &s->chain[i], err);
  return code;
}

/* What is there to know a signer by: a hint at a key, certificates, or Sigstore's own. */
static pv_code read_bundle(pv_arena *arena, const json_t *object, pv_signed *s, pv_error *err) {
  const json_t *material = json_object_get(object, "verificationMaterial");
  const json_t *key = json_object_get(material, "publicKey");
  const json_t *chain = json_object_get(material, "x509CertificateChain");
  const json_t *envelope = json_object_get(object, "dsseEnvelope");
  const bool logged = json_array_size(json_object_get(material, "tlogEntries")) > 0;
  pv_code code = PV_OK;
  if (!json_is_object(envelope))
    return pv_error_set(err, PV_ERR_INPUT, "the bundle holds no DSSE envelope");
  if (json_object_get(material, "certificate") != NULL || (chain != NULL && logged)) {
    s->keyless =
        "it is a keyless Sigstore signature: whose it is, only Fulcio's certificate and Rekor's "
        "log "
        "say";
  } else if (key != NULL) {
    const char *hint = text_at(key, "hint");
    s->hint = hint == NULL || hint[0] == '\0' ? NULL : pv_arena_strdup(arena, hint);
    if (hint != NULL && hint[0] != '\0' && s->hint == NULL)
      return pv_error_nomem(err, "a signature");
  } else if (chain != NULL) {
    code = read_chain(arena, chain, s, err);
  } else {
    return pv_error_set(err, PV_ERR_INPUT, "the bundle names neither a key nor a certificate");
  }
  return code == PV_OK ? read_envelope(arena, envelope, s, err) : code;
}

pv_code pv_signed_parse(pv_arena *arena, const char *file, const pv_bytes *bytes, pv_signed *out,
                        pv_error *err) {
  pv_signed s = {.file = file};
  json_t *root = NULL;
  pv_code code = load(file, bytes->data, bytes->length, "it", &root, err);
  if (code != PV_OK) goto cleanup;
  const char *media = text_at(root, "mediaType");
  if (media != NULL && strncmp(media, BUNDLE_TYPE, sizeof BUNDLE_TYPE - 1) == 0)
    code = read_bundle(arena, root, &s, err);
  else if (json_object_get(root, "payloadType") != NULL)
    code = read_envelope(arena, root, &s, err);
  else
    code = keep_statement(json_incref(root), &s, err);
cleanup:
  json_decref(root);
  if (code == PV_OK) {
    *out = s;
    return PV_OK;
  }
  pv_signed_free(&s);
  if (err != NULL && err->file[0] == '\0') pv_error_at(err, file, 0, 0, -1);
  return code;
}

pv_code pv_signed_read(pv_arena *arena, const char *path, pv_signed *out, pv_error *err) {
  pv_bytes bytes = {0};
  pv_code code = pv_file_read(path, PV_SIGNED_LIMIT, &bytes, err);
  if (code == PV_OK) code = pv_signed_parse(arena, path, &bytes, out, err);
  pv_bytes_free(&bytes);
  return code;
}

void pv_signed_free(pv_signed *s) {
  json_decref(s->statement);
  s->statement = NULL;
}

static pv_code by_key(const pv_signed *s, EVP_PKEY *key, pv_error *err) {
  pv_code code = PV_ERR_INPUT;
  for (size_t i = 0; i < s->signature_count && code == PV_ERR_INPUT; i++)
    code = pv_key_verify(key, s->type, &s->payload, &s->signatures[i], err);
  return code;
}

static pv_code verify(const pv_signed *s, const pv_key *trusted, char by[PV_SIGNED_BY],
                      pv_error *err) {
  char name[PV_KEY_NAME];
  EVP_PKEY *key = NULL;
  if (!s->envelope)
    return pv_error_refuse(err, "name its DSSE envelope, or leave the key out",
                           "it is a bare statement that nobody signed");
  if (s->keyless != NULL) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "not verified: %s", s->keyless);
    pv_error_hint(err, "verify it with: python -m model_signing verify sigstore");
    return PV_ERR_UNSUPPORTED;
  }
  if (trusted->key != NULL) {
    if (s->hint != NULL && strcmp(s->hint, trusted->id) != 0)
      return pv_error_set(err, PV_ERR_INPUT, "it was signed with another key: %.64s, not %s",
                          s->hint, trusted->id);
    snprintf(by, PV_SIGNED_BY, "the key %s", trusted->id);
    return by_key(s, trusted->key, err);
  }
  if (s->chain_count == 0)
    return pv_error_refuse(err, "name the public key that it was signed with",
                           "it was signed with a key, and certificates were named");
  pv_code code = pv_key_of_chain(trusted, s->chain, s->chain_count, &key, name, err);
  if (code == PV_OK) code = by_key(s, key, err);
  EVP_PKEY_free(key);
  if (code == PV_OK) snprintf(by, PV_SIGNED_BY, "the certificate %s", name);
  return code;
}

pv_code pv_signed_verify(const pv_signed *s, const pv_key *trusted, char by[PV_SIGNED_BY],
                         pv_error *err) {
  const pv_code code = verify(s, trusted, by, err);
  if (code != PV_OK) pv_error_at(err, s->file, 0, 0, -1);
  return code;
}
