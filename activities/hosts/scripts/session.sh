# Runs its arguments over SSH, and says first which process group would have to be ended to end them.
LC_ALL=C
export LC_ALL
read -r pid name state parent group rest 2>/dev/null </proc/$$/stat
echo "selfheal ${group:-$$}"
"$@"
exit
