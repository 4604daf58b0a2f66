/* The kernels that a finding names are in the files that it names. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/probe/bisect_report.h"
#include "tests/unit/testing.h"

static pv_model *model;

/* "NAME (FILE": the word before the parenthesis stands in the file behind it. */
static void expect_named(const char *text) {
  size_t seen = 0;
  for (const char *at = strstr(text, " ("); at != NULL; at = strstr(at + 1, " (")) {
    char name[64], path[128];
    pv_bytes bytes;
    const char *begin = at;
    while (begin > text && begin[-1] != ' ') begin--;
    snprintf(name, sizeof name, "%.*s", (int)(at - begin), begin);
    snprintf(path, sizeof path, "%.*s", (int)strcspn(at + 2, ",)"), at + 2);
    if (!EXPECT_I64(pv_file_read(path, 1u << 20, &bytes, NULL), PV_OK)) {
      fprintf(stderr, "  %s\n", text);
      continue;
    }
    const char *made = strstr(name, "gemv_f64acc"); /* one source makes them for each type */
    EXPECT_HAS((const char *)bytes.data, made != NULL ? made : name);
    pv_bytes_free(&bytes);
    seen++;
  }
  EXPECT(seen > 0);
}

static void test_every_stage(void) {
  static const char *const who[] = {"cpu", "definition", "cuda", "ptx"};
  for (size_t i = 0; i < sizeof who / sizeof *who; i++)
    for (int n = 0; n < PV_NUMERICS_COUNT; n++)
      for (int s = 0; s < PV_STAGES; s++) {
        const char *text = pv_bisect_source(model, who[i], (pv_numerics)n, (pv_stage_id)s, 1);
        if (EXPECT(text != NULL)) expect_named(text);
      }
  EXPECT(pv_bisect_source(model, "somebody", PV_NUMERICS_I16, PV_STAGE_Q, 0) == NULL);
  EXPECT_HAS(pv_bisect_source(model, "cuda", PV_NUMERICS_F32_F64ACC, PV_STAGE_Q, 1), "q4_k_gemv");
  EXPECT_HAS(pv_bisect_source(model, "cuda", PV_NUMERICS_I16, PV_STAGE_Q, 1), "gemm.cu");
  EXPECT_HAS(pv_bisect_source(model, "cpu", PV_NUMERICS_I16, PV_STAGE_MOE_ROUTER_LOGITS, 1),
             "mm_plain.c");
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("source", (pv_case[]){PV_CASE(test_every_stage), {0}});
  pv_model_close(model);
  return code;
}
