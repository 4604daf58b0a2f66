/* pv vulkan: the devices that Vulkan shows, and whether what they compute are the CPU's bits. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/options.h"
#include "base/output.h"
#include "base/text.h"
#include "kernels/vulkan/prove.h"
#include "runtime/probe/probe.h"
#include "screen/progress.h"

enum { DIFFERS = 1, NOT_JUDGED = 3, BROKEN = 4, ROOM = 800 };
_Static_assert((int)ROOM >= (int)PV_PROOF_ROOM, "a reason has room for what failed");

typedef struct arguments {
  const char *verb, *device, *fault;
  bool json, help;
} arguments;

typedef struct session {
  arguments a;
  pv_vulkan *vulkan;
  const pv_vulkan_module *module;
  size_t first, end; /* of the devices that are asked for */
  int exit_code;     /* the worst so far */
  json_t *devices;
  pv_proof proof; /* of the device at hand */
} session;

static pv_code parse_call(int argc, char **argv, arguments *a, pv_error *err) {
  const char *rest[1] = {NULL};
  const pv_option list[] = {
      {"--device", "N", "this device of the list alone (default: all)", &a->device, NULL},
      {"--fault", "NAME", "prove: with a defect planted in the shader", &a->fault, NULL},
      {"--json", NULL, "one JSON object", NULL, &a->json},
      {0}};
  pv_options options = {
      .command = "vulkan",
      .summary =
          "The devices that Vulkan shows: list them, or prove of each that its float operations\n"
          "give the bits of the CPU. One that fails an operation is not used: NOT_RUN, and exit\n"
          "code 1. docs/vulkan.md says what is proved, and lists the faults.",
      .positional = "list|prove",
      .examples =
          "  pv vulkan list\n"
          "  pv vulkan prove\n"
          "  pv vulkan prove --fault fma_unfused\n",
      .list = list,
      .rest = rest,
      .rest_max = 1};
  const pv_code code = pv_options_parse(&options, argc, argv, &a->help, err);
  a->verb = rest[0];
  return code;
}

static pv_code no_fault(const char *name, pv_error *err) {
  size_t count = 0;
  const pv_vulkan_module *all = pv_vulkan_modules(&count);
  pv_text names = PV_TEXT_INIT;
  for (size_t i = 0; i < count; i++)
    if (all[i].fault != NULL)
      pv_text_printf(&names, "%s%s", names.length > 0 ? ", " : "", all[i].fault);
  pv_error_refuse(err, "", "the shader has no fault '%s'", name);
  pv_error_hint(err, "there are: %s", names.data != NULL ? names.data : "none in this build");
  pv_text_free(&names);
  return PV_ERR_INPUT;
}

static pv_code check_call(session *s, pv_error *err) {
  const arguments *a = &s->a;
  uint64_t unused = 0;
  if (a->verb == NULL || (strcmp(a->verb, "list") != 0 && strcmp(a->verb, "prove") != 0))
    return pv_error_refuse(err, "see: pv vulkan --help", "vulkan needs list or prove");
  if (a->fault != NULL && strcmp(a->verb, "prove") != 0)
    return pv_error_refuse(err, "see: pv vulkan --help", "a fault is planted in what is proved");
  size_t count = 0;
  const pv_vulkan_module *all = pv_vulkan_modules(&count);
  for (size_t i = 0; i < count && s->module == NULL; i++)
    if (strcmp(all[i].name, "proof") == 0 &&
        (a->fault == NULL ? all[i].fault == NULL
                          : all[i].fault != NULL && strcmp(all[i].fault, a->fault) == 0))
      s->module = &all[i];
  if (a->fault != NULL && s->module == NULL) return no_fault(a->fault, err);
  return pv_option_u64("--device", a->device, 0, UINT32_MAX, &unused, err);
}

