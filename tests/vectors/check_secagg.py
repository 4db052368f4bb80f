#!/usr/bin/env python3
"""Checks tests/vectors/secagg/*.json with nothing but Python and `cryptography`.

From the secrets of each device in a transcript every message is made anew, in the order of
the protocol, and compared with what is recorded; then the server's part is done from the
recorded messages alone: shares to secrets, masks off, and the sums must be the ones recorded
and those of the survivors' inputs. Exit code 77: `cryptography` is not installed.
"""
import hashlib
import hmac
import json
import pathlib
import struct
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    print("SKIPPED check_secagg.py: the Python package cryptography is not installed")
    sys.exit(77)

P = 2**89 - 1
ACTIVE = 2
PHASES = {"join": 1, "pick": 2, "share": 3, "input": 4, "confirm": 5, "reveal": 6}
ANSWER = 128
BUNDLE, SEALED, SHARE, SIGNATURE, MAGIC = 356, 84, 34, 64, b"FSA1"


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u32(*values):
    return b"".join(struct.pack("<I", v) for v in values)


def hkdf_extract(ikm):
    return hmac.new(bytes(32), ikm, hashlib.sha256).digest()


def hkdf_expand32(prk, info):
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def key_stream(kind, key, n):
    if kind == 1:
        cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16)))
    else:
        cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), None)
    return cipher.encryptor().update(bytes(n))


