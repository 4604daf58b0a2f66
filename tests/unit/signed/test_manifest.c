/* Which model a signature is about. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"
#include "validator/signed/manifest.h"

#define FIXTURES "tests/unit/signed/fixtures/"

static pv_arena arena;
static pv_error err;
static pv_manifest m;

/* The path of a file with this text. */
static const char *write_file(const char *name, const char *text) {
  folder_write(name, text);
  return folder_path(name);
}

static pv_code check(const char *file, const char *model) {
  pv_signed s = {0};
  char path[200];
  snprintf(path, sizeof path, FIXTURES "%s", file);
  err = PV_ERROR_INIT;
  pv_code code = pv_signed_read(&arena, path, &s, &err);
  if (code == PV_OK) code = pv_manifest_check(&s, model, &m, &err);
  pv_signed_free(&s);
  pv_arena_free(&arena);
  return code;
}

static void test_whole(void) {
  char sha256[PV_SHA256_HEX], root[PV_SHA256_HEX];
  const char *model = write_file("model.gguf", "the bytes of model.gguf\n");
  REQUIRE(pv_sha256_file(model, sha256, NULL) == PV_OK);
  EXPECT(check("prime256v1.sig", model) == PV_OK);
  EXPECT_STR(m.sha256, sha256);
  /* A model that was signed as one file has the digest that everybody can make of its SHA-256. */
  EXPECT(check("file.sig", model) == PV_OK);
  EXPECT(pv_manifest_root(sha256, root, NULL) == PV_OK);
  EXPECT_STR(m.root, root);
  /* Under another name it is that file still, but none of the folder. */
  model = write_file("other.gguf", "the bytes of model.gguf\n");
  EXPECT(check("file.sig", model) == PV_OK);
  EXPECT(check("prime256v1.sig", model) == PV_ERR_INPUT);
  EXPECT_STR(err.message, "it does not name 'other.gguf'");
}

static void test_another(void) {
  const char *model = write_file("model.gguf", "the bytes of another\n");
  EXPECT(check("prime256v1.sig", model) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "the SHA-256 of 'model.gguf' is ");
  EXPECT(check("file.sig", model) == PV_ERR_INPUT);
  EXPECT(check("parts.sig", model) == PV_ERR_INPUT); /* a signature of another model */
  EXPECT_STR(err.message, "it does not name 'model.gguf'");
  EXPECT(check("envelope.json", model) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "a statement of another type, https://example.org/p");
  EXPECT(check("prime256v1.sig", folder_path("gone/model.gguf")) == PV_ERR_IO);
}

static void test_parts(void) {
  char want[PV_SHA256_HEX];
  static const char both[] =
      "the bytes of m-00001-of-00002.gguf\nthe bytes of m-00002-of-00002.gguf\n";
  write_file("m-00001-of-00002.gguf", "the bytes of m-00001-of-00002.gguf\n");
  const char *second = write_file("m-00002-of-00002.gguf", "the bytes of m-00002-of-00002.gguf\n");
  EXPECT(check("parts.sig", second) == PV_OK);
  REQUIRE(pv_sha256_bytes(both, sizeof both - 1, want, NULL) == PV_OK);
  EXPECT_STR(m.sha256, want);
  write_file("m-00001-of-00002.gguf", "the bytes of another\n");
  EXPECT(check("parts.sig", second) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "'m-00001-of-00002.gguf'");
}

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
/* SHA-256 over 32 bytes of zero. */
#define ROOT "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"

static pv_code made(const char *how, const char *resources, const char *root) {
  char text[4000];
  pv_signed s = {0};
  snprintf(text, sizeof text,
           "{\"_type\":\"" PV_SIGNED_STATEMENT
           "\",\"subject\":[{\"digest\":{\"sha256\":\"%s\"}}],"
           "\"predicateType\":\"" PV_MANIFEST_TYPE
           "\",\"predicate\":{\"serialization\":{%s},\"resources\":[%s]}}",
           root, how, resources);
  const pv_bytes bytes = {(unsigned char *)text, strlen(text)};
  err = PV_ERROR_INIT;
  pv_code code = pv_signed_parse(&arena, "x.sig", &bytes, &s, &err);
  if (code == PV_OK) code = pv_manifest_check(&s, folder_path("model.gguf"), &m, &err);
  pv_signed_free(&s);
  pv_arena_free(&arena);
  return code;
}

#define FILES    "\"method\":\"files\",\"hash_type\":\"sha256\""
#define RESOURCE "{\"name\":\"model.gguf\",\"algorithm\":\"sha256\",\"digest\":\"" ZERO "\"}"

static void test_contradictions(void) {
  write_file("model.gguf", "x");
  EXPECT(made(FILES, RESOURCE, ROOT) == PV_ERR_INPUT); /* sound, and another file's */
  EXPECT_HAS(err.message, "signed was " ZERO);
  EXPECT(made(FILES, RESOURCE, ZERO) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "it contradicts itself: its files hash to " ROOT);
  EXPECT(made(FILES, RESOURCE "," RESOURCE, ROOT) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "it names the file 'model.gguf' twice");
  EXPECT(made(FILES, "", ROOT) == PV_ERR_INPUT);
  EXPECT_STR(err.message, "it names no file");
  EXPECT(made(FILES, "{\"name\":\"x\",\"algorithm\":\"sha256\",\"digest\":\"0\"}", ROOT) ==
         PV_ERR_INPUT);
  EXPECT(made(FILES, "1", ROOT) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "its file 1 has no name or no SHA-256");
  EXPECT(made(FILES, RESOURCE, "0") == PV_ERR_INPUT);
  EXPECT(made("", RESOURCE, ROOT) == PV_ERR_INPUT);
  EXPECT(made("\"method\":\"shards\",\"hash_type\":\"sha256\"", RESOURCE, ROOT) ==
         PV_ERR_UNSUPPORTED);
  EXPECT_HAS(err.message, "not verified: the model was hashed by shards with sha256");
  EXPECT(made("\"method\":\"files\",\"hash_type\":\"blake3\"", RESOURCE, ROOT) ==
         PV_ERR_UNSUPPORTED);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main("model.sig", (pv_case[]){PV_CASE(test_whole),
                                                            PV_CASE(test_another),
                                                            PV_CASE(test_parts),
                                                            PV_CASE(test_contradictions),
                                                            {0}});
  folder_remove();
  return code;
}
