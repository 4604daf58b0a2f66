#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/file.h"
#include "runtime/guest/guest.h"

#define FILE_MAX ((size_t)256 << 20)

typedef struct session {
  pv_arena *arena;
  pv_guest_report *report;
  const pv_guest_descriptor *d;
  const pv_guest_device_ops *ops;
  pv_guest_device *device;
  pv_guest_program *programs[PV_GUEST_LAUNCHES];
  pv_guest_signature signatures[PV_GUEST_LAUNCHES];
  const pv_ptx_function *entries[PV_GUEST_LAUNCHES]; /* NULL: machine code */
  pv_op_case
      narrowed;      /* of the cases with a wrong value that which is narrowed at the least cost */
  double least_cost; /* infinite: there is none */
  bool last;         /* nothing can run on the device any more */
} session;

static const pv_guest_device_ops *const devices[] = {&pv_guest_on_ptx, &pv_guest_on_cuda};
enum { DEVICES = sizeof devices / sizeof *devices };

const char *pv_guest_verdict_name(pv_guest_verdict verdict) {
  static const char *const names[] = {"PASS", "FAIL", "NOT_RUN"};
  return names[verdict];
}

/* Machine code is an ELF file, or several in a fat one. */
static bool is_machine_code(const pv_bytes *b) {
  return b->length >= 4 && (memcmp(b->data,
                                   "\x7f"
                                   "ELF",
                                   4) == 0 ||
                            memcmp(b->data, "\x50\xed\x55\xba", 4) == 0);
}

static pv_code read_program(session *s, const char *path, pv_guest_program **out, pv_error *err) {
  pv_bytes bytes = {0};
  pv_guest_program *p = PV_ARENA_NEW(s->arena, 1, pv_guest_program);
  pv_ptx_module *module = NULL;
  char *copy = NULL;
  pv_code code = pv_file_read(path, FILE_MAX, &bytes, err);
  if (code != PV_OK) return code;
  const bool is_text = !is_machine_code(&bytes);
  copy = pv_arena_alloc(s->arena, bytes.length + 1, 1);
  if (p == NULL || copy == NULL) {
    code = pv_error_nomem(err, "a kernel's file");
    goto cleanup;
  }
  memcpy(copy, bytes.data, bytes.length);
  if (is_text) code = pv_ptx_parse_each(s->arena, path, copy, bytes.length, &module, err);
  if (code == PV_ERR_INPUT && err != NULL && err->hint[0] == '\0')
    pv_error_hint(err, "a kernel is PTX, or machine code of nvcc -cubin");
  if (code != PV_OK) goto cleanup;
  *p = (pv_guest_program){path, copy, bytes.length, module};
  *out = p;
cleanup:
  pv_bytes_free(&bytes);
  return code;
}

static pv_code read_programs(session *s, const char *file, pv_error *err) {
  const size_t last = s->d->launch_count - 1;
  pv_code code = PV_OK;
  for (size_t i = 0; i <= last && code == PV_OK; i++) {
    const pv_guest_launch *l = &s->d->launches[i];
    const char *path = file != NULL && (i == last || l->file == NULL) ? file : l->file;
    if (path == NULL) path = s->d->launches[last].file;
    if (path == NULL) {
      pv_error_set(err, PV_ERR_INPUT, "which file has '%.100s'?", l->entry);
      pv_error_at(err, s->d->path, l->place.line, l->place.column, -1);
      pv_error_hint(err, "file: NAME beside the descriptor, or name it in the command");
      return PV_ERR_INPUT;
    }
    for (size_t k = 0; k < i; k++)
      if (strcmp(s->programs[k]->path, path) == 0) s->programs[i] = s->programs[k];
    if (s->programs[i] == NULL) code = read_program(s, path, &s->programs[i], err);
  }
  return code;
}

