# Sourced by the scripts, from the top folder: how a preset is configured and built.

# ccache when it is there, half as many jobs as would fill a small machine's memory.
jobs=$(nproc)
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache
fi

# configure PRESET: quiet unless it fails.
configure() {
    local log
    log=$(cmake --preset "$1" 2>&1) || { printf '%s\n' "$log"; return 1; }
}

# build PRESET [TARGET...]: quiet unless it fails; then what the compiler said.
build() {
    local preset=$1 log
    shift
    log=$(cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"} 2>&1) ||
        { grep -v '^\[' <<<"$log" || true; return 1; }
}
