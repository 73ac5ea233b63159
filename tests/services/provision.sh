#!/usr/bin/env bash
# Installs the real servers that the tests use; says what it does, and does only what is missing.
# For Debian and its like, as root or with sudo. Package sources and proxies are the machine's own.
set -euo pipefail

cache="${SELFHEAL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/selfheal}"
temporal_package='github.com/temporalio/cli/cmd/temporal@v1.5.1' # as in worker/embedded/fetch.py
mkdir -p "$cache"
scratch="$(mktemp -d "$cache/provision.XXXXXX")" # beside what it becomes: a rename is all or nothing
trap 'rm -rf "$scratch"' EXIT

say() { printf 'services: %s\n' "$*"; }
have() { PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Debian packages ------------------------------------------------------------------------------------------------
packages=()
have sshd || packages+=(openssh-server)
have prometheus || packages+=(prometheus)
have prometheus-alertmanager || packages+=(prometheus-alertmanager)
have prometheus-node-exporter || packages+=(prometheus-node-exporter)
have chromium || packages+=(chromium)
have sudo || packages+=(sudo)
have busybox || packages+=(busybox-static)
have java || packages+=(default-jre-headless)
[ -x "$cache/time-skipping/test-server" ] || have mvn || packages+=(maven)

if [ ${#packages[@]} -gt 0 ]; then
	say "installing ${packages[*]}"
	# Debian starts the daemons it installs, unless policy-rc.d forbids it: the tests start their own.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$scratch/policy-rc.d"
		as_root install -m 755 "$scratch/policy-rc.d" "$policy"
		trap 'as_root rm -f "$policy"; rm -rf "$scratch"' EXIT
	fi
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

# The Temporal server ---------------------------------------------------------------------------------------------
if ! have temporal && ! "$cache/bin/temporal" --version >/dev/null 2>&1; then
	if ! have go; then
		say 'go is missing: install Go 1.25 or newer, or put the temporal program on PATH' >&2
		exit 1
	fi
	say "building $temporal_package with $(go env GOVERSION): some minutes"
	GOBIN="$scratch" CGO_ENABLED=0 go install -ldflags='-s -w' "$temporal_package"
	mkdir -p "$cache/bin"
	mv "$scratch/temporal" "$cache/bin/temporal"
fi

# The Temporal server that skips time: a Java library with a main class -----------------------------------------------
if [ ! -x "$cache/time-skipping/test-server" ]; then
	say 'fetching the time-skipping Temporal server from Maven Central'
	cat >"$scratch/pom.xml" <<-'POM'
		<project>
			<modelVersion>4.0.0</modelVersion>
			<groupId>selfheal</groupId>
			<artifactId>time-skipping</artifactId>
			<version>1</version>
			<dependencies>
				<dependency>
					<groupId>io.temporal</groupId>
					<artifactId>temporal-test-server</artifactId>
					<version>1.38.0</version>
				</dependency>
				<dependency>
					<groupId>org.slf4j</groupId>
					<artifactId>slf4j-nop</artifactId>
					<version>2.0.17</version>
				</dependency>
			</dependencies>
		</project>
	POM
	mvn --quiet --batch-mode --file "$scratch/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$scratch/time-skipping/lib"
	cat >"$scratch/time-skipping/test-server" <<-'WRAPPER'
		#!/bin/sh
		exec java -XX:+UseSerialGC -Xmx512m -cp "${0%/*}/lib/*" io.temporal.testserver.TestServer "$@"
	WRAPPER
	chmod +x "$scratch/time-skipping/test-server"
	rm -rf "$cache/time-skipping"
	mv "$scratch/time-skipping" "$cache/time-skipping"
fi

# What has more to say about itself: tests/services/*/provision.sh --------------------------------------------------
for more in "$(dirname "$0")"/*/provision.sh; do
	if [ -e "$more" ]; then bash "$more"; fi
done

say "all there; what was fetched is in $cache"
