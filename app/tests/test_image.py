"""What gets into the image, by .dockerignore's own rules."""

import re
import shutil

import pytest
from docker.utils.build import exclude_paths
from service import APP

PLANTED = [".env", "key.pem", ".git/config", "sms/.env", "sms/key.pem", "sms/__pycache__/web.pyc", "tests/test_x.py"]


@pytest.fixture
def context(tmp_path):
    """What the builder would get of this folder, were there secrets and rubbish in it too."""
    tree = tmp_path / "app"
    shutil.copytree(APP, tree, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for name in PLANTED:
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).touch()
    patterns = [line for line in (APP / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    return {path for path in exclude_paths(tree, patterns) if (tree / path).is_file()} - {"Dockerfile", ".dockerignore"}


def test_lets_every_module_through_and_nothing_else(context):
    modules = {str(path.relative_to(APP)) for path in (APP / "sms").rglob("*.py")}
    assert context == modules | {"requirements.txt"}


def test_lets_through_what_the_dockerfile_copies(context):
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (APP / "Dockerfile").read_text(), re.MULTILINE)
    sources = " ".join(copies).split()
    assert sources == ["requirements.txt", "sms"]
    for source in sources:
        assert source in context or any(path.startswith(f"{source}/") for path in context)
