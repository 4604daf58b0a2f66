#include "screen/fold.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

enum { GUTTER = 2, UNDER = 4 }; /* blanks between columns; how far what goes on below is indented */

/* Column i are the bytes from at[i] to at[i + 1]: a character, with a colour that begins before it
 * or ends behind it. */
typedef struct line {
  const char *text;
  size_t *at;
  size_t columns, indent;
  bool row, command, piped; /* piped: a row of a table in Markdown */
} line;

typedef struct fold {
  pv_arena arena;
  pv_text *out;
  size_t width;
  line *lines; /* of the paragraph */
  size_t count;
} fold;

/* Where columns of a table begin and end, before and after blanks between them were taken out. */
typedef struct cell {
  size_t from, to, start;
} cell;

static bool blank(const line *l, size_t column) {
  return column >= l->columns || l->text[l->at[column + 1] - 1] == ' ';
}

static size_t escape_length(const char *text, size_t left) {
  size_t n = 2;
  if (left < 3 || text[0] != '\x1b' || text[1] != '[') return 0;
  while (n < left && text[n] != 'm') n++;
  return n < left ? n + 1 : 0;
}

static bool is_command(const char *text, size_t left) {
  return left > 3 && (memcmp(text, "pv ", 3) == 0 || memcmp(text, "./", 2) == 0);
}

static bool measure(fold *f, const char *text, size_t length, line *out) {
  size_t columns = 0;
  *out = (line){.text = text, .at = PV_ARENA_NEW(&f->arena, length + 2, size_t)};
  if (out->at == NULL) return false;
  for (size_t i = 0; i < length;) {
    const size_t colour = escape_length(text + i, length - i);
    const bool ends = colour > 0 && (text[i + 2] == '0' || text[i + 2] == 'm');
    i += colour > 0 ? colour : 1;
    if (ends && columns > 0) out->at[columns] = i;
    if (colour > 0) continue;
    while (i < length && ((unsigned char)text[i] & 0xc0) == 0x80) i++;
    out->at[++columns] = i;
  }
  if (columns > 0) out->at[columns] = length;
  out->columns = columns;
  while (out->indent < columns && blank(out, out->indent)) out->indent++;
  out->command = out->indent >= GUTTER && out->indent < columns &&
                 is_command(text + out->at[out->indent], length - out->at[out->indent]);
  out->piped = columns > 1 && text[out->at[out->indent]] == '|' && text[length - 1] == '|';
  for (size_t i = out->indent; i + GUTTER < columns && !out->command && !out->piped; i++)
    out->row |= blank(out, i) && blank(out, i + 1) && !blank(out, i + 2);
  return true;
}

static void put_blanks(const fold *f, size_t count) {
  while (count-- > 0) pv_text_puts(f->out, " ");
}

static void put_columns(const fold *f, const line *l, size_t from, size_t to) {
  if (to > from) pv_text_add(f->out, l->text + l->at[from], l->at[to] - l->at[from]);
}

/* Within quotes a shell would take what is put there for a part of the word. */
static bool quoted(const line *l, size_t column) {
  char open = '\0';
  for (size_t i = 0; i < column; i++) {
    const char c = l->text[l->at[i + 1] - 1];
    if (open == '\0' && (c == '\'' || c == '"'))
      open = c;
    else if (c == open)
      open = '\0';
  }
  return open != '\0';
}

/* Where to break so that at most `room` columns are before it: `to` where nowhere is. A row of
 * Markdown is broken before a cell, if one begins there. */
static size_t break_at(const line *l, size_t from, size_t to, size_t room) {
  size_t best = to, before_cell = to;
  for (size_t i = from + 1; i < to; i++) {
    if (!blank(l, i) || blank(l, i - 1) || (l->command && quoted(l, i))) continue;
    if (i - from > room && best != to) break;
    best = i;
    if (i - from > room) break;
    if (l->piped && i + 2 < to && l->text[l->at[i + 1]] == '|' && blank(l, i + 2)) before_cell = i;
  }
  return before_cell != to ? before_cell : best;
}

/* The columns [from, to) from column `start` of the page on, and then below it at `hang`. */
static void put_wrapped(const fold *f, const line *l, size_t from, size_t to, size_t start,
                        size_t hang) {
  while (to > from && blank(l, to - 1)) to--;
  for (;;) {
    const size_t room = f->width > start ? f->width - start : 1;
    size_t end = to;
    if (to - from > room) end = break_at(l, from, to, l->command ? room - GUTTER : room);
    put_columns(f, l, from, end);
    from = end;
    while (from < to && blank(l, from)) from++;
    if (from >= to) return;
    pv_text_puts(f->out, l->command ? " \\\n" : "\n");
    put_blanks(f, hang);
    start = hang;
  }
}

/* Whether `next` goes on with the sentence of a line that was broken by hand, too far right. */
static bool goes_on(const fold *f, const line *l, const line *next) {
  const char last = l->columns > 0 ? l->text[l->at[l->columns] - 1] : '.';
  return l->columns > f->width && l->indent == 0 && next->indent == 0 && !l->row && !next->row &&
         !l->piped && !next->piped && next->columns > 0 && strchr(".:;!?", last) == NULL;
}

