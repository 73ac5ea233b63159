# back.sh MOUNT CACHE ASIDE ID: brings back what `aside` moved. What the cache holds by now stays as it is; if that
# keeps something from its place, the copy stays where it is.
lock "$1"
root=$(cd -P -- "$1" && pwd -P) || refuse "$1 is not there"
enter "$2" "$root" && [ "$here" != "$root" ] || refuse "$2 does not lie on $1"
cache=$here
to=$3/$4
out=$cache/.selfheal-$4
in=$cache/.selfheal-back-$4

# A hard link is either there or not: no half file can stay behind under its final name.
link_in() {
	cp -aln -- "$1" "$cache/" 2>/dev/null
	return 0
}

# Prints which of the given files are not, by link or by content, in the folder that comes first.
missing='
	cache=$1
	shift
	for file; do
		there=$cache/$file
		if [ -L "$file" ]; then
			[ -L "$there" ] && [ "$(readlink -- "$file")" = "$(readlink -- "$there")" ]
		else
			[ "$file" -ef "$there" ] || { [ -f "$there" ] && ! [ -L "$there" ] && cmp -s -- "$file" "$there"; }
		fi || printf "%s" "$file" | tr "\n" "?" | sed "s/^..//; s/\$/\n/"
	done
	true
'

if [ -e "$to/content" ]; then
	rm -rf -- "$out" "$in"
	fits "$to/content" "$cache" 100 || refuse "$1 has not enough room to bring the content of $2 back from $to"
	copy "$to/content" "$in" || {
		rm -rf -- "$in"
		refuse "$to/content could not be copied to $2"
	}
	cd -P -- "$in" || refuse "$in cannot be entered"
	each link_in
	kept=$(find . ! -type d -exec sh -c "$missing" selfheal "$cache" {} +) || refuse "$in cannot be compared"
	cd -P -- "$cache" || exit
	rm -rf -- "$in"
	if [ -n "$kept" ]; then
		printf '%s\n' "$kept" | head -n 100 >"$to/kept.list"
		if [ -e "$to/kept" ]; then mv -- "$to/kept" "$to/kept.$(date +%s)"; fi
		mv -- "$to/content" "$to/kept"
	else
		rm -rf -- "$to/content" "$to/kept.list"
	fi
else
	rm -rf -- "$in"
	put_back
fi
rm -rf -- "$to/part"
if [ -e "$to/kept.list" ]; then
	cat -- "$to/kept.list"
elif ! [ -e "$to/kept" ] && [ -e "$to" ]; then
	rm -f -- "$to/from"
	rmdir -- "$to"
fi
exit 0
