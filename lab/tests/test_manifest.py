# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest

from lab.run import manifest

RESULTS = "results"


@pytest.mark.parametrize(
    ("changed", "dirty"),
    [
        (f"{RESULTS}/mine/campaign.json", False),
        (f"{RESULTS}/reference/a/report.txt", False),
        ("results/schema/campaign.schema.json", True),
        ("lab/cli.py", True),
        ("resultsets", True),
    ],
)
def test_what_was_measured_before_is_no_local_change(tmp_path, monkeypatch, changed, dirty):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for name in ("results/schema/campaign.schema.json", f"{RESULTS}/reference/a/report.txt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("old\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "m"], check=True)
    monkeypatch.setattr(manifest, "ROOT", tmp_path)
    assert manifest._checkout()["dirty"] is False
    (tmp_path / changed).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / changed).write_text("new\n")
    assert manifest._checkout()["dirty"] is dirty
