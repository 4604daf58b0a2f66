/* A temporary folder for one test. */
#ifndef PV_TEST_FOLDER_H
#define PV_TEST_FOLDER_H

#include <stddef.h>

/* Makes a folder below $TMPDIR or /tmp; NULL when that fails. The text is static. */
const char *folder_make(void);
/* "<folder>/<name>" in one of a few static buffers. */
const char *folder_path(const char *name);
/* Entries in the folder, without "." and "..". */
size_t folder_count(void);
/* Writes `text` to `name` in the folder, without any of the code under test. */
void folder_write(const char *name, const char *text);
/* Removes the folder with everything in it. */
void folder_remove(void);

#endif
