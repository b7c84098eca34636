# Steps of a check: each has a time limit, and a table at the end tells what each took. Sourced by `run` and `slow`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"

# What tools are installed into: a folder under target/, kept between runs.
export TOOLS="$PWD/target/ci"
mkdir -p "$TOOLS"

# `slow`, called by `run`, adds to the table of `run`.
if [ -z "${STEPS:-}" ]; then
  STEPS=$(mktemp)
  export STEPS
  trap table EXIT
fi

# step LIMIT NAME FUNCTION: runs a function of the script, at most LIMIT seconds. The first failure ends the script.
step() {
  local limit=$1 name=$2 start=$SECONDS status=0 result=passed
  printf '\n== %s (at most %s s)\n' "$name" "$limit"
  export -f "${3?}"
  timeout --kill-after=15 "$limit" bash -euo pipefail -c "$3" </dev/null > >(tee "$TOOLS/step.log") 2>&1 || status=$?
  # For the output of `tee`, which does not end if a step leaves a process behind.
  sleep 0.2
  case $status in
    0) ;;
    124 | 137) result="stopped: longer than $limit s" ;;
    *) result="failed: exit status $status" ;;
  esac
  printf '| %-48s | %7s | %5s | %s |\n' "$name" $((SECONDS - start)) "$limit" "$result" | tee -a "$STEPS"
  [ "$status" = 0 ] || exit 1
}

table() {
  printf '\n| %-48s | %7s | %5s | result |\n|---|---|---|---|\n' step seconds limit
  cat "$STEPS"
  printf '\nsteps: %s passed, %s failed\n' "$(grep -c 'passed |$' "$STEPS")" "$(grep -vc 'passed |$' "$STEPS")"
  # The first failures once more, because the output of a step is long.
  if grep --quiet --invert-match 'passed |$' "$STEPS"; then
    grep --text --after-context=4 --max-count=8 -E 'panicked at|^error|Error:' "$TOOLS/step.log" | cut -c -400 | head -40 || true
  fi
  rm -f "$STEPS"
}

# attempts ARGUMENT...: runs `cargo test`. A few tests that fail get a second attempt, alone: on a busy machine a test may run
# out of the time that it waits. Their names and the failures of the first attempt are printed.
attempts() {
  local log="$TOOLS/attempts.log" failed
  cargo test --workspace --locked --no-fail-fast "$@" 2>&1 | tee "$log" && return
  mapfile -t failed < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort -u)
  # No test at all: it does not compile. Many: that is no accident.
  if [ ${#failed[@]} = 0 ] || [ ${#failed[@]} -gt 8 ]; then return 1; fi
  printf '\nsecond attempt of: %s\n' "${failed[*]}"
  cargo test --workspace --locked --no-fail-fast "$@" -- --exact "${failed[@]}"
}

# debian COMMAND PACKAGE...: installs packages of the distribution where a command is missing.
debian() {
  command -v "$1" >/dev/null && return
  [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ] || apt-get update --quiet
  apt-get install --quiet --yes --no-install-recommends "${@:2}"
}

# pypi NAME REQUIREMENT...: installs pinned packages into an environment of their own, $TOOLS/NAME.
pypi() {
  debian python3 python3 python3-venv
  local wanted="$TOOLS/$1.txt"
  printf '%s\n' "${@:2}" | sed 's/^@//' >"$wanted.new"
  # An environment that was made for other requirements is made again.
  if ! cmp --silent "$wanted" "$wanted.new"; then
    rm -rf "${TOOLS:?}/$1" "$wanted"
    python3 -m venv "$TOOLS/$1"
    "$TOOLS/$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted.new"
    mv "$wanted.new" "$wanted"
  fi
}

export -f attempts debian pypi
