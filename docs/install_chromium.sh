#!/bin/sh
# Installs what the page tests and the pictures need: Chromium and its driver, from Debian's packages.
if command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null && exit 0
fi
echo "chromium and chromedriver are not here and could not be installed: the page tests will be skipped" >&2
