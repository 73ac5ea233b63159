# end.sh GROUP [SUDO…]: ends a process group; kills it if it is still there after two seconds.
group=$1
shift
signal() {
	name=$1
	shift
	kill -s "$name" -- "-$group" 2>/dev/null && return
	[ $# -gt 0 ] && "$@" kill -s "$name" -- "-$group" 2>/dev/null
}
signal TERM "$@"
tries=20
while [ "$tries" -gt 0 ] && signal 0 "$@"; do
	sleep 0.1 2>/dev/null || sleep 1
	tries=$((tries - 1))
done
signal KILL "$@"
exit 0
