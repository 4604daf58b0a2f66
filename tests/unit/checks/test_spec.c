/* What is told of the checks: in order, complete, and no default that its own rules refuse. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "kernels/foreign/foreign.h"
#include "kernels/quant/quant.h"
#include "runtime/checks/check.h"
#include "runtime/forward/backend.h"
#include "tests/unit/testing.h"

static void test_order(void) {
  size_t count = 0;
  const pv_check_spec *const *specs = pv_check_specs(&count);
  EXPECT(count >= 26);
  for (size_t i = 0; i < count; i++) {
    const char *dot = strchr(specs[i]->name, '.');
    EXPECT(dot != NULL && dot != specs[i]->name && dot[1] != '\0');
    for (const char *c = specs[i]->name; *c != '\0'; c++)
      EXPECT(islower((unsigned char)*c) || *c == '.' || *c == '_');
    if (i > 0) EXPECT(strcmp(specs[i - 1]->name, specs[i]->name) < 0);
  }
}

static void test_texts(void) {
  size_t count = 0;
  const pv_check_spec *const *specs = pv_check_specs(&count);
  for (size_t i = 0; i < count; i++) {
    const size_t length = strlen(specs[i]->about);
    EXPECT(length > 20 && length < 300);
    EXPECT(specs[i]->about[length - 1] == '.');
    EXPECT(specs[i]->timeout_s >= 1 && specs[i]->timeout_s <= 3600);
    EXPECT((specs[i]->needs & ~15u) == 0);
    if (specs[i]->needs & (PV_NEEDS_PROMPTS | PV_NEEDS_EXPERTS))
      EXPECT(specs[i]->needs & PV_NEEDS_MODEL);
    /* Who takes names of prompts needs prompts; known outputs are needed by one alone. */
    EXPECT((pv_check_param(specs[i], "prompts") != NULL) ==
           ((specs[i]->needs & PV_NEEDS_PROMPTS) != 0));
    EXPECT((strcmp(specs[i]->name, "forward.reference") == 0) ==
           ((specs[i]->needs & PV_NEEDS_REFERENCE) != 0));
  }
}

static size_t words(const char *const *list) {
  size_t count = 0;
  while (list != NULL && list[count] != NULL) count++;
  return count;
}

static bool is_word(const pv_param_spec *p, const char *text) {
  for (size_t i = 0; p->words != NULL && p->words[i] != NULL; i++)
    if (strcmp(p->words[i], text) == 0) return true;
  return false;
}

static bool plain(const char *text) {
  const size_t length = strlen(text);
  for (size_t i = 0; i < length; i++)
    if (!isalnum((unsigned char)text[i]) && strchr("._-", text[i]) == NULL) return false;
  return length <= 128;
}

/* The default obeys the type that the table itself states. */
static bool fallback_holds(const pv_param_spec *p) {
  int64_t whole = 0;
  double real = 0.0;
  const size_t length = strlen(p->fallback);
  switch (p->type) {
    case PV_PARAM_INT:
      return pv_parse_i64(p->fallback, length, &whole) && (double)whole >= p->min &&
             (double)whole <= p->max;
    case PV_PARAM_REAL:
      return pv_parse_f64(p->fallback, length, &real) && real >= p->min && real <= p->max;
    case PV_PARAM_ENUM:
    case PV_PARAM_SIDE:
      return is_word(p, p->fallback);
    case PV_PARAM_STRING:
      return length > 0 && plain(p->fallback);
    case PV_PARAM_FILE:
      return length > 0;
    case PV_PARAM_STRINGS: /* "": an empty list */
      return plain(p->fallback);
  }
  return false;
}

static void check_param(const pv_check_spec *spec, const pv_param_spec *p) {
  const bool number = p->type == PV_PARAM_INT || p->type == PV_PARAM_REAL;
  EXPECT(p->about != NULL && p->about[0] != '\0');
  EXPECT(number == (p->unit != NULL) && (number || p->loosens == PV_ANY_CHANGE));
  for (const char *c = p->name; *c != '\0'; c++) EXPECT(islower((unsigned char)*c) || *c == '_');
  if (number)
    EXPECT(p->min < p->max);
  else
    EXPECT(p->min == 0 && p->max == 0);
  EXPECT((p->type == PV_PARAM_ENUM || p->type == PV_PARAM_SIDE) == (p->words != NULL));
  if (p->words != NULL) EXPECT(words(p->words) >= 2);
  if (p->fallback != NULL && !EXPECT(fallback_holds(p)))
    printf("  %s %s: %s\n", spec->name, p->name, p->fallback);
  EXPECT(pv_check_param(spec, p->name) == p); /* the only one of its name */
}

