/* pv kernel check LIBRARY.so: a kernel of the CPU that somebody else wrote. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "runtime/library/library.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"

enum { DIFFERS = 1, NOT_JUDGED = 3 };

static json_t *finding_json(const pv_library_finding *f) {
  return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "kind", f->kind, "tensor", f->tensor, "case",
                   f->where, "cases", (json_int_t)f->cases, "count", (json_int_t)f->count, "text",
                   pv_json_string(f->text));
}

static json_t *report_json(const char *path, const pv_library_report *r) {
  const pv_library_worst *w = &r->worst;
  json_t *findings = json_array();
  for (size_t i = 0; i < r->finding_count; i++)
    pv_json_append(&findings, finding_json(&r->findings[i]));
  json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:o}", "schema", "pv/kernel-library/v1",
                        "file", pv_json_string(path), "operation", r->operation->name, "numerics",
                        r->numerics.name, "on", "cpu", "verdict",
                        pv_library_verdict_name(r->verdict), "reason", pv_json_string(r->reason));
  pv_json_set(&o, "cases", json_integer((json_int_t)r->cases));
  pv_json_set(&o, "cases_left_out", json_integer((json_int_t)r->left_out));
  pv_json_set(&o, "cases_wrong", json_integer((json_int_t)r->cases_wrong));
  pv_json_set(&o, "runs", json_integer((json_int_t)r->runs));
  pv_json_set(&o, "compared", json_integer((json_int_t)r->compared));
  pv_json_set(&o, "wrong", json_integer((json_int_t)r->wrong));
  pv_json_set(&o, "unwritten", json_integer((json_int_t)r->unwritten));
  pv_json_set(
      &o, "worst",
      json_pack("{s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:s}", "bounds", pv_json_number(w->excess),
                "tensor", w->tensor, "row", (json_int_t)w->row, "column", (json_int_t)w->column,
                "got", pv_json_number(w->got), "want", pv_json_number(w->want), "bound",
                pv_json_number(w->bound), "case", w->where));
  pv_json_set(&o, "findings", findings);
  return o;
}

static void print_report(const char *path, const pv_library_report *r) {
  const char *slash = strrchr(path, '/');
  pv_text name = PV_TEXT_INIT;
  pv_text_escape(&name, slash != NULL ? slash + 1 : path, strlen(slash != NULL ? slash + 1 : path));
  printf("%s %s as %s in %s on cpu: %zu cases", pv_library_verdict_name(r->verdict),
         name.data != NULL ? name.data : "", r->operation->name, r->numerics.name, r->cases);
  if (r->left_out > 0) printf(" (%zu left out)", r->left_out);
  printf(", %llu elements", (unsigned long long)r->compared);
  if (r->wrong + r->unwritten > 0)
    printf(", %llu wrong, %llu unwritten", (unsigned long long)r->wrong,
           (unsigned long long)r->unwritten);
  if (r->compared > r->unwritten)
    printf(", worst error %s of its bound", PV_REAL('g', 3, r->worst.excess));
  putchar('\n');
  if (r->reason[0] != '\0') printf("  not judged: %s\n", r->reason);
  for (size_t i = 0; i < r->finding_count; i++) {
    const pv_library_finding *f = &r->findings[i];
    printf("  %s, in %zu case%s", f->kind, f->cases, f->cases == 1 ? "" : "s");
    if (f->count > 1) printf(", %llu times", (unsigned long long)f->count);
    printf("\n      %s\n      %s\n", f->text, f->where);
  }
  pv_text_free(&name);
}

bool pv_probe_is_library(const char *name) {
  const size_t length = name == NULL ? 0 : strlen(name);
  if (length > 3 && strcmp(name + length - 3, ".so") == 0) return true;
  return name != NULL && strpbrk(name, "./") != NULL && pv_library_is(name);
}

int pv_probe_library_check(const char *path, bool json, pv_error *err) {
  static const char *const host[2] = {"/proc/self/exe", "library"};
  pv_library_report r;
  const pv_code code = pv_library_check(path, host, &r, err);
  if (code != PV_OK) return pv_call_exit(code, err);
  if (json) {
    const int exit_code =
        pv_call_exit(pv_json_print(report_json(path, &r), JSON_INDENT(1), err), err);
    if (exit_code != 0) return exit_code;
  } else {
    print_report(path, &r);
  }
  return r.verdict == PV_LIBRARY_FAIL ? DIFFERS : r.verdict == PV_LIBRARY_NOT_RUN ? NOT_JUDGED : 0;
}
