fed_bench(secagg ROOMS secagg INSIDE secagg LIBS OpenSSL::Crypto)
