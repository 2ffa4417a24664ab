#!/usr/bin/env bash
# The arm64 packages on an amd64 machine, under qemu: native tests, doctor, answers beside those of amd64, the daemon for two minutes; the one
# for JetPack 4 over the C library of Ubuntu 18.04. qemu.sh [--short: three pictures, 20 s] [debian|jetpack4 [its package, if it is made already]]
# Root. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.."
skip() { echo "skipped: $1"; exit 0; }
[ "$(id -u)" -eq 0 ] || skip 'only root can make a root and namespaces'
[ "$(uname -m)" = x86_64 ] || skip 'this is for amd64: on arm64 npm test does it'
for tool in debootstrap qemu-aarch64-static aarch64-linux-gnu-g++ mosquitto_sub unshare curl; do
  command -v "$tool" >/dev/null || { echo "expected $tool on this machine: install it"; exit 1; }
done
# Mounts and processes end with these namespaces; what the kernel is told of arm64 programs is untold below.
[ -n "${INSIDE_NAMESPACES-}" ] || INSIDE_NAMESPACES=yes exec unshare -m -p -f --mount-proc --kill-child "$PWD/deploy/jetson/qemu.sh" "$@"

short=
[ "${1-}" != --short ] || { short=yes; shift; }
seconds=${short:+20}; seconds=${seconds:-120}
pictures=(deploy/demo/pictures/{0,10}*.jpg)
[ -z "$short" ] || pictures=("${pictures[@]:0:3}")
work=$(mktemp -d)
binfmt=/proc/sys/fs/binfmt_misc
ours=
finish() {
  [ -z "$ours" ] || echo -1 >"$ours"
  umount -R "$work"/*/proc "$work"/*/sys "$work"/*/dev 2>/dev/null
  rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

. deploy/checks.sh
need() { check "$@"; [ "$2" = "$3" ] || { tail -n 20 "$work"/*.log; end; }; }
version() { node -p 'require("./package.json").version'; }

# ---- the kernel starts arm64 programs, in a root too (F): as the numbers in an ELF header say it
mount -t binfmt_misc binfmt_misc "$binfmt"
if [ ! -e "$binfmt/qemu-aarch64" ]; then
  name=grocerd-$(basename "$work")
  magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  printf '%s' ":$name:M::$magic:$mask:$(command -v qemu-aarch64-static):F" >"$binfmt/register"
  ours=$binfmt/$name
fi

# A command in a root, on a processor without what its board lacks: Orin's A78AE is nearest to the A76, the TX2 has the A57.
in_root() { chroot "$root" /usr/bin/env -i "QEMU_CPU=$processor" PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive ORT_DISABLE_TELEMETRY=1 "$@"; }
# The same without a shell or env in the root.
node_there() { env -i "QEMU_CPU=$processor" "PATH=$PATH" HOME=/root ORT_DISABLE_TELEMETRY=1 chroot "$root" /usr/lib/grocerd/bin/node "$@"; }
program() { node_there /usr/lib/grocerd/dist/main.js "$@"; }

# The mounts that runtimes look for processors in. /proc/cpuinfo is this machine's, which they stumble over: one as the board has it.
prepare() { # PART FEATURES
  mkdir -p "$root"/{proc,sys,dev,tmp}
  mount -t proc proc "$root/proc"; mount -t sysfs -o ro sysfs "$root/sys"; mount --bind /dev "$root/dev"
  for one in $(seq 0 $(($(nproc) - 1))); do
    printf 'processor\t: %s\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: %s\nCPU revision\t: 0\n\n' "$one" "$2" "$1"
  done >"$work/cpuinfo"
  mount --bind "$work/cpuinfo" "$root/proc/cpuinfo"
}

# answers RUNTIME: the first answers and their scores, here and there
answers() {
  node dist/main.js classify --json --runtime "$1" "${pictures[@]}" >"$work/here-$1" 2>"$work/here-$1.log"
  local began=$SECONDS
  program classify --json --runtime "$1" "${pictures[@]/#/\/usr\/lib\/grocerd\/}" >"$work/there-$1" 2>"$work/there-$1.log"
  node -e '
    const [here, there] = process.argv.slice(1).map(path => require("fs").readFileSync(path, "utf8").trim().split("\n").filter(Boolean).map(JSON.parse))
    const same = there.filter((one, i) => one.candidates[0].sku === here[i].candidates[0].sku)
    const decided = there.filter((one, i) => one.decision === here[i].decision)
    const most = Math.max(...there.map((one, i) => Math.abs(one.candidates[0].score - here[i].candidates[0].score)))
    console.log(`${same.length} of ${here.length} answers, ${decided.length} decisions`)
    console.error(`          scores differ by at most ${most.toFixed(6)}`)' "$work/here-$1" "$work/there-$1" >"$work/same" 2>"$work/differ"
  check "$2 in $((SECONDS - began)) s: as on amd64" "${#pictures[@]} of ${#pictures[@]} answers, ${#pictures[@]} decisions" "$(cat "$work/same")"
  cat "$work/differ"
}

# The daemon with a folder as its camera and its own broker: events, /readyz, and a clean end. Its model is one of three colours: what ships
# takes longer under qemu than the 3 s after which vision counts as hung; it answers above.
daemon() {
  local where=$root/srv/kiosk; mkdir -p "$where"
  npx tsx test/helpers/colour-shop.ts "$where" || { check 'a shop of colours' yes no; return; }
  cat >"$where/grocerd.yaml" <<YAML
kiosk: { id: arm }
models: { classifier: /srv/kiosk/colours }
cameras: [{ id: counter, source: "dir:/srv/kiosk/pictures?hold=4s&gap=2s&loop=1", fps: 2 }]
counter: { needSession: false }
mqtt: { url: embedded, listen: "127.0.0.1:0" }
http: { listen: "127.0.0.1:0" }
outbox: { dir: /srv/kiosk/state }
YAML
  # Not the functions above: a signal is for the daemon itself.
  env -i "QEMU_CPU=$processor" "PATH=$PATH" HOME=/root ORT_DISABLE_TELEMETRY=1 chroot "$root" /usr/lib/grocerd/bin/node /usr/lib/grocerd/dist/main.js run --config /srv/kiosk/grocerd.yaml >"$work/daemon.log" 2>&1 &
  local pid=$! until=$((SECONDS + 120))
  until grep -q '"grocerd runs"' "$work/daemon.log" || ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -gt "$until" ]; do sleep 0.2; done
  kill -0 "$pid" 2>/dev/null || { check 'the daemon starts' yes "$(tail -n 3 "$work/daemon.log")"; return; }
  local url http; url=$(grep -oE 'mqtt://[0-9.:]+' "$work/daemon.log" | tail -n 1); http=http://127.0.0.1:$(grep -oE '"httpPort":[0-9]+' "$work/daemon.log" | cut -d: -f2)
  timeout "$((seconds + 180))" mosquitto_sub -L "$url/grocerd/arm/items" >"$work/items" 2>>"$work/daemon.log" &
  local till=$!
  sleep "$seconds"
  curl -s -o "$work/readyz" -w '%{http_code}' "$http/readyz" >"$work/code"
  check "after $seconds s /readyz is green" '200 ' "$(cat "$work/code") $(grep -oE '"code":"[A-Z_]*"' "$work/readyz" | tr '\n' ' ')"
  kill -TERM "$pid"; wait "$pid"
  check 'SIGTERM ends it well' 0 $?
  kill "$till" 2>/dev/null
  check 'the items were told of' 'blue green red ' "$(grep '"action":"placed"' "$work/items" | grep -oE '"sku":"[^"]*"' | cut -d'"' -f4 | sort -u | tr '\n' ' ')"
  echo "          $(wc -l <"$work/items") events in $seconds s"
}

mirror=$(debian_mirror)
[ -n "$mirror" ] || { echo 'expected a Debian mirror in /etc/apt but found none'; exit 1; }

# ---- Debian 12
debian() {
  processor=cortex-a76
  root=$work/debian
  debootstrap --arch=arm64 --variant=minbase --include=libstdc++6,libturbojpeg0,libubsan1 bookworm "$root" "$mirror" >"$work/debootstrap.log" 2>&1 &
  bootstrap=$!
  [ -d dist ] || npm run build:js >"$work/build.log" 2>&1
  deb=${1:-dist/grocerd_$(version)_arm64.deb}
  [ -n "${1-}" ] || node scripts/package.mjs --for arm64 --compression none >"$work/package.log" 2>&1
  need 'the package, its addon by a cross compiler' 0 $?
  cp -r native "$work/native" && rm -rf "$work/native/test/build"
  make -s -C "$work/native/test" -j2 CXX=aarch64-linux-gnu-g++ SANITIZE=undefined build/native-test >"$work/native.log" 2>&1
  need 'the native tests are built' 0 $?
  wait "$bootstrap"
  need 'a root of Debian 12 for arm64' 0 $?
  prepare 0xd0b 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp'
  cp "$deb" "$root/srv/grocerd.deb"
  cp "$work/native/test/build/native-test" "$root/srv/"
  in_root apt-get install -y --no-install-recommends /srv/grocerd.deb >"$work/install.log" 2>&1
  need 'apt install' 0 $?
  in_root /srv/native-test >"$work/native-test.log" 2>&1
  code=$?
  check "native tests, with UBSan: $(tail -n 1 "$work/native-test.log")" 0 $code
  check 'its Node is for arm64' "arm64" "$(in_root /usr/lib/grocerd/bin/node -p process.arch)"
  in_root grocerd doctor >"$work/doctor.log" 2>&1
  check 'doctor: nothing stops the daemon' 0 $?
  answers openvino OpenVINO
  answers onnxruntime 'ONNX Runtime'
  daemon
  umount -R "$root/proc" "$root/sys" "$root/dev"
}

# ---- JetPack 4: the C library of Ubuntu 18.04, as Ubuntu packs it for its cross compilers, and nothing else of it
jetpack4() {
  if [ -z "${UBUNTU_MIRROR-}" ]; then
    echo '          skipped: JetPack 4, for UBUNTU_MIRROR names no mirror of Ubuntu (…/ubuntu) to take its C library from'
    return
  fi
  processor=cortex-a57
  root=$work/bionic
  mkdir -p "$root/lib"
  # JetPack has a libturbojpeg of its own; Debian's wants no newer glibc.
  fetched() {
    while read -r path hash; do
      local from=$UBUNTU_MIRROR
      [[ $path != libj/* ]] || from=$mirror
      curl -sSf -m 120 -o "$work/cross.deb" "$from/pool/main/$path" && sha256sum -c --status <<<"$hash  $work/cross.deb" &&
        dpkg-deb -x "$work/cross.deb" "$work/cross" || return
    done <<'LIST'
c/cross-toolchain-base/libc6-arm64-cross_2.27-3ubuntu1cross1.1_all.deb 1803c1170fb4f01bb3b0fd8ea22906fc33fee2c0363db53aa2dc2d4e5ed36232
g/gcc-8-cross/libgcc1-arm64-cross_8.4.0-1ubuntu1~18.04cross2_all.deb d9dd898ddc63be07bc0bc34a1fd3b556f907ce2a6768baf8d04fe5c1b6ae61cc
g/gcc-8-cross/libstdc++6-arm64-cross_8.4.0-1ubuntu1~18.04cross2_all.deb a4a61f2c1cdbcf552d573c883036ac84d699110a6c583374d631459360533522
libj/libjpeg-turbo/libturbojpeg0_2.1.5-2_arm64.deb 85a0914484efe5bfa51c79bc45ccb5133373f65a94e7bd867c89a6a45188d148
LIST
  }
  fetched >"$work/fetched.log" 2>&1
  need 'the C and C++ libraries of Ubuntu 18.04' 0 $?
  cp -a "$work/cross/usr/aarch64-linux-gnu/lib/." "$root/lib/"
  deb=${1:-dist/grocerd_$(version)+jetpack4_arm64.deb}
  [ -n "${1-}" ] || node scripts/package.mjs --for jetpack4 --compression none >"$work/package.log" 2>&1
  need 'the package for JetPack 4' 0 $?
  check 'it wants no newer glibc than 2.27' 'libc6 (>= 2.27)' "$(dpkg-deb -f "$deb" Depends | cut -d, -f1)"
  dpkg-deb -x "$deb" "$root"
  cp -L "$work/cross/usr/lib/aarch64-linux-gnu/libturbojpeg.so.0" "$root/usr/lib/"
  prepare 0xd07 'fp asimd evtstrm aes pmull sha1 sha2 crc32'
  check 'the C library is that of Ubuntu 18.04' 2.27 "$(node_there -p 'process.report.getReport().header.glibcVersionRuntime')"
  program doctor >"$work/doctor.log" 2>&1
  check 'doctor: nothing stops the daemon' 0 $?
  answers onnxruntime 'ONNX Runtime 1.11'
  daemon
  umount -R "$root/proc" "$root/sys" "$root/dev"
}

case ${1-} in
  debian | jetpack4) "$@" ;;
  *) debian; jetpack4 ;;
esac
end
