#!/usr/bin/env bash
# usage: tests/planted/symbols.sh HEADER RESPONSE_FILE NAME=DEMANGLED_PREFIX... -- LIBRARY...
# Finds the functions that a planted bug replaces in the shipped libraries, by the start of their demangled names.
# Writes a header with NAME_WRAP and NAME_REAL (for asm labels) and a linker response file with --wrap options.
set -euo pipefail
if [ "${1:-}" = "--help" ]; then sed -n '2,4s/^# //p' "$0" && exit 0; fi
header=$1 response=$2
shift 2
wanted=() libraries=()
while [ $# -gt 0 ] && [ "$1" != "--" ]; do wanted+=("$1") && shift; done
shift
libraries=("$@")
header_text="#pragma once" response_text=""
symbols=$(nm --defined-only "${libraries[@]}" 2>/dev/null | awk '$2 == "T" {print $3}' | sort -u)
for one in "${wanted[@]}"; do
  name=${one%%=*} prefix=${one#*=}
  mangled=$(while read -r symbol; do
    case "$(c++filt "$symbol")" in "$prefix"*) echo "$symbol" && break ;; esac
  done < <(grep -F "$(echo "$prefix" | sed 's/(.*//; s/.*:://')" <<<"$symbols"))
  [ -n "$mangled" ] || { echo "symbols.sh: no function '$prefix' in ${libraries[*]}" >&2 && exit 1; }
  header_text+=$'\n'"#define ${name}_WRAP \"__wrap_$mangled\""$'\n'"#define ${name}_REAL \"__real_$mangled\""
  response_text+="--wrap=$mangled"$'\n'
done
printf '%s\n' "$header_text" >"$header"
printf '%s' "$response_text" >"$response"
