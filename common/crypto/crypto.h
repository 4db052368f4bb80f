/*
 * crypto: OpenSSL 3 wrapped once. Others include this one header.
 *
 *   digest       SHA-256, HMAC-SHA256, HKDF-SHA256
 *   curve25519   X25519 key agreement, Ed25519 signatures
 *   aead         AES-256-GCM
 *   keystream    AES-256-CTR and ChaCha20 as fast, seekable sources of bytes
 *   merkle       a commitment to a list, with proofs for single entries
 *   sealed       encrypted state at rest: truncation and reordering are noticed
 *   systemrandom the fed_random of every real process
 *
 * For all of them: every function is thread-safe on distinct objects; a failure inside
 * OpenSSL (out of memory there included) is FED_E_CRYPTO; what does not verify is
 * FED_E_AUTH; outputs are wiped on failure; pointers are borrowed for the call.
 */
#ifndef FED_CRYPTO_H
#define FED_CRYPTO_H

#include "base.h"

#include "digest.h"
#include "curve25519.h"
#include "aead.h"
#include "keystream.h"
#include "merkle.h"
#include "sealed.h"
#include "systemrandom.h"

#endif
