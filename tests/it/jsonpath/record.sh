#!/usr/bin/env bash
# Asks the real kubectl what each template of cases.txt gives for object.json and prints cases.txt
# with its answers:
#
#     KUBECTL=$KUBEBUILDER_ASSETS/kubectl tests/it/jsonpath/record.sh >new && mv new tests/it/jsonpath/cases.txt
#
# A line `= TEMPLATE` is a question. `~ TEMPLATE` is one whose results come in random order: its
# words are sorted. The answer is the lines after it: `> ` and a line of the output, the last without
# a line end, or `! ` and what kubectl says is wrong. All other lines are kept. No server is asked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
kubectl=${KUBECTL:-kubectl}
export KUBECONFIG=/dev/null LC_ALL=C

answer() {
  local mark=$1 template=$2 output problem
  problem=$(mktemp)
  # The dot keeps the line ends that $(...) would cut off.
  if output=$("$kubectl" patch --local -f object.json --type=merge -p '{}' \
    -o "jsonpath=$template" 2>"$problem" && printf .); then
    output=${output%.}
    [ "$mark" = '~' ] && output=$(printf '%s' "$output" | tr ' ' '\n' | sort | paste -sd' ' -)
    printf '%s' "$output" | sed 's/^/> /'
    # An output that is empty or ends with a line end has one more line, an empty one.
    case "$output" in '' | *$'\n') printf '> ' ;; esac
    printf '\n'
  else
    sed -n -e 's/^error: error parsing jsonpath //p' \
      -e 's/.*Error executing template: \(.*\)\. Printing more information.*/\1/p' "$problem" |
      sed -e 's/^/! /' -e 1q
  fi
  rm -f "$problem"
}

while IFS= read -r line; do
  case "$line" in
    '= '* | '~ '*)
      printf '%s\n' "$line"
      answer "${line:0:1}" "${line:2}"
      ;;
    '> '* | '! '*) ;;
    *) printf '%s\n' "$line" ;;
  esac
done <cases.txt
