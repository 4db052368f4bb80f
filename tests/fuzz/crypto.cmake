fed_fuzz(sealed ROOMS crypto)
