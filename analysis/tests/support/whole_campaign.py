# SPDX-License-Identifier: Apache-2.0
"""A small campaign of a lab that lacks nothing that a contribution needs, and one with names."""

import json
from pathlib import Path

CASES = {"kernel/kmap_local/dram": 5, "kernel/kmap_local/protected": 55, "empty": 0}
KNOWN = 13
VARIANTS = ("plain", "protected")
BOOTS = (1, 2)

# What a machine and its user are called in a campaign with names, by kind.
HOST, USER, SERIAL = "spr01", "alice", "CZ2143X0QW"
UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
NAMES = (HOST, USER, SERIAL, UUID, "52:54:00:ab:cd:ef", "192.0.2.17")

_CPU = {
    "vendor_id": "GenuineIntel",
    "model name": "QEMU TCG CPU version 2.5+",
    **{"cpu family": "15", "model": "107", "stepping": "1", "microcode": "0x1000065"},
    "cpuid_7_0": {"eax": 0, "ebx": 1, "ecx": 1, "edx": 0},
    **{"pks": True, "pku": True, "hypervisor": True, "cr4_pks": False},
    **{"governors": [], "no_turbo": None, "boost": None, "smt": None, "online": "0"},
    **{"isolated": "", "nohz_full": None},
}


def environment(**changes) -> dict:
    """Of a boot; a change of None takes a field out."""
    whole = {
        "format": 1,
        "kernel": {
            "release": "6.12.0",
            "version": "#1 SMP",
            "machine": "x86_64",
            "cmdline": "console=ttyS0 panic=-1",
            "config_sha256": "0" * 64,
        },
        "cpu": _CPU,
        "vulnerabilities": {"meltdown": "Not affected"},
        "memory": {"total": "464 MiB", "huge_pages": "never", "nodes": {"node0": "0"}},
        "pmem": {},
        "identity": {"host_name": None, "product": None, "serial": None},
        "clock": {"clocksource": "tsc", "tsc_step_ticks": 1, "tsc_hz": 1e9},
        "kmapbench": {
            "commit": "0123456789abcdef",
            "dirty": False,
            "compiler": "GNU 12.2.0",
            "build_type": "Release",
        },
        "emulator": {"cpu": "max", "memory_mib": 640, "observed": True},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def record(case: str, variant: str, boot: int, cost: float, **changes) -> dict:
    slope = cost + 2
    return {
        "case": case,
        "variant": variant,
        "boot": boot,
        "launch": 1,
        **{"clock": "icount", "unit": "instructions", "better": "lower", "status": "ok"},
        **{"ops": 10, "cost": cost, "empty": 2, "exact": True},
        "oracle": "held" if case.endswith("protected") else "none",
        **{"counters": {}, "rejected": {}},
        "samples": [round(slope * 10), round(slope * 20)] * 3,
        "empty_samples": [20, 40] * 3,
    } | changes


def records(variant: str, boot: int) -> list[dict]:
    """Of one boot: a control, then the cases."""
    more = 3 if variant == VARIANTS[1] else 0
    return [
        record("control/adds13", variant, boot, KNOWN, known=KNOWN, known_adds=KNOWN),
        *(record(case, variant, boot, cost and cost + more) for case, cost in CASES.items()),
    ]


def header(name: str) -> dict:
    kernel = {"what": "w", "release": "6.12.0", "packages": {}, "cpu": "max", "cmdline": ""}
    order = [(variant, boot) for boot in BOOTS for variant in VARIANTS]
    time = "2026-01-01T00:00:00Z"
    return {
        "format": 1,
        "name": name,
        "asked": {
            "arguments": ["run", "--anonymize"],
            **{"boots": 2, "only": None, "kernel": None, "anonymize": True},
        },
        "seed": 1,
        "variants": {variant: kernel | {"patched": variant != VARIANTS[0]} for variant in VARIANTS},
        "tools": {"qemu": "QEMU emulator version 7.2.22 (Debian)"},
        "kmapbench": {"commit": "0123456789abcdef", "dirty": False},
        "started": time,
        "ended": time,
        "order": [
            {"variant": variant, "boot": boot, "started": time, "ended": time, "status": "ok"}
            for variant, boot in order
        ],
    }


def write(folder: Path, name: str = "") -> Path:
    """Writes the campaign into a folder that is not there yet, and returns it."""
    folder.mkdir(parents=True)
    (folder / "campaign.json").write_text(json.dumps(header(name or folder.name), indent=2))
    (folder / "plan.toml").write_text(
        'variants = [\n    "plain",\n    "protected",\n]\nboots = 2\n'
    )
    for variant in VARIANTS:
        (folder / variant).mkdir()
        (folder / variant / "config").write_text("CONFIG_X86_64=y\nCONFIG_ZONE_DEVICE=y\n")
        for boot in BOOTS:
            place = folder / variant / f"boot-{boot:02d}"
            place.mkdir()
            (place / "environment.json").write_text(json.dumps(environment(), indent=2))
            (place / "console.log").write_text("[    0.000000] Linux version 6.12.0\n")
            (place / "micro.json").write_text('{"context": {"host_name": "(none)"}}')
            lines = (json.dumps(one, separators=(",", ":")) for one in records(variant, boot))
            (place / "micro.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return folder


def write_with_names(folder: Path) -> Path:
    """The same as it is measured without --anonymize, by somebody on a machine with a name."""
    write(folder)
    path = folder / "campaign.json"
    changed = json.loads(path.read_text())
    changed["asked"] |= {
        "arguments": ["run", "--out", f"results/{USER}", f"--variants=mine=/home/{USER}/linux"],
        "anonymize": False,
    }
    changed["variants"]["plain"]["built"] = f"/home/{USER}/linux"
    path.write_text(json.dumps(changed))
    (folder / "plan.toml").write_text(f'variants = ["plain=/home/{USER}/linux"]\n')
    with (folder / "plain" / "config").open("a") as config:
        config.write(f'CONFIG_DEFAULT_HOSTNAME="{HOST}"\n')
    place = folder / "plain" / "boot-01"
    cmdline = f"root=UUID={UUID} resume=/dev/{HOST}-vg/swap panic=-1"
    said = environment(identity={"host_name": HOST, "product": "R750", "serial": SERIAL})
    said["kernel"]["cmdline"] = cmdline
    (place / "environment.json").write_text(json.dumps(said))
    (place / "console.log").write_text(
        f"Linux version 6.12.0 ({USER}@build.{HOST}.example) (gcc)\n"
        f"eth0: 52:54:00:ab:cd:ef at 192.0.2.17\n{HOST} login: {USER}\n"
    )
    (place / "micro.json").write_text(
        json.dumps({"context": {"host_name": HOST, "executable": f"/home/{USER}/kmap_bench"}})
    )
    lines = (place / "micro.jsonl").read_text().splitlines()
    skipped = record("model/kmap_local/x", "plain", 1, 1) | {
        **{"status": "skipped", "cost": None, "exact": False, "samples": [], "ops": 0},
        "reason": f"no such file on {HOST}: /home/{USER}/page",
    }
    (place / "micro.jsonl").write_text("\n".join([*lines, json.dumps(skipped)]) + "\n")
    return folder
