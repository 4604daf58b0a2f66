#include "reports/render/bars.h"

#include <math.h>

#include "reports/render/plot_marks.h"
#include "reports/render/put.h"
#include "reports/render/scale.h"

enum { WIDTH = 640, LEFT = 210, RIGHT = 130, TOP = 66, ROW = 30, BAR = 16, FOOT = 46, DETAIL = 44 };
enum { VALUE = 0, MARK = 1 }; /* slots of the colours */

static bool is_drawn(double value) {
  return isfinite(value) && value > 0.0;
}

static pv_scale scale_of(const pv_bars *bars) {
  double most = 0.0;
  for (size_t i = 0; i < bars->count; i++) {
    if (is_drawn(bars->bars[i].value)) most = fmax(most, bars->bars[i].value);
    if (is_drawn(bars->bars[i].mark)) most = fmax(most, bars->bars[i].mark);
  }
  return pv_scale_linear(0.0, most > 0.0 ? most : 1.0, true, LEFT, WIDTH - RIGHT);
}

static void draw_rect(pv_text *out, const pv_scale *x, double value, double y, double height,
                      int slot) {
  if (!is_drawn(value)) return;
  pv_put_xml(out, "<rect class=\"pf s%d\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
             slot, LEFT, y, pv_scale_place(x, value) - LEFT, height);
}

/* What is small fits where 12 pixels would not. */
static void draw_detail(pv_text *out, double y, const char *detail) {
  pv_text cut = PV_TEXT_INIT;
  size_t length = 0;
  while (detail[length] != '\0') length++;
  pv_text_add(&cut, detail, length < DETAIL ? length : DETAIL - 3);
  if (length >= DETAIL) pv_text_puts(&cut, "...");
  if (cut.data != NULL && length > 0) pv_plot_label(out, "pt pw e", LEFT - 8.0, y, cut.data);
  out->failed = out->failed || cut.failed;
  pv_text_free(&cut);
}

static void draw_bar(pv_text *out, const pv_bar *bar, const pv_scale *x, double top) {
  const double y = top + (ROW - BAR) / 2.0, middle = top + ROW / 2.0;
  const double longest =
      fmax(is_drawn(bar->value) ? bar->value : 0.0, is_drawn(bar->mark) ? bar->mark : 0.0);
  const bool alone = bar->detail[0] == '\0';
  draw_rect(out, x, bar->value, y, BAR, VALUE);
  draw_rect(out, x, bar->mark, y + BAR / 4.0, BAR / 2.0, MARK);
  pv_plot_label(out, "pt e", LEFT - 8.0, middle + (alone ? 4.0 : -1.0), bar->name);
  draw_detail(out, middle + 11.0, bar->detail);
  pv_plot_label(out, "pt", pv_scale_place(x, longest) + 6.0, middle + 4.0, bar->word);
}

static void draw_axis(pv_text *out, const pv_bars *bars, const pv_scale *x, double bottom) {
  double ticks[PV_SCALE_TICKS];
  const size_t n = pv_scale_ticks(x, 5, false, ticks);
  for (size_t i = 0; i < n; i++) {
    const double at = pv_scale_place(x, ticks[i]);
    pv_put_xml(out, "<path class=\"pg\" d=\"M%.1f,%dV%.1f\"/>", at, TOP, bottom);
    pv_plot_open(out, "pt m", at, bottom + 17.0);
    pv_scale_label(out, x, ticks[i]);
    pv_text_puts(out, "</text>\n");
  }
  pv_put_xml(out, "<path class=\"px\" d=\"M%d,%dV%.1f\"/>\n", LEFT, TOP, bottom);
  pv_plot_label(out, "pt m", (LEFT + WIDTH - RIGHT) / 2.0, bottom + 36.0, bars->value_name);
}

void pv_bars_draw(pv_text *out, const pv_bars *bars) {
  const pv_plot_line key = {.kind = PV_PLOT_BARS};
  const double bottom = TOP + (double)bars->count * ROW, height = bottom + FOOT;
  const pv_scale x = scale_of(bars);
  pv_put_xml(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 %d %.0f\" "
             "role=\"img\" aria-labelledby=\"%s-t %s-d\" width=\"%d\" height=\"%.0f\">\n",
             WIDTH, height, bars->id, bars->id, WIDTH, height);
  pv_put_xml(out, "<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">%s</desc>\n<style>", bars->id,
             bars->title, bars->id, bars->alt);
  pv_plot_style(out);
  pv_put_xml(out, "</style>\n<rect class=\"pb\" width=\"%d\" height=\"%.0f\" rx=\"8\"/>\n", WIDTH,
             height);
  pv_plot_label(out, "pt ttl", 20.0, 26.0, bars->title);
  pv_plot_key(out, LEFT, 48.0, VALUE, &key);
  pv_plot_label(out, "pt", LEFT + 28.0, 52.0, bars->value_name);
  pv_plot_key(out, LEFT + 160.0, 48.0, MARK, &key);
  pv_plot_label(out, "pt", LEFT + 188.0, 52.0, bars->mark_name);
  draw_axis(out, bars, &x, bottom);
  for (size_t i = 0; i < bars->count; i++) draw_bar(out, &bars->bars[i], &x, TOP + (double)i * ROW);
  pv_text_puts(out, "</svg>\n");
}
