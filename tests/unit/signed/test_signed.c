/* Signatures that other people's programs made (make.py), and what becomes of them in bad hands. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"
#include "validator/signed/manifest.h"

#define FIXTURES "tests/unit/signed/fixtures/"

static pv_arena arena;
static pv_error err;
static char by[PV_SIGNED_BY];

/* The code of `file` held against `key`; `err` and `by` say more. */
static pv_code held(const char *file, const char *key) {
  char path[200], key_path[200];
  pv_signed s = {0};
  pv_key k = {0};
  err = PV_ERROR_INIT;
  by[0] = '\0';
  snprintf(path, sizeof path, FIXTURES "%s", file);
  snprintf(key_path, sizeof key_path, FIXTURES "%s", key);
  pv_code code = pv_key_read(key_path, &k, &err);
  if (code == PV_OK) code = pv_signed_read(&arena, path, &s, &err);
  if (code == PV_OK) code = pv_signed_verify(&s, &k, by, &err);
  pv_signed_free(&s);
  pv_key_free(&k);
  pv_arena_free(&arena);
  return code;
}

static void test_sound(void) {
  EXPECT(held("prime256v1.sig", "prime256v1.pub") == PV_OK);
  EXPECT_HAS(by, "the key ");
  EXPECT(held("secp384r1.sig", "secp384r1.pub") == PV_OK);
  EXPECT(held("secp521r1.sig", "secp521r1.pub") == PV_OK);
  EXPECT(held("file.sig", "prime256v1.pub") == PV_OK);
  EXPECT(held("parts.sig", "prime256v1.pub") == PV_OK);
  EXPECT(held("envelope.json", "ed25519.pub") == PV_OK);
  EXPECT(held("signer.sig", "root.crt") == PV_OK);
  EXPECT_STR(by, "the certificate /CN=signer");
}

static void test_other_keys(void) {
  EXPECT(held("prime256v1.sig", "secp384r1.pub") == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "it was signed with another key: ");
  EXPECT(held("envelope.json", "prime256v1.pub") ==
         PV_ERR_INPUT); /* no hint: the signature says so */
  EXPECT_STR(err.message, "the signature is not the key's");
  EXPECT_STR(err.file, FIXTURES "envelope.json");
  EXPECT(held("signer.sig", "prime256v1.pub") == PV_ERR_INPUT);
  EXPECT(held("prime256v1.sig", "root.crt") == PV_ERR_INPUT);
  EXPECT_HAS(err.hint, "name the public key");
  EXPECT(held("server.sig", "root.crt") == PV_ERR_INPUT);
  EXPECT_STR(err.message, "the signer's certificate is none for signing");
}

static pv_code read_key(const char *text) {
  pv_key k = {0};
  err = PV_ERROR_INIT;
  folder_write("key", text);
  const pv_code code = pv_key_read(folder_path("key"), &k, &err);
  pv_key_free(&k);
  return code;
}

static void test_keys_that_are_none(void) {
  EXPECT(read_key("") == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "neither a public key nor a certificate");
  EXPECT(read_key("-----BEGIN PRIVATE KEY-----\n") == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "it is a private key");
  EXPECT(read_key("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n") == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "can not be read");
  EXPECT(read_key("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") ==
         PV_ERR_INPUT);
  /* RSA, 512 bits: of which nobody says how it signs. */
  EXPECT(read_key("-----BEGIN PUBLIC KEY-----\n"
                  "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANK0bfBK3Q0EMLTZXWuJDjqKLhgFRnT2\n"
                  "PnqxlqH6yqP3y0qVjQyQZfV5o1v7aKp3v1Xm8qHj1Zl5k9n0r2N8V5ECAwEAAQ==\n"
                  "-----END PUBLIC KEY-----\n") == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "of a kind that pv does not verify with");
  EXPECT(pv_key_read(folder_path("no such key"), &(pv_key){0}, &err) != PV_OK);
}

static pv_code parse(const char *text, size_t length) {
  const pv_bytes bytes = {(unsigned char *)(uintptr_t)text, length};
  pv_signed s = {0};
  err = PV_ERROR_INIT;
  const pv_code code = pv_signed_parse(&arena, "x.sig", &bytes, &s, &err);
  EXPECT((code == PV_OK) == (s.statement != NULL));
  pv_signed_free(&s);
  pv_arena_free(&arena);
  return code;
}

static void refused(const char *text, const char *why) {
  EXPECT(parse(text, strlen(text)) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, why);
  EXPECT_STR(err.file, "x.sig");
}

#define HEAD    "{\"_type\":\"https://in-toto.io/Statement/v1\","
#define SUBJECT "\"subject\":[{\"name\":\"x\",\"digest\":{\"sha256\":\"00\"}}],"
#define REST    "\"predicateType\":\"t\",\"predicate\":{}}"
#define SEALED  "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":"
#define BUNDLE \
  "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationMaterial\":"

