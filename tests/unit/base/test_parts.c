/* Names of parts, and the one digest of a model, whichever of its parts is named. */
#include <stdlib.h>
#include <string.h>

#include "base/parts.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

static void test_names(void) {
  static const struct {
    const char *path;
    uint32_t number, count; /* from 0; 0 of 0: no part */
  } cases[] = {
      {"m-00001-of-00001.gguf", 0, 1},
      {"dir/m-00002-of-00003.gguf", 1, 3},
      {"m-00001-of-00002-00003-of-00003.gguf", 2, 3},
      {"-00001-of-00002.gguf", 0, 2},
      {"m-65535-of-65535.gguf", 65534, 65535},
      {"m.gguf", 0, 0},
      {"", 0, 0},
      {"m-00000-of-00003.gguf", 0, 0},
      {"m-00004-of-00003.gguf", 0, 0},
      {"m-00001-of-65536.gguf", 0, 0},
      {"m-0001-of-0003.gguf", 0, 0},
      {"m-000001-of-000003.gguf", 0, 0},
      {"m_00001-of-00003.gguf", 0, 0},
      {"m-00001-OF-00003.gguf", 0, 0},
      {"m-00001-of-00003.GGUF", 0, 0},
      {"m-00001-of-00003.gguf.part", 0, 0},
      {"m-+0001-of-00003.gguf", 0, 0},
      {"m-00001-of- 0003.gguf", 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_parts parts = {77, 78};
    const bool named = pv_parts_named(cases[i].path, &parts);
    EXPECT(named == (cases[i].count > 0));
    EXPECT_U64(parts.number, named ? cases[i].number : 77);
    EXPECT_U64(parts.count, named ? cases[i].count : 78);
  }
}

static void is_path(const char *path, uint32_t number, const char *want) {
  char *got = pv_parts_path(path, number);
  EXPECT_STR(got == NULL ? "" : got, want);
  free(got);
}

static void test_paths(void) {
  is_path("../a b/m-00002-of-00012.gguf", 0, "../a b/m-00001-of-00012.gguf");
  is_path("m-00002-of-00012.gguf", 11, "m-00012-of-00012.gguf");
  is_path("m-00002-of-00012.gguf", 12, "m-00002-of-00012.gguf"); /* there is none */
  is_path("m.gguf", 1, "m.gguf");
}

static void test_digest(void) {
  static const char *const names[] = {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf",
                                      "m-00003-of-00003.gguf"};
  char want[PV_SHA256_HEX] = "", out[PV_SHA256_HEX] = "untouched";
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  folder_write(names[0], "ab");
  folder_write(names[2], "c");
  EXPECT_I64(pv_parts_digest(folder_path(names[0]), out, &err), PV_ERR_IO);
  EXPECT_STR(out, "untouched");
  EXPECT_STR(err.file, folder_path(names[1]));
  uint64_t length = 77;
  EXPECT(!pv_parts_length(folder_path(names[0]), &length) && length == 77);
  folder_write(names[1], "");
  EXPECT_I64(pv_sha256_bytes("abc", 3, want, NULL), PV_OK);
  for (size_t i = 0; i < 3; i++) {
    EXPECT_I64(pv_parts_digest(folder_path(names[i]), out, NULL), PV_OK);
    EXPECT_STR(out, want);
  }
  EXPECT(pv_parts_length(folder_path(names[1]), &length) && length == 3);
  folder_write("m.gguf", "abc");
  EXPECT(pv_parts_length(folder_path("m.gguf"), &length) && length == 3);
  EXPECT_I64(pv_parts_digest(folder_path("m.gguf"), out, NULL), PV_OK);
  EXPECT_STR(out, want);
  folder_remove();
}

int main(void) {
  return pv_testing_main(
      "parts", (pv_case[]){PV_CASE(test_names), PV_CASE(test_paths), PV_CASE(test_digest), {0}});
}
