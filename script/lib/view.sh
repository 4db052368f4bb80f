# Sourced by script/demo: a live view, redrawn in place on a terminal, one line a round elsewhere.

if [ -t 1 ]; then
    live=yes bold=$(tput bold 2>/dev/null || true) dim=$(tput dim 2>/dev/null || true)
    plain=$(tput sgr0 2>/dev/null || true)
else
    live="" bold="" dim="" plain=""
fi
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
*UTF-8* | *utf8*) steps=(▁ ▂ ▃ ▄ ▅ ▆ ▇ █) full=█ empty=░ ;;
*) steps=(_ . - = + '*' '#' '@') full='#' empty=. ;;
esac

# bar SHARE_IN_PERMILLE WIDTH
bar() {
    local n=$(($1 * $2 / 1000)) i out=""
    for ((i = 0; i < $2; i++)); do
        [ $i -lt $n ] && out+=$full || out+=$empty
    done
    printf '%s' "$out"
}

# curve WIDTH VALUE...: the last WIDTH values, each 0 to 1000, as columns of eight heights
curve() {
    local width=$1 v out=""
    shift
    [ $# -le "$width" ] || shift $(($# - width))
    for v; do
        v=$((v * 8 / 1000))
        out+=${steps[$((v > 7 ? 7 : v))]}
    done
    printf '%s' "$out"
}

# bytes N: for people
bytes() {
    awk -v n="$1" 'BEGIN {split("B KB MB GB TB", u); i = 1
        while (n >= 1000 && i < 5) {n /= 1000; i++}
        printf i == 1 ? "%d %s" : "%.1f %s", n, u[i]}'
}

# permille DECIMAL: 0.8731 -> 873
permille() {
    awk -v v="${1:-0}" 'BEGIN {printf "%d", v * 1000}'
}

drawn=0
# draw LINE...: replace what the last call drew
draw() {
    local line
    [ $drawn = 0 ] || printf '\033[%dA' $drawn
    for line; do
        printf '\r%s\033[K\n' "$line"
    done
    drawn=$#
}