/* Prose from line `i` on, as far as it is one sentence; returns the line behind it. */
static size_t put_prose(fold *f, size_t i) {
  const bool under = f->lines[i].command || f->lines[i].piped;
  const size_t hang = f->lines[i].indent + (under ? UNDER : 0);
  pv_text joined = PV_TEXT_INIT;
  line whole = f->lines[i];
  while (i + 1 < f->count && goes_on(f, &f->lines[i], &f->lines[i + 1])) {
    const line *next = &f->lines[++i];
    if (joined.length == 0) pv_text_add(&joined, whole.text, whole.at[whole.columns]);
    pv_text_puts(&joined, " ");
    pv_text_add(&joined, next->text + next->at[next->indent],
                next->at[next->columns] - next->at[next->indent]);
  }
  if (joined.length > 0 && !joined.failed && measure(f, joined.data, joined.length, &whole))
    whole.row = false;
  f->out->failed |= joined.failed;
  put_wrapped(f, &whole, 0, whole.columns, 0, hang);
  pv_text_puts(f->out, "\n");
  pv_text_free(&joined);
  return i + 1;
}

/* The columns that all rows have in common, closer together where they are far apart. */
static cell *find_cells(fold *f, size_t *count) {
  size_t widest = 0, n = 0, start = 0;
  for (size_t i = 0; i < f->count; i++)
    if (f->lines[i].row && f->lines[i].columns > widest) widest = f->lines[i].columns;
  cell *cells = PV_ARENA_NEW(&f->arena, widest / GUTTER + 2, cell);
  if (cells == NULL) return NULL;
  for (size_t column = 0, gap = 0; column < widest; column++) {
    bool used = false;
    for (size_t i = 0; i < f->count && !used; i++)
      used = f->lines[i].row && !blank(&f->lines[i], column);
    if (!used) {
      gap++;
      start++;
      continue;
    }
    if (n == 0 || gap >= GUTTER) {
      if (n > 0 && gap > GUTTER + 1) start -= gap - GUTTER;
      cells[n++] = (cell){.from = column, .start = start};
    }
    cells[n - 1].to = column + 1;
    gap = 0;
    start++;
  }
  *count = n;
  return cells;
}

/* One row: the last cell is wrapped beside its column where there is room for it, else cells that
 * do not fit go on below. */
static void put_row(const fold *f, const line *l, const cell *cells, size_t count) {
  const cell *last = &cells[count - 1];
  const bool beside = count > 1 && last->start <= f->width / 2;
  size_t shift = 0, at = 0; /* columns further left in this line; where it ends */
  for (size_t i = 0; i < count; i++) {
    const cell *c = &cells[i];
    size_t to = c->to < l->columns ? c->to : l->columns;
    while (to > c->from && blank(l, to - 1)) to--;
    if (to <= c->from) continue;
    const bool fits = c->start - shift + (c->to - c->from) <= f->width;
    if (!fits && !(beside && c == last) && i > 0) {
      shift = c->start - (cells[0].start + UNDER);
      pv_text_puts(f->out, "\n");
      at = 0;
    }
    put_blanks(f, c->start - shift - at);
    put_wrapped(f, l, c->from, to, c->start - shift, c->start - shift);
    at = c->start - shift + (to - c->from);
  }
  pv_text_puts(f->out, "\n");
}

static void put_paragraph(fold *f) {
  bool fits = true;
  size_t count = 0;
  cell *cells = NULL;
  for (size_t i = 0; i < f->count; i++) fits &= f->lines[i].columns <= f->width;
  if (!fits && (cells = find_cells(f, &count)) == NULL) f->out->failed = true;
  for (size_t i = 0; i < f->count && !f->out->failed;) {
    const line *l = &f->lines[i];
    if (fits) {
      pv_text_add(f->out, l->text, l->at[l->columns]);
      pv_text_puts(f->out, "\n");
      i++;
    } else if (l->row) {
      put_row(f, l, cells, count);
      i++;
    } else {
      i = put_prose(f, i);
    }
  }
  f->count = 0;
}

void pv_fold(const char *text, size_t length, unsigned width, pv_text *out) {
  size_t room = 1;
  for (size_t i = 0; i < length; i++) room += text[i] == '\n';
  fold f = {.out = out, .width = width};
  f.lines = PV_ARENA_NEW(&f.arena, room, line);
  if (f.lines == NULL) out->failed = true;
  for (size_t at = 0; at < length && !out->failed;) {
    const char *end = memchr(text + at, '\n', length - at);
    const size_t n = end != NULL ? (size_t)(end - text) - at : length - at;
    if (n == 0) put_paragraph(&f);
    if (n == 0)
      pv_text_puts(out, "\n");
    else if (measure(&f, text + at, n, &f.lines[f.count]))
      f.count++;
    else
      out->failed = true;
    at += n + 1;
    if (end == NULL) { /* the last line may go on */
      put_paragraph(&f);
      if (out->length > 0 && !out->failed) out->data[--out->length] = '\0';
    }
  }
  put_paragraph(&f);
  pv_arena_free(&f.arena);
}
