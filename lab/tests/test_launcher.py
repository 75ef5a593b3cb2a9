# SPDX-License-Identifier: Apache-2.0
"""The launcher: what it says at once, what it installs and builds, and for which command."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib

import pytest
import tomli_w

from lab import cli
from lab.core import kernel_cases, requirements
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.run import disk_space, dry_run, option, plan, preflight, selection
from lab.setup import cpp_build, interpreter, packages
from lab.tests.support import cases
from lab.tests.support.wrong_uses import COMMANDS, WRONG, checkout, make_there, tree

pytestmark = pytest.mark.program


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Runs the launcher of a fresh checkout where there is Python, without a module of anybody's,
    and little else.

    Gives what it ended with, what stand-ins for package clients and build tools were called for,
    and what is new on disk.
    """
    base = tmp_path_factory.mktemp("bare")
    root = checkout(base / "a checkout of Jürgen's")
    # A Python that has the standard library alone.
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", base / "venv"], check=True)
    programs = base / "bin"
    programs.mkdir()
    for name in ("sh", "readlink", "dirname", "id", "env", "mktemp", "cat"):
        (programs / name).symlink_to(shutil.which(name))
    (programs / "python3").symlink_to(base / "venv" / "bin" / "python3")
    called = base / "called"
    for name in (
        "apt-get",
        "apt-cache",
        "sudo",
        "dnf",
        "cmake",
        "ninja",
        "g++",
        "gcc",
        "make",
        "git",
        "qemu-system-x86_64",
    ):
        stand_in = programs / name
        stand_in.write_text(f'#!/bin/sh\necho "{name} $*" >>"{called}"\nexit 1\n')
        stand_in.chmod(0o755)
    there = make_there(base / "there")
    environment = {"PATH": str(programs), "HOME": str(base / "home"), "LC_ALL": "C.UTF-8"}

    def run(
        arguments: list[str], **streams
    ) -> tuple[subprocess.CompletedProcess, list[str], set[str]]:
        called.write_text("")
        before = tree(base)
        words = [word.format(there=there) for word in arguments]
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | streams
        ended = subprocess.run(
            [root / "kmapbench", *words], cwd=base, env=environment, text=True, **streams
        )
        return ended, called.read_text().splitlines(), tree(base) - before

    run.there = there
    return run


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda value: " ".join(value))
def test_wrong_use_is_said_at_once_and_nothing_is_installed_or_built(bare, arguments, words):
    ended, called, made = bare(arguments)
    assert ended.returncode == 2 and ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    for word in words:
        assert word.format(there=bare.there) in line
    assert (called, made) == ([], set())


@pytest.mark.parametrize(
    "arguments", [[], *(command.split() for command in COMMANDS)], ids=" ".join
)
def test_help_needs_python_alone(bare, arguments):
    ended, called, made = bare([*arguments, "--help"])
    assert ended.returncode == 0 and ended.stderr == ""
    assert ended.stdout.startswith(f"usage: {' '.join(['kmapbench', *arguments])}")
    assert "--no-install" in ended.stdout
    assert (called, made) == ([], set())


def test_the_version_is_that_of_the_project(bare):
    from lab import VERSION

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert VERSION == project["version"]

    ended, called, made = bare(["--version"])
    assert (ended.returncode, ended.stdout, called, made) == (
        0,
        f"kmapbench {VERSION}\n",
        [],
        set(),
    )


