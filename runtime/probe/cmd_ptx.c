/* pv ptx: what is in the PTX of the kernels, and assertions about it by hand. The text is data that
 * lies in this program (or in a file); no driver is touched. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "base/text.h"
#include "kernels/cuda/images.h"
#include "kernels/ptx/assert.h"
#include "runtime/probe/probe.h"

enum { NOT_ALL_JUDGED = 3, LIST_MAX = 32 };
#define FILE_LIMIT ((size_t)64 << 20)

typedef struct source {
  const char *text;
  size_t length;
  pv_ptx_module *module;
  size_t findings; /* of the report, up to and with those about this source */
} source;

typedef struct words {
  const char *items[LIST_MAX];
  size_t count;
} words;

typedef struct arguments {
  const char *verb, *kernel, *file;
  const char *require, *forbid, *order, *count, *rules;
  const char *sink, *through, *combine, *writers, *factors;
  bool json, help;
} arguments;

typedef struct unjudged {
  const char *kernel, *why;
  int64_t line; /* of the PTX */
  struct unjudged *next;
} unjudged;

typedef struct session {
  pv_arena arena;
  arguments a;
  pv_bytes bytes;
  source *sources; /* in the arena */
  size_t source_count;
  unjudged *unjudged, **unjudged_end; /* in the arena, in the order of the text */
  size_t unjudged_count;
} session;

static pv_code parse_call(int argc, char **argv, arguments *a, pv_error *err) {
  const char *rest[2] = {NULL, NULL};
  const pv_option list[] = {
      {"--file", "FILE", "PTX of a file instead of that in this program", &a->file, NULL},
      {"--require", "LIST", "check: instructions that must occur", &a->require, NULL},
      {"--forbid", "LIST", "check: instructions that must not occur", &a->forbid, NULL},
      {"--order", "LIST", "check: first and last occurrences are in this order", &a->order, NULL},
      {"--count", "LIST", "check: instruction.times, exactly", &a->count, NULL},
      {"--rules", "LIST", "check: rules for every kernel, or all", &a->rules, NULL},
      {"--writers", "LIST", "check: what may write the accumulators of a flow", &a->writers, NULL},
      {"--factors", "LIST", "check: what may make what an fma multiplies into them", &a->factors,
       NULL},
      {"--sink", "NAME", "check: where the flow ends (default shfl.sync)", &a->sink, NULL},
      {"--through", "NAME", "check: its rounding (default cvt.rn.f32.f64)", &a->through, NULL},
      {"--combine", "NAME", "check: its sum after a sink (default add.f32)", &a->combine, NULL},
      {"--json", NULL, "one JSON object", NULL, &a->json},
      {0}};
  pv_options options = {
      .command = "ptx",
      .summary =
          "The PTX of the kernels: list them, show one, check one (or all).\n"
          "LIST is separated by commas; docs/ptx.md says what a directive means.\n"
          "A kernel that is not understood is named and not judged: exit code 3.",
      .positional = "list|show|check [KERNEL]",
      .examples =
          "  pv ptx list\n"
          "  pv ptx show q6_k_gemv_f64acc\n"
          "  pv ptx check all --rules all\n"
          "  pv ptx check q6_k_gemv_f64acc --forbid fma.rn.f32 --count shfl.sync.down.b32.5\n"
          "  pv ptx check q6_k_gemv_f64acc --writers fma.rn.f64,add.f64,zero\n"
          "  pv ptx check all --file kernel.ptx --forbid .ftz,.approx\n",
      .list = list,
      .rest = rest,
      .rest_max = 2};
  const pv_code code = pv_options_parse(&options, argc, argv, &a->help, err);
  a->verb = rest[0];
  a->kernel = rest[1];
  return code;
}

