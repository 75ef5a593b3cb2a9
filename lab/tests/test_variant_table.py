# SPDX-License-Identifier: Apache-2.0
"""The user's own table of variants: what it may say, and what is said of its mistakes."""

import argparse
from pathlib import Path

import pytest

from lab import cli
from lab.core.errors import KmapbenchError
from lab.kernels import variant_choice, variant_keys, variant_table, variants
from lab.kernels.variant import Variant
from lab.run import plan as plans
from lab.run import plan_options


@pytest.fixture
def table(tmp_path):
    """Writes a table; a text without a heading is of a variant named mine."""

    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text if text.startswith("[") else f"[variants.mine]\n{text}")
        return path

    return write


def choose(words: str, file: Path | None = None) -> list[Variant]:
    return variant_choice.choose(words.split(","), file)


def fault(words: str, file: Path | None = None) -> str:
    with pytest.raises(KmapbenchError) as error:
        choose(words, file)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_variant_that_says_nothing_is_built_as_plain_is(table):
    (mine,) = choose("mine", table(""))
    plain = variants.find("plain")
    assert mine.image.fragments == plain.image.fragments and mine.image.patches == ()
    assert (mine.image.source, mine.image.base) == (plain.image.source, plain.image.base)
    assert (mine.cpu, mine.cmdline, mine.regions) == (plain.cpu, plain.cmdline, plain.regions)
    assert mine.image.name == "mine" and mine.image.variants == ("mine",)


def test_files_are_relative_to_the_table(table, tmp_path):
    (tmp_path / "series").mkdir()
    for name in ("0002-b.patch", "0001-a.patch", "notes.txt"):
        (tmp_path / "series" / name).touch()
    (tmp_path / "more.config").write_text("CONFIG_NUMA=y\n")
    (mine,) = choose("mine", table('patches = "series"\nconfig = "distro+more.config"\n'))
    assert [path.name for path in mine.image.patches] == ["0001-a.patch", "0002-b.patch"]
    assert mine.image.patches[0].is_absolute()
    assert [path.name for path in mine.image.fragments] == [
        "lab.config",
        "lab-6.12.config",
        "distro.config",
        "more.config",
    ]


def test_variants_may_boot_one_kernel_and_kmapbenchs_own(table):
    file = table(
        '[variants.a]\n[variants.b]\nimage = "a"\ncmdline = "quiet"\n'
        '[variants.c]\nimage = "protected"\ncpu = "max,-pks"\n'
        '[variants.d]\nimage = "stock"\ncmdline = "mitigations=off"\n'
    )
    a, b, c, d = choose("a,b,c,d", file)
    assert a.image is b.image and a.image.variants == ("a", "b")
    assert (b.cmdline, c.cpu) == ("quiet", "max,-pks")
    assert c.image == variants.find("protected").image
    assert d.packaged and not a.packaged


