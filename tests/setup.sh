# Sourced by tests/run and tests/bench/run: installs what the tests need by the ordinary clients, once.
# Sets: root (the checkout), venv (Python environment), and puts the Postgres server binaries on PATH.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${STAGECOACH_VENV:-$root/.venv}

need_apt() { # need_apt COMMAND PACKAGE …: installs PACKAGE unless COMMAND exists
  local command=$1; shift
  command -v "$command" >/dev/null 2>&1 || compgen -G "/usr/lib/postgresql/*/bin/$command" >/dev/null || missing+=("$@")
}

install_system_packages() {
  missing=()
  for pair in "$@"; do need_apt "${pair%%:*}" "${pair##*:}"; done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=; [ "$(id -u)" -eq 0 ] || sudo=sudo
  echo "installing ${missing[*]}"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

install_python_packages() {
  local wanted; wanted=$(sha256sum "$root/tests/requirements.txt" | cut -d' ' -f1)
  [ "$(cat "$venv/.wanted" 2>/dev/null)" = "$wanted" ] && return 0
  echo "installing Python packages into $venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/tests/requirements.txt"
  echo "$wanted" > "$venv/.wanted"
}

postgres_bin() { dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)"; }
