/* Every allocation fails while JSON is built and written: the whole of it, or an error. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/fault/each.h"
#include "tests/fault/failing.h"
#include "tests/unit/testing.h"

void *__real_malloc(size_t size); /* of the linker */

/* More keys and items than fit into the first memory that is asked for. */
static json_t *build(void) {
  json_t *object = json_object();
  for (int i = 0; i < 20; i++) {
    char name[32];
    json_t *list = json_array();
    for (int k = 0; k < 10; k++) pv_json_append(&list, json_integer(i * 10 + k));
    pv_json_append(&list, pv_json_string("a text"));
    pv_json_append(&list, pv_json_string("no \xff text"));
    snprintf(name, sizeof name, "a name of some length, %d", i);
    pv_json_set(&object, name, list);
  }
  return object;
}

static size_t flags;
static char *want;

static bool work(void) {
  pv_text text = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  json_t *value = build();
  const pv_code code = pv_json_write(value, flags, &text, &err);
  failing_pause();
  if (code == PV_OK) {
    EXPECT_STR(text.data, want);
  } else {
    EXPECT_U64(text.length, 0);
    EXPECT(err.message[0] != '\0');
  }
  json_decref(value);
  pv_text_free(&text);
  failing_resume();
  return code == PV_OK;
}

static void test_write(void) {
  static const size_t forms[] = {JSON_COMPACT, JSON_INDENT(1), JSON_INDENT(1) | JSON_SORT_KEYS};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    flags = forms[i];
    json_t *value = build();
    want = json_dumps(value, flags);
    json_decref(value);
    REQUIRE(want != NULL);
    json_set_alloc_funcs(malloc, free);
    each_allocation(work, 300);
    json_set_alloc_funcs(__real_malloc, free);
    free(want);
  }
}

int main(void) {
  const int code = pv_testing_main("fault json", (pv_case[]){PV_CASE(test_write), {0}});
  printf("%u failures injected\n", each_injected());
  return code;
}
