# Reads `ctest --verbose`, shows one line per suite as it ends and the output of what failed,
# and sums up what the suites' own last lines say ("NAME: N passed, N failed, N skipped").
# A suite that crashed, timed out or said nothing is one failure. The last line of output is
# "N passed, N failed, N skipped"; the exit code is 1 when anything failed or nothing ran.

match($0, /^[0-9]+: /) {
    id = substr($0, 1, RLENGTH - 2) + 0
    text = substr($0, RLENGTH + 1)
    output[id] = output[id] text "\n"
    if (text ~ /^ *SKIPPED /) skips[n_skips++] = text
    if (text ~ /^[^ ]+: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/) last[id] = text
    next
}

# " 3/16 Test  #3: cli ............   Passed    0.05 sec"
match($0, /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /) {
    id = $0
    sub(/^[^#]*#/, "", id)
    id += 0
    name = substr($0, RLENGTH + 1)
    sub(/ .*/, "", name)
    seconds = $(NF - 1)
    good = $0 ~ /   Passed /
    skipped_whole = $0 ~ /\*\*\*Skipped/
    p = f = s = 0
    if (id in last) {
        split(last[id], word, /[ :]+/)
        p = word[2]; f = word[4]; s = word[6]
    } else if (skipped_whole) {
        s = 1
        skips[n_skips++] = "  SKIPPED " name
    }
    why = ""
    if (!good && !skipped_whole && !f) {
        f = 1
        why = $0
        sub(/.*\*\*\*/, "", why)
        sub(/ +[0-9.]+ sec.*/, "", why)
        why = " (" tolower(why) ")"
    } else if (good && !(id in last)) {
        f = 1
        why = " (it ended without its closing line)"
    }
    printf "%s %-28s %4d passed %3d failed %3d skipped %8.1f s%s\n", f ? "FAIL" : "  ok", name, p, f, s, seconds, why
    if (f) printf "%s", output[id]
    fflush()
    passed += p; failed += f; skipped += s
    delete output[id]
    if (f) bad = bad " " name
    next
}

/^(CMake Error|No tests were found|Unable to find executable|Could not find executable)/ { print }

END {
    if (n_skips) print "\nSkipped:"
    for (i = 0; i < n_skips; i++) print skips[i]
    if (bad != "") print "\nFailed:" bad
    print ""
    if (!passed && !failed) { print "no test was run"; failed = 1 }
    printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""
    exit failed > 0
}