static void test_params(void) {
  size_t count = 0;
  const pv_check_spec *const *specs = pv_check_specs(&count);
  for (size_t i = 0; i < count; i++)
    for (const pv_param_spec *p = specs[i]->params; p != NULL && p->name != NULL; p++)
      check_param(specs[i], p);
}

static const pv_param_spec *find_param(const char *check, const char *name) {
  const pv_check_spec *spec = pv_check_find(check);
  return spec == NULL ? NULL : pv_check_param(spec, name);
}

/* Identities and caches are those that there are limits for, after the one that is none. */
static void test_foreign(void) {
  const pv_param_spec *identity = find_param("forward.explained", "identity");
  const pv_param_spec *cache = find_param("forward.explained", "cache");
  size_t n = 0;
  REQUIRE(identity != NULL && cache != NULL);
  for (; pv_foreign_at(n) != NULL; n++) EXPECT(is_word(identity, pv_foreign_at(n)->name));
  EXPECT_U64(words(identity->words), n + 1);
  for (n = 0; pv_foreign_cache(n) != NULL; n++) EXPECT(is_word(cache, pv_foreign_cache(n)));
  EXPECT_U64(words(cache->words), n + 1);
}

/* Words of enums are those that the runtime knows: a name in the table alone would bind a
 * falsifier that no probe can run, a name in the runtime alone could not be asked for. */
static void test_enums(void) {
  const pv_param_spec *type = find_param("gemv.exact", "type");
  const pv_param_spec *numerics = find_param("gemv.bound", "numerics");
  const pv_param_spec *backend = find_param("forward.batch_split", "backend");
  REQUIRE(type != NULL && numerics != NULL && backend != NULL);
  EXPECT_U64(words(type->words), PV_TYPE_COUNT);
  for (size_t i = 0; i < PV_TYPE_COUNT; i++) EXPECT(is_word(type, pv_type_table[i].name));
  EXPECT_U64(words(numerics->words), PV_NUMERICS_COUNT);
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    EXPECT(is_word(numerics, pv_numerics_name((pv_numerics)i)));
  EXPECT_STR(numerics->fallback, pv_numerics_name(PV_NUMERICS_I16));
  /* All kinds of sides that compute; the arbiter is an identity of the CPU here. */
  size_t kinds = 0, named = 0;
  const pv_side_kind *kind = pv_side_kinds(&kinds);
  for (size_t i = 0; i < kinds; i++) {
    const bool computes = kind[i].backend != NULL && strcmp(kind[i].name, "f64") != 0;
    EXPECT(is_word(backend, kind[i].name) == computes);
    named += computes;
  }
  EXPECT_U64(words(backend->words), named);
}

/* Of the kinds of sides that compute nothing here, those that take a text, each with its colon. */
static void test_recorded(void) {
  const pv_param_spec *computes = find_param("forward.batch_split", "backend");
  const pv_param_spec *any = find_param("forward.parity", "left");
  size_t kinds = 0, named = 0;
  const pv_side_kind *kind = pv_side_kinds(&kinds);
  REQUIRE(any != NULL && computes != NULL);
  for (size_t i = 0; i < kinds; i++) {
    if (kind[i].backend != NULL) continue;
    bool with_colon = false;
    for (size_t k = 0; any->words[k] != NULL; k++) {
      const size_t n = strlen(kind[i].name);
      with_colon |=
          strncmp(any->words[k], kind[i].name, n) == 0 && any->words[k][n] == ':' &&
          (any->words[k][n + 1] == '\0') == (kind[i].program != NULL && kind[i].program[0] != '\0');
    }
    EXPECT(with_colon);
    named++;
  }
  EXPECT_U64(words(any->words), words(computes->words) + named);
}

/* Figures that the contracts rest on. */
static void test_defaults(void) {
  EXPECT_STR(find_param("forward.reference", "min_cosine")->fallback, "0.99");
  EXPECT_STR(find_param("forward.arbiter", "min_cosine")->fallback, "0.9999999");
  EXPECT_STR(find_param("router.weights_sum", "tolerance")->fallback, "1e-6");
  EXPECT_STR(find_param("memory.headroom", "max_fraction")->fallback, "0.95");
  EXPECT_STR(find_param("throughput.decode", "min_tokens_per_s")->fallback, "150");
  EXPECT_STR(find_param("forward.parity", "right")->fallback, "cuda");
  EXPECT(find_param("ptx.emit", "kernel")->fallback == NULL);
  EXPECT(find_param("quant.blocks", "type")->fallback == NULL);
}

