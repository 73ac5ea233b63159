# supervise.sh MARKS MARK LIMIT NOTE BECOME UMASK COMMAND…
# Claims the mark, and if it was the first to do so runs the command to its end, at the latest after LIMIT seconds.
marks=$1 mark=$2 limit=$3 note=$4 become=$5 umask_before=$6
shift 6

read -r stat </proc/$$/stat
born() {
	shift 19
	echo "$1"
}
self=$(born ${stat##*) })
# A hard link is made by one process only, and what it leads to is complete from the start.
printf '%s %s %s\n' "$$" "$self" "$(cat /proc/sys/kernel/random/boot_id)" >"$mark/claim.$$" || exit
refusal=$(ln -- "$mark/claim.$$" "$mark/claim" 2>&1)
lost=$?
rm -f -- "$mark/claim.$$"
[ -e "$mark/claim" ] || echo "$refusal" >&2
[ "$lost" -eq 0 ] || exit 0
exec 2>/dev/null
printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$note" >"$mark/note"

child=
asked=
killer=
signal() {
	# The command leads a session of its own; until it has made it, it is only a process.
	kill -s "$1" -- "-$child" || kill -s "$1" "$child"
	[ -z "$become" ] || sudo -n -- kill -s "$1" -- "-$child"
}
end() {
	asked=1
	[ -n "$child" ] && [ -z "$killer" ] || return
	signal TERM
	(
		sleep 5
		signal KILL
	) &
	killer=$!
}
trap end TERM

(
	trap - TERM
	umask "$umask_before"
	exec setsid "$@"
) </dev/null >"$mark/out" 2>"$mark/err" &
child=$!
[ -z "$asked" ] || end

(
	nap=
	trap '[ -z "$nap" ] || kill "$nap"; exit' TERM
	sleep "$limit" &
	nap=$!
	wait "$nap"
	read -r stat <"/proc/$$/stat" && [ "$(born ${stat##*) })" = "$self" ] || exit
	echo timeout >"$mark/asked"
	kill -s TERM "$$"
) &
timer=$!

wait "$child"
code=$?
if [ -n "$asked" ]; then
	# The wait was interrupted: the child is there until it has been waited for.
	while [ -e "/proc/$child" ]; do
		wait "$child"
		code=$?
	done
	kill "$killer"
	signal KILL
	how=cancelled
	[ -e "$mark/asked" ] && read -r how <"$mark/asked"
else
	how=done
fi
kill "$timer"
printf '%s %s\n' "$code" "$how" >"$mark/result.new" && mv -- "$mark/result.new" "$mark/result"

# Marks that no retry can ask for any more; only what looks like one is touched.
find "$marks" -mindepth 1 -maxdepth 1 -type d -mtime +30 | while IFS= read -r old; do
	base=${old##*/}
	case $base in
	*[!0-9a-f]*) continue ;;
	esac
	[ ${#base} -eq 64 ] && [ -e "$old/claim" ] && rm -rf -- "$old"
done
exit 0
