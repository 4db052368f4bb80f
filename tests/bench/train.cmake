fed_bench(train ROOMS autograd INSIDE common/autograd tests/autograd LIBS ${CMAKE_DL_LIBS})
target_sources(bench_train PRIVATE
  "${CMAKE_SOURCE_DIR}/tests/autograd/benchmark_models.c"
  "${CMAKE_SOURCE_DIR}/tests/autograd/build_layers.c")
