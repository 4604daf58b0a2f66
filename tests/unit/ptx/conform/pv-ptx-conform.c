/* pv-ptx-conform: the conformance suite on a CUDA device or on the interpreter. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/options.h"
#include "tests/unit/ptx/conform/suite.h"
#include "tests/unit/ptx/conform/table.h"

static pv_code write_folder(const char *folder, pv_error *err) {
  const pv_conform_form *form;
  pv_code code = pv_folder_make(folder, err);
  for (size_t i = 0; code == PV_OK && (form = pv_conform_form_at(i)) != NULL; i++) {
    pv_conform_kernel kernel;
    char path[512];
    code = pv_conform_kernel_make(form, &kernel, err);
    snprintf(path, sizeof path, "%s/%s.ptx", folder, kernel.entry);
    if (code == PV_OK) code = pv_file_replace(path, kernel.text.data, kernel.text.length, err);
    pv_conform_kernel_free(&kernel);
  }
  return code;
}

/* 0: all equal and nothing refused; 1: something differs; 3: something was refused. */
static int summary(const pv_conform_result *result) {
  fputs(result->report.data != NULL ? result->report.data : "", stderr);
  printf("%zu kernels, %zu cases, %zu differ, %zu refused\n", result->kernels, result->cases,
         result->different, result->refused);
  if (result->different > 0) return 1;
  return result->refused > 0 || result->cases == 0 ? 3 : 0;
}

static pv_code run_suite(const char *on, const char *only, const char *write, const char *check,
                         pv_conform_result *result, pv_error *err) {
  pv_conform_runner *runner = NULL;
  pv_bytes file = {0};
  pv_text answers = PV_TEXT_INIT;
  pv_code code = PV_OK;
  if (strcmp(on, "device") == 0)
    code = pv_conform_device_open(&runner, err);
  else if (strcmp(on, "interpreter") == 0)
    code = pv_conform_interpreter_open(&runner, err);
  else
    code = pv_error_set(err, PV_ERR_INPUT, "--on takes device or interpreter, not '%s'", on);
  if (code == PV_OK && check != NULL) code = pv_file_read(check, (size_t)4 << 20, &file, err);
  if (code == PV_OK)
    code = pv_conform_suite_run(runner, only, (const char *)file.data,
                                write != NULL ? &answers : NULL, result, err);
  if (code == PV_OK && write != NULL)
    code = pv_file_replace(write, answers.data, answers.length, err);
  if (runner != NULL) runner->close(runner);
  pv_bytes_free(&file);
  pv_text_free(&answers);
  return code;
}

static pv_code print_table(pv_error *err) {
  pv_conform_runner *runner = NULL;
  pv_text page = PV_TEXT_INIT;
  pv_code code = pv_conform_interpreter_open(&runner, err);
  if (code == PV_OK) code = pv_conform_table(runner, &page, err);
  if (code == PV_OK) fputs(page.data, stdout);
  if (runner != NULL) runner->close(runner);
  pv_text_free(&page);
  return code;
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
  int exit_code = 0;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code == PV_OK && !help && table + (emit != NULL) + (on != NULL) != 1)
    code = pv_error_set(&err, PV_ERR_INPUT, "say one of --on, --emit and --table");
  if (code == PV_OK && on != NULL && (write == NULL) == (check == NULL))
    code = pv_error_set(&err, PV_ERR_INPUT, "say one of --write and --check");
  if (code == PV_OK && emit != NULL) code = write_folder(emit, &err);
  if (code == PV_OK && table) code = print_table(&err);
  if (code == PV_OK && on != NULL) {
    code = run_suite(on, only, write, check, &result, &err);
    if (code == PV_OK) exit_code = summary(&result);
  }
  pv_text_free(&result.report);
  if (code == PV_OK) return exit_code;
  pv_error_print(&err, stderr);
  return pv_code_exit(code);
}