static pv_code check_call(const arguments *a, pv_error *err) {
  if (a->verb == NULL || (strcmp(a->verb, "list") != 0 && strcmp(a->verb, "show") != 0 &&
                          strcmp(a->verb, "check") != 0)) {
    pv_error_set(err, PV_ERR_INPUT, "ptx needs list, show or check");
    pv_error_hint(err, "see: pv ptx --help");
    return PV_ERR_INPUT;
  }
  if (strcmp(a->verb, "list") == 0 && a->kernel != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "list takes no kernel");
  if (strcmp(a->verb, "list") != 0 && a->kernel == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "%s needs the name of a kernel%s", a->verb,
                        strcmp(a->verb, "check") == 0 ? ", or all" : "");
  const bool directive = a->require != NULL || a->forbid != NULL || a->order != NULL ||
                         a->count != NULL || a->rules != NULL || a->writers != NULL;
  const bool flow =
      a->sink != NULL || a->through != NULL || a->combine != NULL || a->factors != NULL;
  if (strcmp(a->verb, "check") != 0 && (directive || flow))
    return pv_error_set(err, PV_ERR_INPUT, "directives belong to check");
  if (flow && a->writers == NULL) return pv_error_set(err, PV_ERR_INPUT, "a flow needs --writers");
  if (strcmp(a->verb, "check") == 0 && !directive)
    return pv_error_set(err, PV_ERR_INPUT, "nothing is asserted: give at least one directive");
  return PV_OK;
}

static pv_code read_sources(session *s, pv_error *err) {
  pv_code code = PV_OK;
  size_t count = 0;
  const pv_cuda_module *images = pv_cuda_modules(&count);
  if (s->a.file != NULL) {
    code = pv_file_read(s->a.file, FILE_LIMIT, &s->bytes, err);
    count = 1;
  }
  s->sources = code == PV_OK ? PV_ARENA_NEW(&s->arena, count, source) : NULL;
  if (code == PV_OK && s->sources == NULL) code = pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  for (size_t i = 0; code == PV_OK && i < count; i++) {
    source *out = &s->sources[i];
    *out = s->a.file != NULL ? (source){(const char *)s->bytes.data, s->bytes.length, NULL, 0}
                             : (source){images[i].ptx, images[i].ptx_bytes, NULL, 0};
    code = pv_ptx_parse_each(&s->arena, s->a.file != NULL ? s->a.file : images[i].name, out->text,
                             out->length, &out->module, err);
  }
  if (code == PV_OK) s->source_count = count;
  return code;
}

static pv_code print_json(json_t *object, pv_error *err) {
  return pv_json_print(object, JSON_INDENT(1) | JSON_SORT_KEYS, err);
}

static json_t *not_read_object(const pv_ptx_unread *u) {
  if (u == NULL) return json_null();
  return json_pack("{s:I, s:I, s:o, s:o}", "line", (json_int_t)u->line, "column",
                   (json_int_t)u->column, "reason", pv_json_string(u->why), "text",
                   pv_json_string(u->text));
}

static json_t *kernel_object(const pv_ptx_module *m, const pv_ptx_function *f, uint64_t shared) {
  json_t *params = json_array();
  for (size_t i = 0; i < f->param_count; i++)
    pv_json_append(&params, json_pack("{s:s, s:s, s:I}", "name", f->params[i]->name, "type",
                                      pv_ptx_type_name(f->params[i]->type), "bytes",
                                      (json_int_t)f->params[i]->bytes));
  return json_pack("{s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:o}", "kernel", f->name, "module",
                   pv_json_string(m->name), "target", m->target, "params", params, "instructions",
                   (json_int_t)f->instruction_count, "registers", (json_int_t)f->register_count,
                   "shared_bytes", (json_int_t)shared, "not_read", not_read_object(f->unread));
}

static void put_escaped(const char *text) {
  pv_text safe = PV_TEXT_INIT;
  pv_text_escape(&safe, text, strlen(text));
  fputs(safe.data != NULL ? safe.data : "", stdout);
  pv_text_free(&safe);
}

static void print_kernel(const pv_ptx_module *m, const pv_ptx_function *f, uint64_t shared) {
  if (f->unread != NULL) {
    printf("%-20s %-20s %-6s not read: line %u: ", f->name, m->name, m->target, f->unread->line);
    put_escaped(f->unread->why);
    fputs(": ", stdout);
    put_escaped(f->unread->text);
    puts("");
    return;
  }
  printf("%-20s %-20s %-6s %6zu instructions %6llu bytes shared  (", f->name, m->name, m->target,
         f->instruction_count, (unsigned long long)shared);
  for (size_t i = 0; i < f->param_count; i++) {
    printf("%s%s", i > 0 ? ", " : "", pv_ptx_type_name(f->params[i]->type));
    if (f->params[i]->is_array) printf("[%llu]", (unsigned long long)f->params[i]->bytes);
  }
  puts(")");
}

