#include "votes.h"

#include <math.h>
#include <string.h>

fed_status fed_votes_bound_derive(fed_votes_bound *out, uint32_t k, unsigned bits,
                                  fed_error *err)
{
    if (!k || bits < 1 || bits > 16)
        return fed_fail(err, FED_E_INVALID, "update.vote_bits: %u blocks of %u bits", k,
                        bits);
    uint64_t top = ((uint64_t)1 << bits) - 1;
    out->norm_squared = k * top * top;
    out->norm = sqrt((double)out->norm_squared) * (1 + 0x1p-50);
    return FED_OK;
}

bool fed_votes_enforce(const fed_votes_bound *bound, int64_t *votes, size_t n)
{
    uint64_t sum = 0;
    bool broken = false;
    for (size_t i = 0; i < n && !broken; i++) {
        uint64_t magnitude = votes[i] < 0 ? 0 - (uint64_t)votes[i] : (uint64_t)votes[i];
        broken = magnitude > UINT16_MAX;
        if (!broken) sum += magnitude * magnitude;
        broken = broken || sum > bound->norm_squared;
    }
    if (broken) memset(votes, 0, n * sizeof *votes);
    return broken;
}

fed_status fed_votes_split(double z, double share, double *z_update, double *z_votes,
                           fed_error *err)
{
    if (!(z > 0) || !(share > 0 && share < 1))
        return fed_fail(err, FED_E_INVALID, "privacy.votes.share: %g is outside (0, 1)",
                        share);
    *z_votes = z / sqrt(share);
    *z_update = z / sqrt(1 - share);
    return FED_OK;
}
