#include "validator/cli/complete.h"

#include <jansson.h>
#include <string.h>

#include "validator/cli/ask.h"
#include "validator/cli/files.h"
#include "validator/judge/own.h"
#include "validator/model/contract_load.h"
#include "validator/run/run.h"

typedef struct typing {
  pv_arena *arena;
  const char *const *words; /* before the one that is typed */
  size_t count;
  const char *command; /* NULL: it is what is typed */
  const char *verb;    /* the first argument, or NULL */
  size_t arguments;    /* before the one that is typed */
  const char *option;  /* whose value is typed, or NULL; and what it is called */
  const char *value;
  const char *head, *last; /* of the word that is typed: what stands, and what is to be completed */
  const char *help;        /* of the command */
  pv_help_lines options, verbs;
  pv_text *out;
} typing;

static void offer(const typing *t, const char *word, const char *about) {
  if (strncmp(word, t->last, strlen(t->last)) != 0) return;
  pv_text_printf(t->out, "%s%s\t", t->head, word);
  pv_text_escape(t->out, about, strcspn(about, "\n"));
  pv_text_puts(t->out, "\n");
}

static void offer_lines(const typing *t, const pv_help_lines *lines) {
  for (size_t i = 0; i < lines->count; i++) offer(t, lines->items[i].name, lines->items[i].about);
}

/* "a|b|c", "a, b or c": the words between. */
static void offer_list(const typing *t, const char *list, size_t length) {
  for (const char *at = list; at < list + length;) {
    const size_t n = strcspn(at, "|, \n");
    const char *word = pv_arena_strndup(t->arena, at, n);
    if (word != NULL && n > 0 && strcmp(word, "or") != 0) offer(t, word, "");
    at += n + 1;
  }
}

/* What the command `list` prints: the first word of each line that begins so, blanks included, once
 * where the same one begins several. In an indented list a name of several words is none that a
 * shell completes. */
static pv_code offer_printed(const typing *t, const char *const *list, const char *begins,
                             pv_error *err) {
  pv_text said = PV_TEXT_INIT;
  const char *before = "";
  const size_t margin = strspn(begins, " ");
  const pv_code code = pv_ask(list, false, &said, err);
  for (const char *line = code == PV_OK ? said.data : NULL; line != NULL && *line != '\0';
       line += strcspn(line, "\n"), line += *line == '\n') {
    const char *at = line + margin;
    if (strncmp(line, begins, strlen(begins)) != 0 || strchr(" \n", *at) != NULL) continue;
    const size_t n = strcspn(at, " :\n");
    if (margin > 0 && at[n] == ' ' && strchr(" \n", at[n + 1]) == NULL) continue;
    const char *word = pv_arena_strndup(t->arena, at, n);
    if (word != NULL && strcmp(word, before) != 0) offer(t, word, at + n + strspn(at + n, " :"));
    if (word != NULL) before = word;
  }
  pv_text_free(&said);
  return code;
}

/* What the probe describes; free it. */
static pv_code describe(const typing *t, json_t **out, pv_error *err) {
  const char *probe = NULL;
  pv_text said = PV_TEXT_INIT;
  pv_code code = pv_run_find_probe(t->arena, NULL, &probe, err);
  if (code == PV_OK) code = pv_ask_program(probe, (const char *[]){"describe", NULL}, &said, err);
  if (code == PV_OK) {
    *out = json_loadb(said.data == NULL ? "" : said.data, said.length, 0, NULL);
    if (*out == NULL) code = pv_error_set(err, PV_ERR_INPUT, "'%s' describes nothing", probe);
  }
  pv_text_free(&said);
  return code;
}

/* The words of a parameter of the checks, in the first check that has it. */
static json_t *words_of(const json_t *described, const char *param) {
  size_t i = 0, k = 0;
  json_t *check = NULL, *p = NULL;
  json_array_foreach(json_object_get(described, "checks"), i, check)
      json_array_foreach(json_object_get(check, "params"), k,
                         p) if (strcmp(json_string_value(json_object_get(p, "name")), param) ==
                                0) return json_object_get(p, "words");
  return NULL;
}

/* Of a side that computes nothing in the probe: a text of its own stands behind the colon. */
static bool has_text(const json_t *described, const char *kind) {
  size_t i = 0;
  json_t *word = NULL;
  json_array_foreach(words_of(described, "left"), i,
                     word) if (strncmp(json_string_value(word), kind, strlen(kind)) == 0 &&
                               json_string_value(word)[strlen(kind)] == ':') return true;
  return false;
}

