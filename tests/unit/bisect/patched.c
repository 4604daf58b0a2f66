#include "tests/unit/bisect/patched.h"

#include <string.h>

#include "base/file.h"
#include "tests/unit/testing.h"

pv_model *patched_model(const char *path, const char *tensor, uint64_t offset, const void *bytes,
                        size_t length) {
  pv_model *base = NULL, *out = NULL;
  pv_bytes file = {0};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_model_open(PATCHED_BASE, &base, &err);
  if (code == PV_OK) code = pv_file_read(PATCHED_BASE, (size_t)64 << 20, &file, &err);
  const pv_gguf_tensor *t = code == PV_OK ? pv_gguf_tensor_find(base->gguf, tensor) : NULL;
  if (EXPECT(t != NULL) && EXPECT(offset + length <= t->bytes)) {
    memcpy(file.data + t->offset + offset, bytes, length);
    code = pv_file_replace(path, file.data, file.length, &err);
    if (code == PV_OK) code = pv_model_open(path, &out, &err);
  }
  if (!EXPECT_I64(code, PV_OK)) pv_error_print(&err, stderr);
  pv_bytes_free(&file);
  pv_model_close(base);
  return out;
}
