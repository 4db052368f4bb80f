/* Known answers of standards, each with its source. */
#include "harness.h"
#include "hex_vector.h"

#include "crypto.h"
#include "seeded.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* FIPS 180-4, with NIST's example values for SHA-256. */
static void test_sha256(void)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t got[32];
        fed_error err;
        CHECK_OK(fed_sha256(cases[i].text, strlen(cases[i].text), got, &err), &err);
        CHECK_MEM(got, from_hex(cases[i].digest).data, 32);
    }
}

/* The same source: a million times the letter a, here in pieces of uneven length. */
static void test_sha256_in_pieces(void)
{
    uint8_t letters[997], got[32];
    fed_digest d;
    fed_error err;
    memset(letters, 'a', sizeof letters);
    CHECK_OK(fed_digest_init(&d, &err), &err);
    for (int again = 0; again < 2; again++) { /* the second time after a restart */
        for (size_t left = 1000000, n; left; left -= n) {
            n = left < sizeof letters ? left : sizeof letters;
            fed_digest_update(&d, letters, n);
        }
        CHECK_OK(fed_digest_final(&d, got, &err), &err);
        CHECK_MEM(
            got,
            from_hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
                .data,
            32);
    }
    fed_digest_fini(&d);
}

/* RFC 4231 section 4, test cases 1 to 4, 6 and 7. */
static void test_hmac_sha256(void)
{
    static const struct {
        const char *key, *data, *mac;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
         "dddddddddddddddddddddddddddddddddddd",
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {"0102030405060708090a0b0c0d0e0f10111213141516171819",
         "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
         "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaa",
         "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
         "65204b6579202d2048617368204b6579204669727374",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaa",
         "5468697320697320612074657374207573696e672061206c6172676572207468"
         "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
         "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
         "647320746f20626520686173686564206265666f7265206265696e6720757365"
         "642062792074686520484d414320616c676f726974686d2e",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t got[32];
        hex_vector key = from_hex(cases[i].key), data = from_hex(cases[i].data);
        fed_error err;
        CHECK_OK(fed_hmac_sha256(vector_span(&key), vector_span(&data), got, &err), &err);
        CHECK_MEM(got, from_hex(cases[i].mac).data, 32);
    }
}

/* RFC 5869 appendix A.1 to A.3. */
static void test_hkdf_sha256(void)
{
    static const struct {
        const char *ikm, *salt, *info, *prk, *okm;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9",
         "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
         "34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
         "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
         "404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
         "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
         "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
         "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
         "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
         "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
         "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
         "9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hex_vector ikm = from_hex(cases[i].ikm), salt = from_hex(cases[i].salt),
                   info = from_hex(cases[i].info), okm = from_hex(cases[i].okm);
        uint8_t prk[32], got[128];
        fed_error err;
        CHECK_OK(fed_hkdf_extract(vector_span(&salt), vector_span(&ikm), prk, &err),
                 &err);
        CHECK_MEM(prk, from_hex(cases[i].prk).data, 32);
        CHECK_OK(fed_hkdf_expand(prk, vector_span(&info), got, okm.len, &err), &err);
        CHECK_MEM(got, okm.data, okm.len);
        memset(got, 0, sizeof got);
        CHECK_OK(fed_hkdf_sha256(vector_span(&salt), vector_span(&ikm),
                                 vector_span(&info), got, okm.len, &err),
                 &err);
        CHECK_MEM(got, okm.data, okm.len);
    }
}

/* RFC 7748 section 5.2, both vectors and the first step of the iteration. */
static void test_x25519_scalars(void)
{
    static const struct {
        const char *scalar, *u, *result;
    } cases[] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
        {"0900000000000000000000000000000000000000000000000000000000000000",
         "0900000000000000000000000000000000000000000000000000000000000000",
         "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t got[32];
        fed_error err;
        CHECK_OK(fed_x25519_shared(from_hex(cases[i].scalar).data,
                                   from_hex(cases[i].u).data, got, &err),
                 &err);
        CHECK_MEM(got, from_hex(cases[i].result).data, 32);
    }
}

/* The same section: the value after 1,000 steps of (k, u) := (X25519(k, u), k). */
static void test_x25519_iterated(void)
{
    uint8_t k[32] = {9}, u[32] = {9}, next[32];
    fed_error err;
    for (int i = 0; i < 1000; i++) {
        if (!CHECK_OK(fed_x25519_shared(k, u, next, &err), &err)) return;
        memcpy(u, k, sizeof u);
        memcpy(k, next, sizeof k);
    }
    CHECK_MEM(
        k,
        from_hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51").data,
        32);
}

/* RFC 7748 section 6.1. */
static void test_x25519_agreement(void)
{
    hex_vector a =
        from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    hex_vector b =
        from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    hex_vector pa =
        from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    hex_vector pb =
        from_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    hex_vector s =
        from_hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    uint8_t got[32];
    fed_error err;
    CHECK_OK(fed_x25519_public(a.data, got, &err), &err);
    CHECK_MEM(got, pa.data, 32);
    CHECK_OK(fed_x25519_public(b.data, got, &err), &err);
    CHECK_MEM(got, pb.data, 32);
    CHECK_OK(fed_x25519_shared(a.data, pb.data, got, &err), &err);
    CHECK_MEM(got, s.data, 32);
    CHECK_OK(fed_x25519_shared(b.data, pa.data, got, &err), &err);
    CHECK_MEM(got, s.data, 32);
    fed_x25519 *key = NULL;
    if (!CHECK_OK(fed_x25519_new(&key, a.data, &err), &err)) return;
    for (int again = 0; again < 2; again++) {
        CHECK_OK(fed_x25519_agree(key, pb.data, got, &err), &err);
        CHECK_MEM(got, s.data, 32);
    }
    fed_x25519_free(key);
    fed_x25519_free(NULL);
}

/* RFC 8032 section 7.1, TEST 1, 2, 3 and SHA(abc). */
static void test_ed25519(void)
{
    static const struct {
        const char *seed, *public_key, *message, *signature;
    } cases[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
         "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
        {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
         "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
         "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
         "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hex_vector seed = from_hex(cases[i].seed), message = from_hex(cases[i].message);
        uint8_t key[32], signature[64];
        fed_error err;
        CHECK_OK(fed_ed25519_public(seed.data, key, &err), &err);
        CHECK_MEM(key, from_hex(cases[i].public_key).data, 32);
        CHECK_OK(fed_ed25519_sign(seed.data, message.data, message.len, signature, &err),
                 &err);
        CHECK_MEM(signature, from_hex(cases[i].signature).data, 64);
        CHECK_OK(fed_ed25519_verify(key, message.data, message.len, signature, &err),
                 &err);
    }
}

/* NIST CAVP, gcmEncryptExtIV256.rsp: Count = 0 of five sections with 96-bit IVs and 128-bit
 * tags (PT/AAD bits 0/0, 128/0, 128/128, 104/384, 408/160). */
static void test_aes256gcm(void)
{
    static const struct {
        const char *key, *nonce, *plain, *aad, *sealed;
    } cases[] = {
        {"b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
         "516c33929df5a3284ff463d7", "", "", "bdc1ac884d332457a1d2664f168c76f0"},
        {"31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
         "0d18e06c7c725ac9e362e1ce", "2db5168e932556f8089a0622981d017d", "",
         "fa4362189661d163fcd6a56d8bf0405ad636ac1bbedd5cc3ee727dc2ab4a9489"},
        {"92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
         "ac93a1a6145299bde902f21a", "2d71bcfa914e4ac045b2aa60955fad24",
         "1e0889016f67601c8ebea4943bc23ad6",
         "8995ae2e6df3dbf96fac7b7137bae67feca5aa77d51d4a0a14d9c51e1da474ab"},
        {"5f671466378f470ba5f5160e2209f3d95a48b7e560625d5a08654414de23aee2",
         "6b3c08a663d04132243dd96c", "c428592d9f8a7f107ec4d0df05",
         "12965559c31d538f937bda6eee9c93b0387318dc5d9496fb1c3a0b9b978dbfeb"
         "ff2a5823974ee9d679834dbe59f7ec51",
         "1d8d7fe4357080c817303ce19ce88d6b566fdc7b4fd62106bd2eb806ec"},
        {"24501ad384e473963d476edcfe08205237acfd49b5b8f33857f8114e863fec7f",
         "9ff18563b978ec281b3f2794",
         "27f348f9cdc0c5bd5e66b1ccb63ad920ff2219d14e8d631b3872265cf117ee86"
         "757accb158bd9abb3868fdc0d0b074b5f01b2c",
         "adb5ec720ccf9898500028bf34afccbcaca126ef",
         "eb7cb754c824e8d96f7c6d9b76c7d26fb874ffbf1d65c6f64a698d839b0b0614"
         "5dae82057ad55994cf59ad7f67c0fa5e85fab8bc95c532fecc594c36d1550286"
         "a7a3f0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hex_vector key = from_hex(cases[i].key), nonce = from_hex(cases[i].nonce),
                   plain = from_hex(cases[i].plain), aad = from_hex(cases[i].aad),
                   sealed = from_hex(cases[i].sealed);
        uint8_t got[128];
        fed_error err;
        CHECK_OK(fed_aead_seal(key.data, nonce.data, vector_span(&aad),
                               vector_span(&plain), got, &err),
                 &err);
        CHECK_MEM(got, sealed.data, sealed.len);
        CHECK_OK(fed_aead_open(key.data, nonce.data, vector_span(&aad),
                               vector_span(&sealed), got, &err),
                 &err);
        CHECK_MEM(got, plain.data, plain.len);
    }
}

/* NIST CAVP, gcmDecrypt256.rsp: vectors marked FAIL (PT/AAD bits 0/0, 128/0, 128/128). */
static void test_aes256gcm_refuses(void)
{
    static const struct {
        const char *key, *nonce, *aad, *sealed;
    } cases[] = {
        {"e5a8123f2e2e007d4e379ba114a2fb66e6613f57c72d4e4f024964053028a831",
         "51e43385bf533e168427e1ad", "", "38fe845c66e66bdd884c2aecafd280e6"},
        {"c997768e2d14e3d38259667a6649079de77beb4543589771e5068e6cd7cd0b14",
         "835090aed9552dbdd45277e2", "",
         "9f6607d68e22ccf21928db0986be126ef32617f67c574fd9f44ef76ff880ab9f"},
        {"9a0343f850a6427120f764789ffec6d237447b898fbf51d2182f065d3861497d",
         "3deef6f453dd70d92143adcd", "dbb8226a624520863db6897017b2a4f8",
         "e93165935ac18e3a2845d15fe31a9286f5fc50d18766bc3d9e16dd136d45816b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hex_vector key = from_hex(cases[i].key), nonce = from_hex(cases[i].nonce),
                   aad = from_hex(cases[i].aad), sealed = from_hex(cases[i].sealed);
        uint8_t got[128], zeros[128] = {0};
        fed_error err;
        memset(got, 1, sizeof got);
        CHECK_FAILS(fed_aead_open(key.data, nonce.data, vector_span(&aad),
                                  vector_span(&sealed), got, &err),
                    FED_E_AUTH, &err, "tag");
        CHECK_MEM(got, zeros, sealed.len - 16);
    }
}

/* The stream under a key is what the standard's plaintext and ciphertext differ by. */
static void check_keystream(fed_keystream_kind kind, const char *key, const char *initial,
                            const hex_vector *plain, const char *cipher)
{
    fed_keystream *s = NULL;
    uint8_t got[128];
    fed_error err;
    if (!CHECK_OK(fed_keystream_new(&s, kind, &err), &err)) return;
    CHECK_OK(fed_keystream_start(s, from_hex(key).data, from_hex(initial).data, &err),
             &err);
    CHECK_OK(fed_keystream_fill(s, got, plain->len, &err), &err);
    for (size_t i = 0; i < plain->len; i++)
        got[i] ^= plain->data[i];
    CHECK_MEM(got, from_hex(cipher).data, plain->len);
    fed_keystream_free(s);
}

/* NIST SP 800-38A appendix F.5.5 (CTR-AES256.Encrypt). */
static void test_aes256ctr(void)
{
    hex_vector plain =
        from_hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                 "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
    check_keystream(FED_KEYSTREAM_AES256_CTR,
                    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", &plain,
                    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
                    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6");
}

/* RFC 8439 section 2.4.2 (counter 1), and appendix A.1 vector 1 (all zeros). */
static void test_chacha20(void)
{
    static const char sunscreen[] =
        "Ladies and Gentlemen of the class of '99: If I could "
        "offer you only one tip for the future, sunscreen "
        "would be it.";
    hex_vector plain = {{0}, sizeof sunscreen - 1}, zeros = {{0}, 64};
    memcpy(plain.data, sunscreen, plain.len);
    check_keystream(FED_KEYSTREAM_CHACHA20,
                    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                    "01000000000000000000004a00000000", &plain,
                    "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b"
                    "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
                    "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
                    "5af90bbf74a35be6b40b8eedf2785e42874d");
    check_keystream(FED_KEYSTREAM_CHACHA20,
                    "0000000000000000000000000000000000000000000000000000000000000000",
                    "00000000000000000000000000000000", &zeros,
                    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                    "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
}

/* The eight entries of Certificate Transparency's reference tests (google/certificate-
 * transparency, merkletree tests); roots computed from RFC 6962 section 2.1 by a recursive
 * program in Python. */
static void test_merkle_roots(void)
{
    static const char *const entries[] = {"",
                                          "00",
                                          "10",
                                          "2021",
                                          "3031",
                                          "40414243",
                                          "5051525354555657",
                                          "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    uint8_t leaves[COUNT(entries)][32];
    for (size_t i = 0; i < COUNT(entries); i++) {
        hex_vector entry = from_hex(entries[i]);
        fed_merkle *tree = NULL;
        fed_error err;
        CHECK_OK(fed_merkle_leaf(entry.data, entry.len, leaves[i], &err), &err);
        if (!CHECK_OK(fed_merkle_new(&tree, (const uint8_t(*)[32])leaves, i + 1, &err),
                      &err))
            return;
        CHECK_MEM(fed_merkle_root(tree), from_hex(roots[i]).data, 32);
        fed_merkle_free(tree);
    }
}

/* Our own derivations, computed with Python's hmac and cryptography's ChaCha20. */
static void test_seeded(void)
{
    fed_seeded seeded;
    uint8_t got[48], device[32];
    for (size_t i = 0; i < sizeof seeded.seed; i++)
        seeded.seed[i] = (uint8_t)i;
    fed_random random = fed_seeded_random(&seeded);
    CHECK_OK(fed_random_fill(&random, "rounding", 7, got, sizeof got), NULL);
    CHECK_MEM(got,
              from_hex("1b9164b5008cede7006cf01ca0b9055e1ad6eff3e86934ef6678f6d4e0999f62"
                       "c56869e9b812d72a6e85fc630fa6859a")
                  .data,
              sizeof got);
    fed_seeded_device_seed(42, 3, device);
    CHECK_MEM(
        device,
        from_hex("8f86121a683ecd4ea83769e2e0f045f4d297afbb123edbca9abe1631bd7b60b0").data,
        sizeof device);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_sha256),           CASE(test_sha256_in_pieces),
        CASE(test_hmac_sha256),      CASE(test_hkdf_sha256),
        CASE(test_x25519_scalars),   CASE(test_x25519_iterated),
        CASE(test_x25519_agreement), CASE(test_ed25519),
        CASE(test_aes256gcm),        CASE(test_aes256gcm_refuses),
        CASE(test_aes256ctr),        CASE(test_chacha20),
        CASE(test_merkle_roots),     CASE(test_seeded)};
    return fed_run("crypto_vectors", cases, COUNT(cases));
}
