"""The files of a role, which several processes write."""

import subprocess
import sys
from collections import Counter

from service import APP

WRITER = """
import logging, sys
from pathlib import Path
from sms.logs import Lines

log = logging.getLogger()
log.addHandler(Lines(Path(sys.argv[1]), max_bytes=int(sys.argv[3]), old_files=int(sys.argv[4])))
for number in range(2000):
    log.warning(f"{sys.argv[2]}-{number}")
"""


def write(path, writers: int, max_bytes: int, old_files: int) -> list[str]:
    """What lies in the files afterwards, the newest file first."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, str(writer), str(max_bytes), str(old_files)],
            cwd=APP,
            stdout=subprocess.DEVNULL,
        )
        for writer in range(writers)
    ]
    assert [process.wait(30) for process in processes] == [0] * writers
    return [file.read_text() for file in sorted(path.parent.iterdir())]


def test_lose_no_line_while_several_processes_write_and_rotate(tmp_path):
    files = write(tmp_path / "web.log", writers=4, max_bytes=5_000, old_files=50)
    lines = Counter("".join(files).splitlines())
    assert lines == Counter(f"{writer}-{number}" for writer in range(4) for number in range(2000))
    assert len(files) > 5


def test_stay_within_their_bounds(tmp_path):
    files = write(tmp_path / "web.log", writers=2, max_bytes=3_000, old_files=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["web.log", "web.log.1", "web.log.2"]
    assert max(map(len, files)) < 3_000 + 2 * len("1-1999\n")
    assert "-1999\n" in files[0]
