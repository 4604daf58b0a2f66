/* Every refusal of the strict reader with its rule and place, and places that cut out exactly the
 * bytes of a value. */
#include "validator/yaml/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "tests/unit/testing.h"

/* Of one parse; a hundredth of it is usual. Instrumented programs on a loaded machine pass, too. */
#define TIME_MAX_S 3.0

#define BYTES(literal) (literal), sizeof(literal) - 1

typedef struct refusal {
  const char *rule;
  int64_t line, column;
  const char *bytes;
  size_t length;
} refusal;

static const refusal refusals[] = {
    /* encodings */
    {"PV002", 1, 1,
     BYTES("\xff\xfe"
           "a\0:\0 \0"
           "1\0")},
    {"PV002", 1, 1,
     BYTES("\xfe\xff\0a\0:\0 \0"
           "1")},
    {"PV002", 1, 1,
     BYTES("\xef\xbb\xbf"
           "a: 1\n")},
    {"PV002", 2, 4, BYTES("a: 1\nb: \0\n")},
    {"PV002", 1, 2,
     BYTES("a\0:\0 \0"
           "1\0")}, /* UTF-16 without a mark */
    {"PV002", 2, 5, BYTES("a: 1\nb: x\xffy\n")},
    {"PV002", 1, 6, BYTES("a: \xc3\xa4\x80\n")},     /* a lone continuation */
    {"PV002", 1, 4, BYTES("a: \xc0\xaf\n")},         /* overlong */
    {"PV002", 1, 4, BYTES("a: \xed\xa0\x80\n")},     /* a surrogate */
    {"PV002", 1, 4, BYTES("a: \xf4\x90\x80\x80\n")}, /* beyond U+10FFFF */
    {"PV002", 2, 4, BYTES("a: 1\nb: \xe2\x82")},     /* cut off */
    {"PV002", 1, 12,
     BYTES("a: \xf0\x9f\x98\x80\xe2\x82\xac"
           "b\xfe")},
    {"PV002", 1, 1,
     BYTES("\xff"
           "a: 1\n")}, /* half of a mark is none */
    {"PV002", 1, 1,
     BYTES("\xfe"
           "a: 1\n")},
    {"PV002", 1, 1, BYTES("\xff")},
    /* characters */
    {"PV003", 1, 4, BYTES("a: \x01\n")},
    {"PV003", 1, 4, BYTES("a: \x1b[31m\n")},
    {"PV003", 1, 5, BYTES("a: x\x7f\n")},
    {"PV003", 1, 4, BYTES("a: \xc2\x85\n")},     /* NEL: a line break for some readers */
    {"PV003", 1, 4, BYTES("a: \xc2\x9f\n")},     /* the last of the C1 controls */
    {"PV003", 1, 4, BYTES("a: \xd8\x9c\n")},     /* U+061C */
    {"PV003", 1, 4, BYTES("a: \xe2\x80\x8e\n")}, /* U+200E */
    {"PV003", 1, 4, BYTES("a: \xe2\x80\x8f\n")},
    {"PV003", 1, 4, BYTES("a: \xe2\x80\xa8\n")}, /* U+2028: a line for some readers */
    {"PV003", 1, 4, BYTES("a: \xe2\x80\xa9\n")},
    {"PV003", 1, 4, BYTES("a: \xe2\x80\xaa\n")},
    {"PV003", 1, 4, BYTES("a: \xe2\x80\xae\n")},
    {"PV003", 1, 4, BYTES("a: \xe2\x81\xa6\n")},
    {"PV003", 1, 4, BYTES("a: \xe2\x81\xa9\n")},
    {"PV003", 2, 3, BYTES("a: 1\n# \xe2\x80\xae hidden\n")}, /* in a comment, too */
    {"PV003", 1, 5, BYTES("a: x\xef\xbb\xbfy\n")},           /* a mark inside */
    {"PV003", 1, 5, BYTES("a: 1\rb: 2\n")},
    {"PV003", 1, 5, BYTES("a: 1\r")},
    {"PV003", 2, 5, BYTES("a: 1\r\nb: 2\r\r\n")},
    {"PV003", 1, 4, BYTES("a: \"x\\0y\"\n")}, /* an escape that makes a NUL */
    {"PV003", 2, 4, BYTES("a: 1\nb: \"\xc3\xa4\n  \\0\n  y\"\nc: 1\n")}, /* begins lines before */
    /* no YAML */
    {"PV005", 1, 1, BYTES("")},
    {"PV005", 1, 1, BYTES("# nothing\n")},
    {"PV005", 2, 1, BYTES("a: [1, 2\n")},
    {"PV005", 2, 3, BYTES("a: 1\n b: 2\n")},
    {"PV005", 2, 1, BYTES("a:\n\t- 1\n")},
    {"PV005", 1, 5, BYTES("a: \"\\q\"\n")},
    {"PV005", 1, 4, BYTES("[1]]\n")},
    {"PV005", 2, 7,
     BYTES("\xc3\xa4: 1\n\xc3\xa4\xc3\xb6: \xef\xbf\xbe\n")}, /* U+FFFE: refused by the decoder */
    {"PV005", 1, 1, BYTES(": 1\n")},                          /* YAML allows it, libyaml does not */
    /* keys */
    {"PV006", 1, 3, BYTES("? [x]\n: 1\n")},
    {"PV006", 1, 3, BYTES("? {x: 1}\n: 1\n")},
    {"PV006", 1, 1, BYTES("\"\": 1\n")},
    {"PV006", 1, 2, BYTES("?\n: 1\n")},
    {"PV008", 3, 1, BYTES("a: 1\nb: 2\na: 3\n")},
    {"PV008", 3, 3, BYTES("m:\n  a: 1\n  \"a\": 2\n")},
    {"PV008", 3, 1, BYTES("b: 1\na: 2\nb: 3\nb: 4\na: 5\n")}, /* the first one */
    {"PV008", 1, 12, BYTES("\xc3\xa4: {k: 1, k: 2}\n")},
    /* indirections */
    {"PV007", 1, 4, BYTES("a: &x 1\n")},
    {"PV007", 1, 4, BYTES("a: &x [1]\n")},
    {"PV007", 1, 4, BYTES("a: &x {b: 1}\n")},
    {"PV007", 1, 1, BYTES("&x a: 1\n")},
    {"PV007", 1, 4, BYTES("a: *x\n")},
    {"PV007", 1, 4, BYTES("a: !!str 1\n")},
    {"PV007", 1, 4, BYTES("a: !own 1\n")},
    {"PV007", 1, 4, BYTES("a: ! 1\n")},
    {"PV007", 1, 4, BYTES("a: ! \"1\"\n")},
    {"PV007", 1, 4, BYTES("a: ! [1]\n")},
    {"PV007", 1, 4, BYTES("a: !\n")},
    {"PV007", 1, 4, BYTES("a: !!map {b: 1}\n")},
    {"PV007", 2, 1, BYTES("a: 1\n<<: {b: 1}\n")},
    {"PV007", 1, 1, BYTES("\"<<\": 1\n")},
    {"PV007", 1, 1, BYTES("%YAML 1.1\n---\na: 1\n")},
    {"PV007", 1, 1, BYTES("%TAG ! tag:x,2000:\n---\na: 1\n")},
    {"PV007", 1, 1, BYTES("%FUTURE 9\n---\na: 1\n")},
    {"PV007", 2, 1, BYTES("#\n%YAML x\n---\na: 1\n")},
    /* documents */
    {"PV009", 2, 1, BYTES("a: 1\n---\nb: 2\n")},
    {"PV009", 3, 1, BYTES("---\na: 1\n---\n")},
    {"PV009", 3, 1, BYTES("a: 1\n...\nb: 2\n")},
    {"PV005", 4, 1, BYTES("a: 1\n...\n\"b\n")}, /* what follows is not even a document */
};