static pv_code choose_device(session *s, const char *on, pv_error *err) {
  bool is_text = true;
  for (size_t i = 0; i < s->d->launch_count; i++) is_text &= s->programs[i]->module != NULL;
  if (on == NULL) on = is_text ? "ptx" : "cuda";
  for (size_t i = 0; i < DEVICES && s->ops == NULL; i++)
    if (strcmp(devices[i]->name, on) == 0) s->ops = devices[i];
  if (s->ops == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "a kernel can not be run on '%.40s'", on);
    pv_error_hint(err, "on ptx, interpreted, or on cuda, a device");
    return PV_ERR_INPUT;
  }
  s->report->on = s->ops->name;
  return PV_OK;
}

/* The entries as PTX declares them; what is machine code is asked of the device. */
static pv_code read_signatures(session *s, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->d->launch_count && code == PV_OK; i++) {
    if (s->programs[i]->module == NULL) continue;
    code = pv_guest_signature_of(s->programs[i]->module, &s->d->launches[i], &s->entries[i],
                                 &s->signatures[i], err);
    if (code == PV_OK) code = pv_guest_signature_check(&s->d->launches[i], &s->signatures[i], err);
  }
  return code;
}

/* Nothing can be judged: why. */
static pv_code not_run(session *s, const pv_error *cause) {
  pv_guest_report *r = s->report;
  if (r->reason[0] != '\0') return PV_OK;
  char place[600] = "";
  if (cause->line > 0)
    snprintf(place, sizeof place, "%.511s:%lld: ", cause->file, (long long)cause->line);
  snprintf(r->reason, sizeof r->reason, "%s%s%s%s", place, cause->message,
           cause->hint[0] != '\0' ? ": " : "", cause->hint);
  return PV_OK;
}

static pv_code read_rules(session *s, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->d->launch_count && code == PV_OK; i++) {
    if (s->entries[i] == NULL) continue;
    pv_error own = PV_ERROR_INIT;
    code = pv_guest_rules(s->arena, s->d, s->programs[i]->module, s->entries[i],
                          &s->report->findings, &own);
    if (code == PV_ERR_UNSUPPORTED)
      code = not_run(s, &own);
    else if (code != PV_OK && err != NULL)
      *err = own;
  }
  return code;
}

static pv_code open_device(session *s, pv_error *err) {
  pv_code code = s->ops->open(s->d, (const pv_guest_program *const *)s->programs, &s->device, err);
  for (size_t i = 0; i < s->d->launch_count && code == PV_OK; i++) {
    uint32_t line = 0;
    if (s->programs[i]->module == NULL) {
      code = s->ops->signature(s->device, i, &s->signatures[i], err);
      if (code == PV_OK)
        code = pv_guest_signature_check(&s->d->launches[i], &s->signatures[i], err);
    }
    if (code == PV_OK && s->d->numerics.is_identity && s->report->findings.count == 0 &&
        s->ops->approximates != NULL && s->ops->approximates(s->device, i, &line)) {
      pv_guest_finding one = {.kind = "bits not defined", .count = 1, .spot.line = line};
      snprintf(one.text, sizeof one.text,
               "'%.100s' has an instruction whose bits PTX does not define; %s claims every bit",
               s->d->launches[i].entry, s->d->numerics.name);
      pv_guest_findings_add(&s->report->findings, &one);
    }
  }
  return code;
}

static void note_fault(session *s, const pv_guest_case *c, const pv_guest_fault *fault) {
  pv_guest_finding one = {.cases = 1, .count = 1, .spot = fault->spot};
  snprintf(one.kind, sizeof one.kind, "%s", fault->kind);
  snprintf(one.text, sizeof one.text, "%s", fault->text);
  snprintf(one.where, sizeof one.where, "%s", c->text);
  pv_guest_findings_add(&s->report->findings, &one);
}

