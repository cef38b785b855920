package process

// Where the cgroup v2 that tend itself is in is delegated to it, each run has a cgroup of its own below that,
// .tend-KEY/RUN, KEY being the database's, and is born there: nothing that it starts can leave but by moving itself to
// another on purpose, and all of it can be killed at once, however fast it forks. Nothing depends on it: where there is no
// cgroup, or the kernel refuses one, the run does without, and whoever has left one is looked for like everybody else.

// cgroupPrefix begins the name of the directory that holds those of one database.
const cgroupPrefix = ".tend-"
