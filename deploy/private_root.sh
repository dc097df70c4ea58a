# shellcheck shell=bash
#
# A private Debian root: where its packages come from, how it is made, entered and thrown away. Sourced by
# deploy/toolchain, whose say, die, packages, os_release and root_key it uses, and which sets the variables below:
#
# shellcheck disable=SC2154 # release, checkout, base, inside_marker

readonly needed_kib=$((4 * 1024 * 1024))
readonly keep_days=14

# ---- mirrors -------------------------------------------------------------------------------------------------------

# Every enabled binary source of this machine as "URI SUITE", from both forms of apt sources.
host_sources() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -r $file ]] || continue
    sed -E 's/#.*//; s/\[[^]]*\]//' "$file" | awk '$1 == "deb" { print $2, $3 }'
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ -r $file ]] || continue
    # One paragraph a source; a line that begins with a blank goes on with the field above it.
    sed '/^#/d' "$file" | awk -v RS='' -F '\n' '
      {
        types = uris = suites = ""; enabled = "yes"; name = ""
        for (i = 1; i <= NF; i++) {
          value = $i
          if (value !~ /^[ \t]/) { name = tolower(value); sub(/:.*/, "", name); sub(/^[^:]*:/, "", value) }
          if (name == "types") types = types " " value
          if (name == "uris") uris = uris " " value
          if (name == "suites") suites = suites " " value
          if (name == "enabled") { enabled = tolower(value); gsub(/[ \t]/, "", enabled) }
        }
        if (enabled == "no" || (" " types " ") !~ /[ \t]deb[ \t]/) next
        uri_count = split(uris, uri, /[ \t]+/); suite_count = split(suites, suite, /[ \t]+/)
        for (u = 1; u <= uri_count; u++) for (s = 1; s <= suite_count; s++)
          if (uri[u] != "" && suite[s] != "") print uri[u], suite[s]
      }'
  done
}

# first_source REGEX prints the URI of the first source with such a suite. Sources on discs do not count.
first_source() { host_sources | awk -v suite="$1" '$2 ~ suite && $1 !~ /^cdrom:/ { print $1; exit }'; }

# Sets main_mirror and security_mirror (which may be empty).
find_mirrors() {
  local codename
  codename=$(os_release VERSION_CODENAME)
  main_mirror=${GATEHOUSE_DEBIAN_MIRROR:-}
  security_mirror=${GATEHOUSE_DEBIAN_SECURITY_MIRROR:-}
  if [[ $(os_release ID) == debian ]]; then
    : "${main_mirror:=$(first_source "^(${codename:-none}|oldstable|stable|testing|unstable|sid)$")}"
    : "${security_mirror:=$(first_source '(-security$|/updates$)')}"
  fi
  [[ -n $main_mirror ]] || die "this machine's apt sources name no Debian archive" \
    "set GATEHOUSE_DEBIAN_MIRROR (and GATEHOUSE_DEBIAN_SECURITY_MIRROR) to the address of one"
  [[ -n $security_mirror ]] || say "no security archive in this machine's apt sources: going without it"
}

# The lines of sources.list for the root.
root_sources() {
  printf 'deb %s %s main\n' "$main_mirror" "$release" "$main_mirror" "$release-updates" \
    "$main_mirror" "$release-backports"
  [[ -z $security_mirror ]] || printf 'deb %s %s main\n' "$security_mirror" "$release-security"
}

# How this machine's apt reaches its mirrors (proxies, retries, clock checks); nothing else of its configuration.
host_apt_options() {
  apt-config dump --no-empty --format '%F "%v";%n' |
    grep -E '^Acquire::(https?::|Retries|Check-Valid-Until|Check-Date|ForceIPv[46])' || true
}

# ---- private root --------------------------------------------------------------------------------------------------

check_private_possible() {
  local command
  [[ $EUID -eq 0 ]] || die "making and entering a private Debian root needs root" \
    "run it with sudo, or use a machine or container with Debian $release_number or newer"
  for command in apt-get dpkg-deb perl unshare chroot flock setpriv; do
    command -v "$command" >/dev/null || die "this machine has no '$command'" \
      "a private root needs a Debian-like machine; a container with Debian $release_number needs none"
  done
  unshare --mount true 2>/dev/null || die "this machine does not let us make a mount namespace" \
    "in a container, allow CAP_SYS_ADMIN or use an image with Debian $release_number or newer"
}

check_disk() {
  local free
  free=$(df -Pk "$base" | awk 'NR == 2 { print $4 }')
  [[ $free -ge $needed_kib ]] || die "not enough disk: $((free / 1024)) MiB free in $base, a root needs $((needed_kib / 1024))" \
    "set XDG_CACHE_HOME to a directory with more room"
}

