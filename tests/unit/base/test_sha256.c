/* Vectors: FIPS 180-4 examples and the NIST long message. */
#include <string.h>
#include <sys/stat.h>

#include "base/sha256.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_TWO     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
#define OF_MILLION "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void test_vectors(void) {
  static const struct {
    const char *text, *digest;
  } vectors[] = {{"", OF_NOTHING},
                 {"abc", OF_ABC},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", OF_TWO}};
  for (size_t i = 0; i < 3; i++) {
    char out[PV_SHA256_HEX] = "";
    EXPECT_I64(pv_sha256_bytes(vectors[i].text, strlen(vectors[i].text), out, NULL), PV_OK);
    EXPECT_STR(out, vectors[i].digest);
  }
}

static void test_pieces(void) {
  static char piece[1000];
  char out[PV_SHA256_HEX] = "";
  memset(piece, 'a', sizeof piece);
  pv_sha256 *hash = pv_sha256_new();
  REQUIRE(hash != NULL);
  for (int i = 0; i < 1000; i++) pv_sha256_add(hash, piece, sizeof piece);
  pv_sha256_add(hash, NULL, 0);
  EXPECT_I64(pv_sha256_finish(hash, out, NULL), PV_OK);
  EXPECT_STR(out, OF_MILLION);
}

static void test_file(void) {
  char out[PV_SHA256_HEX] = "";
  REQUIRE(folder_make() != NULL);
  folder_write("abc", "abc");
  folder_write("empty", "");
  EXPECT_I64(pv_sha256_file(folder_path("abc"), out, NULL), PV_OK);
  EXPECT_STR(out, OF_ABC);
  EXPECT_I64(pv_sha256_file(folder_path("empty"), out, NULL), PV_OK);
  EXPECT_STR(out, OF_NOTHING);
  folder_remove();
}

static void test_no_file(void) {
  char out[PV_SHA256_HEX] = "untouched";
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  EXPECT_I64(pv_sha256_file(folder_path("none"), out, &err), PV_ERR_IO);
  EXPECT_HAS(err.message, "No such file");
  EXPECT_STR(err.file, folder_path("none"));
  EXPECT_I64(pv_sha256_file(folder_path("."), out, &err), PV_ERR_INPUT);
  REQUIRE(mkfifo(folder_path("fifo"), 0600) == 0); /* without a writer: must not wait for one */
  EXPECT_I64(pv_sha256_file(folder_path("fifo"), out, &err), PV_ERR_INPUT);
  EXPECT_STR(out, "untouched");
  folder_remove();
}

int main(void) {
  return pv_testing_main("sha256", (pv_case[]){PV_CASE(test_vectors),
                                               PV_CASE(test_pieces),
                                               PV_CASE(test_file),
                                               PV_CASE(test_no_file),
                                               {0}});
}
