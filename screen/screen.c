#include "screen/screen.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "screen/fold.h"
#include "screen/progress.h"

enum { NARROWEST = 20, WIDEST = 10000 };

unsigned pv_screen_width(int fd) {
  struct winsize size = {0};
  uint64_t columns = 0;
  const char *given = getenv("COLUMNS");
  if (isatty(fd) != 1) return 0;
  if (given != NULL && pv_parse_u64(given, strlen(given), &columns) && columns >= NARROWEST &&
      columns <= WIDEST)
    return (unsigned)columns;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
  return size.ws_col < NARROWEST ? NARROWEST : size.ws_col;
}

bool pv_screen_moves(int fd) {
  const char *term = getenv("TERM");
  return isatty(fd) == 1 && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

bool pv_screen_color(int fd) {
  const char *no_color = getenv("NO_COLOR");
  return pv_screen_moves(fd) && (no_color == NULL || no_color[0] == '\0');
}

typedef struct stream {
  int fd;
  bool begun, raw;
} stream;
static stream out = {.fd = STDOUT_FILENO}, err = {.fd = STDERR_FILENO};

static ssize_t write_all(int fd, const char *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    const ssize_t n = write(fd, bytes + at, length - at);
    if (n < 0 && errno != EINTR) return 0; /* what a stream of fopencookie calls an error */
    if (n > 0) at += (size_t)n;
  }
  return (ssize_t)length;
}

/* A line is folded when all of it is there: the last one may go on. */
static ssize_t write_folded(void *cookie, const char *bytes, size_t length) {
  stream *s = cookie;
  const unsigned width = pv_screen_width(s->fd);
  pv_text text = PV_TEXT_INIT;
  if (s == &err) fflush(stdout); /* both are one screen: in the order in which it was said */
  pv_progress_hide();
  if (!s->begun && length > 0) s->raw = s->raw || bytes[0] == '{' || bytes[0] == '[';
  s->begun = true;
  if (s->raw || width == 0) return write_all(s->fd, bytes, length);
  pv_fold(bytes, length, width, &text);
  const bool whole = !text.failed;
  ssize_t n = write_all(s->fd, whole ? text.data : bytes, whole ? text.length : length);
  if (n > 0) n = (ssize_t)length;
  pv_text_free(&text);
  return n;
}

/* The same stdout and stderr for all that prints, which then need not know of it. */
static FILE *fold(stream *s, int buffering) {
  enum {
    ROOM = 1 << 20
  }; /* more than any command prints at once: a paragraph is folded as a whole */
  FILE *file = isatty(s->fd) == 1
                   ? fopencookie(s, "w", (cookie_io_functions_t){.write = write_folded})
                   : NULL;
  if (file != NULL) setvbuf(file, NULL, buffering, ROOM);
  return file;
}

void pv_screen_begin(void) {
  FILE *folded = fold(&out, _IOFBF);
  if (folded != NULL) stdout = folded;
  folded = fold(&err, _IOLBF);
  if (folded != NULL) stderr = folded;
}

void pv_screen_raw(void) {
  fflush(stdout);
  out.raw = true;
}
