# Sourced by the other scripts: makes a virtual environment once and brings it up to date only when
# the sources changed, so that a second run costs nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1
# numba compiles umap's kernels once per environment instead of once per process.
export NUMBA_CACHE_DIR="${NUMBA_CACHE_DIR:-$PWD/.cache/numba}"
mkdir -p "$NUMBA_CACHE_DIR"

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }

find_python() {
  local name
  for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 python; do
    if [ -n "$name" ] && "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "Python 3.10 or newer with venv is needed; set PYTHON=/path/to/python3" >&2
  return 1
}

# make_environment DIRECTORY SPEC [PIP OPTION ...]: SPEC is ".", ".[extra,...]" or a file of requirements.
# Each SPEC has a stamp of its own, so that more extras are installed into an environment that is up to date.
make_environment() {
  local directory=$1 spec=$2 stamp=$1/.installed-${2//[^a-z,]/}
  local sources=(setup.py pyproject.toml docs/requirements.txt tensorboard_plugin_atlas/_version.py)
  shift 2
  case " $* " in
    *" --requirement "*) sources=("$spec") ;;
    *" --editable "*) ;; # uses the modules where they are
    *) sources+=(tensorboard_plugin_atlas) ;;
  esac
  if [ ! -x "$directory/bin/python" ]; then
    say "making $directory"
    "$(find_python)" -m venv "$directory"
  fi
  if [ ! -e "$stamp" ] || [ -n "$(find "${sources[@]}" -newer "$stamp" -type f -not -path '*/__pycache__/*' -print -quit)" ]; then
    say "installing into $directory"
    "$directory/bin/python" -m pip install --quiet "$@" "$spec"
    touch "$stamp"
  fi
  export PATH="$PWD/$directory/bin:$PATH"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# need_package COMMAND PACKAGE ...: installs Debian packages when the command is missing.
need_package() {
  local command=$1
  shift
  command -v "$command" >/dev/null && return
  if command -v apt-get >/dev/null; then
    say "installing $*"
    as_root apt-get update -q >/dev/null && as_root apt-get install -y -q "$@" >/dev/null && return
  fi
  echo "$command is needed and could not be installed; install it and run this again" >&2
  return 1
}

front_end_packages() {
  need_package node nodejs npm
  if [ "$(node --print 'parseInt(process.versions.node)')" -lt 20 ]; then
    echo "node is version $(node --version); install version 20 or newer and run this again" >&2
    return 1
  fi
  if [ ! -e frontend/node_modules/.package-lock.json ] ||
      [ frontend/package-lock.json -nt frontend/node_modules/.package-lock.json ]; then
    say "installing the front end's packages"
    npm ci --prefix frontend --no-audit --no-fund --silent
    touch frontend/node_modules/.package-lock.json
  fi
}

# start_in_background FUNCTION: runs it in the background. finish FUNCTION: waits for it, prints its output,
# and fails if it failed.
start_in_background() {
  local output
  output=$(mktemp)
  "$1" >"$output" 2>&1 &
  printf -v "process_of_$1" %s $!
  printf -v "output_of_$1" %s "$output"
}

finish() {
  local process="process_of_$1" output="output_of_$1" status=0
  wait "${!process}" || status=$?
  cat "${!output}" >&2
  rm "${!output}"
  return "$status"
}
