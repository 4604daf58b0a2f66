/* What a command prints, while each allocation fails in turn. */
#ifndef PV_TEST_PRINTED_H
#define PV_TEST_PRINTED_H

typedef int (*printed_command)(int argc, char **argv);

/* Runs the command (its words end with NULL) without failures, then with each allocation failing,
 * its own and those of jansson where it builds and writes: it prints the same, or it prints
 * nothing, says so on standard error and ends with code 4. */
void printed_whole(printed_command command, const char *const *words, unsigned at_least);

#endif
