/* No character of the kernels' PTX moves: each text against ptx.txt. */
#include "base/sha256.h"
#include "tests/unit/freeze/list.h"
#include "tests/unit/testing.h"

static void test_texts(void) {
  freeze_list *list = freeze_list_open("tests/unit/freeze/ptx.txt");
  char name[64], digest[PV_SHA256_HEX];
  const char *text = NULL;
  size_t length = 0;
  REQUIRE(list != NULL);
  freeze_list_check(list, "nvcc", PV_NVCC_VERSION, "CMakeLists.txt compared them");
  for (size_t i = 0; freeze_ptx(i, name, &text, &length); i++) {
    REQUIRE(pv_sha256_bytes(text, length, digest, NULL) == PV_OK);
    freeze_list_check(list, name, digest, "the PTX of this kernel is another text");
  }
  freeze_list_close(list, true);
}

int main(void) {
  return pv_testing_main("freeze_ptx", (pv_case[]){PV_CASE(test_texts), {0}});
}
