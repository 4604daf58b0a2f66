/* No allocation fails while jansson parses: there jansson 2.14 takes a failure for a syntax error,
 * or ends at an assertion of its own. Link with -Wl,--wrap=json_loadb. */
#include <jansson.h>

#include "tests/fault/failing.h"

json_t *__real_json_loadb(const char *bytes, size_t n, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *bytes, size_t n, size_t flags, json_error_t *error);

json_t *__wrap_json_loadb(const char *bytes, size_t n, size_t flags, json_error_t *error) {
  failing_pause();
  json_t *out = __real_json_loadb(bytes, n, flags, error);
  failing_resume();
  return out;
}
