/* What a kernel asks of the CUDA runtime: vprintf, __assertfail; and trap. */
#include <stdio.h>
#include <string.h>

#include "kernels/ptx/decode.h"

enum { LINE_MAX_BYTES = 1024, WIDTH_MAX = 256 };

/* One call of vprintf by one lane. The arguments lie one after the other, each aligned to its own
 * size: integers of 4 or 8 bytes, doubles and pointers of 8. */
typedef struct printing {
  pv_ptx_warp *warp;
  const pv_ptx_step *step;
  unsigned lane;
  uint64_t format, args;
  uint32_t taken; /* arguments */
  size_t length;
  char text[LINE_MAX_BYTES];
} printing;

typedef struct spec { /* of a conversion: "%-08.3lld" */
  char flags[8];
  int width, precision; /* -1: none */
  unsigned bytes;       /* of an integer */
  char letter;
} spec;

static bool read_u8(const printing *p, uint64_t address, char *out) {
  uint64_t value = 0;
  if (!pv_ptx_read(p->warp, p->step, p->lane, address, 1, &value)) return false;
  *out = (char)value;
  return true;
}

/* A string of the kernel's, cut off at `size`. False at a fault. */
static bool read_string(const printing *p, uint64_t address, char *out, size_t size) {
  size_t length = 0;
  char c = '\0';
  do {
    if (!read_u8(p, address + length, &c)) return false;
    out[length] = c;
  } while (c != '\0' && ++length + 1 < size);
  out[length] = '\0';
  return true;
}

static bool next_argument(printing *p, unsigned bytes, uint64_t *out) {
  p->args = (p->args + bytes - 1) / bytes * bytes;
  if (!pv_ptx_read(p->warp, p->step, p->lane, p->args, bytes, out)) return false;
  p->args += bytes;
  p->taken++;
  return true;
}

static void put(printing *p, const char *text) {
  const size_t left = sizeof p->text - 1 - p->length, length = strlen(text);
  const size_t taken = length < left ? length : left;
  memcpy(p->text + p->length, text, taken);
  p->length += taken;
}

/* A number of digits, or `*`: the next argument. */
static bool read_count(printing *p, int *out) {
  char c = '\0';
  if (!read_u8(p, p->format, &c)) return false;
  if (c == '*') {
    uint64_t value = 0;
    p->format++;
    if (!next_argument(p, 4, &value)) return false;
    *out = (int32_t)value > WIDTH_MAX ? WIDTH_MAX : (int32_t)value;
    return true;
  }
  for (*out = 0; c >= '0' && c <= '9';) {
    if (*out < WIDTH_MAX) *out = *out * 10 + (c - '0');
    if (!read_u8(p, ++p->format, &c)) return false;
  }
  if (*out > WIDTH_MAX) *out = WIDTH_MAX;
  return true;
}