def test_a_dry_run_is_dry_and_says_what_is_not_there(bare):
    ended, called, made = bare(
        ["run", "--dry-run", "--boots", "3", "--seed", "7", "--cases", "kernel/*"]
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert (
        [line for line in lines if line.startswith("stock, boot ")]
        and "seed 7" in lines
        and lines[-1] == "report"
    )
    assert sum(line.startswith("stock, boot ") for line in lines) == 3
    assert any("to build first: kmap_bench" in line and "'kernel/*'" in line for line in lines)
    assert (called, made) == ([], set())


def test_what_is_missing_is_listed_where_nothing_may_be_installed(bare):
    for arguments in (["test", "--no-install"], ["--no-install", "test"]):
        ended, called, made = bare(arguments)
        assert ended.returncode == 2 and ended.stdout == ""
        (line,) = ended.stderr.splitlines()
        assert "chromium" in line and "valgrind" in line and "cmake" not in line
        assert (called, made) == ([], set())


def test_who_says_no_on_a_terminal_gets_nothing_installed(bare):
    ours, terminal = os.openpty()
    try:
        os.write(ours, b"n\n")
        ended, called, made = bare(["test"], stdin=terminal, stderr=terminal)
        said = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(terminal)
    assert ended.returncode == 2
    assert said.count("[Y/n]") == 1 and "chromium" in said and "nothing was installed" in said
    assert [call for call in called if "--print-uris" not in call] == [] and made == set()


# Which groups a command needs


@pytest.fixture
def nothing_built(monkeypatch):
    monkeypatch.setattr(disk_space, "_is_built", lambda image, _: image.name == "plain")
    monkeypatch.setattr(preflight, "_check_room", lambda _: None)


FOR_TESTS = {"python", "build", "module", "lab", "fio", "predict", "test"}


def groups(arguments: list[str]) -> set[str]:
    """What a command needs."""
    parsed = cli.parse(arguments)
    return set(parsed.groups(parsed))


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["run", "--only", "user"], {"python", "build"}),
        (["run"], {"python", "build", "module", "lab"}),
        (["run", "--cases", "user/*"], {"python", "build"}),
        (["run", "--variants=stock"], {"python", "build", "module", "lab"}),
        (["run", "--variants", "plain"], {"python", "build", "module", "lab"}),
        (
            ["run", "--boots", "3", "--variants", "stock,off"],
            {"python", "build", "module", "lab", "kernel-build"},
        ),
        (["run", "--variants=off"], {"python", "build", "module", "lab", "kernel-build"}),
        (["run", "--only", "dax"], {"python", "build", "module", "lab", "fio"}),
        (
            ["run", "--only=dax", "--variants=off"],
            {"python", "build", "module", "lab", "fio", "kernel-build"},
        ),
        (
            ["run", "--plan", "{folder}/plan.toml"],
            {"python", "build", "module", "lab", "kernel-build"},
        ),
        (["run", "--plan={folder}/stock.toml"], {"python", "build", "module", "lab"}),
        (
            ["run", "--plan={folder}/plan.toml", "--variants", "stock"],
            {"python", "build", "module", "lab"},
        ),
        (["run", "--resume", "{folder}"], {"python", "build", "module", "lab", "kernel-build"}),
        (["run", "--resume", "{folder}/whole"], {"python"}),
        (["report", "{folder}"], {"python"}),
        (["compare", "{folder}", "{folder}"], {"python"}),
        (["check"], {"build"}),
        (["cases"], {"build"}),
        (["list"], set()),
        (["show", "{folder}", "empty"], {"python"}),
        (["kernels"], set()),
        (["kernels", "build", "plain"], {"python", "kernel-build"}),
        (["kernels", "build", "--deb", "plain"], {"python", "kernel-build", "deb-build"}),
        (["test"], FOR_TESTS),
        (["test", "--unit"], {"python", "build", "test"}),
        (["test", "--checkers"], {"python", "build", "test", "checkers"}),
        (
            ["test", "--kernels"],
            FOR_TESTS | {"kernel-build"},
        ),
        (
            ["test", "--all"],
            FOR_TESTS | {"kernel-build", "checkers", "deb-build", "all-tests"},
        ),
    ],
    ids=lambda words: " ".join(
        sorted(words) if isinstance(words, set) else words
    ),  # a set's own order is another in each process
)
@pytest.mark.usefixtures("nothing_built")
def test_a_command_needs_the_groups_that_its_options_say(tmp_path, arguments, needed):
    folder = tmp_path / "of a campaign"
    folder.mkdir()
    for name, chosen in (("plan", ["stock", "off"]), ("stock", ["stock"])):
        (folder / f"{name}.toml").write_text(tomli_w.dumps({"variants": chosen, "boots": 1}))
    step = {"variant": "stock", "boot": 1}
    for name, order in ((folder, []), (folder / "whole", [step | {"status": "ok"}])):
        name.mkdir(exist_ok=True)
        (name / "campaign.json").write_text(json.dumps({"planned": [step], "order": order}))
    shutil.copy(folder / "plan.toml", folder / "whole")
    assert groups([one.format(folder=folder) for one in arguments]) == needed


def test_the_running_kernel_needs_no_emulator(monkeypatch):
    monkeypatch.setattr(preflight, "check_machine", lambda _: None)
    assert groups(["run", "--here"]) == {"python", "build", "module"}
    assert groups(["run", "--here", "--only", "dax", "--on", "/"]) == {
        "python",
        "build",
        "fio",
    }


