package cli

// scriptDifferences are the places where tend, on purpose, does not do what the 2008 script did: what, the script,
// tend, why.
func scriptDifferences() [][4]string {
	return [][4]string{
		{"working directory", "HOME, if none is given", "the current directory", "it is where you tried the command"},
		{"output without a file", "dropped", "a log of the service's own (`tend logs NAME`); `-o /dev/null` drops it", "what a service said before it died is worth the most"},
		{"umask", "0", "yours, as it was at `add`", "files that anyone may write are never meant"},
		{"environment", "all of the shell's", "a few variables, taken at `add`; more with `--env`", "a service must not depend on which shell started it"},
		{"stopping", "SIGTERM up to five times, half a second apart, then SIGKILL", "SIGTERM once, ten seconds, then SIGKILL (`TERM/10/KILL/5`); the script's way is `--stop TERM/0.5/TERM/0.5/TERM/0.5/TERM/0.5/TERM/0.5/KILL/0.5`", "many programs take a second SIGTERM for \"now\""},
		{"what is stopped", "one process", "the whole tree of the service", "what is left behind holds ports and files"},
		{"is it alive?", "signal 0 to the pid", "the identity of the process: host, boot, pid and start time", "pids are used again"},
		{"started", "the process exists", "it is ready: still alive after 250ms", "many programs fail a moment after they start"},
		{"when it dies", "it stays dead", "it is restarted if it failed (`--restart no` is the script's way)", "that is what it is for"},
		{"`initialize`", "empties the database", "asks, keeps a copy, refuses while anything runs", "nothing that runs is lost"},
		{"`remove`", "forgets a service that runs", "refuses; `--stop` stops it first", "nothing that runs is lost"},
	}
}

// surroundings are the files and environment variables that tend uses.
func surroundings() [][2]string {
	return [][2]string{
		{"$SERVER_FILE", "the database; default `~/server.sqlite`"},
		{"DATABASE-logs/", "beside the database: one log for each service whose output has no file of its own"},
		{"$TEND_RUNTIME", "the directory for sockets, locks and the journal of exits, on a local file system; default `/tmp/tend-UID`"},
		{"$NO_COLOR", "if set, no colours; neither are there any with `TERM=dumb`, or into a pipe"},
	}
}

// bornWith is what every service is given, whoever started it and from wherever.
func bornWith() [][2]string {
	return [][2]string{
		{"session", "its own, without a terminal; it is the leader"},
		{"descriptors", "0, 1 and 2 and no others: what it reads, its output, its error output, which are appended to"},
		{"signals", "none ignored, none blocked"},
		{"environment", "what its definition says, and TEND_SERVICE (its name), TEND_RUN (the id of this run) and TEND_INSTANCE"},
		{"directory, umask", "what its definition says"},
		{"limits", "those of whoever started tend. The soft RLIMIT_RTTIME, where nothing limits it, is one of the values that limit nothing: it marks the processes of a run, which may clear their environment but not lose this (see getrlimit(2))"},
		{"parent", "tend's keeper, from birth, which outlives the supervisor"},
	}
}
