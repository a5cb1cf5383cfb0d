"""The audit of locked packages never calls clean what nobody was asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.audit import Answer, advisories, weighed


def test_an_advisory_is_told_with_the_release_that_mends_it() -> None:
    vulnerable = {"name": "a", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}

    answer = weighed([vulnerable, {"name": "b", "version": "2.0", "vulns": []}])

    assert answer == Answer(known=("a 1.0: PYSEC-1, mended in 1.1",))
    assert answer.code == 1


def test_a_package_that_the_source_does_not_know_is_not_clean() -> None:
    answer = weighed(
        [{"name": "a", "skip_reason": "not found"}, {"name": "b", "version": "2.0", "vulns": []}]
    )

    assert answer == Answer(unasked=("a: not found",))
    assert answer.code == 2


def test_packages_of_which_nothing_is_known_are_clean() -> None:
    assert weighed([{"name": "b", "version": "2.0", "vulns": []}]).code == 0


def test_without_a_source_nothing_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "false")  # as where pip-audit is missing, or reaches nobody

    assert advisories(tmp_path / "requirements.lock").code == 2
