/* What a trace says of itself, in one form for both containers: a folder with a manifest, and one
 * safetensors file. Each has a front end that reads nothing but its own syntax; whether the pieces
 * fit a forward, and together, is judged in one place (recorded.c). */
#ifndef PV_TRACE_LISTING_H
#define PV_TRACE_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Types of elements. Of OTHER there is a name alone: a node that nobody asks for may have it. */
typedef enum pv_stored {
  PV_STORED_F16,
  PV_STORED_BF16,
  PV_STORED_F32,
  PV_STORED_F64,
  PV_STORED_I32,
  PV_STORED_I64,
  PV_STORED_OTHER
} pv_stored;
enum { PV_STORED_TYPES = PV_STORED_OTHER, PV_PIECE_RANK = 3, PV_PIECE_TEXT = 160 };
extern const char *const pv_stored_names[PV_STORED_TYPES]; /* "f16" ... */
size_t pv_stored_bytes(pv_stored type);                    /* of an element; 0 of OTHER */
static inline bool pv_stored_is_index(pv_stored type) {
  return type == PV_STORED_I32 || type == PV_STORED_I64;
}

/* A tensor as it lies in a file. Texts belong to the listing. */
typedef struct pv_piece {
  const char *name; /* of a stage, or the engine's own */
  bool node;        /* the engine's own */
  int64_t layer;    /* -1: none is said */
  pv_stored type;
  unsigned rank; /* 0: a shape that no stage has */
  uint64_t dims[PV_PIECE_RANK];
  uint64_t position;  /* of the first row */
  const char *file;   /* behind the listing's prefix; NULL: only the digest is there */
  uint64_t offset;    /* in bytes */
  bool whole;         /* the file is this piece and nothing else */
  const char *sha256; /* 64 digits, or NULL */
} pv_piece;

enum { PV_LISTING_PATH = 4096 };
typedef struct pv_listing {
  char place[PV_LISTING_PATH];  /* of an error: the manifest, or the file */
  char prefix[PV_LISTING_PATH]; /* of each piece's file */
  json_t *root;                 /* what the texts point into */
  json_t *about;                /* members as those of a manifest, but for the tensors */
  pv_piece *list;
  size_t count;
} pv_listing;

/* PATH is a folder, or else a safetensors file. Errors name the file, and the byte where there is
 * one. On PV_OK free with pv_listing_free. */
pv_code pv_listing_open(const char *path, pv_listing *out, pv_error *err);
void pv_listing_free(pv_listing *listing);

/* The front ends over bytes; `out` has place and prefix. A safetensors header is what stands behind
 * the eight bytes of its length, in a file of `file_bytes`. */
pv_code pv_listing_manifest(const void *bytes, size_t length, pv_listing *out, pv_error *err);
pv_code pv_listing_safetensors(const void *header, size_t length, uint64_t file_bytes,
                               pv_listing *out, pv_error *err);

/* "q.1@15" for a message: as a safetensors file names it. Returns `out`. */
const char *pv_piece_text(const pv_piece *piece, char out[PV_PIECE_TEXT]);
/* An error of a piece, at the listing's place; `byte` -1: none. */
pv_code pv_piece_refuse(const pv_listing *l, const pv_piece *piece, int64_t byte, pv_error *err,
                        const char *fmt, ...) __attribute__((format(printf, 5, 6)));
pv_code pv_listing_refuse(const pv_listing *l, pv_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A text of an object; NULL: it is not there, or no text. */
const char *pv_listing_text(const json_t *object, const char *name);
bool pv_listing_is_digest(const char *text); /* 64 hexadecimal digits in lower case */
/* A file's name with the listing's prefix. */
bool pv_listing_file(const pv_listing *l, const char *file, char out[PV_LISTING_PATH]);

#endif
