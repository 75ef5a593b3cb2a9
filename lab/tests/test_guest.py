# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in a guest, done for real."""

import pytest

from lab.core.dirs import build_dir
from lab.kernels import module_build, variants
from lab.run import runner
from lab.tests.conftest import STATE, quiet
from lab.tests.support import mutations
from lab.tests.support.cases import DEFAULT_CASES, FORMS, INEXACT
from lab.tests.support.records import of_cases
from lab.vm import image, initramfs
from lab.workloads import micro_script

pytestmark = pytest.mark.guest

CR4_PKS = 1 << 24
GUARDED_STATES = ("protected", "protected_nested")
GUARDED = "^model/.*/protected"


def measure(name: str, module_path: str, cases: str = GUARDED, of: str = "default") -> str:
    """Loads a module, measures as variant NAME, unloads it, and says what state it left.

    The direct map is looked at between load and unload: the kernel itself splits it when it
    write-protects the text of a module, and when it takes that back, for any module.
    """
    return (  # a worker frees the module's init text after the load
        f"insmod {module_path}\nsleep 1\nstate {name}/loaded\nkmap_bench"
        f" --benchmark_filter='{cases}' --kmapbench_records=/out/stream --kmapbench_clock=icount"
        f" --kmapbench_variant={name} --kmapbench_cases={of}\n"
        f"state {name}/measured\nrmmod kmapbench\nstate {name}\n"
    )


