/* pv kernel check FILE, operations and describe: kernels of somebody else. */
#include "runtime/probe/guest.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "runtime/guest/guest.h"
#include "runtime/guest/template.h"
#include "runtime/probe/call.h"
#include "screen/screen.h"

enum { DIFFERS = 1, NOT_JUDGED = 3 };

static bool ends_with(const char *text, const char *end) {
  const size_t n = strlen(text), k = strlen(end);
  return n >= k && strcmp(text + n - k, end) == 0;
}

/* MY.ptx has MY.yaml beside it. */
static const char *beside(pv_arena *arena, const char *kernel) {
  const char *slash = strrchr(kernel, '/'), *dot = strrchr(kernel, '.');
  const size_t length =
      dot != NULL && (slash == NULL || dot > slash) ? (size_t)(dot - kernel) : strlen(kernel);
  return pv_arena_printf(arena, "%.*s.yaml", (int)length, kernel);
}

static json_t *spot_json(const pv_guest_report *r, const pv_guest_finding *f) {
  return json_pack("{s:o, s:I, s:o, s:I}", "file",
                   pv_json_string(f->file != NULL ? f->file : r->file), "line",
                   (json_int_t)f->spot.line, "source", pv_json_string(f->spot.source),
                   "source_line", (json_int_t)f->spot.source_line);
}

static json_t *finding_json(const pv_guest_report *r, const pv_guest_finding *f) {
  return json_pack("{s:s, s:o, s:s, s:I, s:I, s:o}", "kind", f->kind, "place", spot_json(r, f),
                   "case", f->where, "cases", (json_int_t)f->cases, "count", (json_int_t)f->count,
                   "text", pv_json_string(f->text));
}

static json_t *report_json(const pv_guest_report *r) {
  const pv_guest_worst *w = &r->tally.worst;
  json_t *findings = json_array();
  for (size_t i = 0; i < r->findings.count; i++)
    pv_json_append(&findings, finding_json(r, &r->findings.list[i]));
  json_t *o = json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:o}", "schema", "pv/kernel-guest/v1",
                        "kernel", pv_json_string(r->d->launches[r->d->launch_count - 1].entry),
                        "file", pv_json_string(r->file), "operation", r->d->operation->name,
                        "numerics", r->d->numerics.name, "on", r->on, "verdict",
                        pv_guest_verdict_name(r->verdict), "reason", pv_json_string(r->reason));
  pv_json_set(&o, "cases", json_integer((json_int_t)r->cases));
  pv_json_set(&o, "cases_left_out", json_integer((json_int_t)r->left_out));
  pv_json_set(&o, "cases_wrong", json_integer((json_int_t)r->cases_wrong));
  pv_json_set(&o, "runs", json_integer((json_int_t)r->runs));
  pv_json_set(&o, "compared", json_integer((json_int_t)r->tally.compared));
  pv_json_set(&o, "wrong", json_integer((json_int_t)r->tally.wrong));
  pv_json_set(&o, "unwritten", json_integer((json_int_t)r->tally.unwritten));
  pv_json_set(
      &o, "worst",
      json_pack("{s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:s}", "bounds", pv_json_number(w->excess),
                "tensor", w->tensor, "row", (json_int_t)w->row, "column", (json_int_t)w->column,
                "got", pv_json_number(w->got), "want", pv_json_number(w->want), "bound",
                pv_json_number(w->bound), "case", w->where));
  pv_json_set(&o, "findings", findings);
  pv_json_set(&o, "watched", r->watched != NULL ? pv_json_string(r->watched) : json_null());
  pv_json_set(&o, "unwatched", pv_json_string(r->unwatched));
  return o;
}

static void print_finding(const pv_guest_report *r, const pv_guest_finding *f) {
  const char *file = f->file != NULL ? f->file : r->file, *slash = strrchr(file, '/');
  pv_text where = PV_TEXT_INIT, text = PV_TEXT_INIT;
  if (f->spot.line != 0)
    pv_text_printf(&where, " %s:%u", slash != NULL ? slash + 1 : file, f->spot.line);
  if (f->spot.source_line != 0)
    pv_text_printf(
        &where, " (%s:%u)",
        strrchr(f->spot.source, '/') != NULL ? strrchr(f->spot.source, '/') + 1 : f->spot.source,
        f->spot.source_line);
  if (f->cases > 0) pv_text_printf(&where, ", in %zu case%s", f->cases, f->cases == 1 ? "" : "s");
  if (f->count > 1) pv_text_printf(&where, ", %llu times", (unsigned long long)f->count);
  pv_text_escape(&text, f->text, strlen(f->text));
  printf("  %s%s\n      %s\n", f->kind, where.data != NULL ? where.data : "",
         text.data != NULL ? text.data : "");
  if (f->where[0] != '\0') printf("      %s\n", f->where);
  pv_text_free(&where);
  pv_text_free(&text);
}