# Says which mirror failed, from a log of apt, and how the log ends.
explain_failure() {
  local log=$1 failed
  failed=$(grep -oE '(Err:[0-9]+|Failed to fetch|Cannot initiate the connection to|Could not resolve|Could not connect to) .*' "$log" |
    sort -u | head -n 4 || true)
  if grep -qi 'no space left' "$log"; then
    die "the disk filled up while the root was made" "log: $log"
  elif grep -qE 'NO_PUBKEY|not signed|signatures? (could|were)' "$log"; then
    die "the archive's signature was not accepted: is debian-archive-keyring up to date?" "log: $log"
  elif [[ -n $failed ]]; then
    die "no answer from $main_mirror${security_mirror:+ or $security_mirror}: is there a network?" \
      "${failed//$'\n'/$'\n'  }" "log: $log"
  fi
  tail -n 15 "$log" >&2
  die "the root could not be made" "log: $log"
}

# Gets mmdebstrap, and what it needs and this machine lacks, into $1 without installing anything: apt works on state
# of its own, dpkg's database is only read. Afterwards mmdebstrap_command runs it.
fetch_mmdebstrap() {
  local work=$1 deb
  local -a debs
  say "no mmdebstrap here: fetching a private copy"
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/tree"
  # What runs here must fit here, so it comes from this machine's own release where that is a Debian.
  local suite=$release
  [[ $(os_release ID) != debian ]] || suite=$(os_release VERSION_CODENAME)
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$main_mirror" "$suite" >"$work/sources.list"
  cat >"$work/apt.conf" <<CONF
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$work/lists";
Dir::State::Extended_States "$work/extended_states";
Dir::Cache "$work";
Dir::Cache::Archives "$work/archives";
Dir::Log "$work";
Acquire::Languages "none";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Debug::NoLocking "true";
CONF
  host_apt_options >>"$work/apt.conf"
  {
    APT_CONFIG=$work/apt.conf apt-get update --error-on=any &&
      APT_CONFIG=$work/apt.conf apt-get install -y --download-only mmdebstrap
  } >"$log" 2>&1 || explain_failure "$log"
  debs=("$work"/archives/*.deb)
  for deb in "${debs[@]}"; do dpkg-deb -x "$deb" "$work/tree"; done
  [[ -f $work/tree/usr/bin/mmdebstrap ]] || die "$main_mirror has no mmdebstrap for this machine's release"
  local -a perl_library
  perl_library=("$work"/tree/usr/share/perl5 "$work"/tree/usr/share/perl/5.* "$work"/tree/usr/lib/*/perl{,5}/5.*)
  mmdebstrap_command=(env "PATH=$work/tree/usr/bin:$work/tree/usr/sbin:$PATH" "PERL5LIB=$(IFS=: && echo "${perl_library[*]}")"
    perl "$work/tree/usr/bin/mmdebstrap")
}

# Makes the root $1. Whoever calls holds the build lock. All work is done in a directory of its own, which is renamed
# when it is whole, so that a root that exists is complete.
make_root() {
  local target=$1 work list stale
  local -a mmdebstrap_command sources
  for stale in "$base"/building.*; do
    [[ -d $stale ]] || continue
    say "removing $stale, left by a run that was killed"
    rm -rf --one-file-system "$stale"
  done
  find_mirrors
  check_disk
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -r $keyring ]] || die "no $keyring on this machine: install debian-archive-keyring"
  log=$base/build.log
  work=$(mktemp -d "$base/building.XXXXXX")
  # mktemp gives 0700; the root needs to be readable for the users in it.
  chmod 755 "$work"
  trap 'rm -rf --one-file-system "$work"' EXIT
  trap 'exit 130' INT TERM HUP

  if command -v mmdebstrap >/dev/null; then
    mmdebstrap_command=(mmdebstrap)
  else
    fetch_mmdebstrap "$work/mmdebstrap"
  fi
  host_apt_options >"$work/apt.conf"
  mapfile -t sources < <(root_sources)
  list=$(packages run build test service | paste -sd , -)
  say "making a Debian $release_number root in $target (about two minutes and 3 GB, once)"
  # In a process namespace of its own that dies with this script: a killed run leaves nobody writing. Documentation
  # and translations stay out (but the JDK insists on a folder for its manual pages), and nobody needs fsync for a
  # directory that a crash throws away.
  # shellcheck disable=SC2016 # mmdebstrap's shell expands the hook
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
    "${mmdebstrap_command[@]}" --mode=root --variant=apt --keyring="$keyring" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' --aptopt="$work/apt.conf" \
    --dpkgopt='force-unsafe-io' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
    --include="$list" "$release" "$work/root" "${sources[@]}" >"$log" 2>&1 || explain_failure "$log"

  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$work/root/etc/hosts"
  echo "${target##*/}" >"$work/root$inside_marker"
  mv -T "$work/root" "$target"
  rm -rf --one-file-system "$work"
  trap - EXIT INT TERM HUP
}

