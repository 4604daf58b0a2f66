#include "reports/render/gate.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "reports/render/fmt.h"

bool pv_gate_find(const pv_falsifier *f, pv_gate *out) {
  const pv_known_param *spec = f->known == NULL ? NULL : pv_known_gate(f->known);
  if (spec == NULL) return false;
  pv_gate gate = {spec->name, spec->fallback,    spec->unit,
                  0.0,        spec->loosens < 0, spec->loosens < 0 && spec->max == 1.0};
  const pv_param *own = pv_falsifier_param(f, spec->name);
  if (own != NULL) gate.text = own->text;
  if (gate.text == NULL || !pv_parse_f64(gate.text, strlen(gate.text), &gate.value)) return false;
  *out = gate;
  return true;
}

/* Nines are not counted by eye. */
static void put_distance(pv_text *out, const pv_gate *gate, double value) {
  if (gate == NULL || !gate->nines || !(value > 0.999 && value < 1.0)) return;
  pv_text_puts(out, " (1 − ");
  pv_fmt_number(out, 1.0 - value);
  pv_text_puts(out, ")");
}

void pv_gate_put(pv_text *out, const pv_gate *gate) {
  pv_text_printf(out, "%s %s", gate->minimum ? "≥" : "≤", gate->text);
  if (gate->unit[0] != '\0') pv_text_printf(out, " %s", gate->unit);
  put_distance(out, gate, gate->value);
}

void pv_gate_put_measured(pv_text *out, const pv_gate *gate, double measured) {
  pv_fmt_number(out, measured);
  put_distance(out, gate, measured);
}

bool pv_gate_margin(const pv_gate *gate, double measured, double *out) {
  /* What should be small, over what it may be; of a plain minimum the other way round. */
  double small = measured, bound = gate->value;
  if (gate->nines) {
    small = 1.0 - measured;
    bound = 1.0 - gate->value;
  } else if (gate->minimum) {
    small = gate->value;
    bound = measured;
  }
  if (!isfinite(measured) || !(small >= 0.0) || !(bound >= 0.0) || gate->value == 0.0 ||
      (bound == 0.0 && gate->nines))
    return false;
  *out = small == 0.0 ? INFINITY : bound / small;
  return true;
}