# The table of packages


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ID=debian\n", "debian"),
        ('ID="ubuntu"\nID_LIKE=debian\n', "ubuntu"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", "ubuntu"),
        ("ID=fedora\nVERSION_ID=42\n", "fedora"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
        ("ID=manjaro\nID_LIKE=arch\n", "arch"),
        ("ID=opensuse-tumbleweed\nID_LIKE='opensuse suse'\n", "other"),
        ("ID=alpine\n", "other"),
        ("", "other"),
    ],
)
def test_a_distribution_is_known_by_its_os_release(tmp_path, text, name):
    (tmp_path / "os-release").write_text(text)
    assert requirements.distribution(tmp_path / "os-release") == name
    assert requirements.distribution(tmp_path / "gone") == "other"


def test_every_need_has_a_package_in_every_distribution():
    for system in requirements.DISTRIBUTIONS:
        for need in requirements.needs(requirements._table(), system):
            assert need.packages and all(name and " " not in name for name in need.packages), need


def test_debians_own_tools_know_every_package():
    """Those of this machine's Debian: a name that no source has could not be installed."""
    if requirements.distribution() != "debian" or not shutil.which("apt-cache"):
        pytest.skip("no Debian")
    wanted = requirements.needs(requirements._table(), "debian")
    there = packages._with_candidate([name for need in wanted for name in need.packages])
    if not there:
        pytest.skip("no package lists")
    assert [need for need in wanted if not there & set(need.packages)] == []


def test_what_is_there_is_not_missing(tmp_path):
    header = tmp_path / "header.h"
    wanted = [
        requirements.Need("programs", "sh", ("dash",)),
        requirements.Need("programs", "no-such-program", ("a",)),
        requirements.Need("files", str(header), ("b",)),
        requirements.Need("modules", "no_such_module", ("c", "d")),
        requirements.Need("modules", "json", ("e",)),
    ]
    lacking = requirements.missing(wanted, {"json"}.__contains__)
    assert requirements.names(lacking) == ["a", "b", "c"]
    header.touch()
    assert requirements.names(requirements.missing(wanted, {"json"}.__contains__)) == ["a", "c"]


# Installing


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """Stand-ins for apt's programs, which keep their command lines; what they do is set
    by files.
    """
    folder = tmp_path / "apt"
    folder.mkdir()
    calls = tmp_path / "calls"
    calls.touch()
    uris = (
        "'http://somewhere/a.deb' a.deb 3000000 SHA256:0\\n'http://somewhere/b.deb' b.deb 4600000"
        " SHA256:0\\n"
    )
    (folder / "apt-get").write_text(
        f'#!/bin/sh\necho "$*" >>{calls}\ncase " $* " in *" --print-uris "*) printf "{uris}"; exit'
        ' 0 ;;\n*" update "*) echo "E: a source does not answer"; exit 100 ;;\n*) if [ -e'
        f' {folder}/broken ]; then echo Reading; echo "E: Unable to locate package a"; exit 100; fi'
        " ;; esac\n"
    )
    (folder / "apt-cache").write_text(
        '#!/bin/sh\nprintf "old-name:\\n  Installed: (none)\\n  Candidate: (none)\\nnew-name:\\n '
        ' Installed: (none)\\n  Candidate: 2.0-1\\n"\n'
    )
    (folder / "sudo").write_text(f'#!/bin/sh\necho "sudo $*" >>{calls}\nexec "$@"\n')
    for program in folder.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(requirements, "distribution", lambda: "debian")
    monkeypatch.setattr(packages, "_on_terminal", lambda: False)
    return lambda: calls.read_text().splitlines()


LACKING = [
    requirements.Need("programs", "a", ("a",)),
    requirements.Need("modules", "b", ("old-name", "new-name")),
    requirements.Need("modules", "c", ("a",)),
]


def test_packages_are_installed_though_a_source_does_not_answer(apt, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    packages.provide(LACKING, may_install=True)
    (install,) = [call for call in apt() if " install " in call and "--print-uris" not in call]
    assert install.endswith("install a new-name") and "--no-install-recommends" in install
    assert "about 8 MB to download: a new-name" in capsys.readouterr().err
    assert not [call for call in apt() if call.startswith("sudo")]


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("fedora", "(names as in Fedora): dnf install a old-name"),
        ("other", "(names as in Debian): a old-name"),
    ],
)
def test_apt_on_another_distribution_is_for_others(apt, monkeypatch, system, said):
    monkeypatch.setattr(requirements, "distribution", lambda: system)
    with pytest.raises(KmapbenchError) as refused:
        packages.provide(LACKING, may_install=True)
    assert str(refused.value).endswith(said) and apt() == []


