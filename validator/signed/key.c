#include "validator/signed/key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* No passphrase is ever asked for: a file that wants one is not what belongs here. */
static int no_passphrase(char *buffer, int size, int writing, void *user) {
  (void)buffer, (void)size, (void)writing, (void)user;
  return -1;
}

/* The digest that goes with a key, NULL for Ed25519, which has its own; false for any other key. */
static bool digest_of(EVP_PKEY *key, const EVP_MD **out) {
  char curve[64] = "";
  size_t length = 0;
  *out = NULL;
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) return true;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, curve, sizeof curve, &length) != 1)
    return false;
  *out = strcmp(curve, "prime256v1") == 0  ? EVP_sha256()
         : strcmp(curve, "secp384r1") == 0 ? EVP_sha384()
         : strcmp(curve, "secp521r1") == 0 ? EVP_sha512()
                                           : NULL;
  return *out != NULL;
}

static pv_code not_supported(pv_error *err, const char *what) {
  return pv_error_refuse(err, "keys on the curves P-256, P-384 and P-521 and of Ed25519 are taken",
                         "%s is of a kind that pv does not verify with", what);
}

static pv_code name_key(EVP_PKEY *key, char out[PV_SHA256_HEX], pv_error *err) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  pv_code code = PV_ERR_NOMEM;
  if (bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1) {
    const long length = BIO_get_mem_data(bio, &text);
    code = length > 0 ? pv_sha256_bytes(text, (size_t)length, out, err) : PV_ERR_NOMEM;
  }
  BIO_free(bio);
  return code == PV_ERR_NOMEM ? pv_error_nomem(err, "a key") : code;
}