static pv_code parse(pv_arena *arena, const char *bytes, size_t length, pv_yaml_node **out,
                     pv_error *err) {
  return pv_yaml_parse(arena, "file.yaml", bytes, length, out, err);
}

static void expect_refusal(const refusal *want) {
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_yaml_node *root = NULL;
  bool good = EXPECT_I64(parse(&arena, want->bytes, want->length, &root, &err), PV_ERR_INPUT);
  good &= EXPECT(root == NULL);
  good &= EXPECT_STR(err.rule, want->rule);
  good &= EXPECT_I64(err.line, want->line);
  good &= EXPECT_I64(err.column, want->column);
  good &= EXPECT_STR(err.file, "file.yaml");
  good &= EXPECT(err.message[0] != '\0' && err.hint[0] != '\0');
  good &= EXPECT(err.byte >= 0 && err.byte <= (int64_t)want->length);
  if (!good) {
    pv_text shown = PV_TEXT_INIT;
    pv_text_escape(&shown, want->bytes, want->length < 200 ? want->length : 200);
    fprintf(stderr, "  for: %s\n  said: %s\n", shown.data != NULL ? shown.data : "", err.message);
    pv_text_free(&shown);
  }
  /* and without anybody who wants to know why */
  EXPECT_I64(parse(&arena, want->bytes, want->length, &root, NULL), PV_ERR_INPUT);
  pv_arena_free(&arena);
}

