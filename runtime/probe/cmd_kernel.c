/* pv kernel: the kernels of this program, one at a time: what each is, whether it computes what it
 * stands for, and how long that takes. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/output.h"
#include "base/text.h"
#include "kernels/definition/definition.h"
#include "kernels/ptx/ptx.h"
#include "runtime/alone/alone.h"
#include "runtime/probe/call.h"
#include "runtime/probe/guest.h"
#include "runtime/probe/kernel_bench.h"
#include "runtime/probe/probe.h"
#include "screen/progress.h"

enum { DIFFERS = 1, NOT_JUDGED = 3 };
#define FILE_LIMIT ((size_t)64 << 20)

typedef struct call {
  const char *verb, *name, *on, *file, *type;
  const char *descriptor, *as, *entry; /* of a kernel of somebody else */
  bool sized;                          /* --k, --rows or --batch */
  pv_alone_case wish;
  uint64_t repeats;
  bool json;
  pv_bytes text;    /* of the file */
  pv_alone_set set; /* that `on` names */
} call;

typedef struct verdict {
  const pv_kernel *kernel;
  size_t cases, different_cases;
  pv_alone_case c; /* the one that `result` is of: the first that is wrong, else the last */
  pv_alone_result result;
  uint64_t compared, different;
} verdict;

/* An expression over the argument `a`, as one reads it: "heads / 4". */
static json_t *expression(const char *text) {
  pv_text out = PV_TEXT_INIT;
  while (*text != '\0')
    if (strncmp(text, "a->", 3) == 0)
      text += 3;
    else if (strncmp(text, "(*a).", 5) == 0)
      text += 5;
    else
      pv_text_add(&out, text++, 1);
  json_t *string = out.data != NULL ? json_stringn(out.data, out.length) : json_string("");
  pv_text_free(&out);
  return string;
}

static json_t *kernel_json(const pv_kernel *k) {
  json_t *writes = json_array(), *grid = json_array();
  for (const pv_kernel_write *w = k->writes; w->name != NULL; w++)
    pv_json_append(&writes, json_string(w->name));
  for (size_t i = 0; i < 3; i++) pv_json_append(&grid, expression(k->grid[i]));
  return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:I, s:o, s:o, s:o}", "kernel", k->name,
                   "header", pv_kernel_header(k), "operation", k->operation, "argument",
                   k->argument, "argument_bytes", (json_int_t)k->arg_bytes, "grid", grid, "block",
                   (json_int_t)k->block, "shared", expression(k->shared), "limit",
                   expression(k->limit), "writes", writes);
}

static void print_kernel(const json_t *k) {
  const json_t *grid = json_object_get(k, "grid"), *write;
  size_t i;
  printf("%s (%s): %s\n", json_string_value(json_object_get(k, "kernel")),
         json_string_value(json_object_get(k, "header")),
         json_string_value(json_object_get(k, "operation")));
  printf("  grid    %s; %s; %s\n", json_string_value(json_array_get(grid, 0)),
         json_string_value(json_array_get(grid, 1)), json_string_value(json_array_get(grid, 2)));
  printf("  block   %lld, shared memory %s\n",
         (long long)json_integer_value(json_object_get(k, "block")),
         json_string_value(json_object_get(k, "shared")));
  printf("  limit   %s\n  writes ", json_string_value(json_object_get(k, "limit")));
  json_array_foreach(json_object_get(k, "writes"), i, write)
      printf(" %s", json_string_value(write));
  putchar('\n');
}

static int list(const call *c, pv_error *err) {
  json_t *all = json_array();
  for (int i = 0; i < PV_GPU_KERNEL_COUNT; i++)
    pv_json_append(&all, kernel_json(pv_kernel_get((pv_gpu_kernel)i)));
  if (c->json)
    return pv_call_exit(
        pv_json_print(json_pack("{s:s, s:o}", "schema", "pv/kernel-list/v1", "kernels", all),
                      JSON_INDENT(1), err),
        err);
  for (size_t i = 0; i < json_array_size(all); i++) print_kernel(json_array_get(all, i));
  json_decref(all);
  return 0;
}

/* Whether the file, where there is one, has the kernel: nothing else is judged in its place. */
static pv_code find_in_file(const call *c, const char *name, bool *found, pv_error *err) {
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *module = NULL;
  *found = c->file == NULL;
  if (c->file == NULL) return PV_OK;
  const pv_code code =
      pv_ptx_parse_each(&arena, c->file, (const char *)c->text.data, c->text.length, &module, err);
  if (code == PV_OK) *found = pv_ptx_kernel(module, name) != NULL;
  pv_arena_free(&arena);
  return code;
}

