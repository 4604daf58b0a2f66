/* The header of the file: metadata, a byte-level BPE vocabulary of the right size, the directory.
 */
#include <stdio.h>
#include <string.h>

#include "base/ck.h"
#include "runtime/model/metadata.h"
#include "runtime/synth/internal.h"

static void put_u32(pv_text *out, uint32_t value) {
  pv_text_little(out, value, 4);
}
static void put_u64(pv_text *out, uint64_t value) {
  pv_text_little(out, value, 8);
}

static void put_string(pv_text *out, const char *bytes, size_t length) {
  put_u64(out, length);
  pv_text_add(out, bytes, length);
}

/* Pairs are counted as they are written; synth_header puts the count in its place at the end. */
typedef struct writer {
  pv_text *out;
  uint64_t pairs;
} writer;

static void key(writer *self, const char *name, pv_gguf_value_type type) {
  put_string(self->out, name, strlen(name));
  put_u32(self->out, (uint32_t)type);
  self->pairs++;
}

static void key_u32(writer *self, const char *name, uint32_t value) {
  key(self, name, PV_GGUF_U32);
  put_u32(self->out, value);
}

static void key_f32(writer *self, const char *name, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  key(self, name, PV_GGUF_F32);
  put_u32(self->out, bits);
}

static void key_string(writer *self, const char *name, const char *value) {
  key(self, name, PV_GGUF_STRING);
  put_string(self->out, value, strlen(value));
}

static void key_array(writer *self, const char *name, pv_gguf_value_type element, uint64_t count) {
  key(self, name, PV_GGUF_ARRAY);
  put_u32(self->out, (uint32_t)element);
  put_u64(self->out, count);
}

/* The vocabulary: 256 single bytes in the usual order (printable ones first, the others as the
 * letters from U+0100 on), then two-byte tokens, then three-byte ones, then two special tokens.
 * Each merged token has one merge. */
typedef struct alphabet {
  char symbol[256][4]; /* UTF-8, NUL-terminated */
} alphabet;