static void test_refusals(void) {
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) expect_refusal(&refusals[i]);
}

/* Causes that share a rule are told apart by words. */
static void test_words(void) {
  static const struct {
    const char *words, *bytes;
    size_t length;
  } said[] = {
      {"the file is UTF-16", BYTES("\xff\xfe")},
      {"the file is UTF-16", BYTES("\xfe\xff")},
      {"the file is not valid UTF-8", BYTES("\xff\xff")},
      {"the file is not valid UTF-8", BYTES("\xfe\xfe")},
      {"the file is not valid UTF-8", BYTES("\xff")},
      {"the file is not valid UTF-8", BYTES("\xef\xbb")},
      {"the file begins with a byte order mark", BYTES("\xef\xbb\xbf")},
      {"the file holds a NUL byte", BYTES("\xef\0")},
      {"a text holds an escaped NUL", BYTES("a: \"\\0\"\n")},
      {"a control or bidirectional character", BYTES("a: \1\n")},
      {"this is not YAML: ", BYTES("a: 1\n...\n\"b\n")},
      {"a second document begins here", BYTES("a: 1\n...\nb: 2\n")},
      {"the file has no content", BYTES("# nothing\n")},
      {"directives are not allowed", BYTES("%YAML 1.1\n---\na: 1\n")},
      {"directives are not allowed", BYTES("%YAML x\n---\na: 1\n")},
      {"merge keys are not allowed", BYTES("<<: 1\n")},
      {"aliases are not allowed", BYTES("a: *b\n")},
      {"anchors are not allowed", BYTES("a: &b {c: 1}\n")},
      {"tags are not allowed", BYTES("a: !b [1]\n")},
      {"the key 'a' stands here a second time (first in line 2)",
       BYTES("b: 1\na: 1\nc: 1\na: 1\n")},
  };
  for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
    pv_arena arena = PV_ARENA_INIT;
    pv_error err = PV_ERROR_INIT;
    pv_yaml_node *root = NULL;
    EXPECT_I64(parse(&arena, said[i].bytes, said[i].length, &root, &err), PV_ERR_INPUT);
    EXPECT_HAS(err.message, said[i].words);
    pv_arena_free(&arena);
  }
}

/* `count` times `open`, then `middle`, then `count` times `close`. */
static pv_text nested(int count, const char *open, const char *middle, const char *close) {
  pv_text text = PV_TEXT_INIT;
  for (int i = 0; i < count; i++) pv_text_puts(&text, open);
  pv_text_puts(&text, middle);
  for (int i = 0; i < count; i++) pv_text_puts(&text, close);
  return text;
}

static pv_text nested_block(int count) {
  pv_text text = PV_TEXT_INIT;
  for (int i = 0; i < count; i++) pv_text_printf(&text, "%*sk:\n", i, "");
  pv_text_printf(&text, "%*sk: v\n", count, "");
  return text;
}

static void expect_nesting(pv_text text, int64_t line, int64_t column) {
  pv_arena arena = PV_ARENA_INIT;
  pv_yaml_node *root = NULL;
  if (line > 0)
    expect_refusal(&(refusal){"PV004", line, column, text.data, text.length});
  else
    EXPECT_I64(parse(&arena, text.data, text.length, &root, NULL), PV_OK);
  pv_text_free(&text);
  pv_arena_free(&arena);
}

static void test_nesting(void) {
  expect_nesting(nested(32, "[", "1", "]"), 0, 0);
  expect_nesting(nested(33, "[", "", "]"), 1, 33);
  expect_nesting(nested(33, "[", "1", "]"), 1, 33);
  expect_nesting(nested(32, "{a: ", "1", "}"), 0, 0);
  expect_nesting(nested(33, "{a: ", "1", "}"), 1, 129);
  expect_nesting(nested(32, "- ", "1\n", ""), 0, 0);
  expect_nesting(nested(33, "- ", "1\n", ""), 1, 65);
  expect_nesting(nested_block(31), 0, 0);
  expect_nesting(nested_block(32), 33, 33);
  expect_nesting(nested(33, "- ", "\n", ""), 1, 65);
  expect_nesting(nested(33, "? ", "1\n", ""), 1, 65);
}

