/* pv-ptx-conform: the conformance suite on a CUDA device or on the interpreter. */
#include <stdio.h>
#include <string.h>

#include "runtime/base/file.h"
#include "runtime/base/options.h"
#include "tests/unit/ptx/conform/suite.h"
#include "tests/unit/ptx/conform/table.h"

static pv_status write_folder(const char *folder, pv_error *err) {
  const pv_conform_form *form;
  pv_status status = pv_folder_make(folder, err);
  for (size_t i = 0; status == PV_OK && (form = pv_conform_form_at(i)) != NULL; i++) {
    pv_conform_kernel kernel;
    char path[512];
    status = pv_conform_kernel_make(form, &kernel, err);
    snprintf(path, sizeof path, "%s/%s.ptx", folder, kernel.entry);
    if (status == PV_OK) status = pv_file_replace(path, kernel.text.data, kernel.text.length, err);
    pv_conform_kernel_free(&kernel);
  }
  return status;
}

/* 0: all equal and nothing refused; 1: something differs; 3: something was refused. */
static int summary(const pv_conform_result *result) {
  fputs(result->report.data != NULL ? result->report.data : "", stderr);
  printf("%zu kernels, %zu cases, %zu differ, %zu refused\n", result->kernels, result->cases,
         result->different, result->refused);
  if (result->different > 0) return 1;
  return result->refused > 0 || result->cases == 0 ? 3 : 0;
}

static pv_status run_suite(const char *on, const char *only, const char *write, const char *check,
                           pv_conform_result *result, pv_error *err) {
  pv_conform_runner *runner = NULL;
  pv_bytes file = {0};
  pv_text answers = PV_TEXT_INIT;
  pv_status status = PV_OK;
  if (strcmp(on, "device") == 0)
    status = pv_conform_device_open(&runner, err);
  else if (strcmp(on, "interpreter") == 0)
    status = pv_conform_interpreter_open(&runner, err);
  else
    status = pv_error_set(err, PV_ERR_INPUT, "--on takes device or interpreter, not '%s'", on);
  if (status == PV_OK && check != NULL) status = pv_file_read(check, (size_t)4 << 20, &file, err);
  if (status == PV_OK)
    status = pv_conform_suite_run(runner, only, (const char *)file.data,
                                  write != NULL ? &answers : NULL, result, err);
  if (status == PV_OK && write != NULL)
    status = pv_file_replace(write, answers.data, answers.length, err);
  if (runner != NULL) runner->close(runner);
  pv_bytes_free(&file);
  pv_text_free(&answers);
  return status;
}

static pv_status print_table(pv_error *err) {
  pv_conform_runner *runner = NULL;
  pv_text page = PV_TEXT_INIT;
  pv_status status = pv_conform_interpreter_open(&runner, err);
  if (status == PV_OK) status = pv_conform_table(runner, &page, err);
  if (status == PV_OK) fputs(page.data, stdout);
  if (runner != NULL) runner->close(runner);
  pv_text_free(&page);
  return status;
}

int main(int argc, char **argv) {
  const char *on = NULL, *only = NULL, *write = NULL, *check = NULL, *emit = NULL;
  bool table = false, help = false;
  const pv_option list[] = {
      {"--on", "WHERE", "device: the first CUDA device; interpreter: kernels/ptx", &on, NULL},
      {"--write", "FILE", "write the answers", &write, NULL},
      {"--check", "FILE", "compare with answers written before", &check, NULL},
      {"--only", "TEXT", "only kernels whose name contains it", &only, NULL},
      {"--emit", "FOLDER", "write the kernels themselves, as PTX", &emit, NULL},
      {"--table", NULL, "print docs/ptx-instructions.md", NULL, &table},
      {0}};
  pv_options options = {
      .command = "pv-ptx-conform",
      .summary = "Runs each PTX instruction that the kernels use over edge and random operands.",
      .examples =
          "  pv-ptx-conform --on device --write answers.txt\n"
          "  pv-ptx-conform --on interpreter --check answers.txt --only add.rn.f32\n",
      .list = list};
  pv_error err = PV_ERROR_INIT;
  pv_conform_result result = {0};
  int code = 0;
  pv_status status = pv_options_parse(&options, argc, argv, &help, &err);
  if (status == PV_OK && !help && table + (emit != NULL) + (on != NULL) != 1)
    status = pv_error_set(&err, PV_ERR_INPUT, "say one of --on, --emit and --table");
  if (status == PV_OK && on != NULL && (write == NULL) == (check == NULL))
    status = pv_error_set(&err, PV_ERR_INPUT, "say one of --write and --check");
  if (status == PV_OK && emit != NULL) status = write_folder(emit, &err);
  if (status == PV_OK && table) status = print_table(&err);
  if (status == PV_OK && on != NULL) {
    status = run_suite(on, only, write, check, &result, &err);
    if (status == PV_OK) code = summary(&result);
  }
  pv_text_free(&result.report);
  if (status == PV_OK) return code;
  pv_error_print(&err, stderr);
  return pv_status_exit(status);
}
