/* The limit: starting programs as fast as the system can, one posix_spawn after another.
 *
 * usage: spawn N PROGRAM ARGUMENT
 * Writes the nanoseconds that N starts took to descriptor 4, waits until descriptor 3 is closed, ends them all, and writes
 * the nanoseconds that took, too. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
	if (argc != 4)
		return 2;
	int n = atoi(argv[1]);
	pid_t *pids = calloc(n, sizeof *pids);
	char *words[] = {argv[2], argv[3], NULL};
	fcntl(3, F_SETFD, FD_CLOEXEC);
	fcntl(4, F_SETFD, FD_CLOEXEC);

	long long begun = now();
	for (int i = 0; i < n; i++)
		if (posix_spawn(&pids[i], argv[2], NULL, NULL, words, environ) != 0) {
			while (i-- > 0)
				kill(pids[i], SIGKILL);
			return 1;
		}
	dprintf(4, "%lld\n", now() - begun);

	char byte;
	while (read(3, &byte, 1) > 0)
		;
	begun = now();
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGTERM);
	for (int i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
	dprintf(4, "%lld\n", now() - begun);
	return 0;
}