static double seconds(void) {
  return (double)clock() / CLOCKS_PER_SEC;
}

/* `unit` again and again, up to the largest size that is read. */
static pv_text filled(const char *begin, const char *unit, const char *end) {
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, begin);
  while (text.length + strlen(unit) + strlen(end) <= PV_YAML_BYTES_MAX) pv_text_puts(&text, unit);
  pv_text_puts(&text, end);
  return text;
}

static void expect_quick(pv_text text) {
  pv_arena arena = PV_ARENA_INIT;
  pv_yaml_node *root = NULL;
  const double start = seconds();
  parse(&arena, text.data, text.length, &root, NULL);
  if (!EXPECT(seconds() - start < TIME_MAX_S)) fprintf(stderr, "  for: %.40s\n", text.data);
  pv_text_free(&text);
  pv_arena_free(&arena);
}

/* What is cheap to write must be cheap to refuse, and to read. */
static void test_time(void) {
  static const char *const units[] = {"[", "{",   "- ",   "? ",  ": ",    "a: ", "\"",
                                      "'", "|\n", "#",    "&a",  "---\n", ",",   "\n",
                                      " ", "[a,", "{a: ", "[\n", "- a\n", "x"};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    expect_quick(filled("", units[i], ""));
    expect_quick(filled("a: [", units[i], ""));
    expect_quick(filled("a: \"", units[i], ""));
  }
  expect_quick(filled("[1", ",1", "]"));
  expect_quick(filled("[1", ",[]", "]"));
  expect_quick(filled("[1", ",{a}", "]"));
  expect_quick(filled("a: |\n", " \n", ""));
  pv_text blanks = PV_TEXT_INIT; /* each word after them costs libyaml as much as they did */
  pv_text_printf(&blanks, "a: \"%*s", (int)PV_YAML_BYTES_MAX / 2, "");
  while (blanks.length < PV_YAML_BYTES_MAX) pv_text_puts(&blanks, "x ");
  expect_quick(blanks);
}

/* One line of as many values as may be: quick, and the last one has its place, in bytes. */
static void test_long_line(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_yaml_node *root = NULL;
  pv_text line = PV_TEXT_INIT;
  pv_text_puts(&line, "[");
  for (int i = 1; i < PV_YAML_NODES_MAX; i++) /* the list is one, too */
    pv_text_puts(&line,
                 "\xc3\xa4\xc3\xa4 \xf0\x9f\x98\x80 and so on and so on and so on and so on,");
  pv_text_puts(&line, "]");
  const double start = seconds();
  REQUIRE(EXPECT_I64(parse(&arena, line.data, line.length, &root, NULL), PV_OK));
  EXPECT(seconds() - start < TIME_MAX_S);
  EXPECT_U64(root->count, PV_YAML_NODES_MAX - 1);
  const pv_yaml_node *last = root->items[root->count - 1];
  EXPECT_I64(last->place.end, (int64_t)line.length - 2);
  EXPECT_I64(last->place.end - last->place.begin, (int64_t)last->length);
  EXPECT_I64(last->place.column, last->place.begin + 1);
  line.length--;
  pv_text_puts(&line, "one more]");
  expect_refusal(&(refusal){"PV001", 1, (int64_t)line.length - 8, line.data, line.length});
  pv_text_free(&line);
  pv_arena_free(&arena);
}

static void test_sizes(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_yaml_node *root = NULL;
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, "a: ");
  while (text.length < PV_YAML_BYTES_MAX) pv_text_puts(&text, "x");
  EXPECT_U64(text.length, PV_YAML_BYTES_MAX);
  EXPECT_I64(parse(&arena, text.data, text.length, &root, NULL), PV_OK);
  pv_text_puts(&text, "x");
  expect_refusal(&(refusal){"PV001", 1, 1, text.data, text.length});
  pv_text_free(&text);
  pv_text_printf(&text, "a: 1\nb:%*s", PV_YAML_BLANKS_MAX, "");
  pv_text_puts(&text, "x\n");
  EXPECT_I64(parse(&arena, text.data, text.length, &root, NULL), PV_OK);
  pv_text_free(&text);
  pv_text_printf(&text, "a: 1\nb:\t%*s", PV_YAML_BLANKS_MAX, "");
  expect_refusal(&(refusal){"PV001", 2, PV_YAML_BLANKS_MAX + 3, text.data, text.length});
  pv_text_free(&text);
  for (int i = 0; i < PV_YAML_KEYS_MAX; i++) pv_text_printf(&text, "k%d: v\n", i);
  EXPECT_I64(parse(&arena, text.data, text.length, &root, NULL), PV_OK);
  EXPECT_U64(root->count, PV_YAML_KEYS_MAX);
  EXPECT_STR(pv_yaml_get(root, "k4095")->text, "v");
  pv_text_puts(&text, "one: more\n");
  expect_refusal(&(refusal){"PV001", PV_YAML_KEYS_MAX + 1, 1, text.data, text.length});
  pv_text_free(&text);
  pv_arena_free(&arena);
}