static pv_code no_kernel(pv_error *err) {
  return pv_error_set(err, PV_ERR_INPUT, "there is no kernel (.entry) in this text");
}

static pv_code list_kernels(const session *s, int *code, pv_error *err) {
  json_t *kernels = json_array();
  size_t count = 0;
  for (size_t i = 0; i < s->source_count; i++)
    for (size_t k = 0; k < s->sources[i].module->function_count; k++) {
      const pv_ptx_function *f = s->sources[i].module->functions[k];
      uint64_t shared = 0;
      if (!f->is_entry || !pv_ptx_shared_bytes(f, &shared)) continue;
      count++;
      if (f->unread != NULL) *code = NOT_ALL_JUDGED;
      if (s->a.json)
        pv_json_append(&kernels, kernel_object(s->sources[i].module, f, shared));
      else
        print_kernel(s->sources[i].module, f, shared);
    }
  if (s->a.json && count > 0)
    return print_json(json_pack("{s:s, s:o}", "schema", "pv/ptx-list/v1", "kernels", kernels), err);
  json_decref(kernels);
  return count > 0 ? PV_OK : no_kernel(err);
}

/* Lines `first` to `last` of the text, with their numbers and without control characters. */
static void print_lines(const source *from, uint32_t first, uint32_t last) {
  const char *at = from->text, *end = from->text + from->length;
  for (uint32_t line = 1; line <= last && at < end; line++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    const size_t length = stop != NULL ? (size_t)(stop - at) : (size_t)(end - at);
    pv_text shown = PV_TEXT_INIT;
    for (size_t i = 0; i < length; i++) /* a tab is how nvcc indents */
      pv_text_add(&shown, at[i] == '\t' ? "  " : at + i, at[i] == '\t' ? 2 : 1);
    pv_text safe = PV_TEXT_INIT;
    if (shown.data != NULL) pv_text_escape(&safe, shown.data, shown.length);
    if (line >= first) printf("%6u  %s\n", line, safe.data != NULL ? safe.data : "");
    pv_text_free(&safe);
    pv_text_free(&shown);
    at += length + 1;
  }
}

static pv_code show_kernel(const session *s, int *code, pv_error *err) {
  for (size_t i = 0; i < s->source_count; i++) {
    const pv_ptx_function *f = pv_ptx_kernel(s->sources[i].module, s->a.kernel);
    uint64_t shared = 0;
    if (f == NULL || !pv_ptx_shared_bytes(f, &shared)) continue;
    if (f->unread != NULL) *code = NOT_ALL_JUDGED;
    if (!s->a.json) {
      print_lines(&s->sources[i], f->line, f->last_line);
      return PV_OK;
    }
    json_t *list = json_array();
    for (size_t k = 0; k < f->instruction_count; k++)
      pv_json_append(&list, json_pack("{s:I, s:s}", "line", (json_int_t)f->instructions[k].line,
                                      "opcode", f->instructions[k].opcode));
    json_t *object = kernel_object(s->sources[i].module, f, shared);
    pv_json_set(&object, "code", list);
    pv_json_set(&object, "schema", json_string("pv/ptx-show/v1"));
    return print_json(object, err);
  }
  pv_error_set(err, PV_ERR_INPUT, "there is no kernel '%s'", s->a.kernel);
  pv_error_hint(err, "see: pv ptx list");
  return PV_ERR_INPUT;
}

