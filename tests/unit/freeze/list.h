/* A file of digests: "KEY = SHA-256" a line, for a run followed by four hex digits for each of its
 * stages, in the order of the forward. Lines that begin with '#' say what the file is about. */
#ifndef PV_TESTS_FREEZE_LIST_H
#define PV_TESTS_FREEZE_LIST_H

#include "tests/unit/freeze/side.h"

typedef struct freeze_list freeze_list;

/* NULL, and a failed assertion, when the file can not be read. With PV_UPDATE_GOLDEN=1 the list is
 * empty, takes what comes first under each key, and is written when it is closed (which fails, so
 * that it is never left on); read the difference before committing it. */
freeze_list *freeze_list_open(const char *path);
/* Whether the line of `key` begins with `digest`. */
bool freeze_list_same(freeze_list *list, const char *key, const char *digest);
/* An assertion of that; `about` says what it means when it is false. */
bool freeze_list_check(freeze_list *list, const char *key, const char *digest, const char *about);
/* Runs a side and compares all its stages with the line of `key`; the first one that differs is
 * printed. */
bool freeze_list_check_run(freeze_list *list, const char *key, const freeze_side *side);
/* Whether two lines say the same. */
bool freeze_list_equal(const freeze_list *list, const char *key, const char *other);
/* `whole`: every line has been asked for; one that has not is a failed assertion. */
void freeze_list_close(freeze_list *list, bool whole);

#endif