typedef struct cut {
  const char *text;  /* the value of `key` is looked at */
  const char *bytes; /* that its place must cut out */
  const char *value; /* as read; NULL: the bytes */
  int64_t line, column;
  pv_yaml_style style;
} cut;

static const cut cuts[] = {
    {"key: v", "v", NULL, 1, 6, PV_YAML_PLAIN},
    {"key: v \n", "v", NULL, 1, 6, PV_YAML_PLAIN},
    {"key: v # why\n", "v", NULL, 1, 6, PV_YAML_PLAIN},
    {"key: two words  \r\nb: 1\r\n", "two words", NULL, 1, 6, PV_YAML_PLAIN},
    {"a: 1\r\nkey: v\r\nb: 1\r\n", "v", NULL, 2, 6, PV_YAML_PLAIN},
    {"a: \xc3\xa4\xf0\x9f\x98\x80\nkey: v\n", "v", NULL, 2, 6, PV_YAML_PLAIN},
    {"{a: \xc3\xa4\xf0\x9f\x98\x80, key: v}\n", "v", NULL, 1, 18, PV_YAML_PLAIN},
    {"{\"\xe2\x82\xac\": 1, key: 'v'}", "v", NULL, 1, 17, PV_YAML_QUOTED},
    {"# \xe2\x82\xac\r\n# \xe2\x82\xac\r\nkey: \"v\"\r\n", "v", NULL, 3, 6, PV_YAML_QUOTED},
    {"key: \"\xc3\xa4\xc3\xb6\" # \xc3\xbc\n", "\xc3\xa4\xc3\xb6", NULL, 1, 6, PV_YAML_QUOTED},
    {"key: '\xf0\x9f\x98\x80'\r\n", "\xf0\x9f\x98\x80", NULL, 1, 6, PV_YAML_QUOTED},
    {"key: \xf0\x9f\x98\x80\xc3\xa4\n", "\xf0\x9f\x98\x80\xc3\xa4", NULL, 1, 6, PV_YAML_PLAIN},
    {"key: \"a\\tb\"\n", "a\\tb", "a\tb", 1, 6, PV_YAML_QUOTED},
    {"key: 'it''s'\n", "it''s", "it's", 1, 6, PV_YAML_QUOTED},
    {"key: \"\"\n", "", NULL, 1, 6, PV_YAML_QUOTED},
    {"key:\nb: 1\n", "", NULL, 1, 5, PV_YAML_PLAIN},
    {"key: one\r\n  two\r\nb: 1\r\n", "one\r\n  two", "one two", 1, 6, PV_YAML_PLAIN},
    {"key: \"\xc3\xa4\r\n  b\"\r\n", "\xc3\xa4\r\n  b", "\xc3\xa4 b", 1, 6, PV_YAML_QUOTED},
    {"\xc3\xa4: \xc3\xa4\n\"key\"  :   v\t\n", "v", NULL, 2, 12, PV_YAML_PLAIN},
    {"a: |\n  \xc3\xa4\n  b\n\nkey: v\n", "v", NULL, 5, 6, PV_YAML_PLAIN},
    {"---\nkey: v\n...\n", "v", NULL, 2, 6, PV_YAML_PLAIN},
    /* neighbours of what is forbidden */
    {"key: \xc3\xa4", "\xc3\xa4", NULL, 1, 6, PV_YAML_PLAIN},
    {"key: x\xc2\xa0y", "x\xc2\xa0y", NULL, 1, 6, PV_YAML_PLAIN},         /* U+00A0 */
    {"key: x\xd8\x9b", "x\xd8\x9b", NULL, 1, 6, PV_YAML_PLAIN},           /* U+061B */
    {"key: x\xd8\x9d", "x\xd8\x9d", NULL, 1, 6, PV_YAML_PLAIN},           /* U+061D */
    {"key: x\xe2\x80\x8dy", "x\xe2\x80\x8dy", NULL, 1, 6, PV_YAML_PLAIN}, /* U+200D */
    {"key: x\xe2\x80\x90y", "x\xe2\x80\x90y", NULL, 1, 6, PV_YAML_PLAIN}, /* U+2010 */
    {"key: x\xe2\x80\xa7y", "x\xe2\x80\xa7y", NULL, 1, 6, PV_YAML_PLAIN}, /* U+2027 */
    {"key: x\xe2\x80\xafy", "x\xe2\x80\xafy", NULL, 1, 6, PV_YAML_PLAIN}, /* U+202F */
    {"key: x\xe2\x81\xa5y", "x\xe2\x81\xa5y", NULL, 1, 6, PV_YAML_PLAIN}, /* U+2065 */
    {"key: x\xe2\x81\xaay", "x\xe2\x81\xaay", NULL, 1, 6, PV_YAML_PLAIN}, /* U+206A */
    {"key: x\xef\xbb\xbey", "x\xef\xbb\xbey", NULL, 1, 6, PV_YAML_PLAIN}, /* U+FEFE */
    {"key: x\xef\xbc\xbfy", "x\xef\xbc\xbfy", NULL, 1, 6, PV_YAML_PLAIN}, /* U+FF3F */
};

