#include "tests/unit/ptx/sample.h"

#include "tests/unit/testing.h"

sample sample_open(const char *path) {
  sample s = {.arena = PV_ARENA_INIT};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_file_read(path, (size_t)1 << 22, &s.bytes, &err);
  if (code == PV_OK)
    code =
        pv_ptx_parse(&s.arena, path, (const char *)s.bytes.data, s.bytes.length, &s.module, &err);
  if (code != PV_OK) pv_error_print(&err, stderr);
  EXPECT(code == PV_OK && s.module != NULL);
  return s;
}

void sample_close(sample *s) {
  pv_bytes_free(&s->bytes);
  pv_arena_free(&s->arena);
}