/* Splits at commas, into copies of the arena; an empty item is an error of the pattern parser. */
static pv_code split(pv_arena *arena, const char *name, const char *text, words *out,
                     pv_error *err) {
  out->count = 0;
  while (text != NULL) {
    const char *comma = strchr(text, ',');
    const size_t length = comma != NULL ? (size_t)(comma - text) : strlen(text);
    if (out->count == LIST_MAX)
      return pv_error_set(err, PV_ERR_LIMIT, "%s takes at most %d items", name, LIST_MAX);
    out->items[out->count] = pv_arena_strndup(arena, text, length);
    if (out->items[out->count++] == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
    text = comma != NULL ? comma + 1 : NULL;
  }
  return PV_OK;
}

static pv_code check_kernel(session *s, const pv_ptx_function *f, pv_ptx_report *report,
                            pv_error *err) {
  const arguments *a = &s->a;
  words require, forbid, order, count, rules, writers, factors;
  pv_code code = split(&s->arena, "--require", a->require, &require, err);
  if (code == PV_OK) code = split(&s->arena, "--forbid", a->forbid, &forbid, err);
  if (code == PV_OK) code = split(&s->arena, "--order", a->order, &order, err);
  if (code == PV_OK) code = split(&s->arena, "--count", a->count, &count, err);
  if (code == PV_OK) code = split(&s->arena, "--rules", a->rules, &rules, err);
  if (code == PV_OK) code = split(&s->arena, "--writers", a->writers, &writers, err);
  if (code == PV_OK) code = split(&s->arena, "--factors", a->factors, &factors, err);
  if (code != PV_OK) return code;
  const pv_ptx_directives d = {require.items, forbid.items, order.items, count.items,
                               require.count, forbid.count, order.count, count.count};
  const pv_ptx_flow flow = {.sink = a->sink != NULL ? a->sink : "shfl.sync",
                            .through = a->through != NULL ? a->through : "cvt.rn.f32.f64",
                            .combine = a->combine != NULL ? a->combine : "add.f32",
                            .writers = writers.items,
                            .writer_count = writers.count,
                            .factors = factors.items,
                            .factor_count = factors.count};
  const bool all = rules.count == 1 && strcmp(rules.items[0], "all") == 0;
  if (d.requires + d.forbids + d.orders + d.counts > 0)
    code = pv_ptx_check_directives(&s->arena, f, &d, report, err);
  if (code == PV_OK && rules.count > 0)
    code = pv_ptx_check_rules(&s->arena, f, rules.items, all ? 0 : rules.count, report, err);
  if (code == PV_OK && writers.count > 0)
    code = pv_ptx_check_flow(&s->arena, f, &flow, report, err);
  return code;
}

/* A kernel that can not be judged: of no verdict, so that others of the file are judged. */
static pv_code set_aside(session *s, const pv_ptx_function *f, const pv_error *why, pv_error *err) {
  unjudged *u = PV_ARENA_NEW(&s->arena, 1, unjudged);
  if (u == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  *u = (unjudged){.kernel = f->name, .line = why->line};
  u->why = pv_arena_strdup(&s->arena, why->message);
  if (u->why == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory");
  *s->unjudged_end = u;
  s->unjudged_end = &u->next;
  s->unjudged_count++;
  return PV_OK;
}

/* What a finding's instruction was made from, where a .loc says it; else the file is NULL. */
typedef struct origin {
  const char *file;
  uint32_t line;
} origin;

static origin origin_of(const source **from, size_t index, const pv_ptx_finding *f) {
  while (index >= (*from)->findings) ++*from;
  if (f->at == NULL || f->at->source_line == 0) return (origin){NULL, 0};
  return (origin){pv_ptx_file_name((*from)->module, f->at->source_file), f->at->source_line};
}

static void print_finding(const pv_ptx_finding *f, origin o) {
  printf("FAIL %s, line %u", f->kernel, f->line);
  if (o.file != NULL) {
    fputs(" (", stdout);
    put_escaped(o.file);
    printf(":%u)", o.line);
  }
  printf(": %s: %s\n", f->directive, f->text);
}

static const char *verdict_of(const session *s, const pv_ptx_report *r) {
  return r->failed > 0 ? "FAIL" : s->unjudged_count > 0 ? "NOT_RUN" : "PASS";
}

static pv_code print_objects(const session *s, const pv_ptx_report *r, size_t kernels,
                             pv_error *err) {
  json_t *list = json_array(), *aside = json_array();
  const source *from = s->sources;
  for (size_t i = 0; i < r->count; i++) {
    const pv_ptx_finding *f = &r->findings[i];
    const origin o = origin_of(&from, i, f);
    json_t *made_from = o.file == NULL ? json_null()
                                       : json_pack("{s:o, s:I}", "file", pv_json_string(o.file),
                                                   "line", (json_int_t)o.line);
    pv_json_append(&list, json_pack("{s:s, s:o, s:b, s:I, s:o, s:o}", "kernel", f->kernel,
                                    "directive", pv_json_string(f->directive), "held",
                                    f->held ? 1 : 0, "line", (json_int_t)f->line, "text",
                                    pv_json_string(f->text), "source", made_from));
  }
  for (const unjudged *u = s->unjudged; u != NULL; u = u->next)
    pv_json_append(&aside, json_pack("{s:s, s:I, s:o}", "kernel", u->kernel, "line",
                                     (json_int_t)u->line, "reason", pv_json_string(u->why)));
  return print_json(json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:s}", "schema", "pv/ptx-check/v1",
                              "findings", list, "not_judged", aside, "kernels", (json_int_t)kernels,
                              "compared", (json_int_t)r->compared, "failed", (json_int_t)r->failed,
                              "verdict", verdict_of(s, r)),
                    err);
}

static pv_code print_report(const session *s, const pv_ptx_report *r, size_t kernels,
                            pv_error *err) {
  const size_t aside = s->unjudged_count, judged = kernels - aside;
  const source *from = s->sources;
  if (s->a.json) return print_objects(s, r, kernels, err);
  for (size_t i = 0; i < r->count; i++) {
    const pv_ptx_finding *f = &r->findings[i];
    if (!f->held) print_finding(f, origin_of(&from, i, f));
  }
  for (const unjudged *u = s->unjudged; u != NULL; u = u->next) {
    printf("NOT_RUN %s, ", u->kernel);
    put_escaped(u->why);
    puts("");
  }
  printf("%s: %zu findings, %zu against, in %zu %s", verdict_of(s, r), r->count, r->failed, judged,
         judged == 1 ? "kernel" : "kernels");
  if (aside > 0) printf("; not judged: %zu %s", aside, aside == 1 ? "kernel" : "kernels");
  puts("");
  return PV_OK;
}

static pv_code check_kernels(session *s, int *exit_code, pv_error *err) {
  pv_ptx_report report = {0};
  size_t kernels = 0;
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->source_count; i++) {
    for (size_t k = 0; code == PV_OK && k < s->sources[i].module->function_count; k++) {
      const pv_ptx_function *f = s->sources[i].module->functions[k];
      pv_error why = PV_ERROR_INIT;
      if (!f->is_entry || (strcmp(s->a.kernel, "all") != 0 && strcmp(s->a.kernel, f->name) != 0))
        continue;
      code = check_kernel(s, f, &report, &why);
      if (code == PV_ERR_UNSUPPORTED)
        code = set_aside(s, f, &why, err);
      else if (code != PV_OK)
        *err = why;
      kernels++;
    }
    s->sources[i].findings = report.count;
  }
  if (code == PV_OK && kernels == 0) {
    if (strcmp(s->a.kernel, "all") == 0) return no_kernel(err);
    pv_error_set(err, PV_ERR_INPUT, "there is no kernel '%s'", s->a.kernel);
    pv_error_hint(err, "see: pv ptx list");
    return PV_ERR_INPUT;
  }
  if (code != PV_OK) return code;
  *exit_code = report.failed > 0 ? 1 : s->unjudged_count > 0 ? NOT_ALL_JUDGED : 0;
  return print_report(s, &report, kernels, err);
}

