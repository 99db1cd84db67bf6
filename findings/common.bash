# Sourced by the scripts of this folder.
#
# finding PACKAGE==VERSION… <<'PY' runs a Python program with exactly these packages in a folder of its
# own, and ends with 0 when the program's last line is "the surprise holds", 1 when it is
# "the behaviour has changed", 2 when it could not run.

set -u

finding() {
  local folder environment last
  folder=$(mktemp -d) || exit 2
  trap 'rm -rf "$folder"' EXIT
  environment=${FINDINGS_VENV:-$folder/venv}
  [ -x "$environment/bin/python" ] || python3 -m venv "$environment" || exit 2
  "$environment/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 || exit 2
  "$environment/bin/pip" list --format=freeze --disable-pip-version-check 2>&1 |
    grep -iE "^($(printf '%s\n' "$@" | sed 's/==.*//' | paste -sd '|'))==" || exit 2
  cat > "$folder/finding.py"
  cp "$(dirname "${BASH_SOURCE[0]}")/tiny_flux.py" "$folder" || exit 2
  (cd "$folder" && HF_HUB_OFFLINE=1 "$environment/bin/python" finding.py) | tee "$folder/output"
  [ "${PIPESTATUS[0]}" = 0 ] || exit 2
  last=$(tail -n 1 "$folder/output")
  case $last in
    "the surprise holds") exit 0 ;;
    "the behaviour has changed") exit 1 ;;
  esac
  exit 2
}
