# SPDX-License-Identifier: Apache-2.0
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.kernels import variants
from lab.run import manifest, targets
from lab.vm import image

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


def test_without_git_nobody_knows_the_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert manifest._checkout() == {"commit": "unknown", "dirty": False}


def test_a_campaign_says_what_a_kernel_was_booted_with(tmp_path):
    """What is declared there may differ between variants that are compared."""
    kernel = SimpleNamespace(release="6.12.0", packages={}, key="k", headers=tmp_path)
    for name in ("protected", "protected-two"):
        variant = variants.load()[name]
        module = Path("modules/m/kmapbench.ko")
        described = targets._describe(image.Prepared(variant, "", kernel, module, module))
        assert described["regions"] == variant.regions
        assert described["module_compiler"].startswith("gcc (")
        assert (described["cmdline"], described["cpu"]) == (variant.cmdline, variant.cpu)
    assert variant.regions == 2 and "fault_mode" in described["cmdline"]