static void test_what_is_none(void) {
  EXPECT(parse(HEAD SUBJECT REST, strlen(HEAD SUBJECT REST)) == PV_OK);
  refused("", "it is no JSON object");
  refused("[]", "it is no JSON object");
  refused("{}", "it is no in-toto statement of version 1");
  refused(HEAD REST, "the statement has no subject");
  refused(HEAD "\"subject\":[{\"name\":\"x\"}]," REST, "subject 1 of the statement has no digest");
  refused(HEAD SUBJECT "\"predicateType\":\"t\"}", "no predicate");
  refused(HEAD HEAD, "it is no JSON object");
  refused(HEAD SUBJECT SUBJECT REST, "duplicate");
  refused(SEALED "\"e30=\"}", "the envelope has no signature");
  refused(SEALED "\"e30=\",\"signatures\":[{\"sig\":\"AA==\"}]}", "it is no in-toto statement");
  refused(SEALED "\"e30\",\"signatures\":[{\"sig\":\"AA==\"}]}", "its payload is no base64");
  refused(SEALED "\"e3 =\",\"signatures\":[{\"sig\":\"AA==\"}]}", "its payload is no base64");
  refused(SEALED "\"e31=\",\"signatures\":[{\"sig\":\"AA==\"}]}", "its payload is no base64");
  refused(SEALED "\"e30=\",\"signatures\":[{\"sig\":\"=\"}]}", "its signature is no base64");
  refused(SEALED "\"e30=\",\"signatures\":[{}]}", "no text as its signature");
  refused(SEALED "\"e31d\",\"signatures\":[{\"sig\":\"AA==\"}]}", "the payload is no JSON object");
  refused("{\"payloadType\":\"text/plain\"}", "the envelope holds no in-toto statement");
  refused(BUNDLE "{}}", "the bundle holds no DSSE envelope");
  refused(BUNDLE "{},\"dsseEnvelope\":{}}", "neither a key nor a certificate");
  refused(BUNDLE "{\"x509CertificateChain\":{}},\"dsseEnvelope\":{}}", "has not 1 to 16 cert");
  char many[1000] = SEALED "\"e30=\",\"signatures\":[0";
  for (int i = 0; i < 16; i++) strcat(many, ",0");
  strcat(many, "]}");
  refused(many, "more than 16 signatures");
}

static bool load(const char *file, pv_bytes *out) {
  char path[200];
  snprintf(path, sizeof path, FIXTURES "%s", file);
  return EXPECT(pv_file_read(path, 1 << 20, out, NULL) == PV_OK);
}

/* Cut anywhere it is none; with any bit of the payload or of the signature changed it is refused.
 */
static void test_cut_and_changed(void) {
  pv_bytes whole = {0};
  pv_key key = {0};
  size_t taken = 0, verified = 0, tried = 0;
  REQUIRE(load("prime256v1.sig", &whole));
  REQUIRE(pv_key_read(FIXTURES "prime256v1.pub", &key, NULL) == PV_OK);
  for (size_t n = 0; n < whole.length; n++) {
    const pv_bytes cut = {whole.data, n};
    pv_signed s = {0};
    taken += pv_signed_parse(&arena, "x.sig", &cut, &s, &err) == PV_OK;
    pv_signed_free(&s);
    pv_arena_free(&arena);
  }
  EXPECT_U64(taken, 0);
  const char *payload = strstr((char *)whole.data, "\"payload\":\"");
  REQUIRE(payload != NULL);
  for (size_t i = (size_t)(payload - (char *)whole.data) + 11; i < whole.length; i++) {
    const unsigned char old = whole.data[i];
    pv_signed s = {0};
    whole.data[i] = (unsigned char)(old ^ (1u << (i % 7)));
    tried++;
    if (pv_signed_parse(&arena, "x.sig", &whole, &s, &err) == PV_OK &&
        pv_signed_verify(&s, &key, by, &err) == PV_OK)
      /* What is left of it is outside of what is signed: the name of a key that nobody is. */
      verified += strstr((char *)whole.data, "keyid") != NULL;
    pv_signed_free(&s);
    pv_arena_free(&arena);
    whole.data[i] = old;
  }
  EXPECT(tried > 800);
  EXPECT_U64(verified, 0);
  pv_key_free(&key);
  pv_bytes_free(&whole);
}

static void test_keyless(void) {
  static const char text[] =
      BUNDLE "{\"certificate\":{\"rawBytes\":\"AA==\"}},\"dsseEnvelope\":" SEALED
             "\"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJkaWdlc3Q"
             "iOnsiYSI6"
             "ImIifX1dLCJwcmVkaWNhdGVUeXBlIjoidCIsInByZWRpY2F0ZSI6e319\",\"signatures\":[{\"sig\":"
             "\"AA==\"}]}}";
  const pv_bytes bytes = {(unsigned char *)(uintptr_t)text, sizeof text - 1};
  pv_signed s = {0};
  pv_key key = {0};
  REQUIRE(pv_signed_parse(&arena, "x.sig", &bytes, &s, NULL) == PV_OK);
  EXPECT(s.keyless != NULL);
  REQUIRE(pv_key_read(FIXTURES "prime256v1.pub", &key, NULL) == PV_OK);
  EXPECT(pv_signed_verify(&s, &key, by, &err) == PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "not verified: it is a keyless Sigstore signature");
  pv_key_free(&key);
  pv_signed_free(&s);
  pv_arena_free(&arena);
}

static void test_limits(void) {
  const char *path = folder_path("large.sig");
  pv_signed s = {0};
  FILE *file = fopen(path, "w");
  REQUIRE(file != NULL && fseek(file, (long)PV_SIGNED_LIMIT, SEEK_SET) == 0);
  fputc('x', file);
  fclose(file);
  EXPECT(pv_signed_read(&arena, path, &s, &err) == PV_ERR_LIMIT);
  pv_arena_free(&arena);
  /* Deep, but short. */
  static char deep[200000];
  memset(deep, '[', sizeof deep - 1);
  EXPECT(parse(deep, sizeof deep - 1) == PV_ERR_INPUT);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main("signed", (pv_case[]){PV_CASE(test_sound),
                                                         PV_CASE(test_other_keys),
                                                         PV_CASE(test_keys_that_are_none),
                                                         PV_CASE(test_what_is_none),
                                                         PV_CASE(test_cut_and_changed),
                                                         PV_CASE(test_keyless),
                                                         PV_CASE(test_limits),
                                                         {0}});
  folder_remove();
  return code;
}