static bool printable(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

static void make_alphabet(alphabet *a) {
  unsigned id = 0;
  for (unsigned pass = 0; pass < 2; pass++) {
    unsigned shifted = 256;
    for (unsigned byte = 0; byte < 256; byte++) {
      if (printable(byte) != (pass == 0)) continue;
      const unsigned point = pass == 0 ? byte : shifted++;
      char *to = a->symbol[id++];
      memset(to, 0, 4);
      if (point < 128) {
        to[0] = (char)point;
      } else {
        to[0] = (char)(0xc0u | point >> 6);
        to[1] = (char)(0x80u | (point & 63u));
      }
    }
  }
}

/* Both halves of merge `index`. Pairs begin with the letter 'a', so that small vocabularies hold
 * tokens that occur in text. */
static void merge_halves(const alphabet *a, uint64_t index, char left[8], char right[8]) {
  enum { LETTER_A = 64 };
  if (index < 65536) {
    snprintf(left, 8, "%s", a->symbol[(LETTER_A + index / 256) % 256]);
    snprintf(right, 8, "%s", a->symbol[(LETTER_A + index % 256) % 256]);
    return;
  }
  const uint64_t pair = (index - 65536) / 256;
  snprintf(left, 8, "%.3s%.3s", a->symbol[(LETTER_A + pair / 256) % 256],
           a->symbol[(LETTER_A + pair % 256) % 256]);
  snprintf(right, 8, "%s", a->symbol[(LETTER_A + (index - 65536) % 256) % 256]);
}

static void put_tokenizer(writer *self, uint32_t vocab) {
  static const char *const special[2] = {"<|endoftext|>", "<|im_end|>"};
  const uint64_t merges = vocab - PV_SYNTH_VOCAB_MIN;
  pv_text *out = self->out;
  alphabet letters;
  char left[8], right[8], both[20];
  make_alphabet(&letters);
  key_string(self, "tokenizer.ggml.model", "gpt2");
  key_string(self, "tokenizer.ggml.pre", "qwen2");
  key_array(self, "tokenizer.ggml.tokens", PV_GGUF_STRING, vocab);
  for (unsigned i = 0; i < 256; i++) put_string(out, letters.symbol[i], strlen(letters.symbol[i]));
  for (uint64_t i = 0; i < merges; i++) {
    merge_halves(&letters, i, left, right);
    const int length = snprintf(both, sizeof both, "%s%s", left, right);
    put_string(out, both, (size_t)length);
  }
  for (unsigned i = 0; i < 2; i++) put_string(out, special[i], strlen(special[i]));
  key_array(self, "tokenizer.ggml.token_type", PV_GGUF_I32, vocab);
  for (uint32_t i = 0; i < vocab; i++) put_u32(out, i + 2 < vocab ? 1 : 3); /* normal, control */
  key_array(self, "tokenizer.ggml.merges", PV_GGUF_STRING, merges);
  for (uint64_t i = 0; i < merges; i++) {
    merge_halves(&letters, i, left, right);
    const int length = snprintf(both, sizeof both, "%s %s", left, right);
    put_string(out, both, (size_t)length);
  }
  key_u32(self, "tokenizer.ggml.bos_token_id", vocab - 2);
  key_u32(self, "tokenizer.ggml.eos_token_id", vocab - 2);
  key_u32(self, "tokenizer.ggml.padding_token_id", vocab - 2);
  key(self, "tokenizer.ggml.add_bos_token", PV_GGUF_BOOL);
  pv_text_little(out, 0, 1);
}

/* The numbers that quantisers write for the mix of types as a whole. */
static uint32_t file_type(pv_synth_layout layout) {
  static const uint32_t numbers[PV_SYNTH_LAYOUT_COUNT] = {0, 1, 32, 7, 18, 15, 15};
  return numbers[layout];
}

static void put_u32_below(writer *self, const pv_synth_options *o, const char *name,
                          uint32_t value) {
  const pv_model_key k = {.name = name};
  char text[PV_MODEL_KEY_NAME];
  key_u32(self, pv_model_key_name(o->plan, &k, text), value);
}

/* Whether a converter leaves the key out: it may be absent, and nothing is set, or another key has
 * said the number already. */
static bool is_left_out(const pv_synth_options *o, const pv_model_key *k) {
  const char *member = (const char *)&o->shape + k->member;
  double real = 1.0;
  if (!k->may_be_absent) return false;
  if (k->rule == PV_KEY_F64) memcpy(&real, member, sizeof real);
  for (const pv_model_key *other = o->plan->keys; other != k; other++)
    if (other->rule == PV_KEY_U32 && other->member == k->member) return true;
  return real == 0.0;
}

/* A key of the architecture with its member of the shape. */
static void put_member(writer *self, const pv_synth_options *o, const pv_model_key *k) {
  const void *member = (const char *)&o->shape + k->member;
  char name[PV_MODEL_KEY_NAME];
  if (is_left_out(o, k)) return;
  pv_model_key_name(o->plan, k, name);
  if (k->rule == PV_KEY_U32) key_u32(self, name, *(const uint32_t *)member);
  if (k->rule == PV_KEY_F64) key_f32(self, name, (float)*(const double *)member);
  if (k->rule == PV_KEY_F32) key_f32(self, name, *(const float *)member);
  /* Of a dense layer, which there is none of: the width that is active for one token. */
  if (k->rule == PV_KEY_NO_INFLUENCE) key_u32(self, name, o->shape.ffn * o->shape.used);
}

static void put_scaling(writer *self, const pv_synth_options *o) {
  const pv_rope *rope = &o->shape.rope;
  const pv_model_key type = {.name = ".rope.scaling.type"},
                     factor = {.name = ".rope.scaling.factor"};
  char name[PV_MODEL_KEY_NAME];
  if (rope->factor == 0.0) return;
  key_string(self, pv_model_key_name(o->plan, &type, name), rope->yarn ? "yarn" : "linear");
  key_f32(self, pv_model_key_name(o->plan, &factor, name), (float)rope->factor);
  if (rope->yarn) put_u32_below(self, o, ".rope.scaling.original_context_length", o->shape.context);
}

static void put_shape(writer *self, const pv_synth_options *o) {
  const pv_shape *s = &o->shape;
  char name[96], experts[32] = "";
  if (s->experts > 0)
    snprintf(experts, sizeof experts, "-%ue%u", (unsigned)s->experts, (unsigned)s->used);
  snprintf(name, sizeof name, "%s", o->name);
  if (name[0] == '\0')
    snprintf(name, sizeof name, "synth-%ux%u%s-seed%llu", (unsigned)s->layers, (unsigned)s->hidden,
             experts, (unsigned long long)o->seed);
  key_string(self, "general.architecture", o->plan->architecture);
  key_string(self, "general.name", name);
  key_u32(self, "general.alignment", SYNTH_ALIGNMENT);
  key_u32(self, "general.file_type", file_type(o->layout));
  key_u32(self, "general.quantization_version", 2);
  for (const pv_model_key *k = o->plan->keys; k->name != NULL; k++) {
    put_member(self, o, k);
    if (strcmp(k->name, ".attention.key_length") == 0)
      put_u32_below(self, o, ".attention.value_length", s->head_dim);
  }
  put_scaling(self, o);
  put_u32_below(self, o, ".vocab_size", s->vocab);
}

static void put_directory(pv_text *out, const synth_plan *plan) {
  for (uint64_t i = 0; i < plan->count; i++) {
    const synth_tensor *t = &plan->tensors[i];
    put_string(out, t->name, strlen(t->name));
    put_u32(out, t->dim_count);
    for (unsigned d = 0; d < t->dim_count; d++) put_u64(out, t->dims[d]);
    put_u32(out, (uint32_t)t->type);
    put_u64(out, t->offset);
  }
}

pv_code synth_header(const synth_plan *plan, pv_text *out, pv_error *err) {
  enum { PAIRS_AT = 16 };
  writer self = {.out = out};
  pv_text_puts(out, "GGUF");
  put_u32(out, 3);
  put_u64(out, plan->count);
  put_u64(out, 0);
  put_shape(&self, plan->options);
  put_tokenizer(&self, plan->options->shape.vocab);
  put_directory(out, plan);
  while (!out->failed && out->length % SYNTH_ALIGNMENT != 0) pv_text_little(out, 0, 1);
  if (out->failed) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the vocabulary");
  for (unsigned i = 0; i < 8; i++)
    out->data[PAIRS_AT + i] = (char)(unsigned char)(self.pairs >> (8 * i));
  return PV_OK;
}