static void print_report(const pv_guest_report *r) {
  const pv_guest_worst *w = &r->tally.worst;
  pv_text reason = PV_TEXT_INIT, unwatched = PV_TEXT_INIT;
  printf("%s %s as %s in %s on %s: %zu cases", pv_guest_verdict_name(r->verdict),
         r->d->launches[r->d->launch_count - 1].entry, r->d->operation->name, r->d->numerics.name,
         r->on, r->cases);
  if (r->left_out > 0) printf(" (%zu left out by its limits)", r->left_out);
  printf(", %llu elements", (unsigned long long)r->tally.compared);
  if (r->tally.wrong + r->tally.unwritten > 0)
    printf(", %llu wrong, %llu unwritten", (unsigned long long)r->tally.wrong,
           (unsigned long long)r->tally.unwritten);
  if (r->tally.compared > r->tally.unwritten)
    printf(", worst error %s of its bound", PV_REAL('g', 3, w->excess));
  putchar('\n');
  if (r->reason[0] != '\0') {
    pv_text_escape(&reason, r->reason, strlen(r->reason));
    printf("  not judged: %s\n", reason.data != NULL ? reason.data : "");
    pv_text_free(&reason);
  }
  if (r->watched == NULL && r->reason[0] == '\0') {
    pv_text_escape(&unwatched, r->unwatched, strlen(r->unwatched));
    printf("  memory was not watched: %s\n", unwatched.data != NULL ? unwatched.data : "");
    pv_text_free(&unwatched);
  }
  for (size_t i = 0; i < r->findings.count && i < PV_GUEST_SHOWN; i++)
    print_finding(r, &r->findings.list[i]);
  const size_t more = r->findings.count > PV_GUEST_SHOWN ? r->findings.count - PV_GUEST_SHOWN : 0;
  if (more + r->findings.lost > 0)
    printf("  and %llu more findings\n", (unsigned long long)(more + r->findings.lost));
}

int pv_probe_guest_check(const char *what, const char *descriptor, const char *as, const char *on,
                         bool json, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  const bool is_descriptor = ends_with(what, ".yaml") || ends_with(what, ".yml");
  pv_guest_wish wish = {is_descriptor ? what : descriptor, is_descriptor ? NULL : what, as, on};
  pv_guest_report r;
  pv_code code = PV_OK;
  if (is_descriptor && descriptor != NULL)
    code = pv_error_set(err, PV_ERR_INPUT, "'%.200s' is a descriptor already", what);
  if (wish.descriptor == NULL) wish.descriptor = beside(&arena, what);
  if (wish.descriptor == NULL) code = pv_error_nomem(err, "a path");
  if (code == PV_OK) code = pv_guest_check(&arena, &wish, &r, err);
  if (code == PV_ERR_IO && descriptor == NULL && !is_descriptor && err->hint[0] == '\0')
    pv_error_hint(err, "pv kernel describe FILE --as OPERATION writes a descriptor to begin with");
  int exit_code = pv_call_exit(code, err);
  if (code == PV_OK) {
    if (json)
      exit_code = pv_call_exit(pv_json_print(report_json(&r), JSON_INDENT(1), err), err);
    else
      print_report(&r);
    if (exit_code == 0)
      exit_code = r.verdict == PV_GUEST_FAIL      ? DIFFERS
                  : r.verdict == PV_GUEST_NOT_RUN ? NOT_JUDGED
                                                  : 0;
  }
  pv_arena_free(&arena);
  return exit_code;
}

static const char *const elements[] = {"numbers", "weights", "blocks", "int32"};
static const char *const roles[] = {"read", "written", "read and written"};

static json_t *operation_json(const pv_operation *o) {
  json_t *sizes = json_array(), *scalars = json_array(), *tensors = json_array();
  for (size_t i = 0; i < PV_OP_SIZES && o->size[i] != NULL; i++)
    pv_json_append(&sizes, json_string(o->size[i]));
  for (size_t i = 0; i < PV_OP_SCALARS && o->scalar[i].name != NULL; i++)
    pv_json_append(&scalars,
                   json_pack("{s:s, s:f}", "name", o->scalar[i].name, "value", o->scalar[i].value));
  for (size_t i = 0; i < pv_operation_tensors(o); i++) {
    const pv_op_tensor *t = &o->tensor[i];
    pv_json_append(&tensors, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", t->name, "holds",
                                       elements[t->element], "role", roles[t->role], "rows",
                                       t->rows, "row", t->row, "about", t->about));
  }
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I}", "operation", o->name, "about", o->about,
                   "formula", o->formula, "sizes", sizes, "scalars", scalars, "tensors", tensors,
                   "cases", (json_int_t)o->case_count);
}

static void print_operation(const pv_operation *o) {
  printf("%s: %s\n  %s\n  sizes:", o->name, o->about, o->formula);
  for (size_t i = 0; i < PV_OP_SIZES && o->size[i] != NULL; i++) printf(" %s", o->size[i]);
  for (size_t i = 0; i < PV_OP_SCALARS && o->scalar[i].name != NULL; i++)
    printf("%s %s = %g", i == 0 ? "; numbers:" : ",", o->scalar[i].name, o->scalar[i].value);
  printf("; %zu cases\n", o->case_count);
  for (size_t i = 0; i < pv_operation_tensors(o); i++) {
    const pv_op_tensor *t = &o->tensor[i];
    printf("  %-8s [%s][%s] %s, %s: %s\n", t->name, t->rows, t->row, elements[t->element],
           roles[t->role], t->about);
  }
}

int pv_probe_guest_operations(bool json, pv_error *err) {
  json_t *all = json_array();
  const pv_operation *o;
  for (size_t i = 0; (o = pv_operation_at(i)) != NULL; i++)
    if (json)
      pv_json_append(&all, operation_json(o));
    else
      print_operation(o);
  if (json)
    return pv_call_exit(pv_json_print(json_pack("{s:s, s:o}", "schema", "pv/kernel-operations/v1",
                                                "operations", all),
                                      JSON_INDENT(1), err),
                        err);
  json_decref(all);
  return 0;
}

int pv_probe_guest_describe(const char *file, const char *as, const char *entry, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_text out = PV_TEXT_INIT;
  pv_code code = pv_guest_template(&arena, file, as, entry, &out, err);
  if (code == PV_OK && out.failed) code = pv_error_nomem(err, "a descriptor");
  pv_screen_raw();
  if (code == PV_OK) fputs(out.data, stdout);
  pv_text_free(&out);
  pv_arena_free(&arena);
  return pv_call_exit(code, err);
}
