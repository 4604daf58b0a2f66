/* A sound provider in the fewest words: its answer is what the parameter says. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char description[] =
    "{\"protocol\":\"pv/provider/"
    "v1\",\"name\":\"mine\",\"version\":\"1\",\"checks\":[{\"name\":\"do\","
    "\"about\":\"It "
    "answers.\",\"faults\":[\"f\"],\"params\":[{\"name\":\"answer\",\"about\":\"What.\","
    "\"type\":\"word\",\"words\":[\"PASS\",\"FAIL\"],\"default\":\"PASS\"},{\"name\":\"data\","
    "\"about\":\"A file.\",\"type\":\"file\",\"default\":\"README.md\"}]}]}";

int main(int argc, char **argv) {
  static char line[1 << 16];
  if (argc == 2 && strcmp(argv[1], "describe") == 0) return puts(description) < 0;
  if (argc != 2 || fgets(line, sizeof line, stdin) == NULL) return 2;
  json_t *asked = json_loads(line, 0, NULL);
  json_t *answer = json_pack("{s:s, s:O, s:O, s:O, s:s, s:i, s:{s:f}}", "type", "result", "nonce",
                             json_object_get(asked, "nonce"), "id", json_object_get(asked, "id"),
                             "verdict", json_object_get(json_object_get(asked, "with"), "answer"),
                             "reason", "said so", "compared", 10, "metrics", "m", 0.5);
  char *text = json_dumps(answer, JSON_COMPACT);
  const int code = text == NULL || puts(text) < 0;
  free(text); /* or a leak is its end where leaks are looked for */
  json_decref(answer);
  json_decref(asked);
  return code;
}
