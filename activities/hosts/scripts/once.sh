# once.sh SUPERVISE MARKS MARK LIMIT NOTE BECOME COMMAND…
# Runs the command unless MARKS/MARK says that it was begun, waits for its end, and prints its output and, as the last
# line, how it ended: `CODE done`, `CODE cancelled`, `CODE timeout`, `0 unbegun`, `lost` or `unmarked`.
umask_before=$(umask)
umask 077
find_mark "$2" "$3"
supervise=$1 limit=$4 note=$5 become=$6
shift 6

end=unmarked
if [ -e "$mark/claim" ] || mkdir -p -- "$mark"; then
	if ! [ -e "$mark/claim" ]; then
		# A session of its own, so that it outlives the worker and the connection.
		setsid sh -c "$supervise" selfheal "$marks" "$mark" "$limit" "$note" "$become" "$umask_before" "$@" \
			</dev/null >/dev/null &
		wait "$!"
	fi
	while [ -e "$mark/claim" ]; do
		[ -e "$mark/result" ] && read -r end <"$mark/result" && break
		if ! runs; then
			# It may have written its result just before it ended.
			[ -e "$mark/result" ] && read -r end <"$mark/result" || end=lost
			break
		fi
		sleep 0.1 2>/dev/null || sleep 1
	done
fi
if [ "$end" != unmarked ]; then
	tail -c 65000 "$mark/out" 2>/dev/null
	tail -c 65000 "$mark/err" >&2 2>/dev/null
fi
printf '\n%s\n' "$end"
