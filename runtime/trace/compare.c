/* Comparison of two trace folders. Each was written by somebody: nothing in them is trusted. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/trace/folder.h"
#include "runtime/trace/manifest.h"

static pv_code map_tensor(const pv_manifest *m, const pv_trace_tensor *t, pv_map *out,
                          pv_error *err) {
  char path[4096];
  int fd = -1;
  pv_code code = pv_manifest_file(m, t, &fd, err);
  if (code != PV_OK) return code;
  close(fd);
  snprintf(path, sizeof path, "%s/%s", m->folder, t->file);
  code = pv_map_open(path, out, err);
  if (code != PV_OK || out->length == t->bytes) return code;
  pv_map_close(out);
  return pv_manifest_at(m, t->file,
                        pv_error_set(err, PV_ERR_INPUT, "the file changed while it was read"), err);
}

static pv_code compare_pair(const pv_manifest *left, const pv_trace_tensor *a,
                            const pv_manifest *right, const pv_trace_tensor *b,
                            pv_trace_report report, void *context, pv_trace_comparison *out,
                            pv_error *err) {
  pv_map x = {0}, y = {0};
  char place[PV_PLACE_LENGTH];
  if (a->rows != b->rows || a->width != b->width)
    return pv_error_set(err, PV_ERR_INPUT, "%s is %llux%llu on the left, %llux%llu on the right",
                        pv_plan_place(left->plan, a->stage, a->layer, place),
                        (unsigned long long)a->rows, (unsigned long long)a->width,
                        (unsigned long long)b->rows, (unsigned long long)b->width);
  pv_code code = map_tensor(left, a, &x, err);
  if (code == PV_OK) code = map_tensor(right, b, &y, err);
  if (code == PV_OK) {
    const pv_trace_row row = {left->plan, a->stage, a->layer,
                              pv_distance_of((pv_vector){x.data, a->elements, a->type},
                                             (pv_vector){y.data, b->elements, b->type})};
    out->tensors++;
    out->elements += row.apart.elements;
    out->different += row.apart.different;
    report(context, &row);
  }
  pv_map_close(&x);
  pv_map_close(&y);
  return code;
}

/* What is known of both, and whether they are of the same model and tokens. */
static void note_about(const pv_manifest *const m[2], pv_trace_comparison *out) {
  for (int i = 0; i < 2; i++) {
    snprintf(out->numerics[i], sizeof out->numerics[i], "%s", m[i]->identity);
    snprintf(out->model_sha256[i], sizeof out->model_sha256[i], "%s", m[i]->model_sha256);
    out->ids_known[i] = m[i]->ids != NULL;
  }
  out->other_model = m[0]->model_sha256[0] != '\0' && m[1]->model_sha256[0] != '\0' &&
                     strcmp(m[0]->model_sha256, m[1]->model_sha256) != 0;
  if (m[0]->ids == NULL || m[1]->ids == NULL) return;
  out->other_ids = m[0]->positions != m[1]->positions ||
                   memcmp(m[0]->ids, m[1]->ids, m[0]->positions * sizeof *m[0]->ids) != 0;
}

pv_code pv_trace_compare(const char *left, const char *right, pv_trace_report report, void *context,
                         pv_trace_comparison *out, pv_error *err) {
  pv_manifest *a = NULL, *b = NULL;
  *out = (pv_trace_comparison){0};
  pv_code code = pv_manifest_open(left, NULL, &a, err);
  if (code == PV_OK) code = pv_manifest_open(right, NULL, &b, err);
  if (code == PV_OK) note_about((const pv_manifest *const[]){a, b}, out);
  if (code != PV_OK || out->other_model || out->other_ids) goto cleanup;
  for (size_t i = 0; i < a->count && code == PV_OK; i++) {
    const pv_trace_tensor *x = &a->tensors[i],
                          *y = pv_manifest_find(b, a->plan->rows[x->stage].name, x->layer);
    if (y == NULL)
      out->only_left++;
    else
      code = compare_pair(a, x, b, y, report, context, out, err);
  }
  out->only_right = b->count - (a->count - out->only_left);
cleanup:
  pv_manifest_close(a);
  pv_manifest_close(b);
  return code;
}
