#!/bin/sh
# Makes .venv from nothing: `setup.sh run` for what Anju needs, `setup.sh dev` for what its tests
# and checks need besides. A stamp in .venv remembers what was installed; make looks at it.
set -eu
cd "$(dirname "$0")/.."

what=${1:-dev}
venv=.venv

fail() {
    echo "anju: $*" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
        if is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# Debian and Ubuntu cut venv out of Python; its package is named after the version.
install_venv() {
    version=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "anju: installing $version"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$version" \
            >/dev/null || true
    fi
    has_venv "$1" || fail "Python has no venv module; type: sudo apt-get install -y $version"
}

make_venv() {
    python=$(find_python) ||
        fail "needs Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python"
    has_venv "$python" || install_venv "$python"
    echo "anju: making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv" || fail "cannot make $venv here; is the folder writable?"
}

pip() {
    # Nothing but the locks says what is installed: no configuration adds or upgrades anything.
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"
}

install() {
    echo "anju: installing $1 (a minute or two the first time)"
    pip install --require-hashes -r "$1" || fail "could not install $1; the lines above say why"
}

is_new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_venv

case $what in
run)
    install requirements.lock
    install requirements-build.lock
    ;;
dev) install requirements-dev.lock ;;
*) fail "setup.sh: say run or dev" ;;
esac
pip install --no-deps --no-build-isolation --editable . || fail "could not install Anju itself"
date >"$venv/.run"
[ "$what" = run ] || date >"$venv/.dev"