/* PV_ERR_UNSUPPORTED: there is nothing to ask. */
static pv_code open_devices(session *s, pv_error *err) {
  uint64_t index = 0;
  pv_code code = pv_vulkan_open(&s->vulkan, err);
  if (code == PV_OK) code = pv_option_u64("--device", s->a.device, 0, UINT32_MAX, &index, err);
  if (code != PV_OK) return code;
  s->end = pv_vulkan_count(s->vulkan);
  if (s->a.device == NULL) return PV_OK;
  if (index >= s->end)
    return pv_error_refuse(err, "see: pv vulkan list",
                           "there is no device %" PRIu64 ", but %zu in all", index, s->end);
  s->first = (size_t)index;
  s->end = s->first + 1;
  return PV_OK;
}

static json_t *device_object(size_t index, const pv_vulkan_about *about) {
  char version[48];
  (void)snprintf(version, sizeof version, "%u.%u.%u", about->major, about->minor, about->patch);
  return json_pack("{s:I, s:o, s:o, s:s, s:s, s:I, s:I}", "index", (json_int_t)index, "name",
                   pv_json_string(about->name), "driver", pv_json_string(about->driver), "type",
                   about->type, "vulkan", version, "vendor_id", (json_int_t)about->vendor,
                   "device_id", (json_int_t)about->device);
}

static void print_device(size_t index, const pv_vulkan_about *about) {
  pv_text safe = PV_TEXT_INIT; /* a driver's words are a stranger's */
  pv_text_escape(&safe, about->name, strlen(about->name));
  pv_text_printf(&safe, "\n   %s, Vulkan %u.%u.%u, ", about->type, about->major, about->minor,
                 about->patch);
  pv_text_escape(&safe, about->driver, strlen(about->driver));
  printf("%zu: %s\n", index, safe.data != NULL ? safe.data : "");
  pv_text_free(&safe);
}

/* Operands and results of 32 bits, or of 64. */
static unsigned digits(const pv_proof_result *r) {
  return ((r->a | r->b | r->c | r->got | r->want) >> 32) != 0 ? 16 : 8;
}

static json_t *bits(const pv_proof_result *r, uint64_t value) {
  char text[24];
  (void)snprintf(text, sizeof text, "0x%0*" PRIx64, (int)digits(r), value);
  return json_string(text);
}

static json_t *result_object(const pv_proof_result *r) {
  json_t *first = r->differing == 0 ? json_null()
                                    : json_pack("{s:o, s:o, s:o, s:o, s:o}", "a", bits(r, r->a),
                                                "b", bits(r, r->b), "c", bits(r, r->c), "got",
                                                bits(r, r->got), "want", bits(r, r->want));
  return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o}", "operation", r->operation->name, "form",
                   r->operation->form, "verdict", r->differing == 0 ? "PASS" : "FAIL", "compared",
                   (json_int_t)r->compared, "differing", (json_int_t)r->differing, "seconds",
                   pv_json_number(r->seconds), "first", first);
}

static void print_result(const pv_proof_result *r) {
  printf("   %s  %-26s %10" PRIu64 " compared", r->differing == 0 ? "PASS" : "FAIL",
         r->operation->name, r->compared);
  if (r->differing > 0) printf(", %" PRIu64 " differ", r->differing);
  puts("");
}

static void worse(session *s, int code) {
  static const int order[] = {0, NOT_JUDGED, DIFFERS, BROKEN};
  size_t was = 0, now = 0;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (order[i] == s->exit_code) was = i;
    if (order[i] == code) now = i;
  }
  if (now > was) s->exit_code = code;
}

static void say_why(const pv_error *err, char out[ROOM]) {
  (void)snprintf(out, ROOM, "%s%s%s", err->message, err->hint[0] != '\0' ? "; " : "", err->hint);
}

/* What became of a device that was tried; "" for one that is proved. */
static pv_code judge(session *s, size_t index, char reason[ROOM], pv_error *err) {
  pv_error why = PV_ERROR_INIT;
  const pv_code code = pv_vulkan_prove(s->vulkan, index, s->module, &s->proof, &why);
  reason[0] = '\0';
  if (code == PV_ERR_UNSUPPORTED || code == PV_ERR_DEVICE || code == PV_ERR_NOMEM) {
    say_why(&why, reason);
    worse(s, code == PV_ERR_UNSUPPORTED ? NOT_JUDGED : BROKEN);
    return PV_OK;
  }
  if (code != PV_OK) {
    *err = why;
    return code;
  }
  if (s->proof.failed != NULL) {
    pv_proof_describe(s->proof.failed, reason);
    worse(s, DIFFERS);
  }
  return PV_OK;
}

