/* Every allocation fails while a result is rendered as JSON and as each statement. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/each.h"
#include "tests/fault/failing.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/testing.h"

void *__real_malloc(size_t size); /* of the linker */

static const sample *s;
static int format;
static char *want;

static pv_code render(pv_text *out, pv_error *err) {
  return format == 0   ? pv_render_json(&s->result, NULL, out, err)
         : format == 1 ? pv_render_statement(&s->result, NULL, out, err)
                       : pv_render_vsa(&s->result, "1234", out, err);
}

static bool work(void) {
  pv_text text = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = render(&text, &err);
  failing_pause();
  if (code == PV_OK) EXPECT_STR(text.data, want);
  if (code != PV_OK) EXPECT(text.length == 0 && code == PV_ERR_NOMEM && err.code == code);
  pv_text_free(&text);
  failing_resume();
  return code == PV_OK;
}

static void each(sample_kind kind) {
  sample *made = sample_make(kind);
  REQUIRE(made != NULL);
  s = made;
  for (format = 0; format < 3; format++) {
    pv_text text = PV_TEXT_INIT;
    REQUIRE(render(&text, NULL) == PV_OK);
    want = text.data;
    json_set_alloc_funcs(malloc, free);
    each_allocation(work, 20);
    json_set_alloc_funcs(__real_malloc, free);
    pv_text_free(&text);
  }
  sample_free(made);
}

static void test_carried(void) {
  each(SAMPLE_CARRIED);
}
static void test_hostile(void) {
  each(SAMPLE_HOSTILE);
}

int main(void) {
  const int code = pv_testing_main("fault reports",
                                   (pv_case[]){PV_CASE(test_carried), PV_CASE(test_hostile), {0}});
  printf("%u failures injected\n", each_injected());
  return code;
}
