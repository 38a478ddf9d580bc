"""The locks against what pyproject.toml asks for: nothing else notices one that was not compiled again."""

import tomllib
from collections import defaultdict

import pytest
from packaging.requirements import Requirement
from service import APP

PROJECT = tomllib.loads((APP / "pyproject.toml").read_text())
IMAGE = PROJECT["project"]["dependencies"]


def locked(name: str) -> dict[str, list[Requirement]]:
    """A lock's lines by package; one that depends on Python's version has several."""
    packages = defaultdict(list)
    for line in (APP / name).read_text().splitlines():
        if line[0] not in " #":
            requirement = Requirement(line.removesuffix(" \\"))
            packages[requirement.name].append(requirement)
    return packages


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", IMAGE),
        ("requirements-dev.txt", [*IMAGE, *PROJECT["dependency-groups"]["dev"]]),
        ("requirements-audit.txt", (APP / "requirements-audit.in").read_text().splitlines()[1:]),
    ],
)
def test_a_lock_has_each_package_in_the_version_that_is_asked_for(lock, wanted):
    packages = locked(lock)
    for requirement in map(Requirement, wanted):
        assert packages[requirement.name], f"{requirement} is not in {lock}"
        for version in packages[requirement.name]:
            assert str(version.specifier).removeprefix("==") in requirement.specifier


def test_the_tests_run_on_the_versions_of_the_image():
    image, tests = locked("requirements.txt"), locked("requirements-dev.txt")
    assert image == {name: tests[name] for name in image}
