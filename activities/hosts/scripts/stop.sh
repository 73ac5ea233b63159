# stop.sh MARKS MARK: asks the supervisor of a mark to end its command, and prints `stopped` once it has, `nothing` if
# nothing of it runs, `runs` if it does not end. What was not begun is kept from ever beginning.
umask 077
find_mark "$1" "$2"
mkdir -p -- "$mark" && echo '0 0 none' >"$mark/claim.$$" || exit
if ln -- "$mark/claim.$$" "$mark/claim" 2>/dev/null; then
	echo '0 unbegun' >"$mark/result.new" && mv -- "$mark/result.new" "$mark/result"
fi
rm -f -- "$mark/claim.$$"
if [ -e "$mark/result" ] || ! runs; then
	echo nothing
	exit 0
fi
echo cancelled >"$mark/asked"
kill -s TERM "$pid"
tries=80
while [ "$tries" -gt 0 ]; do
	if ! runs || [ -e "$mark/result" ]; then
		echo stopped
		exit 0
	fi
	sleep 0.1 2>/dev/null || sleep 1
	tries=$((tries - 1))
done
echo runs
