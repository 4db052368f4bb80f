fed_bench(dp ROOMS dp)
