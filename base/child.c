#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/orphans.h"

enum { IN, OUT, ERR, CHANNEL, PIPES };
enum { READ_BYTES = 64 << 10, REAP_MS = 5, LAST_ROUNDS = 16, LAST_MS = 10 };
/* The wait status of a child that somebody else waited for: neither exit code nor signal. */
enum { LOST = -1 };

struct pv_child {
  pid_t pid;
  int fd[PIPES]; /* our ends; -1 when closed */
  const char *input;
  char *input_copy;
  size_t input_left, output_limit;
  pv_text text[2]; /* stdout, stderr */
  pv_child_exit result;
  bool reaped, killed;
};

static volatile sig_atomic_t cancelled;

static void on_signal(int number) {
  if (cancelled) _exit(128 + number);
  cancelled = 1;
}

void pv_cancel_install(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  action.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &action, NULL); /* who ignores it is not told how children end */
  action.sa_handler =
      SIG_IGN; /* a broken pipe and a full quota are errors of a write, not our end */
  sigaction(SIGPIPE, &action, NULL);
  sigaction(SIGXFSZ, &action, NULL);
}

bool pv_cancelled(void) {
  return cancelled != 0;
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* Between fork and exec: async-signal-safe calls only. */
static void become(const pv_child_spec *spec, const pv_child_place *place, int theirs[PIPES],
                   pid_t parent, int report) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  sigset_t none;
  int high[PIPES];
  setsid(); /* can not fail: a new process leads no group */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  sigaction(SIGINT, &plain, NULL);
  sigaction(SIGTERM, &plain, NULL);
  sigaction(SIGPIPE, &plain, NULL);
  sigaction(SIGXFSZ, &plain, NULL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  const int reporter = fcntl(report, F_DUPFD_CLOEXEC, PIPES);
  bool ready = reporter >= 0;
  for (int i = 0; i < PIPES; i++)
    ready = (high[i] = fcntl(theirs[i], F_DUPFD, PIPES)) >= 0 && ready;
  if (place != NULL) high[OUT] = high[CHANNEL];
  for (int i = 0; i < PIPES; i++) ready = ready && dup2(high[i], i) == i;
  if (place != NULL) close(CHANNEL);
  ready = ready && (place == NULL || chdir(place->folder) == 0);
  if (ready) {
    if (reporter > PIPES) close_range(PIPES, (unsigned)reporter - 1, 0);
    close_range((unsigned)reporter + 1, ~0u, 0);
    execve(spec->argv[0], (char *const *)(uintptr_t)spec->argv,
           place == NULL ? environ : (char *const *)(uintptr_t)place->environment);
  }
  const int failure = errno;
  const ssize_t ignored = write(reporter >= 0 ? reporter : report, &failure, sizeof failure);
  (void)ignored;
  _exit(127);
}

static pv_code make_pipes(int ours[PIPES], int theirs[PIPES], pv_error *err) {
  for (int i = 0; i < PIPES; i++) {
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0) return pv_error_errno(err, errno, "cannot make a pipe");
    ours[i] = pair[i == IN];
    theirs[i] = pair[i != IN];
    fcntl(ours[i], F_SETFL, O_NONBLOCK);
  }
  return PV_OK;
}

pv_code pv_child_start_at(const pv_child_spec *spec, const pv_child_place *place, pv_child **out,
                          pv_error *err) {
  int theirs[PIPES] = {-1, -1, -1, -1}, report[2] = {-1, -1}, failure = 0;
  pv_code code = PV_OK;
  const pid_t parent = getpid();
  pv_child *child = calloc(1, sizeof *child);
  if (child == NULL) return pv_error_nomem(err, "a child process");
  for (int i = 0; i < PIPES; i++) child->fd[i] = -1;
  child->output_limit = spec->output_limit;
  child->input_left = spec->input == NULL ? 0 : spec->input_length;
  child->input_copy = malloc(child->input_left + 1);
  if (child->input_copy == NULL) {
    code = pv_error_nomem(err, "a child process");
    goto cleanup;
  }
  if (child->input_left > 0) memcpy(child->input_copy, spec->input, child->input_left);
  child->input = child->input_copy;
  code = make_pipes(child->fd, theirs, err);
  if (code == PV_OK && pipe2(report, O_CLOEXEC) != 0)
    code = pv_error_errno(err, errno, "cannot make a pipe");
  if (code != PV_OK) goto cleanup;
  pv_orphans_expect();
  child->pid = fork();
  if (child->pid == 0) become(spec, place, theirs, parent, report[1]);
  if (child->pid < 0) {
    pv_orphans_end();
    code = pv_error_errno(err, errno, "cannot start '%s'", spec->argv[0]);
    goto cleanup;
  }
  shut(&report[1]);
  ssize_t n;
  do n = read(report[0], &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n == (ssize_t)sizeof failure) {
    code = pv_error_errno(err, failure, "cannot start '%s'", spec->argv[0]);
    goto cleanup;
  }
  if (child->input_left == 0) shut(&child->fd[IN]);
  *out = child;
cleanup:
  for (int i = 0; i < PIPES; i++) shut(&theirs[i]);
  shut(&report[0]);
  shut(&report[1]);
  if (code != PV_OK) pv_child_free(child);
  return code;
}

pv_code pv_child_start(const pv_child_spec *spec, pv_child **out, pv_error *err) {
  return pv_child_start_at(spec, NULL, out, err);
}

/* From here on nobody keeps a pipe open. */
static void note_exit(pv_child *child, int wait_status) {
  child->reaped = true;
  pv_orphans_end();
  child->result.code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
  child->result.signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
  child->result.out_of_memory = child->result.signal == SIGKILL && !child->killed;
}