/* The outputs of the run before are kept beside those of the next. */
static pv_code keep_outputs(pv_arena *arena, pv_guest_case *c, unsigned char **before,
                            pv_error *err) {
  for (size_t i = 0; i < PV_GUEST_BUFFERS; i++) {
    pv_guest_buffer *b = &c->trial.buffers[i];
    if (!b->written) continue;
    before[i] = b->got;
    b->got = PV_ARENA_NEW(arena, b->bytes + 1, unsigned char);
    if (b->got == NULL) return pv_error_nomem(err, "an output");
  }
  return PV_OK;
}

/* One case in each of its ways. */
static pv_code run_case(session *s, size_t index, pv_guest_case *c, pv_arena *arena,
                        pv_error *err) {
  const pv_guest_signature *entry = &s->signatures[s->d->launch_count - 1];
  pv_guest_report *r = s->report;
  unsigned char *before[PV_GUEST_BUFFERS] = {NULL};
  const uint64_t wrong = r->tally.wrong;
  pv_code code = PV_OK;
  for (unsigned n = 0; n < s->ops->runs && code == PV_OK; n++) {
    const unsigned way =
        n == 0 ? 0 : 1 + (unsigned)((index + n - 1) % (s->ops->ways > 1 ? s->ops->ways - 1 : 1));
    pv_guest_fault fault = {.kind = ""};
    if (n > 0) code = keep_outputs(arena, c, before, err);
    if (code == PV_OK) code = s->ops->run(s->device, &c->trial, way, &fault, err);
    if (code != PV_OK) break;
    r->runs++;
    if (fault.kind[0] != '\0') {
      note_fault(s, c, &fault);
      s->last = fault.last;
      break;
    }
    if (n == 0 || s->d->allowed.order)
      pv_guest_judge(s->d, s->device, c, entry, &r->tally, &r->findings);
    else
      pv_guest_judge_same(s->d, s->device, c, before, &r->findings);
  }
  const double cost = r->tally.wrong > wrong ? pv_guest_narrow_cost(s->d, c) : INFINITY;
  if (cost < s->least_cost) {
    s->narrowed = c->c;
    s->least_cost = cost;
  }
  return code;
}

static pv_code run_cases(session *s, pv_error *err) {
  pv_guest_report *r = s->report;
  pv_code code = PV_OK;
  pv_op_case one;
  for (size_t i = 0; code == PV_OK && !s->last && pv_operation_case_at(s->d->operation, i, &one);
       i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_guest_case c;
    bool fits = false;
    if (pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "cancelled");
    const size_t findings = r->findings.count;
    const uint64_t wrong = r->tally.wrong + r->tally.unwritten;
    code = pv_guest_case_fits(s->d, &one, &c, &fits, err);
    if (code == PV_OK && fits)
      code = pv_guest_case_make(s->d, s->signatures, NULL, &arena, &c, &fits, err);
    r->cases += code == PV_OK && fits;
    r->left_out += code == PV_OK && !fits;
    if (code == PV_OK && fits) code = run_case(s, i, &c, &arena, err);
    r->cases_wrong += r->findings.count > findings || r->tally.wrong + r->tally.unwritten > wrong;
    pv_arena_free(&arena);
  }
  return code;
}

static pv_code nothing_left(const session *s, pv_error *err) {
  const pv_guest_descriptor *d = s->d;
  pv_error_set(err, PV_ERR_INPUT, "no case of %s is within the limits: nothing would be compared",
               d->operation->name);
  if (d->limits != NULL)
    pv_error_at(err, d->path, d->limits->place.line, d->limits->place.column, -1);
  pv_error_hint(err, "pv kernel operations shows the sizes of the cases");
  return PV_ERR_INPUT;
}