static void test_find(void) {
  size_t count = 0;
  const pv_check_spec *const *specs = pv_check_specs(&count);
  for (size_t i = 0; i < count; i++) EXPECT(pv_check_find(specs[i]->name) == specs[i]);
  EXPECT(pv_check_find("") == NULL);
  EXPECT(pv_check_find("forward.parit") == NULL);
  EXPECT(pv_check_find("forward.parityy") == NULL);
  EXPECT(pv_check_find("Forward.parity") == NULL);
}

/* docs/checks.md, which must not tell another story than the table. */
static void describe_param(pv_text *out, const pv_param_spec *p) {
  static const char *const kinds[] = {
      "whole number", "number", "one of", "side:", "name", "list of names", "file"};
  pv_text_printf(out, "| `%s` | %s", p->name, kinds[p->type]);
  if (p->type == PV_PARAM_INT || p->type == PV_PARAM_REAL)
    pv_text_printf(out, ", %g to %g%s%s", p->min, p->max, p->unit[0] != '\0' ? " " : "", p->unit);
  for (size_t i = 0; p->words != NULL && p->words[i] != NULL; i++)
    pv_text_printf(out, "%s `%s`", i > 0 ? "," : "", p->words[i]);
  if (p->fallback == NULL)
    pv_text_puts(out, " | required");
  else if (p->fallback[0] == '\0')
    pv_text_puts(out, " | none");
  else
    pv_text_printf(out, " | `%s`", p->fallback);
  pv_text_printf(out, " | %s |\n", p->about);
}

static void describe_check(pv_text *out, const pv_check_spec *spec) {
  pv_text_printf(out, "\n## %s\n\n%s\n\nNeeds%s%s%s%s; default timeout %g s.\n", spec->name,
                 spec->about, spec->needs == 0 ? " nothing but the program" : "",
                 spec->needs & PV_NEEDS_MODEL ? " a model" : "",
                 spec->needs & PV_NEEDS_EXPERTS ? " with experts" : "",
                 spec->needs & PV_NEEDS_REFERENCE ? " and its reference"
                 : spec->needs & PV_NEEDS_PROMPTS ? " and prompts"
                                                  : "",
                 spec->timeout_s);
  if (spec->params == NULL) return;
  pv_text_puts(out, "\n| parameter | values | when absent | |\n|---|---|---|---|\n");
  for (const pv_param_spec *p = spec->params; p->name != NULL; p++) describe_param(out, p);
}

static void describe_sides(pv_text *out) {
  pv_text_puts(
      out,
      "A side is who computes, `KIND[:IDENTITY][@FAULT]`"
      " ([conventions.md](conventions.md)): `cuda:i16`,\n"
      "`scalar`, `f64`, `cpu:i8@rope_pairs:layer=1`. Its identity is the parameter"
      " `numerics` (`left_numerics`,\n"
      "`right_numerics`), as it was written before; a check that has none takes no"
      " identity. The probe gets\n"
      "KIND[@FAULT] and the identity apart, and must name KIND[@FAULT] among those that"
      " computed.\n\n"
      "Where a check takes them, a side may also be what somebody else computed"
      " ([trace-format.md](trace-format.md)):\n"
      "`trace:DIR`, of the same tokens as the prompt, or another engine, which is run once a"
      " prompt:\n"
      "`llamacpp:,threads=4`, `huggingface:`, `engine:PROGRAM,key=value`. PROGRAM is a name in"
      " `$PATH`; a\n"
      "contract names no file as a side, for it may be a stranger's. Where the program is not "
      "there the"
      " verdict is\n"
      "NOT_RUN; one that fails, or leaves no sound trace, is an ERROR, as is a trace without a"
      " stage that the\n"
      "check looks at; but a trace of logits without `argmax` has the top token of its logits. Such"
      " a side has\n"
      "neither identity, but that of its trace, nor fault. The evidence has the engine and its "
      "version"
      " beside\n"
      "the side. `trace:DIR` is looked for from where `pv` is called.\n");
}

