# Finds or starts an engine that runs containers, for SAM. Sourced; sets DOCKER_HOST where Docker itself is missing, and
# IMAGE_IS_LOCAL where the base image is a stand-in, and HOST_GATEWAY to the address of this machine in containers.
#
# Without Docker, podman serves Docker's API, and a minimal Debian takes the place of Lambda's image: SAM's package brings
# the emulator of the runtime. The configuration is in a folder of its own, so that no other user of podman sees it.

if docker info >/dev/null 2>&1; then
  return
fi
debian podman podman runc
debian runc runc
debian debootstrap debootstrap

ENGINE="$TOOLS/engine"
mkdir -p "$ENGINE"
# The default limits may exceed those of this process, which cannot raise them.
files=$(ulimit -Hn)
[ "$files" = unlimited ] && files=1048576
cat >"$ENGINE/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
cat >"$ENGINE/storage.conf" <<CONF
[storage]
driver = "vfs"
runroot = "$ENGINE/run"
graphroot = "$ENGINE/images"
CONF
export CONTAINERS_CONF="$ENGINE/containers.conf" CONTAINERS_STORAGE_CONF="$ENGINE/storage.conf"

IMAGE=public.ecr.aws/lambda/provided:al2023-x86_64
if ! podman image exists "$IMAGE"; then
  rm -rf "$ENGINE/root"
  # The mirror and the release of this machine's own packages.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  debootstrap --variant=minbase --include=ca-certificates "$release" "$ENGINE/root" "$mirror" >"$ENGINE/debootstrap.log" ||
    { tail -n 20 "$ENGINE/debootstrap.log"; exit 1; }
  tar -C "$ENGINE/root" -c . | podman import --quiet - "$IMAGE"
  rm -rf "$ENGINE/root"
fi

podman system service --time=0 "unix://$ENGINE/podman.sock" >"$ENGINE/service.log" 2>&1 &
ENGINE_PROCESS=$!
trap 'kill "$ENGINE_PROCESS" 2>/dev/null; wait "$ENGINE_PROCESS" 2>/dev/null || true' EXIT
export DOCKER_HOST="unix://$ENGINE/podman.sock" IMAGE_IS_LOCAL=1
HOST_GATEWAY=$(podman network inspect podman | grep -o '"gateway": "[0-9.]*"' | grep -o '[0-9.]*[0-9]')
export HOST_GATEWAY
for _ in $(seq 100); do
  [ -S "$ENGINE/podman.sock" ] && return
  sleep 0.1
done
echo "podman serves no API:"
cat "$ENGINE/service.log"
exit 1
