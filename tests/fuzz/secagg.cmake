# Every message on both sides, one at a time; then whole sessions that do not obey.
fed_fuzz(secagg_device ROOMS secagg INSIDE secagg tests/secagg)
fed_fuzz(secagg_server ROOMS secagg INSIDE secagg tests/secagg)
fed_fuzz(secagg_machine ROOMS secagg INSIDE secagg tests/secagg)
fed_fuzz(secagg_state ROOMS secagg INSIDE secagg tests/secagg)