# Deletes other roots that nobody is in and that nobody has entered for $1 days. Entering a root touches its lock and
# holds it shared; lock files stay, for a lock that is deleted is no lock.
prune() {
  local days=$1 keep=$2 root
  for root in "$base"/root-*/; do
    root=${root%/}
    [[ -d $root && $root != "$keep" ]] || continue
    [[ $days -eq 0 || -z $(find "$root.lock" -mtime "-$days" 2>/dev/null) ]] || continue
    (
      flock --nonblock --exclusive 8 || exit 0
      say "removing $root, which nobody uses"
      rm -rf --one-file-system "$root"
    ) 8>>"$root.lock"
  done
}

# Makes the private root ready, leaves its path in $root, and holds it (file descriptor 9) against pruning.
private_ready() {
  check_private_possible
  root=$base/root-$(root_key)
  mkdir -p "$base/cache"
  exec 9>>"$root.lock"
  until
    flock --shared 9
    [[ -d $root ]]
  do
    flock --unlock 9
    (
      flock --nonblock --exclusive 8 || { say "another run is making a root: waiting for it" && flock --exclusive 8; }
      [[ -d $root ]] || make_root "$root"
      prune "$keep_days" "$root"
    ) 8>>"$base/lock"
  done
  touch "$root.lock"
}

# mount_read_only WHAT WHERE
mount_read_only() {
  mkdir -p "$2"
  mount --bind -o ro "$1" "$2"
}

# Lets the root $1 see this machine's .NET SDK, where there is one, with the package sources and the certificate
# authorities that it reaches them with. What dotnet writes is in the cache, and no build server of its outlives a command.
see_dotnet() {
  local root=$1 program sdk home=$base/cache/dotnet bundle=/etc/ssl/certs/ca-certificates.crt
  local config=${DOTNET_CLI_HOME:-${HOME:-/root}}/.nuget/NuGet machine_config=/etc/opt/NuGet
  program=$(command -v dotnet) || return 0
  sdk=$(dirname "$(readlink -f "$program")")
  [[ -d $sdk/sdk ]] || return 0
  mount_read_only "$sdk" "$root$sdk"
  [[ ! -d $config ]] || mount_read_only "$config" "$root$home/.nuget/NuGet"
  [[ ! -d $machine_config ]] || mount_read_only "$machine_config" "$root$machine_config"
  [[ ! -r ${SSL_CERT_FILE:-$bundle} ]] || mount --bind -o ro "${SSL_CERT_FILE:-$bundle}" "$root$bundle"
  variables+=("PATH=$root_path:$sdk" "DOTNET_CLI_HOME=$home" "NUGET_PACKAGES=$base/cache/nuget"
    "NUGET_HTTP_CACHE_PATH=$base/cache/nuget-http" DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
    DOTNET_GENERATE_ASPNET_CERTIFICATE=false DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true
    DOTNET_SKIP_WORKLOAD_INTEGRITY_CHECK=1
    DOTNET_CLI_USE_MSBUILD_SERVER=0 MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false)
  [[ -z ${NUGET_CERT_REVOCATION_MODE:-} ]] || variables+=("NUGET_CERT_REVOCATION_MODE=$NUGET_CERT_REVOCATION_MODE")
  compgen -G "$root/usr/lib/*/libicuuc.so.*" >/dev/null || variables+=(DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1)
}

# Runs in a mount namespace of its own, where what is mounted into the root is seen by the command only.
enter_root() {
  local root=$1 path name directory=$PWD resolver=/etc/resolv.conf
  local root_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  shift
  local -a variables=(HOME=/root LANG=C.UTF-8 "TERM=${TERM:-dumb}" "XDG_CACHE_HOME=$base/cache"
    "PATH=$root_path"
    "CCACHE_BASEDIR=$checkout" CCACHE_NOHASHDIR=1)
  for path in /proc /sys /dev; do mount --rbind "$path" "$root$path"; done
  for path in /tmp "$checkout" "$base/cache" ${CCACHE_DIR:+"$CCACHE_DIR"}; do
    [[ $path == /tmp || $path != /tmp/* ]] || continue # in /tmp already
    mkdir -p "$path" "$root$path"
    mount --bind "$path" "$root$path"
  done
  if [[ -e $resolver ]]; then
    [[ -e $root$resolver ]] || : >"$root$resolver"
    mount --bind "$resolver" "$root$resolver"
  fi
  see_dotnet "$root"
  for name in $(compgen -e); do
    case $name in CI | GATEHOUSE_* | CCACHE_DIR | NO_COLOR) variables+=("$name=${!name}") ;; esac
  done
  case $directory in
    "$checkout" | "$checkout"/* | /tmp | /tmp/*) ;;
    *) die "the current directory $directory is not visible in the private root" "go to $checkout or to /tmp" ;;
  esac
  # shellcheck disable=SC2016 # expanded by the shell inside
  exec chroot "$root" /usr/bin/env -i "${variables[@]}" /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$directory" "$@"
}