static pv_code judge_all(session *s, pv_error *err) {
  pv_error own = PV_ERROR_INIT;
  pv_code code = open_device(s, &own);
  if (code == PV_OK) code = run_cases(s, &own);
  if (code == PV_OK && s->report->cases == 0) code = nothing_left(s, &own);
  if (code == PV_OK && !s->last && isfinite(s->least_cost))
    code =
        pv_guest_narrow(s->device, s->d, s->signatures, &s->narrowed, &s->report->findings, &own);
  if (code == PV_ERR_UNSUPPORTED) return not_run(s, &own);
  if (code == PV_OK && s->report->tally.compared == 0 && s->report->findings.count == 0) {
    pv_error_set(&own, PV_ERR_UNSUPPORTED, "no element was compared");
    return not_run(s, &own);
  }
  if (code != PV_OK && err != NULL) *err = own;
  return code;
}

/* On a device the PTX is interpreted too, over the same cases: that of the kernel itself, or where
 * that is machine code what the descriptor names. */
static pv_code watch(session *s, const pv_guest_wish *wish, pv_error *err) {
  pv_guest_report *r = s->report;
  const pv_guest_launch *last = &s->d->launches[s->d->launch_count - 1];
  pv_guest_wish again = {wish->descriptor, wish->file, wish->as, pv_guest_on_ptx.name};
  pv_guest_report seen;
  pv_error own = PV_ERROR_INIT;
  if (s->ops == &pv_guest_on_ptx) {
    r->watched = r->file;
    return PV_OK;
  }
  if (s->programs[s->d->launch_count - 1]->module == NULL) again.file = NULL;
  if (again.file == NULL && s->programs[s->d->launch_count - 1]->module == NULL &&
      (last->file == NULL || strcmp(last->file, r->file) == 0)) {
    snprintf(r->unwatched, sizeof r->unwatched,
             "it is machine code, and the descriptor's file is not the PTX that it was made of");
    return PV_OK;
  }
  const pv_code code = pv_guest_check(s->arena, &again, &seen, &own);
  if (code == PV_ERR_NOMEM || code == PV_ERR_CANCELLED) {
    if (err != NULL) *err = own;
    return code;
  }
  if (code == PV_OK) pv_guest_findings_join(&r->findings, &seen.findings, seen.file);
  if (code == PV_OK && seen.verdict != PV_GUEST_NOT_RUN)
    r->watched = seen.file;
  else
    snprintf(r->unwatched, sizeof r->unwatched, "%s", code == PV_OK ? seen.reason : own.message);
  return PV_OK;
}

pv_code pv_guest_check(pv_arena *arena, const pv_guest_wish *wish, pv_guest_report *out,
                       pv_error *err) {
  pv_guest_descriptor *d = NULL;
  pv_guest_report report = {0};
  session s = {.arena = arena, .report = &report, .least_cost = INFINITY};
  pv_error own = PV_ERROR_INIT;
  pv_code code = pv_guest_descriptor_read(arena, wish->descriptor, wish->as, &d, err);
  if (code == PV_OK) code = pv_guest_findings_open(arena, &report.findings, err);
  if (code != PV_OK) return code;
  report.d = s.d = d;
  code = read_programs(&s, wish->file, err);
  if (code == PV_OK) code = choose_device(&s, wish->on, err);
  if (code != PV_OK) return code;
  report.file = s.programs[d->launch_count - 1]->path;
  code = read_signatures(&s, &own);
  if (code == PV_ERR_UNSUPPORTED) {
    code = not_run(&s, &own);
  } else if (code == PV_OK) {
    code = read_rules(&s, &own);
    if (code == PV_OK) code = judge_all(&s, &own);
  }
  if (s.device != NULL) s.ops->close(s.device);
  if (code == PV_OK && report.reason[0] == '\0') code = watch(&s, wish, &own);
  if (code != PV_OK) {
    if (err != NULL) *err = own;
    return code;
  }
  report.verdict = report.findings.count > 0  ? PV_GUEST_FAIL
                   : report.reason[0] != '\0' ? PV_GUEST_NOT_RUN
                                              : PV_GUEST_PASS;
  pv_guest_findings_sort(&report.findings);
  *out = report;
  return PV_OK;
}
