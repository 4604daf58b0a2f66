#include "runtime/forward/speed.h"

#include "base/clock.h"

static pv_code read_top(const pv_speed *s, int32_t *top, pv_error *err) {
  const int row = pv_plan_role(s->model->plan, PV_ROLE_TOP);
  return pv_forward_read(s->forward, (pv_stage_id)row, 0, 1, top, err);
}

size_t pv_speed_ids(const pv_speed *s, size_t end, uint32_t ids[PV_SPEED_BATCH]) {
  const size_t at = pv_forward_position(s->forward);
  const size_t most = s->batch < PV_SPEED_BATCH ? s->batch : PV_SPEED_BATCH;
  const size_t left = end > at ? end - at : 0, n = left < most ? left : most;
  for (size_t i = 0; i < n; i++)
    ids[i] = (uint32_t)(((at + i) * 2654435761u + 12345u) % s->model->shape.vocab);
  return n;
}

static pv_code fill(const pv_speed *s, size_t end, size_t logits, pv_error *err) {
  uint32_t ids[PV_SPEED_BATCH];
  pv_code code = PV_OK;
  for (size_t n; code == PV_OK && (n = pv_speed_ids(s, end, ids)) > 0;) {
    const bool last = pv_forward_position(s->forward) + n == end;
    code = pv_forward_run(s->forward, ids, n, last ? logits : 0, err);
  }
  return code;
}

pv_code pv_speed_fill(const pv_speed *s, size_t end, pv_error *err) {
  return fill(s, end, 0, err);
}

pv_code pv_speed_prefill(const pv_speed *s, size_t tokens, double *rate, pv_error *err) {
  int32_t top = 0;
  pv_forward_rewind(s->forward, 0);
  const double start = pv_clock_now();
  pv_code code = fill(s, tokens, 1, err);
  if (code == PV_OK) code = read_top(s, &top, err);
  if (code == PV_OK) *rate = (double)tokens / (pv_clock_now() - start);
  return code;
}

pv_code pv_speed_token(const pv_speed *s, uint32_t *id, double *spent, pv_error *err) {
  int32_t top = 0;
  const double start = pv_clock_now();
  pv_code code = pv_forward_run(s->forward, id, 1, 1, err);
  if (code == PV_OK) code = read_top(s, &top, err);
  *id = (uint32_t)top;
  if (spent != NULL) *spent = pv_clock_now() - start;
  return code;
}

pv_code pv_speed_decode(const pv_speed *s, size_t context, size_t tokens, double *rate,
                        double *first, double *each, pv_error *err) {
  uint32_t id = 0;
  pv_forward_rewind(s->forward, context);
  pv_code code = pv_speed_token(s, &id, first, err);
  const double start = pv_clock_now();
  for (size_t t = 0; t < tokens && code == PV_OK; t++)
    code = pv_speed_token(s, &id, each != NULL ? &each[t] : NULL, err);
  if (code == PV_OK) *rate = (double)tokens / (pv_clock_now() - start);
  return code;
}
