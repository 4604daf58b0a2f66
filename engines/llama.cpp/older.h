/* What llama.cpp before build 6170 calls otherwise, or does not have. build.sh asks its headers. */
#ifndef PV_TRACE_OLDER_H
#define PV_TRACE_OLDER_H

#include <ggml-backend.h>
#include <llama.h>

#ifndef PV_LLAMA_NEW_NAMES
#define llama_init_from_model      llama_new_context_with_model
#define llama_model_load_from_file llama_load_model_from_file
#define llama_model_free           llama_free_model
#define llama_model_n_layer        llama_n_layer
#define llama_model_get_vocab(m)   (m)
#define llama_vocab_n_tokens       llama_n_vocab
#endif

/* Without a list of devices a build computes on what it was built for: on the CPU, or this program
 * refuses it. */
#ifdef PV_LLAMA_DEVICES
enum { HAS_DEVICES = 1 };
#else
enum { HAS_DEVICES = 0 };
#endif

#ifndef PV_LLAMA_GLU
#define GGML_OP_GLU GGML_OP_COUNT /* of no node */
#endif
#ifndef PV_LLAMA_ADD_ID
#define GGML_OP_ADD_ID GGML_OP_COUNT
#endif

#endif