static pv_code prove_device(session *s, size_t index, pv_error *err) {
  char reason[ROOM];
  pv_vulkan_about about;
  pv_vulkan_describe(s->vulkan, index, &about);
  pv_progress_say("the operations of device %zu", index);
  const pv_code code = judge(s, index, reason, err);
  pv_progress_hide();
  if (code != PV_OK) return code;
  json_t *operations = json_array(), *device = device_object(index, &about);
  if (!s->a.json) print_device(index, &about);
  for (size_t i = 0; i < s->proof.count; i++) {
    pv_json_append(&operations, result_object(&s->proof.results[i]));
    if (!s->a.json) print_result(&s->proof.results[i]);
  }
  const bool proved = reason[0] == '\0';
  pv_json_set(&device, "operations", operations);
  pv_json_set(&device, "verdict", json_string(proved ? "PASS" : "NOT_RUN"));
  pv_json_set(&device, "reason", proved ? json_null() : pv_json_string(reason));
  pv_json_append(&s->devices, device);
  if (s->a.json) return PV_OK;
  if (proved)
    printf("PASS: %zu operations give the bits of the CPU\n", s->proof.count);
  else
    printf("NOT_RUN: %s\n", reason);
  return PV_OK;
}

/* `why`: there is no device to speak of; NULL: there are. */
static pv_code print_object(session *s, const char *why, pv_error *err) {
  const bool prove = strcmp(s->a.verb, "prove") == 0;
  json_t *object =
      json_pack("{s:s, s:o, s:o}", "schema", prove ? "pv/vulkan-prove/v1" : "pv/vulkan-list/v1",
                "devices", s->devices, "reason", pv_json_exact(why));
  s->devices = NULL;
  if (prove) {
    pv_json_set(&object, "fault", pv_json_exact(s->a.fault));
    pv_json_set(&object, "verdict", json_string(s->exit_code == 0 ? "PASS" : "NOT_RUN"));
  }
  return pv_json_print(object, JSON_INDENT(1) | JSON_SORT_KEYS, err);
}

static pv_code go_through(session *s, pv_error *err) {
  pv_code code = open_devices(s, err);
  if (code == PV_ERR_UNSUPPORTED) {
    char why[ROOM];
    say_why(err, why);
    *err = PV_ERROR_INIT;
    s->exit_code = NOT_JUDGED;
    if (s->a.json) return print_object(s, why, err);
    printf("NOT_RUN: %s\n", why);
    return PV_OK;
  }
  for (size_t i = s->first; code == PV_OK && i < s->end; i++) {
    pv_vulkan_about about;
    if (strcmp(s->a.verb, "prove") == 0) {
      code = prove_device(s, i, err);
      continue;
    }
    pv_vulkan_describe(s->vulkan, i, &about);
    if (s->a.json)
      pv_json_append(&s->devices, device_object(i, &about));
    else
      print_device(i, &about);
  }
  return code == PV_OK && s->a.json ? print_object(s, NULL, err) : code;
}

int pv_probe_vulkan(int argc, char **argv) {
  session s = {.devices = json_array()};
  pv_error err = PV_ERROR_INIT;
  pv_code code = parse_call(argc, argv, &s.a, &err);
  if (code != PV_OK || s.a.help) goto cleanup;
  code = check_call(&s, &err);
  if (code == PV_OK) code = go_through(&s, &err);
  if (code == PV_OK) code = pv_output_flush(&err);
cleanup:
  if (err.code != PV_OK) pv_error_print(&err, stderr);
  json_decref(s.devices);
  pv_vulkan_close(s.vulkan);
  return code != PV_OK ? pv_code_exit(code) : s.exit_code;
}