/* Behind the '%'. */
static bool read_spec(printing *p, spec *s) {
  char c = '\0';
  size_t flags = 0;
  *s = (spec){.precision = -1, .bytes = 4};
  if (!read_u8(p, p->format, &c)) return false;
  for (; c != '\0' && strchr("-+ #0", c) != NULL; p->format++) {
    if (flags + 1 < sizeof s->flags) s->flags[flags++] = c;
    if (!read_u8(p, p->format + 1, &c)) return false;
  }
  if (!read_count(p, &s->width)) return false;
  if (!read_u8(p, p->format, &c)) return false;
  if (c == '.') {
    p->format++;
    if (!read_count(p, &s->precision) || !read_u8(p, p->format, &c)) return false;
  }
  for (; c != '\0' && strchr("hlLqjzt", c) != NULL; p->format++) {
    if (c != 'h') s->bytes = 8;
    if (!read_u8(p, p->format + 1, &c)) return false;
  }
  s->letter = c;
  if (c != '\0') p->format++;
  return true;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* The formats are built here, of flags, numbers and one letter. */
static bool convert(printing *p, const spec *s) {
  const bool is_signed = strchr("di", s->letter) != NULL;
  const bool integer = is_signed || strchr("ouxXc", s->letter) != NULL;
  const bool real = strchr("aAeEfFgG", s->letter) != NULL;
  char format[64], precision[16] = "", out[LINE_MAX_BYTES], string[LINE_MAX_BYTES];
  uint64_t value = 0;
  double number = 0;
  if (!next_argument(p, s->letter == 'c' ? 4 : integer ? s->bytes : 8, &value)) return false;
  if (s->precision >= 0) snprintf(precision, sizeof precision, ".%d", s->precision);
  snprintf(format, sizeof format, "%%%s%.0d%s%s%c", s->flags, s->width, precision,
           integer && s->letter != 'c' ? "ll" : "", s->letter);
  if (is_signed && s->bytes == 4) value = (uint64_t)(int64_t)(int32_t)value;
  memcpy(&number, &value, sizeof number);
  if (s->letter == 's') {
    if (!read_string(p, value, string, sizeof string)) return false;
    snprintf(out, sizeof out, format, string);
  } else if (s->letter == 'c') {
    snprintf(out, sizeof out, format, (int)(unsigned char)value);
  } else if (s->letter == 'p') {
    snprintf(out, sizeof out, "0x%llx", (unsigned long long)value);
  } else if (real) {
    snprintf(out, sizeof out, format, number);
  } else {
    snprintf(out, sizeof out, format, (unsigned long long)value);
  }
  put(p, out);
  return true;
}
#pragma GCC diagnostic pop

static bool print(printing *p) {
  char text[2] = "";
  for (;;) {
    spec s;
    if (!read_u8(p, p->format, text)) return false;
    if (text[0] == '\0') return true;
    p->format++;
    if (text[0] != '%') {
      put(p, text);
      continue;
    }
    if (!read_spec(p, &s)) return false;
    if (s.letter == '%')
      put(p, "%");
    else if (s.letter == '\0' || strchr("diouxXcspaAeEfFgG", s.letter) == NULL)
      put(p, "%?");
    else if (!convert(p, &s))
      return false;
  }
}

static void log_text(pv_ptx_log *log, const char *text, size_t length) {
  pthread_mutex_lock(&log->lock);
  const size_t left = PV_PTX_LOG_MAX - log->length, taken = length < left ? length : left;
  memcpy(log->text + log->length, text, taken);
  log->length += taken;
  log->text[log->length] = '\0';
  pthread_mutex_unlock(&log->lock);
}

/* A parameter of the call, from the thread's local memory. */
static bool argument(pv_ptx_warp *warp, const pv_ptx_step *s, unsigned lane, unsigned index,
                     unsigned bytes, uint64_t *out) {
  return pv_ptx_read(warp, s, lane, PV_PTX_LOCAL_WINDOW + s->more[index], bytes, out);
}

/* more: where format, arguments and, when count is 1, the result lie. */
void pv_ptx_run_print(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  for (; mask != 0; mask &= mask - 1) {
    printing p = {.warp = warp, .step = s, .lane = (unsigned)__builtin_ctz(mask)};
    if (!argument(warp, s, p.lane, 0, 8, &p.format) || !argument(warp, s, p.lane, 1, 8, &p.args) ||
        !print(&p))
      return;
    log_text(warp->block->grid->log, p.text, p.length);
    if (s->count == 1 &&
        !pv_ptx_write(warp, s, p.lane, PV_PTX_LOCAL_WINDOW + s->more[2], 4, p.taken))
      return;
  }
}

/* more: where message, file, line, function and the size of a character lie. */
void pv_ptx_run_assert(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  const printing p = {.warp = warp, .step = s, .lane = (unsigned)__builtin_ctz(mask)};
  uint64_t address[4] = {0};
  char message[80], file[64], function[48];
  for (unsigned i = 0; i < 4; i++)
    if (!argument(warp, s, p.lane, i, i == 2 ? 4 : 8, &address[i])) return;
  if (!read_string(&p, address[0], message, sizeof message) ||
      !read_string(&p, address[1], file, sizeof file) ||
      !read_string(&p, address[3], function, sizeof function))
    return;
  pv_ptx_fail_at(warp, s, mask, PV_PTX_TRAP, "the assertion '%s' of %s failed, %s line %u", message,
                 function, file, (unsigned)address[2]);
}

void pv_ptx_run_trap(pv_ptx_warp *warp, const pv_ptx_step *s, uint32_t mask) {
  pv_ptx_fail_at(warp, s, mask, PV_PTX_TRAP, "the kernel stops itself");
}
