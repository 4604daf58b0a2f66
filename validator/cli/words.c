#include "validator/cli/words.h"

#include "base/text.h"

#define VERDICT  "verdict"
#define STATUS   "status of a contract"
#define STAGE    "status of a stage of the work"
#define HEADLINE "headline of a run"
#define SOURCE   "where a verdict comes from"
#define CODE     "exit code"
#define THING    "word of a report"

static const pv_word words[] = {
    {"PASS", VERDICT,
     "The claim held for everything that was compared. Nothing compared is never a PASS."},
    {"FAIL", VERDICT, "The claim is false: the falsifier found a counterexample. Exit code 1."},
    {"NOT_RUN", VERDICT,
     "The falsifier did not run, and no receipt is about this model; the reason is given (no "
     "device, no model, left out)."},
    {"ERROR", VERDICT, "The check itself broke down; nothing is known about the claim."},
    {"TIMEOUT", VERDICT, "The check did not answer in its time and was ended."},
    {"CRASH", VERDICT, "The probe ended without an answer, by the signal named in the reason."},
    {"VACUOUS", VERDICT,
     "Nothing was compared, or a declared fault survived: the test proves nothing."},
    {"INCOMPARABLE", VERDICT,
     "The two sides compute different functions (numerics identities differ)."},
    {"STALE", VERDICT,
     "Receipts of earlier runs are about this model, and something else that they name has "
     "changed."},
    {"NOT_APPLICABLE", VERDICT,
     "The claim is about models with experts (`where: experts`), and this one has none. It counts "
     "neither as a PASS nor against the status; over nothing that applies there is no PASS."},
    {"DRAFT", STATUS, "Being written; nothing is claimed."},
    {"PROPOSED", STATUS, "Complete and agreed; criteria needed for PROPOSED hold."},
    {"ACTIVE_ALGORITHM_LEVEL", STATUS,
     "What can be shown without the target device is supported by evidence."},
    {"ACTIVE_RUNTIME", STATUS, "Everything is supported by evidence, on the target device too."},
    {"KNOWN_DIVERGENCE", STATUS,
     "Exactly the criteria named in known_divergence fail, with evidence."},
    {"DEPRECATED", STATUS, "No longer judged."},
    {"PENDING", STAGE, "None of its criteria holds, or it has none yet."},
    {"IN_PROGRESS", STAGE, "Some of its criteria hold."},
    {"DONE", STAGE, "All of its criteria hold, and there is one."},
    {"FALSIFIED", STAGE, "One of its criteria is FAIL or VACUOUS."},
    {"Verified", HEADLINE,
     "Everything that the file's status needs holds, and nothing is falsified. Exit code 0."},
    {"Falsified", HEADLINE, "A claim is false, or its test proves nothing. Exit code 1."},
    {"Not verified", HEADLINE, "The file claims a status that the evidence does not support."},
    {"Incomplete", HEADLINE,
     "The status is supported, but a check broke down or was not run. Exit code 3."},
    {"Nothing claimed", HEADLINE, "The status claims nothing yet, as DRAFT does. Exit code 0."},
    {"Known divergence", HEADLINE, "Exactly what the file declares as false is false."},
    {"Deprecated", HEADLINE, "Nothing is claimed any more, and nothing is judged."},
    {"Part", HEADLINE,
     "One part of a split run: all that it was to judge holds. `pv evidence merge` joins them."},
    {"Part, falsified", HEADLINE, "In this part of a split run a claim is false. Exit code 1."},
    {"Part, incomplete", HEADLINE,
     "Something that this part of a split run was to judge has no verdict. Exit code 3."},
    {"this run", SOURCE, "The falsifiers of the criterion ran now, on this machine."},
    {"run", SOURCE, "The same, in JSON."},
    {"receipt", SOURCE,
     "Evidence of an earlier run, maybe on another machine, that was published and of which "
     "everything that it rests on is unchanged: code of the check, kernels, model. `pv evidence "
     "verify` hashes it again."},
    {"nowhere", SOURCE, "Neither this run nor a receipt says anything about it."},
    {"0", CODE,
     "Everything that the file's status claims holds; of other commands: done, and nothing is "
     "wrong."},
    {"1", CODE,
     "Something is falsified: a claim, a kernel, a side; or a status that nothing ever supported."},
    {"2", CODE, "The input or the call is wrong; the message says where, and what to do."},
    {"3", CODE,
     "Nothing is falsified, but not everything could be judged; the reasons are printed."},
    {"4", CODE, "An internal error, a device that broke, or no memory."},
    {"130", CODE,
     "Interrupted by Ctrl-C or SIGTERM: what ran was stopped, no report was written, no status "
     "moved."},
    {"141", CODE, "Whoever read standard output had enough, as `head` has."},
    {"evidence", THING,
     "The record of one run: verdicts, numbers, digests of all that they rest on. A folder below "
     "reports/runs or reports/published."},
    {"criterion", THING, "A claim of a contract, with its rung; falsifiers are bound to it."},
    {"falsifier", THING,
     "A test that can refute a criterion: a check with its parameters, and the faults that it must "
     "catch."},
    {"fault", THING,
     "A planted defect. A falsifier that passes over one that it declares is VACUOUS."},
    {"side", THING,
     "Who computes: KIND[:IDENTITY][@FAULT], or trace:DIR, or another engine, as cuda:i16 or "
     "llamacpp:PROGRAM."},
    {"identity", THING,
     "A numerics identity: the exact function that a side computes. Equal ones must agree in every "
     "bit, different ones are INCOMPARABLE."},
    {"arbiter", THING, "The forward in float64 that judges between two sides."},
    {"reference", THING, "Known outputs of another implementation, in a file beside a model."},
    {"gate", THING, "The bound of a metric beyond which a falsifier fails."},
    {"margin", THING, "How far a metric is from its gate."},
    {"note", THING, "Something that was found on the way and changes no verdict."},
};
enum { WORDS = sizeof words / sizeof *words };

const pv_word *pv_word_at(size_t n) {
  return n < WORDS ? &words[n] : NULL;
}

const pv_word *pv_word_find(const char *name) {
  return pv_text_find(name, words, WORDS, sizeof *words);
}

const char *pv_word_nearest(const char *name) {
  return pv_text_nearest(name, words, WORDS, sizeof *words, 5);
}
