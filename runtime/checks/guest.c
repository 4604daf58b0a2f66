/* Kernels of somebody else, as claims of a contract. */
#include <string.h>

#include "runtime/checks/check.h"
#include "runtime/guest/guest.h"

static void add_metrics(pv_check *check, const pv_guest_report *r) {
  check->compared = r->tally.compared;
  pv_check_backend(check, r->on);
  pv_check_metric(check, "cases", (double)r->cases);
  pv_check_metric(check, "cases_left_out", (double)r->left_out);
  pv_check_metric(check, "wrong", (double)(r->tally.wrong + r->tally.unwritten));
  pv_check_metric(check, "findings", (double)(r->findings.count + r->findings.lost));
  if (r->tally.compared > r->tally.unwritten)
    pv_check_metric(check, "worst_in_bounds", r->tally.worst.excess);
}

/* A receipt is about the two files that the parameters name: nothing may come from a third. */
static pv_code refuse_others(const pv_guest_report *r, pv_error *err) {
  for (size_t i = 0; i + 1 < r->d->launch_count; i++)
    if (r->d->launches[i].file != NULL && strcmp(r->d->launches[i].file, r->file) != 0) {
      pv_error_set(err, PV_ERR_INPUT, "the launch of '%.100s' is of another file, '%.200s'",
                   r->d->launches[i].entry, r->d->launches[i].file);
      pv_error_hint(err, "no receipt would be about it: put its kernel into the same file");
      return PV_ERR_INPUT;
    }
  if (r->watched != NULL && strcmp(r->watched, r->file) != 0) {
    pv_error_set(err, PV_ERR_INPUT, "the PTX of '%.200s' is another file, '%.200s'", r->file,
                 r->watched);
    pv_error_hint(err, "no receipt would be about it: leave `file` out of the descriptor");
    return PV_ERR_INPUT;
  }
  return PV_OK;
}

static pv_code judge(pv_check *check, const pv_guest_report *r) {
  const pv_guest_finding *f = &r->findings.list[0];
  add_metrics(check, r);
  if (r->verdict == PV_GUEST_NOT_RUN) return pv_check_verdict(check, "NOT_RUN", "%s", r->reason);
  if (r->verdict == PV_GUEST_PASS) return pv_check_pass(check);
  return pv_check_fail(check, "%s, line %u%s%s of the PTX: %s", f->kind, f->spot.line,
                       f->where[0] != '\0' ? ", " : "", f->where, f->text);
}

static pv_code run_kernel_guest(pv_check *check, pv_error *err) {
  const char *on = pv_check_word(check, "on");
  const pv_guest_wish wish = {pv_check_word(check, "descriptor"), pv_check_word(check, "kernel"),
                              NULL, on};
  pv_arena arena = PV_ARENA_INIT;
  pv_guest_report r;
  pv_code code = PV_OK;
  if (strcmp(on, "ptx") != 0 && strcmp(on, "cuda") != 0)
    code = pv_error_set(err, PV_ERR_INPUT, "a kernel of somebody else runs on ptx or cuda, not %s",
                        on);
  if (code == PV_OK) code = pv_guest_check(&arena, &wish, &r, err);
  if (code == PV_OK) code = refuse_others(&r, err);
  if (code == PV_OK) code = judge(check, &r);
  pv_arena_free(&arena);
  return code;
}

const pv_check_spec pv_check_kernel_guest = {
    .name = "kernel.guest",
    .about =
        "A kernel that its descriptor calls, over the cases of the operation that it stands for: "
        "each element within its bound, and no finding about memory, schedules or instructions "
        "that it is not allowed (docs/kernel-descriptor.md).",
    .subject = "kernels",
    .timeout_s = 120,
    .params = PV_PARAMS(
        PV_TAKES_FILE("descriptor", NULL, "how the kernel is called, and as what it is judged"),
        PV_TAKES_FILE("kernel", NULL, "its PTX or machine code: the file of every launch"),
        PV_TAKES_SIDE("on", "ptx", "where it runs: ptx, interpreted, or cuda")),
    .run = run_kernel_guest};
