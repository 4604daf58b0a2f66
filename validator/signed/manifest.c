#include "validator/signed/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/parts.h"

enum { RAW = 32 };

static bool is_digest(const char *text) {
  return text != NULL && strlen(text) == PV_SHA256_HEX - 1 &&
         strspn(text, "0123456789abcdef") == PV_SHA256_HEX - 1;
}

static const char *text_at(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

pv_code pv_manifest_root(const char sha256[PV_SHA256_HEX], char out[PV_SHA256_HEX], pv_error *err) {
  unsigned char raw[RAW];
  pv_sha256_raw(sha256, raw, RAW);
  return pv_sha256_bytes(raw, RAW, out, err);
}

/* How the model was made into a list of files. */
static pv_code check_method(const json_t *predicate, pv_error *err) {
  const json_t *how = json_object_get(predicate, "serialization");
  const char *method = text_at(how, "method"), *hash = text_at(how, "hash_type");
  if (method == NULL || hash == NULL)
    return pv_error_set(err, PV_ERR_INPUT, "it does not say how the model was hashed");
  if (strcmp(method, "files") == 0 && strcmp(hash, "sha256") == 0) return PV_OK;
  pv_error_set(err, PV_ERR_UNSUPPORTED,
               "not verified: the model was hashed by %.20s with %.20s, pv knows files with sha256",
               method, hash);
  pv_error_hint(err, "sign it with the default serialization of model_signing");
  return PV_ERR_UNSUPPORTED;
}

/* Every file that is named has a digest, none stands twice, and all together are the subject. */
static pv_code check_resources(const json_t *statement, const json_t *list, json_t *seen,
                               char *root, pv_error *err) {
  const json_t *subject = json_object_get(statement, "subject");
  const char *want = text_at(json_object_get(json_array_get(subject, 0), "digest"), "sha256");
  unsigned char raw[RAW];
  if (json_array_size(subject) != 1 || !is_digest(want))
    return pv_error_set(err, PV_ERR_INPUT, "it is not about one model with a SHA-256");
  if (json_array_size(list) == 0) return pv_error_set(err, PV_ERR_INPUT, "it names no file");
  pv_sha256 *hash = pv_sha256_new();
  if (hash == NULL) return pv_error_nomem(err, "a signature");
  pv_code code = PV_OK;
  for (size_t i = 0; i < json_array_size(list) && code == PV_OK; i++) {
    const json_t *one = json_array_get(list, i);
    const char *name = text_at(one, "name"), *digest = text_at(one, "digest");
    const char *algorithm = text_at(one, "algorithm");
    if (name == NULL || algorithm == NULL || strcmp(algorithm, "sha256") != 0 || !is_digest(digest))
      code = pv_error_set(err, PV_ERR_INPUT, "its file %zu has no name or no SHA-256", i + 1);
    else if (json_object_get(seen, name) != NULL)
      code = pv_error_set(err, PV_ERR_INPUT, "it names the file '%.100s' twice", name);
    else if (json_object_set(seen, name, json_object_get(one, "digest")) != 0)
      code = pv_error_nomem(err, "a signature");
    if (code != PV_OK) break;
    pv_sha256_raw(digest, raw, RAW);
    pv_sha256_add(hash, raw, RAW);
  }
  const pv_code finished = pv_sha256_finish(hash, root, code == PV_OK ? err : NULL);
  if (code != PV_OK || finished != PV_OK) return code != PV_OK ? code : finished;
  return strcmp(root, want) == 0
             ? PV_OK
             : pv_error_set(err, PV_ERR_INPUT,
                            "it contradicts itself: its files hash to %s, its subject is %s", root,
                            want);
}

/* One file of the model against the name that it has beside the signature. A model that was signed
 * as a file and not as a folder is ".". */
static pv_code check_file(const json_t *seen, const char *path, bool alone,
                          char digest[PV_SHA256_HEX], pv_error *err) {
  const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
  const char *want = text_at(seen, name);
  if (want == NULL && alone && json_object_size(seen) == 1) want = text_at(seen, ".");
  if (want == NULL)
    return pv_error_refuse(err, "it is the signature of other files; sign the model anew",
                           "it does not name '%s'", name);
  const pv_code code = pv_sha256_file(path, digest, err);
  if (code != PV_OK || strcmp(digest, want) == 0) return code;
  return pv_error_refuse(err, "this is not the file that was signed",
                         "the SHA-256 of '%s' is %s, signed was %s", name, digest, want);
}

static pv_code check_files(const json_t *seen, const char *model, char sha256[PV_SHA256_HEX],
                           pv_error *err) {
  pv_parts parts = {0, 1};
  const bool set = pv_parts_named(model, &parts) && parts.count > 1;
  pv_code code = PV_OK;
  for (uint32_t i = 0; i < parts.count && code == PV_OK; i++) {
    char *path = pv_parts_path(model, i);
    code = path == NULL ? pv_error_nomem(err, "a path") : check_file(seen, path, !set, sha256, err);
    free(path);
  }
  return code == PV_OK && set ? pv_parts_digest(model, sha256, err) : code;
}

static pv_code check(const pv_signed *s, const char *model, pv_manifest *out, pv_error *err) {
  const json_t *predicate = json_object_get(s->statement, "predicate");
  pv_manifest m = {0};
  if (strcmp(s->predicate, PV_MANIFEST_TYPE) != 0)
    return pv_error_refuse(err, "a signature of a model is of the type " PV_MANIFEST_TYPE,
                           "it is a statement of another type, %.100s", s->predicate);
  json_t *seen = json_object();
  pv_code code = seen == NULL ? pv_error_nomem(err, "a signature") : check_method(predicate, err);
  if (code == PV_OK)
    code =
        check_resources(s->statement, json_object_get(predicate, "resources"), seen, m.root, err);
  if (code == PV_OK) code = check_files(seen, model, m.sha256, err);
  json_decref(seen);
  if (code == PV_OK) *out = m;
  return code;
}

pv_code pv_manifest_check(const pv_signed *s, const char *model, pv_manifest *out, pv_error *err) {
  const pv_code code = check(s, model, out, err);
  if (code != PV_OK && err != NULL && err->file[0] == '\0') pv_error_at(err, s->file, 0, 0, -1);
  return code;
}
