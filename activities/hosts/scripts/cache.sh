# What moving a cache aside and back share.
#
#     CACHE/.selfheal-ID        what was taken out of the cache and is not yet safe elsewhere; renamed, so at once
#     ASIDE/ID/part             the copy in the making
#     ASIDE/ID/content          the copy, whole and compared; from then on nothing more is taken out
#     ASIDE/ID/from             which cache it was, for people
#     ASIDE/ID/kept             a copy that did not come back as a whole, with the list of what did not in kept.list
#     CACHE/.selfheal-back-ID   the copy on its way back in

# each ACTION: calls it with the name of everything in this folder but what we put there ourselves.
each() {
	for entry in ..?* .[!.]* *; do
		exists "$entry" || continue
		case $entry in
		.selfheal-*) continue ;;
		esac
		"$1" "./$entry" || return 1
	done
}

# copy FROM TO: copies the content of a folder and compares; a file that is still written to is given two more tries.
copy() {
	for try in 1 2 3; do
		rm -rf -- "$2" && mkdir -m 700 -- "$2" || return 1
		cp -a -- "$1/." "$2/" || return 1
		if diff -rq --no-dereference -- "$1" "$2" >/dev/null 2>&1; then
			sync -f "$2" 2>/dev/null || sync
			return 0
		fi
	done
	echo "$1 goes on changing" >&2
	return 1
}

# fits FOLDER PLACE SHARE: whether the folder takes at most that share, in percent, of the room that is left there.
fits() {
	need=$(du -skx -- "$1" | cut -f 1)
	left=$(stat -f -c '%a %S' -- "$2")
	room=$((${left% *} * ${left#* } / 1024))
	[ "$((need * 100))" -le "$((room * $3))" ]
}

back_in() {
	exists "$cache/$1" || mv -- "$1" "$cache/"
}

# put_back: what was taken out and not copied returns; what is there anew stays.
put_back() {
	exists "$out" || return 0
	(cd -P -- "$out" && each back_in)
	rmdir -- "$out" 2>/dev/null
}
