fed_bench(codec ROOMS codec INSIDE common/codec)
