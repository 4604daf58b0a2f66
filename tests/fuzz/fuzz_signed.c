/* Any bytes as a signature: what is taken is whole, its payload has one spelling, and nothing is
 * signed by a key that nobody has. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validator/signed/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its private half was thrown away. */
static const char pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFYO/d/lNoU2QKPHK32eRxexEG4FN\n"
    "ZQKHYGEPipEgyJaF+XQi4GS274AN/FWKnfYYjV2JJbgiPtyErtsfMeK4uQ==\n"
    "-----END PUBLIC KEY-----\n";

static void demand(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

/* The only base64 of these bytes is what stands there, whichever of the two alphabets it is in. */
static int spelled(const pv_bytes *bytes, const char *text) {
  const size_t length = strlen(text);
  unsigned char *again = malloc(bytes->length / 3 * 4 + 8);
  int same =
      again != NULL && (size_t)EVP_EncodeBlock(again, bytes->data, (int)bytes->length) == length;
  for (size_t i = 0; same && i < length; i++) {
    const char c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    same = (unsigned char)c == again[i];
  }
  free(again);
  return same;
}

static void look_at(const pv_signed *s, const json_t *root) {
  const json_t *envelope = json_object_get(root, "dsseEnvelope");
  if (envelope == NULL) envelope = root;
  demand(s->predicate != NULL && json_is_object(s->statement), "a statement is whole");
  demand(json_array_size(json_object_get(s->statement, "subject")) > 0, "it is about something");
  demand(s->envelope == (s->signature_count > 0), "an envelope has signatures");
  demand(s->signature_count <= PV_SIGNED_MANY && s->chain_count <= PV_SIGNED_MANY, "limits hold");
  if (!s->envelope) return;
  const char *payload = json_string_value(json_object_get(envelope, "payload"));
  demand(payload != NULL && spelled(&s->payload, payload), "a payload has one spelling");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_signed s = {0};
  pv_manifest manifest;
  pv_key key = {.id = "0"};
  char by[PV_SIGNED_BY];
  const pv_bytes bytes = {(unsigned char *)(uintptr_t)data, size};
  const pv_code code = pv_signed_parse(&arena, "x", &bytes, &s, &err);
  if (code != PV_OK) {
    demand(err.message[0] != '\0' && s.statement == NULL, "a refusal says why and leaves nothing");
    goto cleanup;
  }
  json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
  look_at(&s, root);
  json_decref(root);
  BIO *bio = BIO_new_mem_buf(pem, -1);
  key.key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
  BIO_free(bio);
  s.hint = NULL;
  demand(key.key != NULL && pv_signed_verify(&s, &key, by, &err) != PV_OK, "nobody has the key");
  pv_key_free(&key);
  key.certificates = sk_X509_new_null();
  demand(pv_signed_verify(&s, &key, by, &err) != PV_OK, "no certificate is trusted");
  demand(pv_manifest_check(&s, "/nowhere/model.gguf", &manifest, &err) != PV_OK,
         "there is no model");
cleanup:
  pv_key_free(&key);
  pv_signed_free(&s);
  pv_arena_free(&arena);
  return 0;
}
