#include "validator/judge/facts.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "validator/store/git.h"

pv_code pv_facts_now(pv_arena *arena, char **out, pv_error *err) {
  struct timespec now;
  struct tm parts;
  char text[32];
  clock_gettime(CLOCK_REALTIME, &now);
  if (gmtime_r(&now.tv_sec, &parts) == NULL ||
      strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return pv_error_set(err, PV_ERR_INTERNAL, "the clock tells no date");
  *out = pv_arena_strdup(arena, text);
  return *out == NULL ? pv_error_nomem(err, "the facts of a run") : PV_OK;
}

pv_code pv_facts_run_id(pv_arena *arena, const char *started, const char *contract_sha256,
                        const char *command, char **out, pv_error *err) {
  struct timespec now;
  char compact[32] = "", digest[PV_SHA256_HEX];
  pv_text text = PV_TEXT_INIT;
  size_t length = 0;
  for (const char *p = started; *p != '\0' && length + 1 < sizeof compact; p++)
    if (*p != '-' && *p != ':') compact[length++] = *p;
  compact[length] = '\0';
  clock_gettime(CLOCK_REALTIME, &now);
  pv_text_printf(&text, "%s %s %s %ld %ld", contract_sha256, command, started, (long)now.tv_nsec,
                 (long)getpid());
  pv_code code = text.failed ? pv_error_nomem(err, "the facts of a run")
                             : pv_sha256_bytes(text.data, text.length, digest, err);
  pv_text_free(&text);
  if (code != PV_OK) return code;
  *out = pv_arena_printf(arena, "%s-%.8s", compact, digest);
  return *out == NULL ? pv_error_nomem(err, "the facts of a run") : PV_OK;
}

pv_code pv_facts_command(pv_arena *arena, int argc, char **argv, char **out, pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  pv_text_command(&text, "pv", argc, argv);
  /* Evidence is JSON: bytes that are no UTF-8 are shown, not kept. */
  const bool valid = !text.failed && pv_utf8_valid(text.data, text.length);
  if (!valid && !text.failed) {
    pv_text shown = PV_TEXT_INIT;
    pv_text_escape(&shown, text.data, text.length);
    pv_text_free(&text);
    text = shown;
  }
  *out = text.failed ? NULL : pv_arena_strdup(arena, text.data);
  pv_text_free(&text);
  return *out == NULL ? pv_error_nomem(err, "the facts of a run") : PV_OK;
}

static bool git_says(const char *root, const char *const *arguments, pv_text *out) {
  const pv_git_call call = {.folder = root, .arguments = arguments};
  return pv_git_says(&call, out);
}

bool pv_facts_git_safe(const char *repository) {
  /* Asked from where no repository is: only the system's and the user's own word counts. */
  static const char *const words[] = {"config", "--get-all", "safe.directory", NULL};
  pv_text text = PV_TEXT_INIT;
  bool safe = false;
  if (git_says("/", words, &text))
    for (char *line = text.data, *next; line < text.data + text.length; line = next) {
      const size_t length = strcspn(line, "\n");
      next = line + length + 1;
      line[length] = '\0';
      /* An empty line takes back those before it. */
      safe = line[0] != '\0' && (safe || strcmp(line, "*") == 0 || strcmp(line, repository) == 0);
    }
  pv_text_free(&text);
  return safe;
}

/* Lines of `git status --porcelain`: two letters, a blank, the path from the repository's top. */
static const char *first_change(char *lines) {
  for (char *line = lines, *next; line != NULL && *line != '\0'; line = next) {
    next = strchr(line, '\n');
    if (next != NULL) *next++ = '\0';
    if (strlen(line) < 4) continue;
    const char *path = line + 3;
    if (strncmp(path, "contracts/", 10) != 0 && strncmp(path, "reports/", 8) != 0) return path;
  }
  return NULL;
}

pv_code pv_facts_git(pv_arena *arena, const char *root, pv_git *out, pv_error *err) {
  static const char *const head[] = {"rev-parse", "HEAD", NULL};
  static const char *const state[] = {"status", "--porcelain", "--untracked-files=no", NULL};
  pv_text text = PV_TEXT_INIT;
  *out = (pv_git){0};
  if (root != NULL && git_says(root, head, &text) && text.length > 0) {
    out->commit = pv_arena_strndup(arena, text.data, strcspn(text.data, "\n"));
    pv_text_free(&text);
    text = PV_TEXT_INIT;
    const bool known = git_says(root, state, &text);
    const char *path = known && text.length > 0 ? first_change(text.data) : NULL;
    out->dirty = !known || path != NULL;
    out->changed = path != NULL ? pv_arena_strdup(arena, path) : NULL;
  } else {
    out->commit = pv_arena_strdup(arena, "none");
  }
  pv_text_free(&text);
  return out->commit == NULL ? pv_error_nomem(err, "the facts of a run") : PV_OK;
}

pv_code pv_facts_environment(pv_arena *arena, const pv_fact *facts, size_t count, const pv_git *git,
                             pv_fact **out, size_t *out_count, pv_error *err) {
  enum { OWN = 3 };
  char digest[PV_SHA256_HEX] = "unknown";
  pv_fact *list = PV_ARENA_NEW(arena, count + OWN, pv_fact);
  const char *commit = pv_arena_printf(arena, "%s%s", git->commit, git->dirty ? " (changed)" : "");
  (void)pv_sha256_file("/proc/self/exe", digest, NULL);
  if (list == NULL || commit == NULL) return pv_error_nomem(err, "the facts of a run");
  if (count > 0) memcpy(list, facts, count * sizeof *list);
  const bool whole = pv_fact_make(arena, &list[count], "pv_version", PV_VERSION) &&
                     pv_fact_make(arena, &list[count + 1], "pv_sha256", digest) &&
                     pv_fact_make(arena, &list[count + 2], "git", commit);
  *out = list;
  *out_count = count + OWN;
  return whole ? PV_OK : pv_error_nomem(err, "the facts of a run");
}