/* All cases of one kernel. A fault ends them. */
static pv_code check_kernel(call *c, const pv_kernel *k, verdict *v, pv_error *err) {
  const bool any_type = c->type == NULL || !pv_alone_typed(k);
  pv_alone_case one;
  *v = (verdict){.kernel = k};
  pv_code code = PV_OK;
  pv_alone_set_close(&c->set);
  for (size_t i = 0; code == PV_OK && pv_alone_case_at(k, i, &c->wish, &one); i++) {
    pv_alone_result r;
    if (!any_type && one.type != c->wish.type) continue;
    code = pv_alone_run(&c->set, k, &one, NULL, &r, err);
    if (code != PV_OK) break;
    const bool wrong = r.different > 0 || r.fault[0] != '\0';
    if (v->different_cases == 0) {
      v->c = one;
      v->result = r;
    }
    v->cases++;
    v->different_cases += wrong;
    v->compared += r.compared;
    v->different += r.different;
    if (r.fault[0] != '\0') break;
  }
  if (code == PV_OK && v->cases == 0)
    code = pv_error_set(err, PV_ERR_INPUT, "%s has no case of type %s", k->name, c->type);
  return code;
}

static json_t *verdict_json(const call *c, const verdict *v) {
  char text[128];
  pv_alone_case_text(v->kernel, &v->c, text);
  json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "kernel", v->kernel->name, "on",
                        c->on, "verdict", v->different_cases > 0 ? "FAIL" : "PASS", "cases",
                        (json_int_t)v->cases, "cases_different", (json_int_t)v->different_cases,
                        "compared", (json_int_t)v->compared, "different", (json_int_t)v->different);
  if (v->different_cases > 0) {
    pv_json_set(&o, "case", json_string(text));
    pv_json_set(&o, "first", pv_json_string(v->result.first));
    pv_json_set(&o, "fault", pv_json_string(v->result.fault));
  }
  return o;
}

static void print_verdict(const verdict *v) {
  char text[128];
  pv_alone_case_text(v->kernel, &v->c, text);
  printf("%-4s %-19s %3zu cases, %llu words compared, %llu different\n",
         v->different_cases > 0 ? "FAIL" : "PASS", v->kernel->name, v->cases,
         (unsigned long long)v->compared, (unsigned long long)v->different);
  if (v->different_cases == 0) return;
  printf("     %s\n", text);
  if (v->result.first[0] != '\0') printf("     %s\n", v->result.first);
  if (v->result.fault[0] != '\0') printf("     %s\n", v->result.fault);
}

static int check(call *c, pv_error *err) {
  const bool all = strcmp(c->name, "all") == 0;
  json_t *kernels = json_array();
  pv_code code = PV_OK;
  bool wrong = false, judged = false;
  for (int i = 0; code == PV_OK && i < PV_GPU_KERNEL_COUNT; i++) {
    const pv_kernel *k = pv_kernel_get((pv_gpu_kernel)i);
    verdict v;
    bool found = false;
    if (all ? c->set.host != NULL && !pv_alone_on_host(k) : strcmp(k->name, c->name) != 0) continue;
    code = find_in_file(c, k->name, &found, err);
    if (code != PV_OK || !found) continue;
    pv_progress_say("kernel check %s", k->name);
    code = check_kernel(c, k, &v, err);
    if (code != PV_OK) break;
    judged = true;
    wrong |= v.different_cases > 0;
    if (c->json)
      pv_json_append(&kernels, verdict_json(c, &v));
    else
      print_verdict(&v);
    if (!c->json) code = pv_output_flush(err);
  }
  if (code == PV_OK && !judged)
    code = pv_error_set(err, PV_ERR_INPUT, "'%.200s' has no kernel '%.60s'", c->file, c->name);
  if (code == PV_OK && c->json)
    code =
        pv_json_print(json_pack("{s:s, s:O}", "schema", "pv/kernel-check/v1", "kernels", kernels),
                      JSON_INDENT(1), err);
  json_decref(kernels);
  if (code != PV_OK)
    return code == PV_ERR_UNSUPPORTED ? (pv_error_print(err, stderr), NOT_JUDGED)
                                      : pv_call_exit(code, err);
  return wrong ? DIFFERS : 0;
}

static pv_code unknown_kernel(const char *name, pv_error *err) {
  const char *names[PV_GPU_KERNEL_COUNT];
  for (int i = 0; i < PV_GPU_KERNEL_COUNT; i++) names[i] = pv_kernel_get((pv_gpu_kernel)i)->name;
  const char *best = pv_text_nearest(name, names, PV_GPU_KERNEL_COUNT, sizeof *names, 5);
  pv_error_set(err, PV_ERR_INPUT, "there is no kernel '%.60s'", name);
  if (best != NULL)
    pv_error_hint(err, "did you mean %s?", best);
  else
    pv_error_hint(err, "see: pv kernel list");
  return PV_ERR_INPUT;
}

