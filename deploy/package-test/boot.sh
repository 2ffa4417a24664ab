#!/usr/bin/env bash
# Inside new namespaces: makes the folder $1 the root of all and becomes its systemd. Called by run.sh, by nobody else.
set -eu
root=$1
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
# The kernel's switches and devices are the machine's: to be read only. It also keeps udev and sysctl from starting.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
while read -r name major minor; do mknod -m 666 "$root/dev/$name" c "$major" "$minor"; done <<'LIST'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
fuse 10 229
LIST
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ip link set lo up
# An address that is not this machine's own to IPAddressAllow=localhost, and that packets can be sent to all the same.
ip address add 192.0.2.10/32 dev lo
mkdir -p "$root/mnt/old"
cd "$root"
pivot_root . mnt/old
umount -l /mnt/old
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=no