def raw(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def x_public(secret):
    return raw(x25519.X25519PrivateKey.from_private_bytes(secret).public_key())


def x_shared(secret, peer):
    own = x25519.X25519PrivateKey.from_private_bytes(secret)
    return own.exchange(x25519.X25519PublicKey.from_public_bytes(peer))


def verify(key, signature, message):
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except InvalidSignature:
        return False


# ---- Shamir over 2^89 - 1 ---------------------------------------------------------------


def bits_of(data, at, count):
    return int.from_bytes(data, "little") >> at & ((1 << count) - 1)


def share_secret(secret, key, t, points):
    stream = key_stream(1, key, 12 * 3 * (t - 1))
    chunks = [[bits_of(secret, 86 * c, 86 if c < 2 else 84)] for c in range(3)]
    for i in range(t - 1):
        for c in range(3):
            at = 12 * (3 * i + c)
            chunks[c].append(bits_of(stream[at : at + 12], 0, 89) % P)
    shares = []
    for x in points:
        whole = 0
        for c in range(3):
            y = sum(a * pow(x, e, P) for e, a in enumerate(chunks[c])) % P
            whole |= y << (89 * c)
        shares.append(whole.to_bytes(SHARE, "little"))
    return shares


def canonical(share):
    return share[33] < 8 and all(bits_of(share, 89 * c, 89) < P for c in range(3))


def recover(points, shares):
    whole = 0
    for c in range(3):
        total = 0
        for i, x in enumerate(points):
            w = 1
            for j, other in enumerate(points):
                if i != j:
                    w = w * other * pow(other - x, -1, P) % P
            total += w * bits_of(shares[i], 89 * c, 89)
        whole |= (total % P) << (86 * c)
    return whole.to_bytes(34, "little")[:32]


# ---- Keys, headers, maps ---------------------------------------------------------------


def info(purpose, cohort, a=0, b=0, vector=None, session=bytes(32)):
    out = b"libfed secagg 1\0" + purpose.encode().ljust(16, b"\0") + cohort + u32(a, b)
    if vector:
        out += vector["name"].encode().ljust(32, b"\0") + u32(vector["length"], vector["bits"])
    else:
        out += bytes(40)
    return out + session


def header(cohort, kind):
    return MAGIC + bytes([1, kind, 0, 0]) + cohort


def map_of(members, n):
    out = bytearray((n + 7) // 8)
    for i in members:
        out[i // 8] |= 1 << (i % 8)
    return bytes(out)


def members_of(bitmap, n):
    return [i for i in range(n) if bitmap[i // 8] >> (i % 8) & 1]


def pack(values, bits):
    whole = sum((v % 2**bits) << (bits * i) for i, v in enumerate(values))
    return whole.to_bytes((len(values) * bits + 7) // 8, "little")


def unpack(data, n, bits):
    return [bits_of(data, bits * i, bits) for i in range(n)]


def mask(kind, key, vector):
    lane = 2 if vector["bits"] <= 16 else 4 if vector["bits"] <= 32 else 8
    stream = key_stream(kind, key, lane * vector["length"])
    return [
        int.from_bytes(stream[i * lane : (i + 1) * lane], "little")
        for i in range(vector["length"])
    ]


# ---- Merkle tree, RFC 6962 section 2.1 ----------------------------------------------------


def merkle(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha(b"\x01", merkle(leaves[:split]), merkle(leaves[split:]))


def merkle_path(leaves, i):
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if i < split:
        return merkle_path(leaves[:split], i) + [merkle(leaves[split:])]
    return merkle_path(leaves[split:], i - split) + [merkle(leaves[:split])]


# ---- One cohort --------------------------------------------------------------------------


class Device:
    """All that follows from a device's 32 secret bytes."""

    def __init__(self, cohort, record, index):
        self.cohort, self.index = cohort, index
        self.identity = ed25519.Ed25519PrivateKey.from_private_bytes(
            bytes.fromhex(record["identity_seed"])
        )
        prk = hkdf_extract(bytes.fromhex(record["master"]))

        def derive(purpose):
            return hkdf_expand32(prk, info(purpose, cohort.id))

        self.share_secret, self.mask_secret = derive("share secret"), derive("mask secret")
        self.self_seed, self.pick_key = derive("self seed"), derive("pick")
        self.mask_shares, self.seed_shares = derive("mask shares"), derive("seed shares")
        self.update_id = bytes.fromhex(record["update_id"])
        self.inputs = record["inputs"]
        self.picks, self.dealt = [], {}

    def bundle(self, certificate):
        body = header(self.cohort.id, 1) + self.cohort.params_hash + self.update_id
        body += certificate + x_public(self.share_secret) + x_public(self.mask_secret)
        body += sha(b"libfed secagg 1 seed\0", self.cohort.id, self.self_seed)
        return body + self.identity.sign(body)

    def choose(self, n, k):
        """Floyd's sampling, 32-bit draws with rejection."""
        stream, at, chosen = key_stream(1, self.pick_key, 65536), 0, set()
        for j in range(n - 1 - k, n - 1):
            limit = 2**32 - 1 - (2**32 - 1) % (j + 1)
            while True:
                v = struct.unpack_from("<I", stream, at)[0]
                at += 4
                if v < limit:
                    break
            chosen.add(j if v % (j + 1) in chosen else v % (j + 1))
        return sorted(i if i < self.index else i + 1 for i in chosen)


class Cohort:
    def __init__(self, data):
        p = self.p = data["parameters"]
        self.data, self.id = data, bytes.fromhex(p["cohort"])
        self.active = p["adversary"] == ACTIVE
        text = b"libfed secagg 1 parameters\0" + self.id + bytes.fromhex(p["plan"])
        text += struct.pack("<Q", p["model_version"])
        text += u32(p["adversary"], p["corrupt_ppm"], p["dropout_ppm"], p["stream"])
        text += u32(p["n_min"], p["n_max"], p["s_min"]) + bytes.fromhex(p["enrolment_key"])
        text += u32(len(p["vectors"]))
        for v in p["vectors"]:
            text += v["name"].encode().ljust(32, b"\0") + u32(v["length"], v["bits"])
        self.params_hash = sha(text)
        self.devices = [Device(self, d, i) for i, d in enumerate(data["devices"])]
        self.n = len(self.devices)
        self.bodies = {
            (b["member"], b["phase"], b["to"]): bytes.fromhex(b["body"]) for b in data["bodies"]
        }

    def body(self, member, phase, to):
        return self.bodies[(member, phase, to)]

    def expect(self, member, phase, to, made):
        kind = PHASES[phase] + (ANSWER if to == "device" else 0)
        whole = header(self.id, kind) + made
        assert self.body(member, phase, to) == whole, f"{phase} of {member} to {to}"

    def senders(self, phase):
        return [i for i in range(self.n) if (i, phase, "server") in self.bodies]

    def entry(self, i):
        return u32(i) + self.bundles[i] + b"".join(merkle_path(self.leaves, i))

    # -- join: bundles, root, numbers ------------------------------------------------------

    def check_join(self):
        key = bytes.fromhex(self.p["enrolment_key"])
        self.bundles = [self.body(i, "join", "server") for i in range(self.n)]
        for d, bundle in zip(self.devices, self.bundles):
            assert len(bundle) == BUNDLE
            certificate = bundle[88:196]
            assert certificate[4:36] == raw(d.identity.public_key())
            assert verify(key, certificate[44:], b"libfed certificate 1\0" + certificate[:44])
            assert d.bundle(certificate) == bundle, f"bundle of {d.index}"
        self.leaves = [sha(b"\0", b) for b in self.bundles]
        self.root = merkle(self.leaves)
        first = self.body(0, "join", "device")[40:]
        n, _, self.k, self.t, self.in_max = struct.unpack_from("<5I", first)
        assert n == self.n
        self.session = sha(
            b"libfed secagg 1 session\0", self.id, self.params_hash, self.root,
            u32(self.n, self.k, self.t, self.in_max),
        )
        for i, d in enumerate(self.devices):
            made = u32(self.n, i, self.k, self.t, self.in_max) + self.root
            made += b"".join(merkle_path(self.leaves, i))
            if self.active:
                made += b"".join(b[92:108] for b in self.bundles)
            else:
                at = 40 + len(made)
                recorded = self.body(i, "join", "device")[at:]
                d.picks = list(struct.unpack_from(f"<{self.k}I", recorded))
                made += u32(*d.picks) + b"".join(self.entry(j) for j in d.picks)
            self.expect(i, "join", "device", made)

    # -- pick ---------------------------------------------------------------------------------

    def check_pick(self):
        if self.active:
            for i, d in enumerate(self.devices):
                d.picks = d.choose(self.n, self.k)
                self.expect(i, "pick", "server", b"".join(struct.pack("<H", j) for j in d.picks))
        self.pickers = [
            [j for j, d in enumerate(self.devices) if i in d.picks] for i in range(self.n)
        ]
        if not self.active:
            for i, d in enumerate(self.devices):
                assert d.picks == self.pickers[i], "the circulant graph is not symmetric"
            return
        for i, d in enumerate(self.devices):
            fresh = [j for j in self.pickers[i] if j not in d.picks]
            made = b"".join(self.entry(j) for j in d.picks) + u32(len(self.pickers[i]))
            made += u32(*self.pickers[i]) + b"".join(self.entry(j) for j in fresh)
            self.expect(i, "pick", "device", made)

    # -- share ---------------------------------------------------------------------------------

    def seal(self, d, j, pair):
        peer = self.bundles[j][196:228]
        prk = hkdf_extract(x_shared(d.share_secret, peer))
        key = hkdf_expand32(prk, info("share", self.id, d.index, j, None, self.session))
        aad = self.id + u32(PHASES["share"], d.index, j)
        return AESGCM(key).encrypt(bytes(12), pair, aad)

    def check_share(self):
        sealed = {}
        for i in self.senders("share"):
            d = self.devices[i]
            points = [j + 1 for j in d.picks]
            masks = share_secret(d.mask_secret, d.mask_shares, self.t, points)
            seeds = share_secret(d.self_seed, d.seed_shares, self.t, points)
            for j, m, s in zip(d.picks, masks, seeds):
                d.dealt[j] = (m, s)
                sealed[i, j] = self.seal(d, j, m + s)
            self.expect(i, "share", "server", b"".join(sealed[i, j] for j in d.picks))
        self.u2 = self.senders("share")
        for i in self.u2:
            inbox = b"".join(sealed[j, i] for j in self.pickers[i] if j in self.u2)
            self.expect(i, "share", "device", map_of(self.u2, self.n) + inbox)

    # -- input ---------------------------------------------------------------------------------

    def pair_mask(self, secret, i, j, vector):
        prk = hkdf_extract(x_shared(secret, self.bundles[j][228:260]))
        low, high = min(i, j), max(i, j)
        key = hkdf_expand32(prk, info("pair mask", self.id, low, high, vector, self.session))
        return mask(self.p["stream"], key, vector)

    def self_mask(self, seed, i, vector):
        prk = hkdf_extract(seed)
        key = hkdf_expand32(prk, info("self mask", self.id, i, i, vector, self.session))
        return mask(self.p["stream"], key, vector)

    def neighbours(self, i):
        return sorted(set(self.devices[i].picks) | set(self.pickers[i]))

    def check_input(self):
        for i in self.senders("input"):
            made = b""
            for vector, x in zip(self.p["vectors"], self.devices[i].inputs):
                y = [a + b for a, b in zip(x, self.self_mask(self.devices[i].self_seed, i, vector))]
                for j in self.neighbours(i):
                    if j not in self.u2:
                        continue
                    sign = 1 if i < j else -1
                    pair = self.pair_mask(self.devices[i].mask_secret, i, j, vector)
                    y = [a + sign * b for a, b in zip(y, pair)]
                made += pack(y, vector["bits"])
            self.expect(i, "input", "server", made)
        self.u3 = self.senders("input")
        assert self.u3 == [i for i in range(self.n) if i != self.data["dropped"]]
        for i in self.u3:
            self.expect(i, "input", "device", map_of(self.u3, self.n))

    # -- confirm ---------------------------------------------------------------------------------

    def check_confirm(self):
        if not self.active:
            return
        view = sha(
            b"libfed secagg 1 confirm\0", self.session,
            map_of(self.u2, self.n), map_of(self.u3, self.n),
        )
        signatures = {i: self.devices[i].identity.sign(view) for i in self.u3}
        for i in self.u3:
            self.expect(i, "confirm", "server", signatures[i])
            signed = [at for at, j in enumerate(self.devices[i].picks) if j in self.u3]
            made = map_of(signed, self.k)
            made += b"".join(signatures[self.devices[i].picks[at]] for at in signed)
            self.expect(i, "confirm", "device", made)

    # -- reveal, and the server's part from the messages alone -------------------------------------

    def check_reveal(self):
        self.revealed = {}
        for i in self.u3:
            dealers = [j for j in self.pickers[i] if j in self.u2]
            made = map_of(range(len(dealers)), len(dealers))
            for j in dealers:
                self.revealed[j, i] = self.devices[j].dealt[i][1 if j in self.u3 else 0]
                made += self.revealed[j, i]
            self.expect(i, "reveal", "server", made)
            self.expect(i, "reveal", "device", b"\x01")

    def secret_of(self, j):
        holders = [i for i in self.devices[j].picks if (j, i) in self.revealed][: self.t]
        assert len(holders) == self.t, f"too few shares of {j}"
        return recover([i + 1 for i in holders], [self.revealed[j, i] for i in holders])

    def check_sums(self):
        secrets = {j: self.secret_of(j) for j in self.u2}
        for j in self.u3:
            assert sha(b"libfed secagg 1 seed\0", self.id, secrets[j]) == self.bundles[j][260:292]
        gone = [j for j in self.u2 if j not in self.u3]
        for j in gone:
            assert x_public(secrets[j]) == self.bundles[j][228:260]
        at = 40
        for v, vector in enumerate(self.p["vectors"]):
            n, bits = vector["length"], vector["bits"]
            size = (n * bits + 7) // 8
            total = [0] * n
            for i in self.u3:
                y = unpack(self.body(i, "input", "server")[at : at + size], n, bits)
                own = self.self_mask(secrets[i], i, vector)
                total = [a + b - c for a, b, c in zip(total, y, own)]
                for j in gone:
                    if j in self.neighbours(i):
                        sign = 1 if i < j else -1
                        pair = self.pair_mask(secrets[j], j, i, vector)
                        total = [a - sign * b for a, b in zip(total, pair)]
            at += size
            total = [a % 2**bits for a in total]
            plain = [sum(c) % 2**bits for c in zip(*(self.devices[i].inputs[v] for i in self.u3))]
            assert total == self.data["sums"][v] == plain, f"sum of {vector['name']}"

    def check(self):
        self.check_join()
        self.check_pick()
        self.check_share()
        self.check_input()
        self.check_confirm()
        self.check_reveal()
        self.check_sums()


# ---- The files -----------------------------------------------------------------------------------


def check_masks(data):
    for m in data["masks"]:
        kind = 1 if m["stream"] == "aes-256-ctr" else 2
        lane, entries = m["lane_bytes"], m["entries"]
        vector = {"bits": 8 * lane, "length": len(entries)}
        assert mask(kind, bytes.fromhex(m["key"]), vector) == entries


def check_shamir(data):
    for s in data["sharings"]:
        secret = bytes.fromhex(s["secret"])
        points = [e["point"] for e in s["shares"]]
        shares = [bytes.fromhex(e["share"]) for e in s["shares"]]
        key, t = bytes.fromhex(s["coefficient_key"]), s["threshold"]
        assert share_secret(secret, key, t, points) == shares
        assert recover(points[-t:], shares[-t:]) == secret
        assert all(canonical(e) for e in shares)
    for e in data["not_canonical"]:
        assert not canonical(bytes.fromhex(e["share"])), e["why"]


def join_is_good(body, cohort, now_s):
    if len(body) != BUNDLE or body[:40] != header(cohort.id, 1):
        return False
    certificate = body[88:196]
    expires = struct.unpack_from("<q", certificate, 36)[0]
    return (
        body[40:72] == cohort.params_hash
        and certificate[:4] == b"FSC1"
        and now_s < expires
        and verify(
            bytes.fromhex(cohort.p["enrolment_key"]), certificate[44:],
            b"libfed certificate 1\0" + certificate[:44],
        )
        and verify(certificate[4:36], body[-SIGNATURE:], body[:-SIGNATURE])
    )


def check_negative(data):
    cohort = Cohort(dict(data, devices=[], bodies=[]))
    assert join_is_good(bytes.fromhex(data["good"]), cohort, data["now_s"])
    for e in data["refused"]:
        assert not join_is_good(bytes.fromhex(e["body"]), cohort, data["now_s"]), e["why"]


def main():
    folder = pathlib.Path(__file__).parent / "secagg"
    checks = {
        "masks.json": check_masks,
        "shamir.json": check_shamir,
        "negative.json": check_negative,
        "transcript_active.json": lambda d: Cohort(d).check(),
        "transcript_circulant.json": lambda d: Cohort(d).check(),
    }
    for name, check in checks.items():
        check(json.loads((folder / name).read_text()))
        print(f"{name}: ok")
    print(f"check_secagg: {len(checks)} passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    main()