static void test_places_cut_the_bytes(void) {
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
    const cut *c = &cuts[i];
    pv_arena arena = PV_ARENA_INIT;
    pv_yaml_node *root = NULL;
    bool good = EXPECT_I64(parse(&arena, c->text, strlen(c->text), &root, NULL), PV_OK);
    const pv_yaml_node *v = pv_yaml_get(root, "key");
    if (!EXPECT(v != NULL)) continue;
    const int64_t length = (int64_t)strlen(c->bytes);
    good &= EXPECT_I64(v->place.end - v->place.begin, length);
    if (v->place.begin >= 0 && v->place.begin + length <= (int64_t)strlen(c->text))
      good &= EXPECT_BYTES(c->text + v->place.begin, c->bytes, (uint64_t)length);
    good &= EXPECT_STR(v->text, c->value != NULL ? c->value : c->bytes);
    good &= EXPECT_U64(v->length, strlen(v->text));
    good &= EXPECT_I64(v->place.line, c->line);
    good &= EXPECT_I64(v->place.column, c->column);
    good &= EXPECT_I64(v->style, c->style);
    if (!good) fprintf(stderr, "  for: %s\n", c->text);
    pv_arena_free(&arena);
  }
}

static void test_tree(void) {
  static const char text[] = "list: [a, {b: c}, []]\nfold: >-\n  x\n  y\nkeep: |\n  x\n  y\nz: ~\n";
  pv_arena arena = PV_ARENA_INIT;
  pv_yaml_node *root = NULL;
  REQUIRE(EXPECT_I64(parse(&arena, text, sizeof text - 1, &root, NULL), PV_OK));
  EXPECT_I64(root->kind, PV_YAML_MAPPING);
  EXPECT_U64(root->count, 4);
  const pv_yaml_node *list = pv_yaml_get(root, "list");
  REQUIRE(list != NULL && list->kind == PV_YAML_SEQUENCE && list->count == 3);
  EXPECT_BYTES(text + list->place.begin, "[a, {b: c}, []]", 15);
  EXPECT_I64(list->place.end - list->place.begin, 15);
  EXPECT_STR(list->items[0]->text, "a");
  EXPECT_STR(pv_yaml_get(list->items[1], "b")->text, "c");
  EXPECT_U64(list->items[2]->count, 0);
  EXPECT_STR(root->keys[1]->text, "fold");
  EXPECT_STR(root->items[1]->text, "x y");
  EXPECT_I64(root->items[1]->style, PV_YAML_BLOCK);
  EXPECT_STR(root->items[2]->text, "x\ny\n");
  EXPECT_STR(root->items[3]->text, "~");
  EXPECT(pv_yaml_get(root, "none") == NULL);
  EXPECT(pv_yaml_get(list, "list") == NULL);
  EXPECT(pv_yaml_get(NULL, "list") == NULL);
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("yaml", (pv_case[]){PV_CASE(test_refusals),
                                             PV_CASE(test_words),
                                             PV_CASE(test_nesting),
                                             PV_CASE(test_time),
                                             PV_CASE(test_long_line),
                                             PV_CASE(test_sizes),
                                             PV_CASE(test_places_cut_the_bytes),
                                             PV_CASE(test_tree),
                                             {0}});
}
