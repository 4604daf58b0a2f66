/* The figures by layer as pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "reports/render/plot.h"
#include "runtime/probe/bisect_report.h"

enum { LINES = 2 };

static pv_code write_plot(const char *folder, const char *name, const pv_plot *plot,
                          pv_error *err) {
  char path[4096];
  pv_text text = PV_TEXT_INIT;
  pv_plot_draw(&text, plot);
  const int n = snprintf(path, sizeof path, "%s/%s.svg", folder, name);
  pv_code code = PV_OK;
  if (text.failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for a picture");
  else if (n < 0 || n >= (int)sizeof path)
    code = pv_error_set(err, PV_ERR_LIMIT, "the folder's name is too long");
  else
    code = pv_file_replace(path, text.data, text.length, err);
  pv_text_free(&text);
  return code;
}

pv_code pv_bisect_svg(const char *folder, const pv_bisect_spec *spec, const pv_bisect_result *r,
                      pv_error *err) {
  double *x = calloc((size_t)r->layers * (1 + 2 * LINES), sizeof *x);
  double *y[2 * LINES] = {NULL};
  const int last = pv_plan_role(r->plan, PV_ROLE_LAYER_OUT);
  size_t piled[2] = {0, 0}, routed = 0;
  if (x == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a picture");
  for (int i = 0; i < 2 * LINES; i++) y[i] = x + (size_t)(i + 1) * r->layers;
  for (uint32_t l = 0; l < r->layers; l++) {
    x[l] = l;
    for (int i = 0; i < 2; i++) {
      const bool there = r->stages[l][last].side[i].judged > 0;
      y[i][l] = there ? r->stages[l][last].side[i].total : NAN;
      piled[i] += there;
    }
    y[2][l] = r->router[l].present ? r->router[l].margin : NAN;
    y[3][l] = r->router[l].present ? r->router[l].noise : NAN;
    routed += r->router[l].present;
  }
  pv_plot_line errors[LINES],
      margins[LINES] = {
          {"smallest margin", x, y[2], r->layers, PV_PLOT_LINE, false},
          {"largest difference of the logits", x, y[3], r->layers, PV_PLOT_LINE, false}};
  size_t lines = 0;
  for (int i = 0; i < 2; i++)
    if (piled[i] > 0)
      errors[lines++] = (pv_plot_line){spec->side[i].name, x, y[i], r->layers, PV_PLOT_LINE, false};
  const pv_plot error = {.id = "bisect-error",
                         .title = "Error by layer",
                         .alt =
                             "Largest error of the residual stream after each layer, against "
                             "float64, of both sides",
                         .x_label = "layer",
                         .y_label = "error of ffn_residual against float64",
                         .log_y = true,
                         .lines = errors,
                         .line_count = lines};
  const pv_plot router = {.id = "bisect-router",
                          .title = "Router: margin and difference",
                          .alt =
                              "By layer the smallest margin between the last expert kept and the "
                              "first left out, and the largest difference of the two sides' "
                              "logits",
                          .x_label = "layer",
                          .y_label = "router logits",
                          .log_y = true,
                          .lines = margins,
                          .line_count = LINES};
  pv_code code = pv_folder_make(folder, err);
  if (code == PV_OK && lines > 0) code = write_plot(folder, "error", &error, err);
  if (code == PV_OK && routed > 0) code = write_plot(folder, "router", &router, err);
  free(x);
  return code;
}
