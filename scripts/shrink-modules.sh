#!/bin/sh
# Leaves in an image's /app what runs, with times and rights that depend neither on when nor on by whom it was
# built. For the Dockerfile, whose three services are installed alike.
#   shrink-modules.sh SERVICE: the folder in services/ that the image is for
set -eu
cd /app

# Types and source maps are half of the dependencies. TypeScript itself comes as an optional peer, because the
# repository has it for its checks.
find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete
rm -rf node_modules/typescript node_modules/@typescript node_modules/@types node_modules/.bin

find services -mindepth 1 -maxdepth 1 ! -name "$1" -exec rm -r {} +
rm -r scripts

find . -exec touch --no-dereference --date=@0 {} +
chmod -R a+rX,go-w .
