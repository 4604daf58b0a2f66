#include "screen/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "screen/screen.h"

enum { WHAT = 120, LINE = 256 };
static const double QUIET_S = 1.0;
static const long BETWEEN_NS = 200000000;

/* Standard error is one, and so is its line. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t thread;
  bool running, drawn;
  double began;
  uint64_t done, total;
  char what[WHAT + 1];
} line = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* Not through stdio: a child that is forked meanwhile must find no stream locked. */
static void put(const char *text) {
  size_t length = strlen(text);
  while (length > 0) {
    const ssize_t n = write(STDERR_FILENO, text, length);
    if (n <= 0) return;
    text += n;
    length -= (size_t)n;
  }
}

static void wipe(void) {
  if (line.drawn) put("\r\x1b[K");
  line.drawn = false;
}

static void draw(double now) {
  char text[LINE], part[32] = "";
  const unsigned width = pv_screen_width(STDERR_FILENO);
  if (line.total > 0 && line.done <= line.total)
    snprintf(part, sizeof part, ", %d %%", (int)(100.0 * (double)line.done / (double)line.total));
  char rest[64];
  const int tail = snprintf(rest, sizeof rest, "%s, %.0f s", part, now - line.began);
  /* A line that the terminal breaks could not be wiped. */
  const int room = (int)(width > 0 ? width : 80) - 1 - tail;
  snprintf(text, sizeof text, "\r\x1b[K%.*s%s", room > 0 ? room : 0, line.what, rest);
  put(text);
  line.drawn = true;
}

static void *run(void *unused) {
  (void)unused;
  pthread_mutex_lock(&line.lock);
  while (line.running) {
    const double now = pv_clock_now();
    if (now - line.began >= QUIET_S) draw(now);
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += BETWEEN_NS;
    if (at.tv_nsec >= 1000000000) {
      at.tv_nsec -= 1000000000;
      at.tv_sec++;
    }
    pthread_cond_timedwait(&line.wake, &line.lock, &at);
  }
  wipe();
  pthread_mutex_unlock(&line.lock);
  return NULL;
}

/* Without a thread there is a line less: no reason to stop. Signals are the other threads'. */
static void start(void) {
  sigset_t all, before;
  sigfillset(&all);
  line.began = pv_clock_now();
  line.running = true;
  pthread_sigmask(SIG_BLOCK, &all, &before);
  line.running = pthread_create(&line.thread, NULL, run, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void pv_progress_say(const char *fmt, ...) {
  if (!pv_screen_moves(STDERR_FILENO)) return;
  char what[WHAT + 1];
  va_list args;
  va_start(args, fmt);
  vsnprintf(what, sizeof what, fmt, args);
  va_end(args);
  pv_text clean = PV_TEXT_INIT; /* names of files and of falsifiers are strangers' */
  pv_text_escape(&clean, what, strlen(what));
  pthread_mutex_lock(&line.lock);
  snprintf(line.what, sizeof line.what, "%s", clean.failed ? "" : clean.data);
  line.done = line.total = 0;
  if (!line.running) start();
  pthread_mutex_unlock(&line.lock);
  pv_text_free(&clean);
}

void pv_progress_part(uint64_t done, uint64_t total) {
  pthread_mutex_lock(&line.lock);
  line.done = done;
  line.total = total;
  pthread_mutex_unlock(&line.lock);
}

void pv_progress_hide(void) {
  pthread_mutex_lock(&line.lock);
  wipe();
  pthread_mutex_unlock(&line.lock);
}

void pv_progress_end(void) {
  pthread_mutex_lock(&line.lock);
  const bool running = line.running;
  line.running = false;
  pthread_cond_signal(&line.wake);
  pthread_mutex_unlock(&line.lock);
  if (running) pthread_join(line.thread, NULL);
}
