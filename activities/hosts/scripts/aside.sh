# aside.sh MOUNT CACHE ASIDE ID: moves the content of a cache to another file system.
lock "$1"
root=$(cd -P -- "$1" && pwd -P) || refuse "$1 is not there"
enter "$2" "$root" && [ "$here" != "$root" ] || refuse "$2 does not lie on $1"
cache=$here
mkdir -p -- "$3" || refuse "$3 cannot be made"
aside=$(cd -P -- "$3" && pwd -P) || refuse "$3 cannot be entered"
[ "$(stat -c %d -- "$aside")" != "$(stat -c %d -- "$root")" ] || refuse "$3 is on the same file system as $1"
to=$aside/$4
out=$cache/.selfheal-$4

take_out() {
	exists "$out/$1" || mv -- "$1" "$out/"
}

undone() {
	rm -rf -- "$to/part"
	put_back
	refuse "$* Nothing was moved"
}

if ! [ -e "$to/content" ]; then
	if [ "$(id -u)" -ne 0 ] && [ -n "$(find . -xdev ! -user "$(id -u)" | head -n 1)" ]; then
		refuse "$2 holds files of other users, who would lose them: let the host become root"
	fi
	fits . "$aside" 90 || {
		put_back
		refuse "$3 has not enough room for the content of $2"
	}
	rm -f -- "$to/kept.list"
	mkdir -p -m 700 -- "$to" && printf '%s\n' "$cache" >"$to/from" || refuse "$to cannot be made"
	mkdir -p -m 700 -- "$out" || refuse "$out cannot be made"
	trap 'undone "It was ended."' TERM
	each take_out || undone "The content of $2 may not be moved."
	copy "$out" "$to/part" || undone "The content of $2 could not be copied to $to."
	mv -- "$to/part" "$to/content" || undone "$to cannot be written to."
	trap - TERM
fi
rm -rf -- "$out"
printf 'moved\t%s\t%s\n' "$(du -skx -- "$to/content" | cut -f 1)" "$to/content"
