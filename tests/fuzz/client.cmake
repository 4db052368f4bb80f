# A session whose server answers as the input says; the script is shared with tests/client/.
fed_fuzz(session ROOMS session INSIDE tests/client)
target_sources(fuzz_session PRIVATE "${PROJECT_SOURCE_DIR}/tests/client/scripted_server.c")
fed_fuzz(manifest ROOMS keep INSIDE client/keep)
