#!/bin/sh
# Install the device library into an empty folder, and build and run the guide's example with
# nothing but that: by pkg-config and by CMake. Usage: package.sh BUILD EXAMPLE.c
set -eu
build=$1 example=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cmake --install "$build" --component device --prefix "$tmp/usr" >/dev/null
lib=$(dirname "$(find "$tmp/usr" -name 'libfedclient.so')")

run() {
    LD_LIBRARY_PATH=$lib "$1" http://127.0.0.1:9 "$tmp/$2" 300
}

export PKG_CONFIG_PATH="$lib/pkgconfig"
flags=$(pkg-config --define-prefix --cflags --libs fedclient)
# shellcheck disable=SC2086 # several words
cc -std=gnu11 -Wall -Wextra -Werror "$example" $flags -o "$tmp/by-pkg-config"
run "$tmp/by-pkg-config" state1

mkdir "$tmp/app"
cp "$example" "$tmp/app/device.c"
cat >"$tmp/app/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(app LANGUAGES C)
find_package(fedclient 0.1 REQUIRED)
add_executable(app device.c)
target_link_libraries(app fed::fedclient)
END
cmake -S "$tmp/app" -B "$tmp/app/build" -DCMAKE_PREFIX_PATH="$tmp/usr" >/dev/null
cmake --build "$tmp/app/build" >/dev/null
run "$tmp/app/build/app" state2

for header in client status; do
    c++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only -x c++ -I "$tmp/usr/include" \
        "$tmp/usr/include/fed/$header.h"
done
echo "package: 1 passed, 0 failed, 0 skipped"
