# Sourced by the scripts, from the top folder: how a preset is configured, built and tested.

# ccache when it is there.
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache
fi
jobs=$(nproc)
# mawk waits for a full block of input unless it is told that somebody is looking.
awk=(awk)
if awk -W version 2>/dev/null </dev/null | grep -q '^mawk'; then
    awk=(mawk -W interactive)
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
        { grep -v '^\[[0-9]*/[0-9]*\] [A-Z]' <<<"$log" || true; return 1; }
}

# suites PRESET [CTEST ARGUMENT...]: names, one a line.
suites() {
    ctest --test-dir "build/$1" -N "${@:2}" | sed -n 's/^ *Test *#[0-9]*: //p'
}

# targets PRESET [CTEST ARGUMENT...]: the programs that the chosen suites run, to be built.
targets() {
    local preset=$1 commands suite
    commands=$(find "build/$preset" -name CTestTestfile.cmake -exec grep -h '^add_test(' {} +)
    for suite in $(suites "$@"); do
        grep -E "^add_test\((\[=\[)?$suite(\]=\])? " <<<"$commands"
    done | grep -o "\"$PWD/build/$preset/[^\"]*\"" | sed 's#.*/##; s#"##' | sort -u
}

# What ctest is started by, if anything.
run_with=()

# tally PRESET [CTEST ARGUMENT...]: run its suites, one line each; last line "N passed, N failed".
tally() {
    local preset=$1
    shift
    "${run_with[@]}" ctest --test-dir "build/$preset" --verbose --parallel 2 "$@" 2>&1 | "${awk[@]}" -f script/lib/tally.awk
}
