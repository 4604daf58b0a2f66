/* Child processes: exec at once after fork, own session, bounded output, bounded time.
 *
 * Promised: when the last child of this process was waited for (PV_CHILD_EXIT, pv_child_kill,
 * pv_child_free), nothing that any of them started runs any more: not what left the process group,
 * nor what began a session, nor what lost its parent. While a child lives, this process is a child
 * subreaper: orphans come to it, and they are known by a session that is not ours and by their age.
 * Those that end meanwhile are waited for with the others.
 *
 * Not promised: processes that fork faster than they can be killed for 2 s, and those that we may
 * not signal; a kernel without /proc/PID/task/TID/children (there the child's group is killed, no
 * more); anything but the child itself when this process is killed or ends at a second signal.
 *
 * Asked of the other code of the process: children are started and waited for by one thread (each
 * dies with the thread that started it). Processes that it starts in the meantime stay in our
 * session, and strangers' orphans are not handed to us, as they are to the first process of a
 * container; both would be taken for orphans of a child. */
#ifndef PV_BASE_CHILD_H
#define PV_BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

typedef struct pv_child pv_child;

typedef struct pv_child_spec {
  const char *const *argv; /* NULL-terminated; argv[0] is a path, the PATH is not searched */
  const void *input;       /* written to the child's stdin, then closed; may be NULL */
  size_t input_length;
  size_t output_limit; /* stdout and stderr each keep this many bytes; the rest is dropped */
} pv_child_spec;

typedef enum pv_child_event {
  PV_CHILD_BYTES,   /* bytes arrived on the child's fd 3 */
  PV_CHILD_TIMEOUT, /* the deadline given to pv_child_wait passed; the child still runs */
  PV_CHILD_EXIT     /* the child ended and everything it wrote was read */
} pv_child_event;

typedef struct pv_child_exit {
  int code;            /* exit code, or -1 */
  int signal;          /* signal that ended it, or 0 */
  bool out_of_memory;  /* killed by SIGKILL that we did not send */
  bool output_dropped; /* the child wrote more than the limit */
} pv_child_exit;

/* Starts the child. Its fd 3 is the write end of a pipe (the frame channel), its stdin the given
 * input, stdout and stderr are captured; all other descriptors are closed. It dies with us. */
pv_code pv_child_start(const pv_child_spec *spec, pv_child **out, pv_error *err);

/* Where a stranger's program runs. It speaks on its standard output: that is the channel, is not
 * captured, and there is no fd 3. */
typedef struct pv_child_place {
  const char *folder;             /* its current folder */
  const char *const *environment; /* all of it, NULL-terminated */
} pv_child_place;
pv_code pv_child_start_at(const pv_child_spec *spec, const pv_child_place *place, pv_child **out,
                          pv_error *err);

/* Waits up to `timeout_s` for the next event. On PV_CHILD_BYTES the new bytes were appended to
 * `channel`, which never grows past `channel_limit` (then: PV_ERR_LIMIT). A system that cannot wait
 * is an error at once. */
pv_code pv_child_wait(pv_child *child, double timeout_s, pv_text *channel, size_t channel_limit,
                      pv_child_event *event, pv_error *err);

/* Sends SIGTERM to the whole process group, SIGKILL after `grace_s`, and reaps. Idempotent. Those
 * who left the group get the SIGKILL only. */
void pv_child_kill(pv_child *child, double grace_s);

/* Valid after PV_CHILD_EXIT or pv_child_kill. The texts stay owned by the child. */
const pv_child_exit *pv_child_result(const pv_child *child);
const pv_text *pv_child_stdout(const pv_child *child);
const pv_text *pv_child_stderr(const pv_child *child);

/* As pv_child_kill without grace, and frees. NULL is allowed. */
void pv_child_free(pv_child *child);

/* SIGINT and SIGTERM set a flag that long loops poll; a second one ends the process. */
void pv_cancel_install(void);
bool pv_cancelled(void);

#endif
