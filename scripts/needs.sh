#!/bin/sh
# Programs that the tests drive for real: a broker, a browser and Chinese type. Installed when
# that is possible, otherwise one line says what to type.
set -eu

missing=
need() {
    missing="$missing $1"
}

# Debian keeps the broker where only root's PATH leads.
PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v mosquitto >/dev/null || need mosquitto
command -v mosquitto_pub >/dev/null || need mosquitto-clients
command -v chromium >/dev/null || [ -x /usr/bin/chromium ] || need chromium
fc-list :lang=zh 2>/dev/null | grep -q . || need fonts-noto-cjk

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "anju: installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "anju: the tests need$missing; type: sudo apt-get install -y$missing" >&2
    exit 1
fi
