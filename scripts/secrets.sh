#!/bin/sh
# Makes deploy/anju.env and deploy/postgres.env from their examples, with fresh passwords.
# What exists stays: a new password for a database that has the old one only locks Anju out.
set -eu
cd "$(dirname "$0")/../deploy"
umask 077

for file in anju.env postgres.env; do
    if [ -e "$file" ]; then
        echo "deploy/$file exists already; nothing changed" >&2
        exit 1
    fi
done

secret() {
    # 24 bytes as letters, digits, - and _: usable in a URL as it is.
    head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '='
}

postgres=$(secret)
fill() {
    sed -e "s/@POSTGRES_PASSWORD@/$postgres/" -e "s/@MQTT_PASSWORD@/$(secret)/" \
        -e "s/@SECRET_KEY@/$(secret)/" "$1.example" >"$1"
    echo "deploy/$1 written"
}

fill postgres.env
fill anju.env
echo "now set ANJU_PUBLIC_URL and ANJU_OPERATOR_URL in deploy/anju.env"