static bool knows(const typing *t, const char *option) {
  for (size_t i = 0; i < t->options.count; i++)
    if (strcmp(t->options.items[i].name, option) == 0) return true;
  return false;
}

/* A command that waits for an engine runs one; those that read traces show one. */
static bool takes_kind(const typing *t, const char *kind) {
  return strcmp(kind, "trace") == 0 ? t->option == NULL && strstr(t->help, "trace:DIR") != NULL
                                    : knows(t, "--engine-timeout");
}

static void offer_faults(const typing *t, const json_t *described, const char *before) {
  size_t i = 0;
  json_t *fault = NULL;
  json_array_foreach(json_object_get(described, "faults"), i, fault) {
    const char *word = pv_arena_printf(t->arena, "%s%s", before,
                                       json_string_value(json_object_get(fault, "name")));
    if (word != NULL) offer(t, word, json_string_value(json_object_get(fault, "summary")));
  }
}

/* Whether a kind has an identity. One that is called by other numbers is not among the kinds. */
static bool computes(const json_t *described, const char *kind, const char *identity) {
  const json_t *list = json_object_get(described, "computes");
  const char *own = json_string_value(json_object_get(list, kind));
  const size_t length = strlen(identity);
  if (own == NULL) return json_object_get(list, identity) == NULL;
  for (const char *at = own; (at = strstr(at, identity)) != NULL; at += length)
    if ((at == own || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
  return false;
}

/* KIND, KIND:IDENTITY, KIND[:IDENTITY]@FAULT, one part after the other. */
static void offer_side(const typing *t, const json_t *described) {
  const size_t length = strcspn(t->last, ":@");
  const char *kind = pv_arena_strndup(t->arena, t->last, length);
  const char *at = strchr(t->last, '@');
  json_t *kinds = json_object_get(described, "sources");
  json_t *identities = json_object_get(described, "identities");
  const char *name = NULL;
  json_t *about = NULL;
  if (kind == NULL) return;
  if (t->last[length] != '\0' && has_text(described, kind)) {
    pv_text_puts(t->out, "@files\n");
  } else if (at != NULL) {
    const char *before = pv_arena_strndup(t->arena, t->last, (size_t)(at + 1 - t->last));
    if (before != NULL) offer_faults(t, described, before);
  } else if (t->last[length] == ':') {
    json_object_foreach(identities, name, about) {
      const char *side = pv_arena_printf(t->arena, "%s:%s", kind, name);
      if (side != NULL && computes(described, kind, name)) offer(t, side, json_string_value(about));
    }
  } else {
    json_object_foreach(kinds, name, about) {
      const bool text = has_text(described, name);
      const char *word = pv_arena_printf(t->arena, "%s%s", name, text ? ":" : "");
      if (word != NULL && (!text || takes_kind(t, name))) offer(t, word, json_string_value(about));
    }
  }
}

/* The criteria and falsifiers of a contract. */
static void offer_ids(const typing *t, const char *path) {
  pv_contract *c = NULL;
  if (pv_contract_load(t->arena, path, &c, NULL) != PV_OK) return;
  for (size_t i = 0; i < c->criterion_count; i++)
    offer(t, c->criteria[i].id, c->criteria[i].property);
  for (size_t i = 0; i < c->falsifier_count; i++)
    offer(t, c->falsifiers[i].id, c->falsifiers[i].rule);
}

/* Of the contracts that the line names, else of all that are here. */
static pv_code offer_criteria(const typing *t, pv_error *err) {
  pv_strings files = {0};
  const char *folder = NULL;
  bool named = false;
  pv_code code = PV_OK;
  for (size_t i = 1; i < t->count && code == PV_OK; i++) {
    const char *path = NULL;
    code = pv_own_contract(t->arena, t->words[i], &path, err);
    if (code != PV_OK || strstr(path, ".y") == NULL || pv_files_is_folder(path)) continue;
    offer_ids(t, path);
    named = true;
  }
  if (code != PV_OK || named) return code;
  code = pv_files_default(t->arena, &folder, err);
  if (code == PV_OK) (void)pv_files_yaml(t->arena, folder, &files, NULL);
  for (size_t i = 0; i < files.count; i++) offer_ids(t, files.items[i]);
  return code;
}

/* The names of the contracts that pv came with. */
static pv_code offer_contracts(const typing *t, pv_error *err) {
  const char *folder = NULL;
  pv_strings files = {0};
  pv_code code = pv_own_file(t->arena, "contracts", &folder, err);
  if (code == PV_OK && folder != NULL) code = pv_files_yaml(t->arena, folder, &files, err);
  for (size_t i = 0; i < files.count && code == PV_OK; i++) {
    const char *name = strrchr(files.items[i], '/') + 1;
    name = pv_arena_strndup(t->arena, name, strcspn(name, "."));
    if (name != NULL) offer(t, name, "a contract that pv came with");
  }
  return code;
}

/* What a command refuses a wrong word with: "choose a, b or c". */
static pv_code offer_choices(const typing *t, pv_error *err) {
  static const char mark[] = "\n  choose ";
  pv_text said = PV_TEXT_INIT;
  const pv_code code = pv_ask((const char *[]){t->command, t->option, "?", NULL}, true, &said, err);
  const char *at = code == PV_OK && said.data != NULL ? strstr(said.data, mark) : NULL;
  if (at != NULL) offer_list(t, at + strlen(mark), strcspn(at + strlen(mark), "\n"));
  pv_text_free(&said);
  return code;
}

/* Words of the checks' parameters that an option takes as well. */
static void offer_words(const typing *t, const json_t *described, const char *param) {
  size_t i = 0;
  json_t *word = NULL;
  json_array_foreach(words_of(described, param), i, word) {
    const char *text = json_string_value(word);
    if (strchr(text, ':') == NULL && strcmp(text, "declared") != 0) offer(t, text, "");
  }
}

static pv_code offer_described(const typing *t, pv_error *err) {
  static const char *const params[][2] = {{"--backend", "backend"},
                                          {"--numerics", "numerics"},
                                          {"--type", "type"},
                                          {"--on", "on"},
                                          {"--as", "identity"}};
  json_t *described = NULL;
  const pv_code code = describe(t, &described, err);
  if (code != PV_OK) return code;
  if (t->option == NULL || strcmp(t->value, "SIDE") == 0)
    offer_side(t, described);
  else if (strstr(t->option, "fault") != NULL)
    offer_faults(t, described, "");
  for (size_t i = 0; t->option != NULL && i < sizeof params / sizeof *params; i++)
    if (strcmp(t->option, params[i][0]) == 0) offer_words(t, described, params[i][1]);
  json_decref(described);
  return PV_OK;
}

static bool is(const char *a, const char *b) {
  return a != NULL && strcmp(a, b) == 0;
}

static pv_code offer_value(typing *t, pv_error *err) {
  if (strchr(t->value, '|') != NULL) {
    offer_list(t, t->value, strlen(t->value));
    return PV_OK;
  }
  if (strncmp(t->value, "FILE", 4) == 0) pv_text_puts(t->out, "@files\n");
  if (strcmp(t->value, "DIR") == 0) pv_text_puts(t->out, "@folders\n");
  if (is(t->option, "--only")) {
    const char *comma = strrchr(t->last, ',');
    if (comma != NULL) {
      t->head = pv_arena_printf(t->arena, "%s%.*s", t->head, (int)(comma + 1 - t->last), t->last);
      t->last = comma + 1;
    }
    return t->head == NULL ? pv_error_nomem(err, "words") : offer_criteria(t, err);
  }
  if (is(t->option, "--rule"))
    return offer_printed(t, (const char *[]){"explain", NULL}, "  PV", err);
  if (is(t->command, "synth")) return offer_choices(t, err);
  if (is(t->option, "--as") && is(t->command, "kernel"))
    return offer_printed(t, (const char *[]){"kernel", "operations", NULL}, "", err);
  return offer_described(t, err);
}

/* A kernel of this build, or a file. */
static pv_code offer_kernels(const typing *t, pv_error *err) {
  const bool file = is(t->command, "kernel") && !is(t->verb, "bench");
  if (!is(t->verb, "show")) offer(t, "all", "each of them");
  if (file) pv_text_puts(t->out, "@files\n");
  return offer_printed(t, (const char *[]){t->command, "list", NULL}, "", err);
}

static pv_code offer_argument(typing *t, pv_error *err) {
  const char *usage = strstr(t->help, "Usage: pv ");
  const size_t length = usage == NULL ? 0 : strcspn(usage, "\n");
  const char *line = usage == NULL ? "" : pv_arena_strndup(t->arena, usage, length);
  if (line == NULL) return pv_error_nomem(err, "words");
  if (t->verbs.count > 0 && t->arguments == 0) {
    offer_lines(t, &t->verbs);
    return PV_OK;
  }
  if (strstr(line, "[KERNEL]") != NULL) return offer_kernels(t, err);
  if (strstr(line, "SIDE") != NULL || strstr(line, "LEFT") != NULL) return offer_described(t, err);
  if (is(t->command, "explain") && t->arguments == 0) {
    const pv_code code = offer_printed(t, (const char *[]){"explain", NULL}, "  ", err);
    return code == PV_OK ? offer_criteria(t, err) : code;
  }
  pv_text_puts(t->out, "@files\n");
  return strstr(line, "[CONTRACT") != NULL || strstr(line, "FILE|DIR") != NULL
             ? offer_contracts(t, err)
             : PV_OK;
}

/* Which option the word before the last is, and which arguments stand before it. */
static void look_back(typing *t) {
  const char *takes = NULL, *value = NULL;
  for (size_t i = 1; i < t->count; i++) {
    const char *word = t->words[i];
    if (takes != NULL) {
      takes = NULL;
    } else if (word[0] == '-' && word[1] != '\0') {
      for (size_t k = 0; k < t->options.count; k++)
        if (is(t->options.items[k].name, word) && t->options.items[k].value != NULL) {
          takes = t->options.items[k].name;
          value = t->options.items[k].value;
        }
    } else {
      if (t->arguments++ == 0) t->verb = word;
    }
  }
  t->option = takes;
  t->value = value;
}

/* --name=value, in one word. */
static void look_inside(typing *t) {
  const char *equals = strchr(t->last, '=');
  if (t->option != NULL || equals == NULL || t->last[0] != '-') return;
  for (size_t k = 0; k < t->options.count; k++) {
    const pv_help_line *o = &t->options.items[k];
    const size_t length = strlen(o->name);
    if (o->value == NULL || (size_t)(equals - t->last) != length ||
        strncmp(t->last, o->name, length) != 0)
      continue;
    t->option = o->name;
    t->value = o->value;
    t->head = pv_arena_strndup(t->arena, t->last, length + 1);
    t->last = equals + 1;
  }
}

static pv_code offer_commands(typing *t, bool options, pv_error *err) {
  pv_text help = PV_TEXT_INIT;
  pv_help_lines commands = {0};
  pv_code code = pv_ask((const char *[]){"--help", NULL}, false, &help, err);
  if (code == PV_OK) code = pv_help_commands(t->arena, help.data, &commands, err);
  if (code == PV_OK) offer_lines(t, &commands);
  if (code == PV_OK && options) {
    offer(t, "help", "the options of a command");
    offer(t, "--help", "the commands");
    offer(t, "--version", "which pv this is");
  }
  pv_text_free(&help);
  return code;
}

pv_code pv_complete(pv_arena *arena, const char *const *words, size_t count, pv_text *out,
                    pv_error *err) {
  typing t = {.arena = arena, .words = words, .head = "", .last = "", .out = out};
  pv_text help = PV_TEXT_INIT;
  if (count > 0) t.count = count - 1;
  if (count > 0) t.last = words[count - 1];
  if (t.count == 0) return offer_commands(&t, true, err);
  if (is(words[0], "help")) return t.count == 1 ? offer_commands(&t, false, err) : PV_OK;
  t.command = words[0];
  pv_code code = pv_ask((const char *[]){t.command, "--help", NULL}, false, &help, err);
  t.help = help.data == NULL ? "" : help.data;
  if (code != PV_OK || help.length == 0) goto cleanup; /* no such command: nothing is offered */
  code = pv_help_options(arena, t.help, &t.options, err);
  if (code == PV_OK) code = pv_help_verbs(arena, t.help, t.command, &t.verbs, err);
  if (code != PV_OK) goto cleanup;
  look_back(&t);
  look_inside(&t);
  if (t.head == NULL)
    code = pv_error_nomem(err, "words");
  else if (t.option != NULL)
    code = offer_value(&t, err);
  else if (t.last[0] == '-')
    offer_lines(&t, &t.options);
  else
    code = offer_argument(&t, err);
cleanup:
  pv_text_free(&help);
  return code == PV_OK && out->failed ? pv_error_nomem(err, "words") : code;
}