static pv_code read_call(call *c, pv_error *err) {
  const bool lists = c->verb != NULL && strcmp(c->verb, "list") == 0;
  const bool checks = c->verb != NULL && strcmp(c->verb, "check") == 0;
  const bool times = c->verb != NULL && strcmp(c->verb, "bench") == 0;
  if (!lists && !checks && !times) {
    pv_error_set(err, PV_ERR_INPUT, "kernel needs list, check, bench, operations or describe");
    pv_error_hint(err, "see: pv kernel --help");
    return PV_ERR_INPUT;
  }
  if (c->descriptor != NULL || c->as != NULL || c->entry != NULL)
    return pv_error_set(err, PV_ERR_INPUT,
                        "--descriptor, --as and --entry are about a file, not a kernel of pv");
  if (lists && c->name != NULL) return pv_error_set(err, PV_ERR_INPUT, "list takes no kernel");
  if (!lists && c->name == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "%s needs the name of a kernel%s", c->verb, ", or all");
  if (!lists && !(strcmp(c->name, "all") == 0) && pv_kernel_find(c->name) == NULL)
    return unknown_kernel(c->name, err);
  if (c->on == NULL) c->on = times ? "cuda" : "ptx";
  const pv_code code = pv_alone_set_find(c->on, &c->set, err);
  if (code != PV_OK) {
    pv_error_hint(err, "sets are cpu, scalar, avx2, vnni, ptx and cuda");
    return code;
  }
  if (times && strcmp(c->on, "cuda") != 0) {
    pv_error_set(err, PV_ERR_INPUT, "how long %s takes says nothing about a kernel", c->on);
    pv_error_hint(err, "kernels are timed on cuda; pv bench --side %s times a forward", c->on);
    return PV_ERR_INPUT;
  }
  if (c->set.host == &pv_definition)
    return pv_error_set(err, PV_ERR_INPUT, "the definition is what the others are held against");
  if (c->file != NULL && (!checks || strcmp(c->on, "ptx") != 0))
    return pv_error_set(err, PV_ERR_INPUT, "--file belongs to check --on ptx");
  const pv_type_info *type = c->type != NULL ? pv_type_by_name(c->type) : NULL;
  if (c->type != NULL && (type == NULL || pv_type_get(type->type) == NULL))
    return pv_error_set(err, PV_ERR_INPUT, "no kernel multiplies with weights of type '%.40s'",
                        c->type);
  c->wish.type = type != NULL ? type->type : PV_TYPE_Q4_K;
  if (c->file == NULL) return PV_OK;
  const pv_code read = pv_file_read(c->file, FILE_LIMIT, &c->text, err);
  c->set.file = c->file;
  c->set.text = (const char *)c->text.data;
  c->set.length = c->text.length;
  return read;
}

static bool is_verb(const call *c, const char *verb) {
  return c->verb != NULL && strcmp(c->verb, verb) == 0;
}

/* A kernel of somebody else: a file, never a name of ours. */
static bool is_guest(const call *c) {
  return is_verb(c, "operations") || is_verb(c, "describe") ||
         (is_verb(c, "check") && c->name != NULL && strpbrk(c->name, "./") != NULL);
}

static int guest(const call *c, pv_error *err) {
  const bool checks = is_verb(c, "check"), describes = is_verb(c, "describe");
  pv_code code = PV_OK;
  if (c->file != NULL || c->type != NULL || c->sized)
    code = pv_error_set(err, PV_ERR_INPUT,
                        "the sizes and types of a kernel of your own are those "
                        "of the operation's cases and of its descriptor");
  else if (!checks && (c->on != NULL || c->descriptor != NULL))
    code = pv_error_set(err, PV_ERR_INPUT, "--on and --descriptor belong to check");
  else if (!describes && c->entry != NULL)
    code = pv_error_set(err, PV_ERR_INPUT, "--entry belongs to describe");
  else if (is_verb(c, "operations") && (c->name != NULL || c->as != NULL))
    code = pv_error_set(err, PV_ERR_INPUT, "operations takes no kernel");
  else if (describes && (c->name == NULL || c->as == NULL || c->json))
    code = pv_error_refuse(err, "as in: pv kernel describe my.ptx --as q4_k_gemv",
                           "describe needs a file and --as, and writes YAML");
  if (code != PV_OK) return pv_call_exit(code, err);
  return checks      ? pv_probe_guest_check(c->name, c->descriptor, c->as, c->on, c->json, err)
         : describes ? pv_probe_guest_describe(c->name, c->as, c->entry, err)
                     : pv_probe_guest_operations(c->json, err);
}

static pv_code size_of(const char *name, const char *text, uint64_t most, uint32_t *out,
                       pv_error *err) {
  uint64_t value = 0;
  const pv_code code = pv_option_u64(name, text, 1, most, &value, err);
  if (code == PV_OK) *out = (uint32_t)value;
  return code;
}

