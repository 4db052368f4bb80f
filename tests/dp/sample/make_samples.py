#!/usr/bin/env python3
"""The small tables that the dp suites read when no reference tables are at hand.

Everything here is computed from definitions, by other means than the C code: Renyi divergences
and hockey sticks by numerical integration, sensitivities by enumeration, probabilities by exact
rational sums. Run it in its own folder: it writes the .csv files beside it."""
import csv
import itertools
import math
from fractions import Fraction


def write(name, rows):
    with open(name, "w", newline="") as f:
        w = csv.DictWriter(f, list(rows[0]), lineterminator="\n")
        w.writeheader()
        w.writerows(rows)


def integral(f, low, high, n=40000):
    h = (high - low) / n
    return math.fsum(f(low + (i + 0.5) * h) for i in range(n)) * h


def density(x, mean, s):
    return math.exp(-((x - mean) ** 2) / (2 * s * s)) / (s * math.sqrt(2 * math.pi))


def bisect(f, low, high):  # f falls from positive to negative
    for _ in range(200):
        mid = (low + high) / 2
        low, high = (mid, high) if f(mid) > 0 else (low, mid)
    return high


def phi(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def gaussian_delta(s, eps):
    return phi(0.5 / s - eps * s) - math.exp(eps) * phi(-0.5 / s - eps * s)


def gaussian_epsilon(s, delta):
    return bisect(lambda e: gaussian_delta(s, e) - delta, 0, 60)


def sampled_epsilon(s, q, delta):
    """One Poisson-sampled step, the remove direction: 1 + q(e^e0 - 1) = e^e, q delta0 = delta."""
    e0 = gaussian_epsilon(s, delta / q)
    return math.log1p(q * math.expm1(e0))


def rdp_sampled(q, s, a):
    f = lambda x: density(x, 0, s) * (1 - q + q * math.exp((2 * x - 1) / (2 * s * s))) ** a
    return math.log(integral(f, -12 * s, a + 12 * s)) / (a - 1)


def cks(a, rdp, delta):
    return rdp + math.log1p(-1 / a) - math.log(delta * a) / (a - 1)


def epsilon_rows():
    rows = []
    for s, q, a, delta in [(1, 0.01, 6, 1e-5), (0.8, 0.05, 4, 1e-6), (2, 0.1, 12, 1e-5)]:
        rows.append(dict(sigma=s, q=q, steps=1, delta=delta, rdp_order=a,
                         eps_rdp=cks(a, rdp_sampled(q, s, a), delta),
                         eps_pld=sampled_epsilon(s, q, delta), pld_interval="",
                         eps_exact_gaussian="", pld_tight=1))
    for s, steps, delta in [(1, 4, 1e-5), (3, 50, 1e-6)]:
        exact = gaussian_epsilon(s / math.sqrt(steps), delta)
        a = 8 if s > 1 else 3
        rows.append(dict(sigma=s, q=1.0, steps=steps, delta=delta, rdp_order=a,
                         eps_rdp=cks(a, steps * a / (2 * s * s), delta), eps_pld=exact,
                         pld_interval="", eps_exact_gaussian=exact, pld_tight=1))
    return rows


def crosscheck_rows():
    rows = []
    for s, q, delta in [(0.5, 0.01, 1e-6), (1, 0.02, 1e-5), (4, 0.1, 1e-5)]:
        e = sampled_epsilon(s, q, delta)
        rows.append(dict(sigma=s, q=q, steps=1, delta=delta, eps_pld=e, prv_lower=e - 1e-6,
                         prv_estimate=e, prv_upper=e + 1e-6, eps_exact_onestep=e))
    return rows


def wor_rdp(q, s, a):
    """Theorem 27 with s over the replace-one sensitivity; moments of the likelihood ratio by
    integration."""
    def moment(j):
        f = lambda x: density(x, 0, 1) * math.expm1(x / s - 0.5 / s / s) ** j
        return integral(f, -14, j / s + 14)
    total = 1.0
    for j in range(2, a + 1):
        even = math.sqrt(moment(j // 2 * 2) * moment((j + 1) // 2 * 2))
        total += math.comb(a, j) * q ** j * min(4 * even, 2 * math.exp(j * (j - 1) / 2 / s / s))
    return math.log(total) / (a - 1)


def wor_rows():
    rows = []
    for s, q, a, delta in [(4, 0.01, 5, 1e-5), (8, 0.1, 10, 1e-6)]:
        rows.append(dict(sigma=s, q=q, steps=1, delta=delta,
                         eps_rdp_wor=cks(a, wor_rdp(q, s / 2, a), delta), rdp_order=a,
                         eps_pld_wor=sampled_epsilon(s / 2, q, delta), eps_pld_poisson_replace=""))
    return rows


def zcdp_rows():
    rows = []
    for rho, delta in [(0.01, 1e-5), (0.5, 1e-6), (5, 1e-5)]:
        best = min(cks(1 + math.exp(t / 20000), rho * (1 + math.exp(t / 20000)), delta)
                   for t in range(-100000, 100000))
        a = 1 + math.sqrt(math.log(1 / delta) / rho)
        rows.append(dict(rho=rho, delta=delta, eps_cks20=best,
                         eps_rdp_default_orders=cks(a, rho * a, delta), rdp_order=a,
                         eps_exact_gaussian=gaussian_epsilon(1 / math.sqrt(2 * rho), delta)))
    return rows


def patterns(n, b, k):
    for size in range(1, k + 1):
        for p in itertools.combinations(range(n), size):
            if all(y - x >= b for x, y in zip(p, p[1:])):
                yield p


def tree_nodes(n):
    start = 0
    while start < n:
        size = 1 << ((n - start).bit_length() - 1)
        w = size
        while w:
            yield from (range(i, i + w) for i in range(start, start + size, w))
            w //= 2
        start += size


def tree_rows():
    rows = []
    for n, b, k in [(7, 2, 2), (8, 1, 3), (12, 3, 4), (16, 2, 4), (13, 5, 2)]:
        nodes = [set(r) for r in tree_nodes(n)]
        best = max(sum(len(v & set(p)) ** 2 for v in nodes) for p in patterns(n, b, k))
        rows.append(dict(total_steps=n, max_participation=k, min_separation_tfp=b - 1,
                         zcdp_rho_nm1=best / 2, sens_sq=float(best)))
    return rows


def strategy(kind, params, n):
    root = [1.0]
    for j in range(1, n):
        root.append(root[-1] * (2 * j - 1) / (2 * j))
    if kind.startswith("sqrt"):
        return root
    if kind.startswith("banded"):
        return [c if j < params else 0.0 for j, c in enumerate(root)]
    if kind.startswith("blt"):
        return [1.0] + [sum(w * t ** (j - 1) for t, w in params) for j in range(1, n)]
    return [1.0] + [0.0] * (n - 1)


def mf_row(kind, text, params, n, b, k):
    c = strategy(kind, params, n)
    best = max(sum(sum(c[t - i] for i in p if i <= t) ** 2 for t in range(n))
               for p in patterns(n, b, k))
    inverse = []
    for t in range(n):
        inverse.append((1.0 if t == 0 else 0.0) - sum(c[j] * inverse[t - j]
                                                      for j in range(1, t + 1)))
    error = sum(x * x for x in itertools.accumulate(inverse))
    return dict(strategy=kind, params=text, n=n, min_sep_b=b, max_part_k=k, sens_sq=best,
                sens_sq_bruteforce=best, max_err_rownorm_sq=error,
                max_loss=math.sqrt(best * error))


def mf_rows():
    blt = [(0.99, 0.08), (0.6, 0.5)]
    return [mf_row("identity(dp-sgd)", "", None, 9, 2, 3),
            mf_row("sqrt_toeplitz(FHU22)", "", None, 12, 3, 2),
            mf_row("banded_sqrt", "bands=4", 4, 12, 4, 3),
            mf_row("blt", "theta=0.99|0.6;omega=0.08|0.5", blt, 12, 3, 3)]


def rounded(norm, dim, beta):
    return min(norm + math.sqrt(dim), math.sqrt(
        norm ** 2 + dim / 4 + math.sqrt(2 * math.log(1 / beta)) * (norm + math.sqrt(dim) / 2)))


def dd_rows():
    rows = []
    beta = math.exp(-0.5)
    for mechanism, n, dim, bits, z, a in [("ddgauss", 20, 1024, 16, 1.0, 5),
                                          ("skellam", 100, 4096, 18, 2.0, 12)]:
        local = z / math.sqrt(n)
        scale = math.floor(math.sqrt(4.0 ** bits - n * 16)
                           / (8 * math.sqrt(n * n / dim + n * local ** 2)))
        d2 = rounded(scale, dim, beta)
        d1 = d2 * min(math.sqrt(dim), d2)
        v, tau = n * (local * scale) ** 2, 10 * sum(
            math.exp(-2 * (math.pi * local * scale) ** 2 * k / (k + 1)) for k in range(1, n))
        def rdp(a):
            if mechanism == "skellam":
                return a * d2 * d2 / 2 / v + min(((2 * a - 1) * d2 * d2 + 6 * d1) / 4 / v / v,
                                                 3 * d1 / 2 / v)
            return min(a / 2 * d2 * d2 / v + tau * dim, a / 2 * (d2 / v ** .5 + dim ** .5 * tau) ** 2)
        a = min(list(range(2, 129)) + [256], key=lambda o: cks(o, rdp(o), 1e-5))
        rows.append(dict(kind="forward", mechanism=mechanism, n=n, dim=dim, clip=1.0, bits=bits,
                         k_stddevs=4, beta=beta, q=1.0, steps=1, delta=1e-5, scale=float(scale),
                         local_stddev=local, local_stddev_int=local * scale, tau=tau,
                         l2_sens_rounded=d2 / scale, l1_sens_rounded=d1 / scale,
                         eps=cks(a, rdp(a), 1e-5), rdp_order=a, target_eps=""))
    return rows


def dd_pld_rows():
    rows = []
    for n, dim, local, d2, q, delta in [(20, 1024, 1144.3, 10235.5, 1.0, 1e-5),
                                        (100, 4096, 30.0, 450.0, 0.02, 1e-5)]:
        s = math.sqrt(n * local * local - 4) / d2
        xi = dim * 2 * math.atanh(2 * math.exp(-8 * math.pi ** 2))
        e = gaussian_epsilon(s, delta) if q == 1 else sampled_epsilon(s, q, delta)
        rdp = [cks(a, a / 2 * d2 ** 2 / n / local ** 2, delta) for a in range(2, 129)]
        rows.append(dict(kind="forward", n=n, dim=dim, bits=16, q=q, steps=1, delta=delta,
                         scale="", local_stddev_int=local, delta2_int=d2, sigma_eff=s, xi_total=xi,
                         eps_authors_rdp=min(rdp) if q == 1 else "", eps_pld_domination=e))
    return rows


def one_run_p(m, r, v, eps, delta):
    """Exact in rationals but for e^eps."""
    p = Fraction(1 / (1 + math.exp(-eps)))
    mass = [math.comb(r, i) * p ** i * (1 - p) ** (r - i) for i in range(r + 1)]
    tail = sum(mass[v:])
    steep = max((sum(mass[v - i:v]) / i for i in range(1, v + 1)), default=0)
    return float(min(1, tail + 2 * m * Fraction(delta) * steep))


def audit_rows():
    rows = []
    for m, r, v, delta in [(100, 60, 50, 0.0), (200, 40, 40, 1e-5)]:
        e = bisect(lambda x: 0.05 - one_run_p(m, r, v, x, delta), 0, 8)
        rows.append({"m": m, "n_guess": r, "n_correct": v, "delta": delta, "significance": 0.05,
                     "p_value_at_eps1": one_run_p(m, r, v, 1, delta),
                     "eps_lb_one_run(SNJ23)": e})
    return rows


if __name__ == "__main__":
    write("epsilon_reference_ext.csv", epsilon_rows())
    write("epsilon_crosscheck.csv", crosscheck_rows())
    write("epsilon_wor_reference.csv", wor_rows())
    write("zcdp_reference.csv", zcdp_rows())
    write("tree_reference.csv", tree_rows())
    write("mf_reference.csv", mf_rows())
    write("ddgauss_reference.csv", dd_rows())
    write("ddgauss_pld_reference.csv", dd_pld_rows())
    write("audit_reference.csv", audit_rows())