WRONG = [
    ('colour = "red"\n', "mine.toml: variants.mine.colour: not known; there are: packaged, image"),
    ('cmdlin = "quiet"\n', "variants.mine.cmdlin: not known; did you mean cmdline?"),
    ("cmdline = 1\n", "variants.mine.cmdline: has to be a string"),
    ("memory_mib = true\n", "variants.mine.memory_mib: has to be a whole number"),
    ("memory_mib = 16\n", "variants.mine.memory_mib: 16 is not from 640 to"),
    ("regions = 3\n", "variants.mine.regions: 3 is not from 0 to 2"),
    ("packaged = 1\n", "variants.mine.packaged: has to be true or false"),
    ('what = "a\\nb"\n', "variants.mine.what: has to be one line"),
    ('config = ""\n', "variants.mine.config: is empty"),
    ('config = "lib"\n', "variants.mine.config: lib: no such"),
    ('config = "lab+gone.config"\n', "variants.mine.config: gone.config: no such file or folder"),
    ('patches = "gone"\n', "variants.mine.patches: gone: no such file or folder"),
    ('patches = "."\n', "variants.mine.patches: .: no *.patch there"),
    ("first_patches = 1\n", "variants.mine.first_patches: goes with patches"),
    ('pks = "some"\n', "variants.mine.pks: some: neither all nor preparatory"),
    ('pks = "all"\npatches = "."\n', "variants.mine.patches: pks says which patches there are"),
    ('built = "gone"\n', "variants.mine.built: gone: no such file or folder"),
    ('built = "."\n', "variants.mine.built: "),
    ('built = "."\nconfig = "lab"\n', "variants.mine.config: goes with a kernel that is built"),
    ('image = "gone"\n', "variants.mine.image: gone: no such variant"),
    ('image = "idle"\npatches = "."\n', "variants.mine.patches: goes with a kernel that is built"),
    (
        '[variants.a]\nimage = "b"\n[variants.b]\nimage = "plain"\n',
        "variants.a.image: b boots plain",
    ),
    ("[variants.plain]\n", "variants.plain: kmapbench has a variant of this name"),
    ("[variants.host]\n", "variants.host: 'host' is no name"),
    ('[variants."../x"]\n', "variants.../x: '../x' is no name"),
    ("[variants]\nmine = 3\n", "variants.mine: has to be a table"),
    ("[images.x]\n", "mine.toml: images: not known"),
    ("[variants.mine\n", "mine.toml: not valid TOML ("),
    ("[variants]\n", "mine.toml: variants: has to be tables"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_mistake_is_one_line_with_file_and_key(table, text, said):
    line = fault("mine", table(text))
    assert said in line and line.startswith(str(table(text)))


def test_a_table_that_is_not_there(tmp_path):
    assert fault("mine", tmp_path / "gone.toml").startswith(f"{tmp_path}/gone.toml: No such file")


def test_the_table_in_the_current_folder_is_read_where_it_is_needed(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kmapbench.toml").write_text('[variants.mine]\ncmdline = "quiet"\n')
    mine, plain = choose("mine,plain")
    assert (mine.cmdline, mine.table) == ("quiet", tmp_path / "kmapbench.toml")
    assert plain == variants.find("plain") and plain.table is None
    (tmp_path / "kmapbench.toml").write_text("nonsense")
    assert choose("plain") == [variants.find("plain")]
    assert "kmapbench.toml: not valid TOML" in fault("mine")


def test_a_name_that_nobody_knows_is_told_with_the_users_own(table):
    assert "did you mean mine?" in fault("mime", table(""))
    assert "mine is named twice" in fault("mine,plain,mine", table(""))


def planned(*words: str) -> plans.Plan:
    """The plan of a command line of `run`."""
    parser = argparse.ArgumentParser()
    plan_options.add_options(parser)
    arguments = parser.parse_args(words)
    arguments.given = ["run", *words]
    return plan_options.from_arguments(arguments)


def test_a_plan_file_names_the_table_and_what_is_built(table, tmp_path, monkeypatch):
    monkeypatch.setattr(variant_choice.built_kernel, "check", lambda path: None)
    table("")
    words = ["--variants", f"plain,mine,theirs={tmp_path}/o", "--variants-file"]
    monkeypatch.chdir(tmp_path)
    first = planned(*words, "mine.toml")
    (tmp_path / "plan.toml").write_text(plans.write(first))
    monkeypatch.chdir("/")
    again = planned("--plan", str(tmp_path / "plan.toml"))
    assert again.variants == first.variants and len(first.variants) == 3
    assert again.variants[2].built == tmp_path / "o"
    assert first.variants_file == str(tmp_path / "mine.toml")


def test_a_table_goes_with_variants(table):
    with pytest.raises(KmapbenchError, match="choose some of them with --variants"):
        planned("--variants-file", str(table("")))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("plain=/", "kmapbench has a variant plain"),
        ("host=/", "'host' is no name"),
        ("Mine=/", "'Mine' is no name"),
        ("mine=", "give the folder of a kernel behind mine="),
        ("mine=/nowhere", "mine: /nowhere: no such file or folder"),
    ],
)
def test_a_kernel_on_the_command_line_has_a_name_and_is_there(word, said):
    assert said in fault(word)


def test_kernels_build_takes_variants_of_the_table(table):
    parsed = cli.parse(["kernels", "build", "mine", "--variants-file", str(table(""))])
    assert [variant.name for variant in parsed.chosen] == ["mine"]
    assert parsed.table == table("")


def test_every_key_is_explained_in_the_table_of_kmapbench():
    head = variant_table.TABLE.read_text().split("\n[")[0]
    assert [key for key in variant_keys.KEYS if f"#   {key} " not in head] == []
