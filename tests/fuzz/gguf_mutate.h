/* A GGUF file taken to pieces and put together again, for mutations that keep its structure. What
 * can not be read is carried along as it is: the input is whatever a fuzzer made. */
#ifndef PV_TESTS_FUZZ_GGUF_MUTATE_H
#define PV_TESTS_FUZZ_GGUF_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GGUF_PAIRS_MAX   64u
#define GGUF_TENSORS_MAX 64u

typedef struct gguf_span {
  const uint8_t *data; /* into the input or into the scratch memory of one mutation */
  size_t length;
} gguf_span;

typedef struct gguf_pair {
  gguf_span key, value; /* the value as written, without its types and count */
  uint64_t key_length;  /* as it will be written; an edit may make it a lie */
  uint32_t type, element;
  uint64_t count;
} gguf_pair;

typedef struct gguf_entry {
  gguf_span name;
  uint64_t name_length; /* as above */
  uint32_t dim_count, type;
  uint64_t dims[4], offset;
} gguf_entry;

typedef struct gguf_pieces {
  uint32_t version;
  uint64_t tensors_said, pairs_said; /* the header's counts */
  gguf_pair pairs[GGUF_PAIRS_MAX];
  gguf_entry tensors[GGUF_TENSORS_MAX];
  size_t pair_count, tensor_count;
  gguf_span rest; /* the data, or all after the place that could not be read */
  bool whole;     /* every entry was read: `rest` is the data, from its aligned start */
} gguf_pieces;

/* False when there is no header to take apart. */
bool gguf_take_apart(const uint8_t *data, size_t size, gguf_pieces *out);
/* The pieces as bytes, at most `room` of them; the first `parts` pieces only (a header, a pair, an
 * entry and the rest are one each). Returns the length. */
size_t gguf_put_together(const gguf_pieces *pieces, size_t parts, uint8_t *out, size_t room);
/* The alignment that the pairs ask for, or 32. */
uint64_t gguf_pieces_alignment(const gguf_pieces *pieces);
/* Bytes of one element of a fixed-size type, else 0. */
size_t gguf_element_size(uint32_t type);

/* libFuzzer's own names. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