/* A shared object of somebody else says itself what it stands for. */
static int library(const call *c, pv_error *err) {
  if (!c->sized && c->on == NULL && c->file == NULL && c->type == NULL && c->as == NULL &&
      c->descriptor == NULL && c->entry == NULL)
    return pv_probe_library_check(c->name, c->json, err);
  pv_error_set(err, PV_ERR_INPUT,
               "a shared object says itself what it stands for, and has its cases");
  pv_error_hint(err, "as in: pv kernel check ./libmine.so [--json]");
  return pv_call_exit(PV_ERR_INPUT, err);
}

static int run_verb(call *c, pv_error *err) {
  return is_verb(c, "list") ? list(c, err)
         : is_verb(c, "check")
             ? check(c, err)
             : pv_kernel_bench(&c->set, c->name, &c->wish, c->repeats, c->json, err);
}

int pv_probe_kernel(int argc, char **argv) {
  call c = {.repeats = 11};
  const char *k = NULL, *rows = NULL, *batch = NULL, *repeats = NULL, *rest[2] = {NULL, NULL};
  bool help = false;
  const pv_option option[] = {
      {"--on", "NAME",
       "ptx (interpreted; default of check), cuda (default of bench), or the same operations of "
       "cpu, scalar, avx2 or vnni",
       &c.on, NULL},
      {"--file", "FILE", "check: PTX with a kernel of this name, in place of the built one",
       &c.file, NULL},
      {"--type", "NAME", "weights of this type alone (bench: default Q4_K)", &c.type, NULL},
      {"--k", "N", "length of a row, instead of that of the cases", &k, NULL},
      {"--rows", "N", "rows of a matrix, heads or ranks, instead", &rows, NULL},
      {"--batch", "N", "rows of the batch, instead", &batch, NULL},
      {"--repeats", "N", "bench: repeats (default 11)", &repeats, NULL},
      {"--descriptor", "FILE", "check FILE: how the kernel is called (default: FILE's name, .yaml)",
       &c.descriptor, NULL},
      {"--as", "NAME", "check FILE, describe: the operation that the kernel stands for", &c.as,
       NULL},
      {"--entry", "NAME", "describe: which kernel of the file", &c.entry, NULL},
      {"--json", NULL, "one JSON object; docs/kernels.md has its shape", NULL, &c.json},
      {0}};
  pv_options options = {
      .command = "kernel",
      .summary =
          "One kernel alone: what there is, its bits against the definition, its time.\n"
          "Exit codes of check: 0 all bits are equal; 1 some are not, or it touched memory\n"
          "that it must not; 3 nothing was judged: no device, or no kernels in this build.\n"
          "KERNEL with a dot or a slash is a file, a kernel of your own: PTX, or machine code on\n"
          "a device, or the descriptor that says how it is called. docs/kernel-descriptor.md.",
      .positional = "list|check|bench|operations|describe [KERNEL]",
      .examples =
          "  pv kernel list\n"
          "  pv kernel check gate_up\n"
          "  pv kernel check all --on cuda\n"
          "  pv kernel check all --on avx2\n"
          "  pv kernel check down --file build/down.ptx --type Q6_K\n"
          "  pv kernel operations\n"
          "  pv kernel describe my.ptx --as q4_k_gemv > my.yaml\n"
          "  pv kernel check my.ptx\n"
          "  pv kernel check ./libmine.so\n"
          "  pv kernel bench gemv --k 2048 --rows 4096 --type Q6_K\n"
          "  pv kernel bench all\n",
      .list = option,
      .rest = rest,
      .rest_max = 2};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  c.verb = rest[0];
  c.name = rest[1];
  c.sized = k != NULL || rows != NULL || batch != NULL || repeats != NULL;
  if (is_verb(&c, "check") && pv_probe_is_library(c.name)) return library(&c, &err);
  if (is_guest(&c)) return guest(&c, &err);
  code = size_of("--k", k, 1u << 22, &c.wish.k, &err);
  if (code == PV_OK) code = size_of("--rows", rows, 1u << 16, &c.wish.rows, &err);
  if (code == PV_OK) code = size_of("--batch", batch, 1u << 14, &c.wish.batch, &err);
  if (code == PV_OK)
    code = pv_option_u64("--repeats", repeats, 1, PV_KERNEL_BENCH_REPEATS, &c.repeats, &err);
  if (code == PV_OK) code = read_call(&c, &err);
  int exit_code = pv_call_exit(code, &err);
  if (code == PV_OK) exit_code = run_verb(&c, &err);
  pv_alone_set_close(&c.set);
  pv_bytes_free(&c.text);
  return exit_code;
}
