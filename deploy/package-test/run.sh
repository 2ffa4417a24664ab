#!/usr/bin/env bash
# From the package to its purge, for real: builds it, installs it in a clean Debian 12 root, whose systemd runs as process 1 of its own
# namespaces, kills it, reloads it, upgrades it. With the path of a package it takes that one. Root only; of the machine it uses one cgroup of its own. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.."
skip() { echo "skipped: $1"; exit 0; }
[ "$(id -u)" -eq 0 ] || skip 'only root can make a root and namespaces'
for tool in debootstrap dpkg-deb mosquitto mosquitto_sub ip nsenter; do
  command -v "$tool" >/dev/null || { echo "expected $tool on this machine: install it"; exit 1; }
done
cgroups=/sys/fs/cgroup/unified
[ -d "$cgroups" ] || cgroups=/sys/fs/cgroup
[ -f "$cgroups/cgroup.procs" ] || skip 'there is no cgroup v2 here'

work=$(mktemp -d)
root=$work/root
cgroup=$cgroups/grocerd-test-$$
booted=
finish() {
  [ -z "$booted" ] || { kill -9 "$booted"; wait "$booted"; } 2>/dev/null
  [ -z "${broker-}" ] || kill "$broker" 2>/dev/null
  # The kernel needs a moment until the last process is out of it.
  for _ in $(seq 50); do
    [ -d "$cgroup" ] || break
    find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
    sleep 0.1
  done
  rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

. deploy/checks.sh
# The same for what must stop everything.
need() { check "$@"; [ "$2" = "$3" ] || { tail -n 5 "$work"/*.log; in_root journalctl -u 'grocerd*' -o cat -n 30 2>/dev/null | cut -c1-300; end; }; }

# A command in the root, and one of this machine in its network.
in_root() { nsenter -t "$init" -m -u -i -n -p -C -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
in_network() { nsenter -t "$init" -n -- "$@"; }
shown() { in_root systemctl show --value -p "$2" "$1"; }
# until SECONDS COMMAND…: whether it comes true in time.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || { echo late; return; }; sleep 0.2; done
  echo yes
}
status_says() { shown grocerd StatusText | grep -q -- "$1"; }
is_state() { [ "$(shown "$1" ActiveState)" = "$2" ]; }
ready() { in_network node -e 'fetch("http://127.0.0.1:8080/readyz").then(r => process.exit(r.status === 200 ? 0 : 1), () => process.exit(1))'; }
# The first event of a kiosk that is made while one listens: after a start old ones come again, marked as such.
heard() { in_network timeout 70 mosquitto_sub -p 1883 -u till -P till -t "grocerd/$1/items" -R | first_new; }
first_new() {
  node -e 'require("readline").createInterface({ input: process.stdin }).on("line", line => {
    if (JSON.parse(line).replayed) return
    console.log(line)
    process.exit()
  })'
}
retained() { in_network timeout 20 mosquitto_sub -p 1883 -u till -P till -t "grocerd/$1" -C 1; }
# field NAME.NAME <JSON
field() { node -e 'const j = JSON.parse(require("fs").readFileSync(0, "utf8") || "{}"); console.log(process.argv[1].split(".").reduce((o, k) => o?.[k], j))' "$1"; }

config() { # KIOSK HTTP-PORT PICTURE
  cat <<YAML
kiosk: { id: $1 }
cameras:
  - { id: counter, source: "dir:/usr/lib/grocerd/deploy/demo/pictures?hold=1s&gap=600ms&loop=1", fps: 10 }
counter: { needSession: false }
mqtt: { url: "mqtt://127.0.0.1:1883", username: kiosk }
http: { listen: "127.0.0.1:$2" }
YAML
}

# ---- the package, and a clean root beside it
mirror=$(debian_mirror)
[ -n "$mirror" ] || { echo 'expected a Debian mirror in /etc/apt but found none'; exit 1; }
debootstrap --variant=minbase --include=systemd,systemd-sysv,init-system-helpers bookworm "$root" "$mirror" >"$work/debootstrap.log" 2>&1 &
bootstrap=$!
deb=${1-}
[ -n "$deb" ] || npm run package -- --compression none >"$work/package.log" 2>&1 || { tail -n 30 "$work/package.log"; exit 1; }
wait "$bootstrap" || { tail -n 20 "$work/debootstrap.log"; exit 1; }
version=$(node -p 'require("./package.json").version')
deb=${deb:-dist/grocerd_${version}_$(dpkg --print-architecture).deb}
check 'the package is there' yes "$([ -s "$deb" ] && echo yes)"
cp "$deb" "$root/srv/grocerd.deb"
if command -v lintian >/dev/null; then
  # This test's own package is not compressed.
  lintian --no-cfg --allow-root --fail-on error,warning --suppress-tags uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball "$deb" >"$work/lintian.log" 2>&1
  check 'lintian has no error and no warning' 0 $?
  cat "$work/lintian.log"
else echo 'skipped: lintian is wanted'; fi
# The next version: the same but for its number.
dpkg-deb -R "$deb" "$work/next"
next=${version%.*}.$((${version##*.} + 1))
sed -i "s/^Version: .*/Version: $next/" "$work/next/DEBIAN/control"
sed -i "s/\"version\": \"$version\"/\"version\": \"$next\"/" "$work/next/usr/lib/grocerd/package.json"
dpkg-deb -Znone --root-owner-group -b "$work/next" "$root/srv/next.deb" >/dev/null
rm -rf "$work/next"

# ---- systemd, and the package under it
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
for unit in getty.target systemd-logind.service apt-daily.timer apt-daily-upgrade.timer; do ln -s /dev/null "$root/etc/systemd/system/$unit"; done
mkdir "$cgroup"
(echo "$BASHPID" >"$cgroup/cgroup.procs" && exec unshare -C -m -u -i -n -p -f --kill-child "$PWD/deploy/package-test/boot.sh" "$root") >"$work/boot.log" 2>&1 &
booted=$!
is_booted() { init=$(pgrep -P "$booted") && [ "$(cat "/proc/$init/comm")" = systemd ] && in_root systemctl is-system-running | grep -qE 'running|degraded'; }
need 'systemd runs as process 1' yes "$(until_true 60 is_booted)"
init=$(pgrep -P "$booted")
in_root apt-get install -y --no-install-recommends /srv/grocerd.deb >"$work/install.log" 2>&1
need 'apt install' 0 $?
need 'it is started, as it is after READY=1' active "$(shown grocerd ActiveState)"
check 'it starts with the box' enabled "$(in_root systemctl is-enabled grocerd)"
check 'its Node is its own' "v$(sed -n "s/^  version: '\(.*\)',/\1/p" scripts/package.mjs)" "$(in_root /usr/lib/grocerd/bin/node --version)"
check 'without a camera it says so' yes "$(until_true 60 status_says NO_CAMERA)"
check 'the man page names every command' "$(grep -c "await import('./cli/" src/main.ts)" "$(gzip -dc "$root/usr/share/man/man1/grocerd.1.gz" | grep -c '^\.SS ')"
check 'doctor finds OpenVINO, and in the package' yes "$(in_root grocerd doctor 2>&1 | grep -q '/usr/lib/grocerd/runtime/openvino' && echo yes)"

# ---- a camera, a broker with a password, an item
touch "$work/passwords"
mosquitto_passwd -b "$work/passwords" kiosk from-the-credential && mosquitto_passwd -b "$work/passwords" till till
printf 'listener 1883 127.0.0.1\nallow_anonymous false\npassword_file %s\nuser root\n' "$work/passwords" >"$work/mosquitto.conf"
in_network mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
broker=$!
config kiosk-1 8080 >"$root/etc/grocerd/grocerd.yaml"
(umask 077; echo from-the-credential >"$root/etc/grocerd/credentials/mqtt-password")
mkdir -p "$root/etc/systemd/system/grocerd.service.d"
printf '[Service]\nExecStartPre=/usr/lib/grocerd/bin/node /usr/local/lib/probe.mjs\n' >"$root/etc/systemd/system/grocerd.service.d/probe.conf"
install -m 644 deploy/package-test/probe.mjs "$root/usr/local/lib/probe.mjs"
for folder in etc usr/lib; do install -m 666 /dev/null "$root/$folder/grocerd/for-all"; done
in_root systemctl daemon-reload
in_root systemctl restart grocerd
event=$(heard kiosk-1)
need 'an item event comes' 1 "$(field schema <<<"$event")"
seq=$(field seq <<<"$event")
check '/readyz is 200' yes "$(until_true 30 ready)"
check 'STATUS says it' ready "$(shown grocerd StatusText)"
in_root grocerd commission --config /etc/grocerd/grocerd.yaml --yes --steps light,glare --technician nobody >"$work/commission.log" 2>&1
check 'commissioning measures and leaves a sheet beside the state' 1 "$(find "$root/var/lib/private/grocerd/commission" -name '*.html' | wc -l)"
owner=$(stat -c %u "$root/var/lib/private/grocerd/outbox")
check 'its user exists only while it runs' yes "$([ "$owner" -ge 61184 ] && [ "$owner" -le 65519 ] && echo yes)"

# ---- its walls, seen from inside
probe() { tr '\n' ' ' <"$root/var/lib/private/grocerd/probe"; }
inside='etc=EROFS program=EROFS secrets=EACCES credential=from-the-credential root=false others=hidden local=allowed'
check 'walls' "null=allowed fuse=EPERM $inside broker=EPERM " "$(probe)"
cp systemd/drop-ins/site.conf "$root/etc/systemd/system/grocerd.service.d/site.conf"
printf '[Service]\nDeviceAllow=/dev/fuse rw\n' >"$root/etc/systemd/system/grocerd.service.d/device.conf"
in_root systemctl daemon-reload
in_root systemctl restart grocerd
check 'a drop-in opens the device and the way to the broker' "null=allowed fuse=allowed $inside broker=allowed " "$(probe)"
rm "$root/etc/systemd/system/grocerd.service.d/"*.conf
in_root systemctl daemon-reload
in_root systemctl restart grocerd

# ---- killed twice
restarted() { [ "$(shown grocerd NRestarts)" = "$1" ] && is_state grocerd active; }
sleep 17
check 'while all goes on it is pinged, and lives longer than the watchdog waits' 0 "$(shown grocerd NRestarts)"
kill -STOP "$(pgrep -P "$init" -f 'dist/main.js run')"
check 'a daemon that hangs is ended by the watchdog and started again' yes "$(until_true 60 restarted 1)"
check 'and the journal says by whom' yes "$(in_root journalctl -u grocerd -o cat | grep -q 'Watchdog timeout (limit 15s)' && echo yes)"
kill -KILL "$(pgrep -P "$init" -f 'dist/main.js run')"
check 'after kill -9 it is started again' yes "$(until_true 30 restarted 2)"
event=$(heard kiosk-1)
check 'the numbering goes on' yes "$([ "$(field seq <<<"$event")" -gt "$seq" ] && echo yes)"

# ---- reload
main=$(shown grocerd MainPID)
echo 'camera: []' >"$root/etc/grocerd/grocerd.yaml"
in_root systemctl reload grocerd
check 'a wrong file is refused in words' yes "$(until_true 20 status_says 'RELOAD_REFUSED: CONFIG_INVALID: 1 error in /etc/grocerd/grocerd.yaml')"
check 'with the old one items come on' placed "$(heard kiosk-1 | field action | sed 's/removed/placed/')"
config kiosk-2 8080 >"$root/etc/grocerd/grocerd.yaml"
in_root systemctl reload grocerd
need 'a right one is taken' 1 "$(heard kiosk-2 | field schema)"
check 'and STATUS is well' yes "$(until_true 30 status_says '^ready$')"
check 'in the same process' "$main active" "$(shown grocerd MainPID) $(shown grocerd ActiveState)"
check 'the old name has said good-bye' stopped "$(retained kiosk-1/status)"

# ---- a second lane
config lane-3 8083 >"$root/etc/grocerd/lane-3.yaml"
mkdir -m 700 "$root/etc/grocerd/credentials/lane-3"
cp "$root/etc/grocerd/credentials/mqtt-password" "$root/etc/grocerd/credentials/lane-3/"
in_root systemctl start grocerd@lane-3
check 'a lane beside it' 1 "$(heard lane-3 | field schema)"
check 'with its own state' yes "$([ -d "$root/var/lib/private/grocerd-lane-3/outbox" ] && [ -d "$root/var/lib/private/grocerd/outbox" ] && echo yes)"

# ---- upgrade
seq=$(heard kiosk-2 | field seq)
in_root apt-get install -y --no-install-recommends /srv/next.deb >"$work/upgrade.log" 2>&1
need 'upgrade' 0 $?
is_version() { [ "$(retained "$1/state" | field version)" = "$next" ]; }
check 'the new version runs' yes "$(until_true 30 is_version kiosk-2)"
check 'in the lane too' yes "$(until_true 30 is_version lane-3)"
check 'configuration and state are kept' yes "$([ "$(heard kiosk-2 | field seq)" -gt "$seq" ] && echo yes)"
seq=$(heard kiosk-2 | field seq)
next=$version
in_root apt-get install -y --no-install-recommends --allow-downgrades /srv/grocerd.deb >"$work/downgrade.log" 2>&1
need 'back to the version before' 0 $?
check 'the old version runs' yes "$(until_true 30 is_version kiosk-2)"
check 'with the state as it was' yes "$([ "$(heard kiosk-2 | field seq)" -gt "$seq" ] && echo yes)"

# ---- a configuration that cannot be: it ends with 78, once
echo 'camera: []' >"$root/etc/grocerd/grocerd.yaml"
in_root systemctl restart grocerd 2>/dev/null
sleep 5
check 'exit 78 is not tried again' '78 failed 0' "$(shown grocerd ExecMainStatus) $(shown grocerd ActiveState) $(shown grocerd NRestarts)"
config kiosk-2 8080 >"$root/etc/grocerd/grocerd.yaml"
in_root systemctl reset-failed grocerd
in_root systemctl start grocerd
check 'mended, it starts' active "$(shown grocerd ActiveState)"

# ---- remove, purge
in_root apt-get remove -y grocerd >"$work/remove.log" 2>&1
check 'remove' 0 $?
check 'no process is left' '' "$(pgrep -f -P "$init" 'dist/main.js')"
check 'configuration and state stay' yes "$([ -f "$root/etc/grocerd/grocerd.yaml" ] && [ -d "$root/var/lib/private/grocerd/outbox" ] && echo yes)"
rm "$root/usr/lib/grocerd/for-all"; rmdir -p --ignore-fail-on-non-empty "$root/usr/lib/grocerd"
in_root apt-get purge -y grocerd >"$work/purge.log" 2>&1
check 'purge' 0 $?
check 'nothing is left' '' "$(cd "$root" && find etc usr var/lib -not -path 'var/lib/dpkg/*' -not -path 'var/lib/apt/*' -name '*grocerd*')"
check 'dpkg knows it no more' 1 "$(in_root dpkg -s grocerd >/dev/null 2>&1; echo $?)"
end