static pv_code read_certificates(BIO *bio, pv_key *out, pv_error *err) {
  enum { MOST = 64 };
  out->certificates = sk_X509_new_null();
  if (out->certificates == NULL) return pv_error_nomem(err, "certificates");
  for (X509 *one; (one = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL;) {
    if (sk_X509_num(out->certificates) < MOST && sk_X509_push(out->certificates, one) > 0) continue;
    X509_free(one);
    return pv_error_set(err, PV_ERR_LIMIT, "more than %d certificates", MOST);
  }
  const unsigned long last = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  return end && sk_X509_num(out->certificates) > 0
             ? PV_OK
             : pv_error_set(err, PV_ERR_INPUT, "it holds a certificate that can not be read");
}

static pv_code read_pem(const pv_bytes *bytes, pv_key *out, pv_error *err) {
  const char *text = (const char *)bytes->data;
  const EVP_MD *digest = NULL;
  pv_code code = PV_OK;
  if (strstr(text, "PRIVATE KEY-----") != NULL)
    return pv_error_refuse(err, "name the public key: openssl pkey -in FILE -pubout",
                           "it is a private key, which only the signer may have");
  BIO *bio = BIO_new_mem_buf(bytes->data, (int)bytes->length);
  if (bio == NULL) return pv_error_nomem(err, "a key");
  if (strstr(text, "-----BEGIN PUBLIC KEY-----") != NULL) {
    out->key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    if (out->key == NULL)
      code = pv_error_set(err, PV_ERR_INPUT, "it holds a public key that can not be read");
    else if (!digest_of(out->key, &digest))
      code = not_supported(err, "the key");
    else
      code = name_key(out->key, out->id, err);
  } else if (strstr(text, "-----BEGIN CERTIFICATE-----") != NULL) {
    code = read_certificates(bio, out, err);
  } else {
    code = pv_error_refuse(err, "a PEM file begins -----BEGIN PUBLIC KEY----- or CERTIFICATE",
                           "it holds neither a public key nor a certificate");
  }
  BIO_free(bio);
  ERR_clear_error();
  return code;
}

pv_code pv_key_read(const char *path, pv_key *out, pv_error *err) {
  pv_bytes bytes = {0};
  pv_key key = {0};
  pv_code code = pv_file_read(path, PV_KEY_LIMIT, &bytes, err);
  if (code != PV_OK) return code;
  code = read_pem(&bytes, &key, err);
  pv_bytes_free(&bytes);
  if (code == PV_OK) {
    *out = key;
    return PV_OK;
  }
  pv_error_at(err, path, 0, 0, -1);
  pv_key_free(&key);
  return code;
}

void pv_key_free(pv_key *key) {
  EVP_PKEY_free(key->key);
  sk_X509_pop_free(key->certificates, X509_free);
  *key = (pv_key){0};
}

pv_code pv_key_verify(EVP_PKEY *key, const char *type, const pv_bytes *payload,
                      const pv_bytes *signature, pv_error *err) {
  const EVP_MD *digest = NULL;
  if (!digest_of(key, &digest)) return not_supported(err, "the signer's key");
  pv_text signed_text = PV_TEXT_INIT; /* pre-authentication encoding, DSSE v1 */
  pv_text_printf(&signed_text, "DSSEv1 %zu %s %zu ", strlen(type), type, payload->length);
  pv_text_add(&signed_text, (const char *)payload->data, payload->length);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  const bool ready = context != NULL && !signed_text.failed &&
                     EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1;
  const bool holds =
      ready && EVP_DigestVerify(context, signature->data, signature->length,
                                (const unsigned char *)signed_text.data, signed_text.length) == 1;
  EVP_MD_CTX_free(context);
  pv_text_free(&signed_text);
  ERR_clear_error();
  if (!ready) return pv_error_nomem(err, "a signature");
  return holds ? PV_OK : pv_error_set(err, PV_ERR_INPUT, "the signature is not the key's");
}

static X509 *certificate(const pv_bytes *der) {
  const unsigned char *at = der->data;
  X509 *out = d2i_X509(NULL, &at, (long)der->length);
  if (out != NULL && at == der->data + der->length) return out;
  X509_free(out);
  return NULL;
}

static bool may_sign(X509 *leaf) {
  const uint32_t has = X509_get_extension_flags(leaf);
  return ((has & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) != 0) ||
         ((has & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(leaf) & XKU_CODE_SIGN) != 0);
}

/* The first of `list` is the signer's; the others may lie between it and those that are trusted. */
static pv_code lead(const pv_key *trusted, STACK_OF(X509) * list, pv_error *err) {
  X509 *leaf = sk_X509_value(list, 0);
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *context = X509_STORE_CTX_new();
  struct tm begin;
  pv_code code = PV_OK;
  bool ready =
      store != NULL && context != NULL && ASN1_TIME_to_tm(X509_get0_notBefore(leaf), &begin) == 1;
  for (int i = 0; ready && i < sk_X509_num(trusted->certificates); i++)
    ready = X509_STORE_add_cert(store, sk_X509_value(trusted->certificates, i)) == 1;
  ready = ready && X509_STORE_CTX_init(context, store, leaf, list) == 1;
  if (ready) {
    X509_STORE_CTX_set_time(context, 0, timegm(&begin));
    if (X509_verify_cert(context) != 1)
      code = pv_error_set(err, PV_ERR_INPUT,
                          "the signer's certificate does not lead to one that is trusted: %s",
                          X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    else if (!may_sign(leaf))
      code = pv_error_set(err, PV_ERR_INPUT, "the signer's certificate is none for signing");
  }
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return ready ? code : pv_error_nomem(err, "certificates");
}

pv_code pv_key_of_chain(const pv_key *trusted, const pv_bytes *chain, size_t count, EVP_PKEY **out,
                        char name[PV_KEY_NAME], pv_error *err) {
  STACK_OF(X509) *list = sk_X509_new_null();
  pv_code code = list == NULL ? pv_error_nomem(err, "certificates") : PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    X509 *one = certificate(&chain[i]);
    if (one == NULL)
      code = pv_error_set(err, PV_ERR_INPUT, "certificate %zu of the signature can not be read",
                          i + 1);
    else if (sk_X509_push(list, one) <= 0) {
      X509_free(one);
      code = pv_error_nomem(err, "certificates");
    }
  }
  if (code == PV_OK) code = lead(trusted, list, err);
  if (code == PV_OK) {
    X509 *leaf = sk_X509_value(list, 0);
    X509_NAME_oneline(X509_get_subject_name(leaf), name, PV_KEY_NAME);
    *out = X509_get_pubkey(leaf);
    if (*out == NULL)
      code =
          pv_error_set(err, PV_ERR_INPUT, "the signer's certificate has no key that can be read");
  }
  sk_X509_pop_free(list, X509_free);
  ERR_clear_error();
  return code;
}
