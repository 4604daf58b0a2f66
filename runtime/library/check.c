#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "runtime/library/parts.h"

enum { CHANNEL_MAX = 64 << 20, OUTPUT_MAX = 4096 };
#define GRACE_S 0.5

const char *pv_library_verdict_name(pv_library_verdict verdict) {
  static const char *const names[] = {"NOT_RUN", "FAIL", "PASS"};
  return names[verdict];
}

bool pv_library_is(const char *path) {
  Elf64_Ehdr head, own;
  FILE *file = fopen(path, "rb"), *self = fopen("/proc/self/exe", "rb");
  const bool read = file != NULL && self != NULL && fread(&head, sizeof head, 1, file) == 1 &&
                    fread(&own, sizeof own, 1, self) == 1;
  if (file != NULL) fclose(file);
  if (self != NULL) fclose(self);
  return read && memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_DYN &&
         head.e_machine == own.e_machine;
}

/* One child to its end. */
static pv_code run_child(const char *path, const char *const host[2], const char *what,
                         pv_text *channel, pv_library_end *end, pv_error *err) {
  const char *const argv[] = {host[0], host[1], path, what, NULL};
  const pv_child_spec spec = {.argv = argv, .output_limit = OUTPUT_MAX};
  const double until = pv_clock_now() + PV_LIBRARY_SECONDS;
  pv_child *child = NULL;
  pv_child_event event = PV_CHILD_BYTES;
  *end = (pv_library_end){0};
  pv_code code = pv_child_start(&spec, &child, err);
  while (code == PV_OK && event == PV_CHILD_BYTES) {
    const double left = until - pv_clock_now();
    code = pv_child_wait(child, left > 0.0 ? left : 0.0, channel, CHANNEL_MAX, &event, err);
  }
  end->late = code == PV_OK && event == PV_CHILD_TIMEOUT;
  end->flooded = code == PV_ERR_LIMIT;
  if (end->late || end->flooded) {
    pv_child_kill(child, GRACE_S);
    code = PV_OK;
  } else if (code == PV_OK) {
    end->code = pv_child_result(child)->code;
    end->signal = pv_child_result(child)->signal;
  }
  pv_child_free(child);
  return code;
}

/* What the file says of itself: three words. */
typedef struct about {
  char operation[256], numerics[256], formats[256];
} about;

static pv_code refuse_file(const char *path, const char *text, size_t length, pv_error *err) {
  return pv_error_refuse(err, "see include/pv_kernel.h, and docs/cpu-kernels.md",
                         "'%.200s' is no kernel: %.*s", path, (int)(length < 200 ? length : 200),
                         text);
}

static pv_code read_about(const char *path, const char *const host[2], about *out, pv_error *err) {
  pv_text channel = PV_TEXT_INIT;
  pv_library_end end;
  pv_library_frame f;
  const char *bytes = NULL;
  size_t at = 0;
  pv_code code = run_child(path, host, "about", &channel, &end, err);
  if (code != PV_OK) goto cleanup;
  if (!pv_library_next(channel.data, channel.length, &at, &f, &bytes)) {
    code = refuse_file(path, end.late ? "loading it does not end" : "loading it ends the process",
                       SIZE_MAX, err);
  } else if (f.word == PV_LIBRARY_ERROR) {
    code = refuse_file(path, bytes, (size_t)f.length, err);
  } else {
    char *const parts[] = {out->operation, out->numerics, out->formats};
    const char *left = bytes, *stop = bytes + f.length;
    for (size_t i = 0; i < 3 && left < stop; i++) {
      const size_t n = strnlen(left, (size_t)(stop - left));
      snprintf(parts[i], sizeof out->operation, "%.*s", (int)(n < 255 ? n : 255), left);
      left += n + 1;
    }
  }
cleanup:
  pv_text_free(&channel);
  return code;
}