static void describe_all(pv_text *out) {
  size_t count = 0;
  const pv_check_spec *const *specs = pv_check_specs(&count);
  pv_text_printf(
      out,
      "# Checks\n\n"
      "A falsifier of a contract is bound to one of these %zu checks; `with` gives its\n"
      "parameters. A parameter `backend: cuda` (or `left`, `right`) makes the check need"
      " a CUDA\n"
      "device; where there is none the verdict is NOT_RUN with the reason.\n\n"
      "Prompts are those of the reference beside the model. A model without one has"
      " built-in prompts,\n"
      "token ids made of its vocabulary and context alone: `builtin-1`, `builtin-3`,"
      " `builtin-16`,\n"
      "`builtin-17` and `builtin-64`, of so many tokens; a length above the context is"
      " cut to it\n"
      "(`builtin-8` in a context of 8), and each length is there once. `builtin-N` has"
      " the ids\n"
      "`(s >> 33) mod vocabulary` of N steps"
      " `s = 6364136223846793005 s + 1442695040888963407 mod 2^64`\n"
      "from `s = N`, of which the second is then 0 (N > 2) and the last is vocabulary"
      " - 1 (N > 1). A\n"
      "falsifier that names prompts which are not there is NOT_RUN. `pv bisect ..."
      " --named builtin-17`\n"
      "without `--reference` takes the same tokens. Only `forward.reference`, which"
      " compares with known\n"
      "outputs, needs the reference itself. A check that needs a model with experts does not"
      " apply to one\n"
      "without: NOT_APPLICABLE where its criterion says `where: experts`, else an ERROR, for no run"
      " of it could\n"
      "ever be a PASS.\n\n"
      "This page is written from what stands beside each check in `runtime/checks`, and"
      " a test holds the\n"
      "two together: `build-release/bin/test_checks_spec --print > docs/checks.md`."
      " `pv explain\n"
      "CHECK` shows one entry.\n\n"
      "`pv` itself has no list of checks. It asks `pv-probe describe`, once a command,"
      " and refuses what\n"
      "is not exactly this: one JSON object of at most 1 MiB with `schema`"
      " (`pv/describe/v1`), `version`,\n"
      "`sources` (who can compute) and `identities` (texts by name), `faults` (as"
      " `pv faults --json`),\n"
      "`words` (for `pv explain`: each `name`, `kind`, `about`) and\n"
      "`checks`. A check has `name`, `about`, `subject` (`forward`: what a model"
      " computes; `kernels`: an\n"
      "operation alone; `ptx`: the text of kernels; `files`: a model's file; `device`:"
      " speed and memory,\n"
      "which no interpreter stands in for), `needs` (of `model`, `experts`, `prompts`,\n"
      "`reference`), `timeout_s`, `digest` (of its own file and of all that checks are"
      " linked with) and\n"
      "`params`. A parameter has\n"
      "`name`, `about`,"
      " `type` (`integer`, `number`, `word`, `side`, `name`, `names`, `file`) and where they\n"
      "apply `default` (absent: it must be given), `min`, `max`, `unit`, `words` (of a side: its"
      " kinds) and\n"
      "`loosens`: `up` when a larger value demands less, `down` when a smaller one does. No"
      " name stands\n"
      "twice, and a check has at most three sides. A kind with a colon has a text of its own:"
      " `trace:DIR`\n"
      "needs one, `llamacpp:` may have one.\n\n"
      "A `file` is a path from the contract's folder; the probe gets it from its own. Receipts are"
      " about the\n"
      "file's bytes ([evidence-format.md](evidence-format.md#receipts)).\n\n"
      "Checks of your own, in any language, need nothing in this tree: a contract names the program"
      " that has\n"
      "them ([provider-protocol.md](provider-protocol.md)).\n\n",
      count);
  describe_sides(out);
  for (size_t i = 0; i < count; i++) describe_check(out, specs[i]);
}

static void test_documented(void) {
  pv_text want = PV_TEXT_INIT;
  pv_bytes got = {0};
  describe_all(&want);
  REQUIRE(!want.failed && pv_file_read("docs/checks.md", 1 << 20, &got, NULL) == PV_OK);
  EXPECT_STR((const char *)got.data, want.data);
  pv_bytes_free(&got);
  pv_text_free(&want);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--print") == 0) {
    pv_text text = PV_TEXT_INIT;
    describe_all(&text);
    const bool wrote = !text.failed && fwrite(text.data, 1, text.length, stdout) == text.length;
    pv_text_free(&text);
    return wrote && fflush(stdout) == 0 ? 0 : 1;
  }
  return pv_testing_main("check_spec", (pv_case[]){PV_CASE(test_order),
                                                   PV_CASE(test_texts),
                                                   PV_CASE(test_params),
                                                   PV_CASE(test_enums),
                                                   PV_CASE(test_recorded),
                                                   PV_CASE(test_foreign),
                                                   PV_CASE(test_defaults),
                                                   PV_CASE(test_find),
                                                   PV_CASE(test_documented),
                                                   {0}});
}
