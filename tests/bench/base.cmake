fed_bench(base ROOMS base LIBS OpenSSL::Crypto)
