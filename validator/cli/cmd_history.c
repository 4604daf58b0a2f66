/* pv history: the runs of a contract that git, the published evidence and the local reports keep.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/options.h"
#include "base/output.h"
#include "reports/render/history.h"
#include "validator/cli/commands.h"
#include "validator/history/history.h"
#include "validator/judge/site.h"
#include "validator/model/bind.h"
#include "validator/model/contract_load.h"
#include "validator/run/run.h"

enum { LAST_MAX = 100000, COLUMNS_MAX = 1000, COLUMNS_DEFAULT = 80 };

typedef struct call {
  const char *contract, *last, *svg, *probe;
  bool json, help;
} call;

/* Those of the terminal, else as the shell says. */
static unsigned columns(void) {
  struct winsize size = {0};
  uint64_t told = 0;
  if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *value = getenv("COLUMNS");
  if (value == NULL || !pv_parse_u64(value, strlen(value), &told)) return COLUMNS_DEFAULT;
  return told == 0 || told > COLUMNS_MAX ? COLUMNS_DEFAULT : (unsigned)told;
}

static pv_code read_history(pv_arena *arena, const call *c, pv_history *out, pv_error *err) {
  pv_contract *contract = NULL;
  const pv_known *known = NULL;
  pv_site site;
  uint64_t last = 0;
  pv_code code = pv_option_u64("--last", c->last, 1, LAST_MAX, &last, err);
  if (code == PV_OK) code = pv_contract_load(arena, c->contract, &contract, err);
  if (code == PV_OK) code = pv_run_describe(arena, c->probe, 0, &known, err);
  if (code == PV_OK) code = pv_site_find(arena, c->contract, &site, err);
  if (code != PV_OK) return code;
  pv_bind_checks(contract, known);
  const char *local =
      site.runs == NULL ? NULL : pv_arena_printf(arena, "%s/reports/runs", site.runs);
  if (site.runs != NULL && local == NULL) return pv_error_nomem(err, "a history");
  const pv_history_ask ask = {.contract = contract,
                              .folder = site.folder,
                              .home = site.home,
                              .repository = site.repository,
                              .local = local,
                              .most = (size_t)last};
  return pv_history_read(arena, &ask, out, err);
}

static pv_code write_svg(const char *path, const pv_history *h, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_code code = pv_render_history_svg(h, &text, err);
  if (code == PV_OK) code = pv_file_replace(path, text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

static pv_code act(pv_arena *arena, const call *c, pv_error *err) {
  pv_history history;
  pv_text text = PV_TEXT_INIT;
  if (c->contract == NULL)
    return pv_error_refuse(err, "for example: pv history contracts/moe-router-v1.yaml",
                           "name a contract");
  pv_code code = read_history(arena, c, &history, err);
  if (code == PV_OK && c->svg != NULL) code = write_svg(c->svg, &history, err);
  if (code == PV_OK)
    code = c->json ? pv_render_history_json(&history, &text, err)
                   : pv_render_history_text(&history, columns(), &text, err);
  if (code == PV_OK) code = pv_output_write(text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

int pv_cmd_history(int argc, char **argv) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  call c = {0};
  const pv_option list[] = {
      {"--last", "N", "only the last N runs (default: all)", &c.last, NULL},
      {"--svg", "FILE", "draw it, too: a strip for each criterion over the runs", &c.svg, NULL},
      {"--json", NULL, "one JSON object (docs/schema/history.json)", NULL, &c.json},
      {"--probe", "FILE", "another pv-probe than the one beside pv", &c.probe, NULL},
      {0}};
  pv_options options = {
      .command = "history",
      .summary =
          "The runs of a contract, a line each, then of each criterion its verdicts, what was\n"
          "measured, the gate of that time and the margin between them, and the throughput.\n"
          "Published runs are those that git has of reports/published, also where another has\n"
          "taken their place; runs of reports/runs are marked as not published. Evidence that can\n"
          "not be read is a line that says why. A gate that git does not tell is not known.\n"
          "Exit codes: 0 it was told, whatever it is; 2 wrong input or call.",
      .positional = "CONTRACT",
      .examples =
          "  pv history contracts/qwen3-moe-forward-gpu-v1.yaml\n"
          "  pv history contracts/moe-router-v1.yaml --last 5 --svg history.svg\n",
      .list = list,
      .rest = &c.contract,
      .rest_max = 1};
  pv_code code = pv_options_parse(&options, argc, argv, &c.help, &err);
  if (code == PV_OK && !c.help) code = act(&arena, &c, &err);
  if (code != PV_OK) pv_error_print(&err, stderr);
  pv_arena_free(&arena);
  return pv_code_exit(code);
}