/* SIGPIPE would end us if the child closed its stdin early. */
static void feed(pv_child *child) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
  sigaction(SIGPIPE, &ignore, &old);
  const ssize_t n = write(child->fd[IN], child->input, child->input_left);
  sigaction(SIGPIPE, &old, NULL);
  if (n > 0) {
    child->input += n;
    child->input_left -= (size_t)n;
  }
  if (child->input_left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) shut(&child->fd[IN]);
}

/* True when bytes arrived on the channel. */
static bool drain(pv_child *child, int which, pv_text *channel) {
  char buffer[READ_BYTES];
  const ssize_t n = read(child->fd[which], buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n <= 0) {
    shut(&child->fd[which]);
    return false;
  }
  if (which == CHANNEL) {
    pv_text_add(channel, buffer, (size_t)n);
    return true;
  }
  pv_text *text = &child->text[which - OUT];
  const size_t room = child->output_limit - text->length;
  pv_text_add(text, buffer, (size_t)n < room ? (size_t)n : room);
  if ((size_t)n > room || text->failed) child->result.output_dropped = true;
  return false;
}

static bool open_pipes(const pv_child *child) {
  return child->fd[OUT] >= 0 || child->fd[ERR] >= 0 || child->fd[CHANNEL] >= 0;
}

/* One round of poll: 1 when channel bytes arrived, 0 when none did, -1 with errno when it failed.
 */
static int pump(pv_child *child, pv_text *channel, int timeout_ms) {
  struct pollfd set[PIPES];
  int which[PIPES];
  nfds_t count = 0;
  int bytes = 0;
  if (child->reaped) shut(&child->fd[IN]);
  for (int i = 0; i < PIPES; i++) {
    if (child->fd[i] < 0) continue;
    which[count] = i;
    set[count++] = (struct pollfd){child->fd[i], i == IN ? POLLOUT : POLLIN, 0};
  }
  if (poll(set, count, timeout_ms) < 0) return errno == EINTR ? 0 : -1;
  for (nfds_t i = 0; i < count; i++) {
    if (set[i].revents == 0) continue;
    if (which[i] == IN)
      feed(child);
    else
      bytes |= drain(child, which[i], channel);
  }
  return bytes;
}

/* Reaps the child if it has ended. Its group is killed while the zombie still holds the number, so
 * that the signal can never reach a stranger who got it next. */
static bool ended(pv_child *child) {
  siginfo_t info = {0};
  int wait_status = LOST;
  if (child->reaped) return true;
  if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    if (info.si_pid == 0) return false;
    kill(-child->pid, SIGKILL);
    waitpid(child->pid, &wait_status, 0);
  }
  note_exit(child, wait_status);
  return true;
}

/* What the ended child left in its pipes. Bounded: someone who got away may still write. */
static bool drain_rest(pv_child *child, pv_text *channel) {
  bool bytes = false;
  for (int round = 0; round < LAST_ROUNDS && open_pipes(child); round++)
    bytes |= pump(child, channel, LAST_MS) > 0;
  return bytes;
}

pv_code pv_child_wait(pv_child *child, double timeout_s, pv_text *channel, size_t channel_limit,
                      pv_child_event *event, pv_error *err) {
  const double deadline = pv_clock_now() + timeout_s;
  for (;;) {
    if (pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
    const bool over = ended(child);
    const double left = deadline - pv_clock_now();
    int wait_ms = left <= 0 ? 0 : left > 0.1 ? 100 : (int)(left * 1000) + 1;
    if (!open_pipes(child) && wait_ms > REAP_MS) wait_ms = REAP_MS;
    const int bytes = over ? drain_rest(child, channel) : pump(child, channel, wait_ms);
    if (bytes < 0) return pv_error_errno(err, errno, "cannot wait for a child process");
    if (channel->failed) return pv_error_nomem(err, "frames");
    if (channel->length > channel_limit)
      return pv_error_set(err, PV_ERR_LIMIT, "the child wrote more than %zu bytes of frames",
                          channel_limit);
    if (bytes > 0) {
      *event = PV_CHILD_BYTES;
      return PV_OK;
    }
    if (over) {
      *event = PV_CHILD_EXIT;
      return PV_OK;
    }
    if (left <= 0) {
      *event = PV_CHILD_TIMEOUT;
      return PV_OK;
    }
  }
}

/* The group is not there before the child made it, and the start may have failed before that. */
static void signal_all(const pv_child *child, int number) {
  if (kill(-child->pid, number) != 0) kill(child->pid, number);
}

void pv_child_kill(pv_child *child, double grace_s) {
  static const struct timespec pause = {.tv_nsec = REAP_MS * 1000000L};
  const double deadline = pv_clock_now() + grace_s;
  if (child->pid <= 0) return;
  if (!ended(child)) {
    child->killed = true;
    signal_all(child, SIGTERM);
  }
  while (!ended(child) && pv_clock_now() < deadline) nanosleep(&pause, NULL);
  for (; !ended(child); nanosleep(&pause, NULL)) signal_all(child, SIGKILL);
  pv_text none = PV_TEXT_INIT; /* stdout and stderr are worth keeping, frames are not */
  drain_rest(child, &none);
  pv_text_free(&none);
}

const pv_child_exit *pv_child_result(const pv_child *child) {
  return &child->result;
}
const pv_text *pv_child_stdout(const pv_child *child) {
  return &child->text[0];
}
const pv_text *pv_child_stderr(const pv_child *child) {
  return &child->text[1];
}

void pv_child_free(pv_child *child) {
  if (child == NULL) return;
  if (child->pid > 0) pv_child_kill(child, 0.0);
  for (int i = 0; i < PIPES; i++) shut(&child->fd[i]);
  pv_text_free(&child->text[0]);
  pv_text_free(&child->text[1]);
  free(child->input_copy);
  free(child);
}
