#!/bin/sh
# Makes the namespace TEMPORAL_NAMESPACE, which keeps closed executions for RETENTION, and registers the search
# attributes by which executions are found. Run again, it changes nothing. Ends when all of it can be used.
set -eu

attributes='Runbook Target Policy Autonomy Verdict Outcome Approval'

# Until it succeeds, for two minutes: the server needs some seconds to start, and to see what was just made.
retry() {
	tries=60
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || exit 1
		sleep 2
	done
}

retry temporal operator cluster health
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"

query=
set --
for attribute in $attributes; do
	set -- "$@" --name "$attribute" --type Keyword
	query="${query:+$query AND }$attribute IS NULL"
done
retry temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" "$@"
retry temporal workflow count --namespace "$TEMPORAL_NAMESPACE" --query "$query"
