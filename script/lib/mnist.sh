# Sourced by script/demo, from the top folder: where MNIST is, or how to get it.

mnist_files="train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz"
mnist_sums="71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64  train-images-idx3-ubyte.gz
3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c  train-labels-idx1-ubyte.gz
8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6  t10k-images-idx3-ubyte.gz
f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6  t10k-labels-idx1-ubyte.gz"
mnist_mirrors="https://storage.googleapis.com/cvdf-datasets/mnist https://ossci-datasets.s3.amazonaws.com/mnist"

mnist_complete() {
    (cd "$1" 2>/dev/null && sha256sum --check --status <<<"$mnist_sums" 2>/dev/null)
}

# Download into the folder $1; each file appears there only when its sum is right.
mnist_download() {
    local folder=$1 file mirror
    script/bootstrap --with download >&2 || return 1
    mkdir -p "$folder"
    for file in $mnist_files; do
        for mirror in $mnist_mirrors; do
            curl --silent --show-error --fail --location --connect-timeout 5 --max-time 120 \
                --output "$folder/$file.part" "$mirror/$file" 2>/dev/null || continue
            if grep -q "^$(sha256sum <"$folder/$file.part" | cut -d' ' -f1)  $file\$" <<<"$mnist_sums"; then
                mv "$folder/$file.part" "$folder/$file"
                break
            fi
            echo "$mirror/$file is not the file it should be" >&2
        done
        rm -f "$folder/$file.part"
        [ -f "$folder/$file" ] || return 1
    done
}

# Print a folder that holds MNIST ($FED_DATA/mnist, the cache, the cache after a download), or fail.
mnist_find() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/libfed/mnist
    if [ -n "${FED_DATA:-}" ] && mnist_complete "$FED_DATA/mnist"; then
        echo "$FED_DATA/mnist"
    elif mnist_complete "$cache" || { mnist_download "$cache" && mnist_complete "$cache"; }; then
        echo "$cache"
    else
        return 1
    fi
}