def test_every_bug_is_noticed_and_nothing_is_left_behind(
    boot_job, states, state_module, kernel, cache, tmp_path
):
    """One boot: the sound module, panic_on_warn, then each planted bug."""
    unprotected = [mutation for mutation, *_ in mutations.UNPROTECTED]
    planted = unprotected + [mutations.SPLITS] + mutations.LEFT_BEHIND
    files = {
        f"{mutation.name}.ko": module_build.build(
            kernel, mutations.plant(mutation, tmp_path / "sources"), cache, quiet
        )
        for mutation in planted + [mutations.DISTURBED]
    }
    booted = boot_job(
        STATE
        + "insmod /kmapbench_state.ko\nstate before\n"
        + measure("sound", "/kmapbench.ko", "-^user/")
        + "echo 1 > /proc/sys/kernel/panic_on_warn\n"
        + measure("panic_on_warn", "/kmapbench.ko", "^(model/|msr/)")
        + "echo 0 > /proc/sys/kernel/panic_on_warn\n"
        + "echo 1 > /proc/sys/kernel/warn_limit\n"
        + measure("warn_limit", "/kmapbench.ko")
        + "echo 0 > /proc/sys/kernel/warn_limit\n"
        + measure("calm", "/kmapbench.ko", "kernel/kmap/dram", "all")
        + measure("disturbed", "/disturbed.ko", "kernel/kmap/dram", "all")
        + "".join(measure(mutation.name, f"/{mutation.name}.ko") for mutation in planted),
        {"kmapbench_state.ko": state_module, **files},
        cpus=2,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    found = states(booted)

    # Nothing is left behind, on any CPU: by a sample, nor by the module. Unloading is not enough to
    # see it: a global TLB flush, as when a module's memory is freed, may write CR4 anew.
    before = found["before"]
    assert [cpu["cpu"] for cpu in before["state"]["cpus"]] == [0, 1]
    assert not any(cpu["cr4"] & CR4_PKS or cpu["pkrs"] for cpu in before["state"]["cpus"])
    assert before["state"]["keyed_leaves"] == 0
    for name in ["sound", "panic_on_warn"] + [mutation.name for mutation in unprotected]:
        for when in (f"{name}/measured", name):
            assert found[when]["state"] == before["state"], when
        assert (
            found[f"{name}/measured"]["direct_map"] == found[f"{name}/loaded"]["direct_map"]
        ), name

    # The sound module's oracle holds; with panic_on_warn it declines in one line, and the rest
    # runs.
    for case in (f"model/{form}/{state}" for form in FORMS for state in GUARDED_STATES):
        assert booted.record(case, "sound")["oracle"] == "held"
        declined = booted.record(case, "panic_on_warn")
        assert declined["status"] == "skipped"
        assert (
            declined["reason"]
            == "panic_on_warn is set: the oracle's fault would panic this machine"
        )
        assert declined["cost"] is None
        limited = booted.record(case, "warn_limit")
        assert limited["status"] == "skipped"
        assert (
            limited["reason"]
            == "kernel.warn_limit: the oracle's fault would reach it and panic the machine"
        )
    assert booted.record("model/kmap_local/dram", "panic_on_warn")["status"] == "ok"
    assert booted.record("msr/wrpkrs/toggle", "panic_on_warn")["status"] == "ok"

    # Without the key, the CR4 bit or the write there is no protection, and no figure.
    for mutation, case, reason in mutations.UNPROTECTED:
        record = booted.record(case, mutation.name)
        assert (record["oracle"], record["status"], record.get("reason"), record["cost"]) == (
            "failed",
            "flagged",
            reason,
            None,
        ), mutation.name

    # Interrupts are on in this case: one that comes in a probe does not make it too slow.
    calm = booted.record("kernel/kmap/dram", "calm")
    disturbed = booted.record("kernel/kmap/dram", "disturbed")
    assert (disturbed["status"], disturbed["cost"]) == ("ok", calm["cost"])

    # What a careless module does is seen: the checks above can fail.
    assert found["splits/measured"]["direct_map"] != found["splits/loaded"]["direct_map"]
    assert found["keeps_alias"]["state"]["keyed_leaves"] > 0
    assert any(cpu["pkrs"] for cpu in found["keeps_pkrs"]["state"]["cpus"])
    assert any(cpu["cr4"] & CR4_PKS for cpu in found["keeps_cr4/measured"]["state"]["cpus"])


# A short run in each test; a seed that found something goes in here too.
FUZZ_SEED, FUZZ_RANDOM, FUZZ_MUTATED = 1, 50_000, 300


def test_no_call_breaks_the_module(boot_job, states, state_module):
    """Random and mutated ioctls fail as they should, leave nothing behind, and the module still
    measures.
    """
    fuzz = build_dir() / "bench" / "tools" / "kmap_fuzz"
    libraries = {str(path): path for path in initramfs.libraries(fuzz)}
    booted = boot_job(
        STATE
        + "insmod /kmapbench_state.ko\nstate before\ninsmod /kmapbench.ko\n"
        + f"step fuzz /kmap_fuzz /dev/kmapbench {FUZZ_SEED} {FUZZ_RANDOM} {FUZZ_MUTATED}\n"
        + "kmap_bench --benchmark_filter='^model/kmap_local/protected/'"
        " --kmapbench_records=/out/stream --kmapbench_clock=icount"
        + " --kmapbench_variant=test\nrmmod kmapbench\nstate after\n",
        {"kmapbench_state.ko": state_module, "kmap_fuzz": fuzz, **libraries},
        cpus=2,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    assert f"{FUZZ_RANDOM} random and {FUZZ_MUTATED} mutated calls, 0 unexpected" in booted.console
    assert {"event": "end", "step": "fuzz", "code": 0} in booted.events
    assert booted.record("model/kmap_local/protected")["oracle"] == "held"
    assert states(booted)["after"]["state"] == states(booted)["before"]["state"]


def test_panic_on_taint_declines_the_oracle(boot_job):
    booted = boot_job(
        micro_script.micro("test", 1, "model/kmap_local/*"),
        cmdline=f"{image.PMEM_CMDLINE} panic_on_taint=0x40000",
    )
    assert booted.outcome.problem is None
    record = booted.record("model/kmap_local/protected")
    assert (record["status"], record["reason"]) == (
        "skipped",
        "panic_on_taint is set: the oracle's fault could panic this machine",
    )
    assert booted.record("model/kmap_local/dram")["status"] == "ok"


def test_an_nmi_that_does_not_come_is_not_waited_for_for_ever(boot_job, kernel, cache, tmp_path):
    planted = module_build.build(
        kernel, mutations.plant(mutations.NO_NMI, tmp_path / "sources"), cache, quiet
    )
    booted = boot_job(
        "state() { :; }\n" + measure("lost", "/no_nmi.ko", "^elsewhere/nmi/outside/", "all"),
        {"no_nmi.ko": planted},
    )
    assert booted.outcome.problem is None, booted.outcome.problem
    record = booted.record("elsewhere/nmi/outside", "lost")
    assert (record["status"], record["reason"]) == (
        "flagged",
        "an NMI that was raised here did not come",
    )


def test_lockdown_refuses_who_would_have_registers_written(boot_job):
    """Whoever loaded the module, and whenever."""
    booted = boot_job(
        (
            "insmod /kmapbench.ko\nmount -t securityfs securityfs /sys/kernel/security\nstep before"
            " kmap_bench --benchmark_list_tests --benchmark_filter=^kernel/\necho integrity >"
            " /sys/kernel/security/lockdown\nstep after kmap_bench --kmapbench_cases=all"
            " --benchmark_filter='^kernel/kmap/dram/iterations' --kmapbench_records=/out/stream\n"
        )
    )
    codes = {event["step"]: event["code"] for event in booted.events if event["event"] == "end"}
    assert codes["before"] == 0 and codes["after"] != 0
    assert "Lockdown: kmap_bench: raw MSR access is restricted" in booted.console
    assert booted.records == []


def test_a_failed_oracle_reaches_the_user(monkeypatch, capsys, tmp_path):
    """Through the whole job: exit code 1, one line that names the case, and a report without its
    figure.
    """
    mutation, case, reason = mutations.UNPROTECTED[0]
    monkeypatch.setattr(image, "MODULE_SOURCE", mutations.plant(mutation, tmp_path))
    folder = tmp_path / "campaign"
    assert (
        runner.run(runner.Plan([variants.find("stock")], 1, 1, "micro", None, case, folder, []))
        == 1
    )
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert said == [f"kmapbench: stock, boot 1: the oracle failed for {case}"]
    text = (folder / "details.txt").read_text()
    assert reason in " ".join(text.split())
    (row,) = [line.split() for line in text.splitlines() if line.startswith("    protected ")]
    assert row == ["protected", "-", "-", "failed"]


def test_without_pks_the_rest_runs(boot_job, three_boots):
    booted = boot_job(micro_script.micro("test", 1), cpu="max,-pks")
    assert booted.outcome.problem is None
    assert [record["case"] for record in booted.records] == DEFAULT_CASES
    for case in (
        *(f"model/{form}/{state}" for form in FORMS for state in GUARDED_STATES),
        "msr/wrpkrs/toggle",
    ):
        record = booted.record(case)
        assert (record["status"], record["reason"]) == ("skipped", "this CPU has no PKS")
    for case in (
        "empty",
        "kernel/kmap_local/dram",
        "kernel/kmap_local/devmap",
        "model/kmap_local/key_off",
        "model/kmap_local/devmap",
    ):
        assert booted.record(case)["status"] == "ok"

    # No observer watched this boot, and one watched those: it changes no digit.
    observed = of_cases(three_boots / "stock" / "boot-01" / "micro.jsonl")
    samples = {record["case"]: record["samples"] for record in observed}
    compared = [
        record
        for record in booted.records
        if record["status"] == "ok" and record["case"] not in INEXACT
    ]
    assert compared and all(record["exact"] for record in compared)
    assert {record["case"]: record["samples"] for record in compared} == {
        record["case"]: samples[record["case"]] for record in compared
    }


def test_a_panic_is_named_by_the_kernels_own_words(boot_job):
    booted = boot_job("event '\"here\"'\necho c > /proc/sysrq-trigger\n")
    assert [event for event in booted.events if event["event"] != "kernel"] == [{"event": "here"}]
    assert booted.outcome.problem == "kernel panic: sysrq triggered crash"


def test_a_hang_is_ended(boot_job):
    booted = boot_job("event '\"here\"'\nwhile :; do :; done\n", limit_seconds=40)
    assert [event for event in booted.events if event["event"] != "kernel"] == [{"event": "here"}]
    assert booted.outcome.problem == "hung: no end after 40 s"


def test_a_reset_before_the_end_is_no_good_boot(boot_job):
    booted = boot_job("reboot -f\n")
    assert booted.outcome.problem == "the guest reset or powered off before its job was done"


def test_a_warning_of_the_kernel_is_reported(boot_job):
    booted = boot_job(
        "echo '<0>WARNING: CPU: 0 PID: 1 at mm/test.c:1 planted+0x0/0x1' > /dev/kmsg\n"
    )
    assert (
        booted.outcome.problem
        == "the kernel complained: WARNING: CPU: 0 PID: 1 at mm/test.c:1 planted+0x0/0x1"
    )


def test_a_qemu_that_does_not_start_says_why(boot_job):
    booted = boot_job("", cpu="no-such-cpu")
    assert booted.outcome.problem.startswith("QEMU: ")
    assert "no-such-cpu" in booted.outcome.problem
