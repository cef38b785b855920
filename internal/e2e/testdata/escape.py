"""Programs that do what they can not to be found. Usage: escape.py FILE ROLE

Each holds a lock on FILE as long as any process of its lives, for the lock is inherited; and makes FILE.ready once
everything that it starts is there.
"""
import ctypes
import fcntl
import os
import resource
import signal
import subprocess
import sys
import time

file, role = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)


def hold():
    if len(sys.argv) > 3:  # executed again: the lock came with the descriptor
        return int(sys.argv[3])
    fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.set_inheritable(fd, True)
    return fd


def ready():
    os.close(os.open(file + ".ready", os.O_RDWR | os.O_CREAT, 0o600))


def rest():
    while True:
        time.sleep(1000)


def child(what):
    if os.fork() == 0:
        what()
        os._exit(0)


def ignore():
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass


def sleeper():  # leaves nothing in the environment
    os.execve("/bin/sleep", ["sleep", "1000"], {})


def unmark():  # what tend marks a run by
    soft, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (1 << 60, hard))


def away(what):  # double fork, new session
    def first():
        os.setsid()
        child(what)

    child(first)
    try:
        os.wait()
    except ChildProcessError:
        pass


def relay(step=lambda: None):  # each link forks and ends at once: no process is there for long
    ready()
    while True:
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            continue
        step()


def relays():
    for _ in range(3):
        child(relay)
    rest()


def traced():
    def tracee():
        ignore()
        rest()

    pid = os.fork()
    if pid == 0:
        tracee()
    libc.ptrace(16, pid, None, None)  # PTRACE_ATTACH
    os.waitpid(pid, 0)
    ready()
    rest()


def stopped():
    def stop():
        ignore()
        os.kill(os.getpid(), signal.SIGSTOP)
        rest()

    pid = os.fork()
    if pid == 0:
        stop()
    os.waitpid(pid, os.WUNTRACED)
    ready()
    rest()


def again():  # executes itself for ever, every time with an empty environment
    ready()
    os.execve(sys.executable, [sys.executable, "-S", "-E", __file__, file, role, str(fd)], {})


def again_apart():
    if len(sys.argv) > 3:
        again()
    away(again)
    rest()


def rename():
    def renamed():
        ignore()
        with open("/proc/self/comm", "w") as comm:
            comm.write("tend")
        os.execve("/bin/sh", ["tend", "-c", "trap '' TERM; while :; do sleep 1000; done", "keep"], {})

    child(renamed)
    ready()
    rest()


def many():
    def branch():
        for _ in range(99):
            child(rest)
        rest()

    for _ in range(10):
        child(branch)
    ready()
    rest()


def dropped():
    def drop():
        ignore()
        unmark()
        sleeper()

    away(drop)
    ready()
    rest()


def dropped_stays(first=lambda: None):  # a parent that is found leads to it
    done, there = os.pipe()  # is closed when it executes its program

    def drop():
        first()
        unmark()
        os.setsid()
        sleeper()

    child(drop)
    os.close(there)
    os.read(done, 1)
    ready()
    rest()


def spawner():  # vfork(2) all the time
    ready()
    while True:
        subprocess.run(["/bin/true"], close_fds=False)
        subprocess.Popen(["/bin/sleep", "1000"], close_fds=False, env={}, start_new_session=True)
        time.sleep(0.01)


def container():
    inside = "trap '' TERM; (setsid env -i sleep 1000 &); : >%s.ready; while :; do sleep 1000; done" % file
    os.execvp("bwrap", ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--unshare-user-try", "--new-session",
                        "--clearenv", "sh", "-c", inside])


roles = {
    "ignores": lambda: (child(lambda: (ignore(), rest())), ignore(), ready(), rest()),
    "double fork": lambda: (away(lambda: (ignore(), sleeper())), ready(), rest()),
    "double fork, main ends": lambda: (away(lambda: (ignore(), ready(), sleeper()))),
    "relay": relay,
    "relay, main stays": lambda: (away(relay), rest()),
    "relay, new sessions": lambda: relay(os.setsid),
    "relays": relays,
    "traced": traced,
    "stopped": stopped,
    "executes itself": again_apart,
    "calls itself tend": rename,
    "thousand": many,
    "drops all": dropped,
    "drops all but its parent": dropped_stays,
    "drops all but its parent, ignores": lambda: dropped_stays(ignore),
    "spawns": spawner,
    "container": container,
}
fd = hold()
roles[role]()
