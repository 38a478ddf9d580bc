"""`rusage.py FILE SECONDS COMMAND…`: runs a command, and writes its time, CPU time and memory to FILE, as JSON.

The CPU time includes all child processes. The memory is that of the largest process. If SECONDS is above 0, the command
line and CPU time of each process are also recorded, at this interval.
"""

import ctypes
import json
import os
import resource
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
HERTZ = os.sysconf("SC_CLK_TCK")


def processes_below(root: int) -> dict[int, tuple[str, float]]:
    found = {}
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as line:
                fields = stat.read().rpartition(")")[2].split()
                found[int(pid)] = (line.read().replace("\0", " ").strip(), (int(fields[11]) + int(fields[12])) / HERTZ)
                parents[int(pid)] = int(fields[1])
        except OSError:
            continue

    def is_below(pid: int) -> bool:
        while pid in parents:
            pid = parents[pid]
            if pid == root:
                return True
        return False

    return {pid: what for pid, what in found.items() if is_below(pid)}


def main() -> int:
    result, every, *command = sys.argv[1:]
    # A process that outlives its parent becomes a child of this one, so that its use is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    seen: dict[int, tuple[str, float]] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(float(every)):
            for pid, (line, seconds) in processes_below(os.getpid()).items():
                seen[pid] = (line or seen.get(pid, ("?", 0))[0], seconds)

    start = time.monotonic()
    child = os.spawnvp(os.P_NOWAIT, command[0], command)
    if float(every) > 0:
        threading.Thread(target=watch, daemon=True).start()
    exit_code = 0
    wall = 0.0
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            break
        if pid == child:
            exit_code = os.waitstatus_to_exitcode(status)
            wall = time.monotonic() - start
    done.set()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(result, "w") as file:
        json.dump(
            {
                "exitCode": exit_code,
                "wallSeconds": wall,
                "cpuSeconds": used.ru_utime + used.ru_stime,
                "memoryMiB": used.ru_maxrss / 1024,
                "processes": [{"command": line, "cpuSeconds": seconds} for line, seconds in seen.values()],
            },
            file,
        )
    return exit_code


sys.exit(main())
