# For the scripts that try a package in a root of its own: what is checked and counted, and where packages of Debian come from. To be sourced by bash.
passed=0
failed=0
# check WHAT EXPECTED RECEIVED
check() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1)); printf '%4d s  ok      %s\n' "$SECONDS" "$1"
  else
    failed=$((failed + 1)); printf '%4d s  FAILED  %s\n  expected %s\n  received %s\n' "$SECONDS" "$1" "$2" "$3"
  fi
}
end() { echo "$passed passed, $failed failed"; [ "$failed" -eq 0 ]; exit; }

# The mirror that this machine has its own packages of: no host stands in the tree.
debian_mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    grep -oE '(https?|file|ftp)://[^] ]+/debian/?( |$)' | head -n 1 | tr -d ' '
}