def test_an_ordinary_user_installs_by_sudo(apt, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    packages.provide(LACKING, may_install=True)
    assert [
        call
        for call in apt()
        if call.startswith("sudo env ") and call.endswith(" install a new-name")
    ]


def test_what_apt_says_is_wrong_is_said(apt, tmp_path):
    (tmp_path / "apt" / "broken").touch()
    with pytest.raises(
        KmapbenchError, match="apt-get install failed: E: Unable to locate package a"
    ):
        packages.provide(LACKING, may_install=True)


@pytest.mark.parametrize(
    ("answer", "installed"),
    [("\n", True), ("Y\n", True), ("yes\n", True), ("n\n", False), ("", False)],
)
def test_on_a_terminal_it_is_asked_once(apt, monkeypatch, capsys, answer, installed):
    import io

    monkeypatch.setattr(packages, "_on_terminal", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    if installed:
        packages.provide(LACKING, may_install=True)
    else:
        with pytest.raises(KmapbenchError, match="nothing was installed"):
            packages.provide(LACKING, may_install=True)
    assert installed == bool(
        [call for call in apt() if " install " in call and "--print-uris" not in call]
    )
    said = capsys.readouterr().err
    assert said.count("[Y/n]") == 1 and "about 8 MB" in said


def test_without_apt_one_line_has_the_distributions_own_names(monkeypatch):
    monkeypatch.setattr(requirements, "distribution", lambda: "fedora")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    lacking = requirements.needs(["kernel-build", "build"], "fedora")
    with pytest.raises(
        KmapbenchError,
        match=r"^[^\n]*Fedora[^\n]*dnf install [^\n]*gcc-c\+\+[^\n]*elfutils-libelf-devel[^\n]*$",
    ):
        packages.provide(lacking, may_install=True)


# Which Python


def test_modules_are_looked_for_where_a_python_has_them(bare):
    poor = str(bare.there.parent / "venv" / "bin" / "python3")
    assert interpreter._found(poor, ["json", "numpy"]) == {"json"}
    assert interpreter._found(f"{poor}-gone", ["json"]) == set()
    assert interpreter.choose(["json"]) == sys.executable
    assert interpreter.choose(["no_such_module"]) is None


def test_the_launcher_hands_over_to_the_python_that_has_them(tmp_path):
    subprocess.run(
        ["/usr/bin/python3", "-m", "venv", "--without-pip", tmp_path / "venv"], check=True
    )
    environment = os.environ | {"PATH": f"{tmp_path}/venv/bin:/usr/bin:/bin"}
    folder = next((ROOT / "results" / "reference").glob("stock-*"))
    result = subprocess.run(
        [ROOT / "kmapbench", "compare", folder, folder],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def test_a_python_that_is_too_old_is_passed_over(tmp_path):
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    result = subprocess.run(
        [ROOT / "kmapbench", "kernels"], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_a_machine_whose_python_is_too_old_is_told_so(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$*" in *platform*) echo 3.9.2 ;; *) exit 1 ;; esac\n')
    old.chmod(0o755)
    script = tmp_path / "kmapbench"
    script.write_text((ROOT / "kmapbench").read_text().replace("/usr/bin/python3", str(old)))
    path = os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    ended = subprocess.run(["sh", script, "run"], env=path, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("kmapbench: python3 is version 3.9.2, and 3.11 or later is")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_leads_nowhere(closed):
    """Exit code 1 would say of a comparison that something is slower."""
    command = f'exec "$0" compare results/reference/pks-6.12 --variants plain,off {closed}'
    ended = subprocess.run(
        ["sh", "-c", command, ROOT / "kmapbench"], cwd=ROOT, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ("plain" in ended.stdout) == (">&-" not in closed.replace("2>&-", ""))


def test_what_a_library_has_opened_in_place_of_a_closed_stream_stays_its_own():
    """As libffi does, which keeps a file open from when it is loaded."""
    program = (
        "import os, sys\n"
        "theirs = os.open('/dev/zero', os.O_RDONLY)\n"
        "from analysis import streams\n"
        "streams.make_usable()\n"
        "sys.stdout.write('to nobody')\n"
        "sys.exit(f'{theirs} {os.readlink(f\"/proc/self/fd/{theirs}\")}')\n"
    )
    ended = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, program],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.stderr == "1 /dev/zero\n"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", r"tea-\u8336"), ("utf-8:strict", "tea-\u8336")]
)
def test_a_name_that_the_output_cannot_write_is_no_traceback(tmp_path, encoding, shown):
    ended = subprocess.run(
        [ROOT / "kmapbench", "run", "--dry-run", "--out", tmp_path / "tea-\u8336-\udcff"],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "") and f"{shown}-\\udcff" in ended.stdout


@pytest.mark.parametrize("command", ["fly", "list nowhere"])
def test_a_full_disk_behind_standard_error_changes_no_exit_code(command):
    with open("/dev/full", "w") as full:
        assert subprocess.run([ROOT / "kmapbench", *command.split()], stderr=full).returncode == 2


def test_the_launcher_works_through_a_symlink_from_anywhere(tmp_path):
    (tmp_path / "kb").symlink_to(ROOT / "kmapbench")
    (tmp_path / "lab").mkdir()  # of somebody else's
    (tmp_path / "lab" / "__init__.py").write_text("raise SystemExit(9)\n")
    result = subprocess.run(
        [tmp_path / "kb", "kernels"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "stock" in result.stdout


# Building


@pytest.fixture
def project(tmp_path):
    """A small project in place of bench/, below a name with spaces and letters that are
    not ASCII.
    """
    root = tmp_path / "mit Umlauten äö und Leerzeichen"
    root.mkdir()
    (root / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(small LANGUAGES C"
        " CXX)\nadd_subdirectory(part)\n"
    )
    (root / "part").mkdir()
    (root / "part" / "CMakeLists.txt").write_text("add_executable(small small.cc)\n")
    shutil.copy(ROOT / "CMakePresets.json", root)
    (root / "part" / "small.cc").write_text("int main() { return 0; }\n")
    return root


def test_a_project_is_built_once(project, capsys):
    cpp_build.build(project / "build", project)
    assert subprocess.run([project / "build" / "part" / "small"]).returncode == 0
    assert not cpp_build.stranger(project / "build", project)
    assert capsys.readouterr().err == "kmapbench: configuring\n"
    made = (project / "build" / "part" / "small").stat().st_mtime_ns
    cpp_build.build(project / "build", project)
    assert (project / "build" / "part" / "small").stat().st_mtime_ns == made
    assert capsys.readouterr().err == ""


def test_a_build_folder_behind_a_link_is_no_stranger(project, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    cpp_build.build(tmp_path / "link" / "build", project)
    assert not cpp_build.stranger(tmp_path / "link" / "build", project)


def test_a_checkout_that_was_moved_is_built_anew(project):
    cpp_build.build(project / "build", project)
    moved = project.rename(project.with_name("moved"))
    assert cpp_build.stranger(moved / "build", moved)
    cpp_build.build(moved / "build", moved)
    assert not cpp_build.stranger(moved / "build", moved)
    assert subprocess.run([moved / "build" / "part" / "small"]).returncode == 0


def test_what_another_compiler_or_system_built_is_built_anew(project):
    build = project / "build"
    cpp_build.build(build, project)
    for file, old, new in (
        (build / "kmapbench-system", "ID=", "ID=other-"),
        (
            next(build.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")),
            "COMPILER_VERSION ",
            'COMPILER_VERSION "9.9")\nset(OLD ',
        ),
        (
            build / "CMakeCache.txt",
            "CMAKE_GENERATOR:INTERNAL=Ninja",
            "CMAKE_GENERATOR:INTERNAL=Unix Makefiles",
        ),
    ):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        assert cpp_build.stranger(build, project), file
        made = (build / "part" / "small").stat().st_mtime_ns
        cpp_build.build(build, project)
        assert not cpp_build.stranger(build, project), file
        assert (build / "part" / "small").stat().st_mtime_ns > made


def test_a_failed_build_says_the_first_error_and_the_log(project):
    (project / "part" / "small.cc").write_text("int main() { return nothing; }\n")
    with pytest.raises(KmapbenchError) as raised:
        cpp_build.build(project / "build", project)
    line = str(raised.value)
    assert "\n" not in line and "building failed" in line
    assert "small.cc:1:" in line and "error: " in line and "nothing" in line
    assert f"see {project}/build/launcher.log" in line


def test_a_failed_configuration_says_the_reason(project):
    with (project / "CMakeLists.txt").open("a") as file:
        file.write("find_package(NoSuchPackageAtAll REQUIRED)\n")
    with pytest.raises(
        KmapbenchError,
        match="^configuring failed: CMake Error at CMakeLists.txt:4 .*NoSuchPackageAtAll.*; see ",
    ):
        cpp_build.build(project / "build", project)


def test_what_root_builds_in_a_users_checkout_is_the_users(project):
    if os.geteuid() != 0:
        pytest.skip("takes root")
    os.chown(project, 1234, 1234)
    cpp_build.build(project / "build", project)
    owners = {
        (path.lstat().st_uid, path.lstat().st_gid)
        for path in [project / "build", *(project / "build").rglob("*")]
    }
    assert owners == {(1234, 1234)}


# Preflight


def test_the_list_of_kernel_cases_is_the_modules_table():
    """By another way: the module's own list, which tests of whole campaigns hold against
    what ran.
    """
    listed = [case.name for case in kernel_cases.listed()]
    assert len(listed) == len(set(listed))
    known = set(cases.CASES) - set(cases.FROM_USER_SPACE)
    assert known <= set(listed)
    assert {name.split("/")[0] for name in set(listed) - known} <= {"control"}


@pytest.mark.parametrize(
    ("cases", "only", "matches"),
    [
        ("kernel/kmap_local/dram/read8", None, True),
        ("kernel/kmap_local/dram/read9", None, False),
        ("elsewhere/syscall", None, True),
        ("elsewhere/syscal", None, False),
        ("msr/*", "micro", True),
        ("msr/*", "user", False),
        ("user/*", "user", True),
        ("user/nothing*", None, False),
    ],
)
def test_a_glob_that_means_nothing_is_refused_before_anything_else(cases, only, matches):
    arguments = ["run", "--cases", cases, *(["--only", only] if only else [])]
    if matches:
        cli.parse(arguments)
    else:
        with pytest.raises(KmapbenchError, match="^--cases .*matches"):
            cli.parse(arguments)


def test_a_glob_of_user_models_alone_boots_nothing():
    plan = cli.parse(["run", "--cases", "*adds1*"]).planned
    assert [step.variant for step in selection.steps(plan)] == ["host"]


def test_seed_0_is_a_seed():
    planned = cli.parse(["run", "--seed", "0"]).planned
    assert planned.seed == 0 and "seed = 0\n" in plan.write(planned)


def test_0_is_given_and_nothing_is_not():
    words = argparse.Namespace(settle=0, limit=None, tune=False, anonymize=True)
    assert option.given_options(words, vars(words)) == {"settle": 0, "anonymize": True}


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_cache_that_cannot_be_made_is_said_before_anything_else(monkeypatch, tmp_path, place):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / place))
    with pytest.raises(KmapbenchError, match="file.* is no folder; set KMAPBENCH_CACHE"):
        cli.parse(["run"])


def test_a_kernel_in_a_folder_is_not_fetched(monkeypatch, tmp_path):
    monkeypatch.setattr(preflight.built_kernel, "check", lambda _: None)
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    said = dry_run.describe(cli.parse(["run", "--kernel", str(tmp_path), "--dry-run"]).planned)
    assert "fetched" not in said and "distribution" not in said


def test_too_little_room_is_said_with_what_is_needed(monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(disk_space, "_is_built", lambda *_: False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 30))
    with pytest.raises(
        KmapbenchError,
        match="1,024 MiB free, and the campaign and building kernels may take [0-9],[0-9]{3} MiB",
    ):
        cli.parse(["run", "--variants", "off"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 40))
    cli.parse(["run", "--variants", "off"])


def test_a_dry_run_says_how_long_a_kernel_took_the_last_time(monkeypatch, tmp_path):
    folder = tmp_path / "kernels" / "off_1_0"
    folder.mkdir(parents=True)
    (folder / "seconds").write_text("720\n")
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(disk_space, "_is_built", lambda image, _: image.name == "plain")
    said = dry_run.describe(cli.parse(["run", "--variants", "off,plain", "--dry-run"]).planned)
    assert "kernel off: to be built, 12 minutes the last time\n" in said
    assert "kernel plain: built\n" in said


def test_a_folder_that_is_not_dax_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(
        preflight.on_host, "look", lambda path, _: preflight.on_host.Named(path, "ext4")
    )
    with pytest.raises(KmapbenchError, match="not DAX"):
        cli.parse(["run", "--here", "--only", "dax", "--on", str(tmp_path)])


@pytest.mark.parametrize("command", ["check", "cases"])
def test_commands_that_ask_kmap_bench_have_it_built(command):
    parsed = cli.parse([command])
    assert parsed.is_built(parsed)
