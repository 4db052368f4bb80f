# Both machines against each other; the world that they live in is shared with tests/server/.
fed_fuzz(federation ROOMS round session data seeded INSIDE tests tests/server)
target_sources(fuzz_federation PRIVATE "${PROJECT_SOURCE_DIR}/tests/server/round_world.c")