static pv_code understand(const about *a, pv_library_report *r, pv_format formats[PV_OP_TENSORS],
                          pv_error *err) {
  r->operation = pv_operation_find(a->operation);
  if (r->operation == NULL)
    return pv_error_refuse(err, "see: pv kernel operations", "there is no operation '%.60s'",
                           a->operation);
  if (!pv_op_numerics_find(a->numerics, &r->numerics))
    return pv_error_refuse(err, "float32, float16-factors, i16, ...: docs/numerics.md",
                           "there are no numerics '%.60s'", a->numerics);
  r->numerics.approx = r->numerics.ftz = false;
  return pv_library_formats(r->operation, a->formats, formats, err);
}

/* The inputs as the kernel gets them. `*fits` false: these numbers can not be given so. */
static pv_code round_inputs(const pv_operation *op, const pv_format *formats, pv_arena *arena,
                            pv_op_values *v, bool *fits, pv_error *err) {
  *fits = true;
  for (size_t i = 0; i < pv_operation_tensors(op); i++) {
    v[i].format = formats[i];
    if (v[i].real == NULL || formats[i] == PV_FORMAT_F32) continue;
    const size_t bytes = pv_format_bytes(formats[i], v[i].row);
    unsigned char *room = PV_ARENA_NEW(arena, bytes + 1, unsigned char);
    if (room == NULL) return pv_error_nomem(err, "a row");
    *fits = *fits && bytes > 0;
    for (size_t r = 0; *fits && r < v[i].rows; r++) {
      float *row = v[i].real + r * v[i].row;
      *fits = pv_format_encode(formats[i], row, v[i].row, room);
      if (*fits) pv_format_decode(formats[i], room, v[i].row, row);
    }
  }
  return PV_OK;
}

static pv_code check_case(const char *path, const char *const host[2], size_t index,
                          const pv_format *formats, pv_library_report *r, bool *late,
                          pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_text channel = PV_TEXT_INIT;
  pv_op_values v[PV_OP_TENSORS];
  pv_library_end end = {0};
  pv_op_case c;
  bool fits = false;
  char number[24];
  snprintf(number, sizeof number, "%zu", index);
  if (!pv_operation_case_at(r->operation, index, &c)) return PV_OK;
  pv_code code = pv_operation_make(r->operation, &c, &arena, v, err);
  if (code == PV_OK) code = round_inputs(r->operation, formats, &arena, v, &fits, err);
  r->left_out += code == PV_OK && !fits;
  if (code != PV_OK || !fits) goto cleanup;
  code = pv_operation_expect(r->operation, &c, &r->numerics, &arena, v, err);
  if (code == PV_OK) code = run_child(path, host, number, &channel, &end, err);
  if (code == PV_OK)
    code = pv_library_judge(r->operation, &c, v, channel.data, channel.length, &end, r, err);
  *late = end.late;
cleanup:
  pv_text_free(&channel);
  pv_arena_free(&arena);
  return code;
}

pv_code pv_library_check(const char *path, const char *const host[2], pv_library_report *out,
                         pv_error *err) {
  char full[PATH_MAX];
  pv_library_report r = {0};
  pv_format formats[PV_OP_TENSORS];
  about a = {.operation = ""};
  bool late = false;
  if (realpath(path, full) == NULL || !pv_library_is(full))
    return refuse_file(path, "it is no shared object of this machine", SIZE_MAX, err);
  pv_code code = read_about(full, host, &a, err);
  if (code == PV_OK) code = understand(&a, &r, formats, err);
  for (size_t i = 0; code == PV_OK && !late && i < r.operation->case_count; i++) {
    if (pv_cancelled()) code = pv_error_set(err, PV_ERR_CANCELLED, "cancelled");
    if (code == PV_OK) code = check_case(full, host, i, formats, &r, &late, err);
  }
  if (code == PV_ERR_UNSUPPORTED && err != NULL) {
    snprintf(r.reason, sizeof r.reason, "%.250s", err->message);
    code = PV_OK;
  } else if (r.compared == 0 && r.finding_count == 0) {
    snprintf(r.reason, sizeof r.reason, "no element was compared");
  }
  if (code != PV_OK) return code;
  r.verdict = r.finding_count > 0   ? PV_LIBRARY_FAIL
              : r.reason[0] != '\0' ? PV_LIBRARY_NOT_RUN
                                    : PV_LIBRARY_PASS;
  *out = r;
  return PV_OK;
}