int pv_probe_ptx(int argc, char **argv) {
  session s = {.arena = PV_ARENA_INIT};
  s.unjudged_end = &s.unjudged;
  pv_error err = PV_ERROR_INIT;
  int exit_code = 0;
  pv_code code = parse_call(argc, argv, &s.a, &err);
  if (code != PV_OK || s.a.help) goto cleanup;
  code = check_call(&s.a, &err);
  if (code == PV_OK) code = read_sources(&s, &err);
  if (code != PV_OK) goto cleanup;
  if (s.source_count == 0) {
    fputs("NOT_RUN: this build has no CUDA kernels\n", stderr);
    exit_code = NOT_ALL_JUDGED;
    goto cleanup;
  }
  if (strcmp(s.a.verb, "list") == 0)
    code = list_kernels(&s, &exit_code, &err);
  else if (strcmp(s.a.verb, "show") == 0)
    code = show_kernel(&s, &exit_code, &err);
  else
    code = check_kernels(&s, &exit_code, &err);
  if (code == PV_OK) code = pv_output_flush(&err);
cleanup:
  if (err.code != PV_OK) pv_error_print(&err, stderr);
  pv_bytes_free(&s.bytes);
  pv_arena_free(&s.arena);
  return code != PV_OK ? pv_code_exit(code) : exit_code;
}
