/* Inside the codec: what both sides of byte uploads know about their values. */
#ifndef FED_UPLOAD_VALUES_H
#define FED_UPLOAD_VALUES_H

#include "codec_tables.h"

enum { FED_UPLOAD_FORMAT = 1, FED_UPLOAD_HEAD = 14 };

/** Bits of a value on the wire. */
unsigned fed_upload_value_bits(const fed_codec *codec);
/** The largest |q|. */
int32_t fed_upload_integer_max(const fed_codec *codec);

#endif
