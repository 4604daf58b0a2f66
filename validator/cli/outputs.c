#include "validator/cli/outputs.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { KINDS = 3 };

typedef struct output {
  const char *option, *path;
  pv_code (*render)(const pv_call *call, pv_text *out, pv_error *err);
} output;

static void list(const pv_outputs *o, output out[KINDS]) {
  out[0] = (output){"--junit", o->junit, pv_render_junit_call};
  out[1] = (output){"--sarif", o->sarif, pv_render_sarif};
  out[2] = (output){"--summary", o->summary, pv_render_summary};
}

/* One file, whatever it is called; of what is not there the names are compared. */
static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  if (stat(a, &x) == 0 && stat(b, &y) == 0) return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
  return strcmp(a, b) == 0;
}

static pv_code check_one(const output *o, const char *const *inputs, size_t count, pv_error *err) {
  for (size_t i = 0; i < count; i++)
    if (inputs[i] != NULL && same_file(o->path, inputs[i]))
      return pv_error_refuse(err, "name a file of its own",
                             "%s would write over '%s', which is read", o->option, inputs[i]);
  return PV_OK;
}

static pv_code write_one(const output *o, const pv_call *call, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_code code = o->render(call, &text, err);
  if (code == PV_OK) code = pv_file_replace(o->path, text.data, text.length, err);
  if (code == PV_ERR_IO && err != NULL && err->hint[0] == '\0')
    pv_error_hint(err, "%s FILE is written in a folder that is there", o->option);
  pv_text_free(&text);
  return code;
}

pv_code pv_outputs_begin(const pv_outputs *outputs, const char *const *inputs, size_t count,
                         pv_error *err) {
  output all[KINDS];
  pv_error open = PV_ERROR_INIT;
  pv_code code = PV_OK;
  list(outputs, all);
  for (size_t i = 0; code == PV_OK && i < KINDS; i++) {
    if (all[i].path == NULL) continue;
    const char *const others[] = {i > 0 ? all[0].path : NULL, i > 1 ? all[1].path : NULL};
    code = check_one(&all[i], inputs, count, err);
    if (code == PV_OK && (check_one(&all[i], others, 2, NULL) != PV_OK))
      code = pv_error_refuse(err, "name a file for each", "%s names the file of another option",
                             all[i].option);
  }
  pv_error_set(&open, PV_ERR_INTERNAL,
               "the call has not ended: it is still going on, or was killed");
  const pv_call call = {.failures = &open, .failure_count = 1};
  for (size_t i = 0; code == PV_OK && i < KINDS; i++)
    if (all[i].path != NULL) code = write_one(&all[i], &call, err);
  return code;
}

pv_code pv_outputs_write(const pv_outputs *outputs, const pv_call *call, pv_error *err) {
  output all[KINDS];
  pv_code code = PV_OK;
  list(outputs, all);
  for (size_t i = 0; i < KINDS; i++) {
    if (all[i].path == NULL) continue;
    const pv_code one = write_one(&all[i], call, code == PV_OK ? err : NULL);
    if (code == PV_OK) code = one;
  }
  return code;
}
