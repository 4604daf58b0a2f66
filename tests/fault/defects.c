/* Planted defects, one for each thing that the sanitizer builds are there to find. $1 says which.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each in a line of its own: the sanitizer remembers four accesses of eight bytes, and one may
 * poll. */
static _Alignas(64) int shared;
static _Alignas(64) atomic_int others; /* relaxed: says when, and orders nothing */

static void *race(void *unused) {
  shared++;
  atomic_store_explicit(&others, 1, memory_order_relaxed);
  return unused;
}

static int *volatile kept;

__attribute__((noinline)) static void keep(int *at) {
  kept = at;
}

__attribute__((noinline)) static void own(int value) {
  int values[4] = {value};
  keep(values); /* NOLINT(clang-analyzer-core.StackAddressEscape): planted */
}

int main(int argc, char **argv) {
  const char *which = argc > 1 ? argv[1] : "";
  volatile int index = 8, big = INT_MAX; /* volatile: the compiler must not see it coming */
  if (strcmp(which, "overflow") == 0) {
    char *block = malloc(8);
    if (block == NULL) return 1;
    printf("%d\n", block[index]);
    free(block);
  } else if (strcmp(which, "freed") == 0) {
    char *block = malloc(8);
    if (block == NULL) return 1;
    free(block);
    printf("%d\n", block[index - 1]); /* NOLINT(clang-analyzer-unix.Malloc): planted */
  } else if (strcmp(which, "leak") == 0) {
    void *volatile block = malloc(8);
    block = NULL;
    (void)block;
  } else if (strcmp(which, "returned") == 0) {
    own(big);
    printf("%d\n", *kept);
  } else if (strcmp(which, "undefined") == 0) {
    printf("%d\n", big + 1);
  } else if (strcmp(which, "race") == 0) {
    pthread_t other;
    if (pthread_create(&other, NULL, race, NULL) != 0) return 1;
    /* After the other's, surely: the sanitizer can miss two that look at the same moment. */
    while (atomic_load_explicit(&others, memory_order_relaxed) == 0) continue;
    shared++;
    pthread_join(other, NULL);
  }
  return 0;
}
