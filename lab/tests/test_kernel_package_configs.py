# SPDX-License-Identifier: Apache-2.0
"""Configurations of packages, on real sources: what of Debian's own one is not as Debian has it,
and that the one for a rehearsal holds.
"""

from functools import cache

import pytest

from lab.core.dirs import cache_dir
from lab.kernels import bases, config_choice, debian_kernels, kconfig, source_build, variants
from lab.kernels.kconfig import UNSET
from lab.tests.conftest import quiet

pytestmark = pytest.mark.all

# What packages change in Debian's configuration (docs/kernel-packages.md has the reasons).
WITHOUT_DEBUG_INFORMATION = {
    "CONFIG_DEBUG_INFO": UNSET,
    "CONFIG_DEBUG_INFO_NONE": "y",
    "CONFIG_DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT": UNSET,
    "CONFIG_DEBUG_INFO_COMPRESSED_NONE": UNSET,
    "CONFIG_DEBUG_INFO_BTF": UNSET,
    "CONFIG_DEBUG_INFO_BTF_MODULES": UNSET,
    "CONFIG_MODULE_ALLOW_BTF_MISMATCH": UNSET,
    "CONFIG_PROBE_EVENTS_BTF_ARGS": UNSET,
}
# Debian takes the lines of these out of the file in its package.
WITHOUT_KEYS = dict.fromkeys(
    ("CONFIG_BUILD_SALT", "CONFIG_MODULE_SIG_KEY", "CONFIG_SYSTEM_TRUSTED_KEYS"), '""'
)
# Whether the CPU has protection keys at all, which our series says of x86-64.
IN_THE_SERIES = {"CONFIG_ARCH_HAS_SUPERVISOR_PKEYS": "y"}
SYMBOL = {"CONFIG_DEVMAP_ACCESS_PROTECTION": "y", "CONFIG_SUPERVISOR_PKEYS": "y"}

OWN = {"plain": {}, "off": IN_THE_SERIES, "protected": IN_THE_SERIES | SYMBOL}


@cache
def configured(name: str, config: str, base: str) -> dict[str, str]:
    """The configuration of a variant's packages, symbol by symbol."""
    image = variants.load(base)[name].image
    assert image is not None
    packed = config_choice.as_packages(image, config, bases.find(base))
    with source_build.open_source(packed, cache_dir(), quiet) as (source, _):
        return kconfig.parse((source / "build" / ".config").read_text())


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Symbols with another value, which they have now; not what tells of compilers."""
    return {
        symbol: after.get(symbol, UNSET)
        for symbol in {*before, *after}
        if after.get(symbol, UNSET) != before.get(symbol, UNSET)
        and not kconfig.is_of_toolchain(symbol)
    }


@pytest.mark.parametrize("name", OWN)
def test_of_debians_configuration_no_other_symbol_is_changed(name):
    theirs = kconfig.parse(debian_kernels.fetch("6.12", cache_dir(), quiet).config.read_text())
    assert len(theirs) > 8000 and list(theirs.values()).count("m") > 3000
    expected = WITHOUT_DEBUG_INFORMATION | WITHOUT_KEYS | OWN[name]
    assert changes(theirs, configured(name, "debian", "6.12")) == expected


@pytest.mark.parametrize("config", ["debian", "systemd"])
def test_the_variants_of_one_configuration_differ_by_the_symbol_alone(config):
    plain, off, protected = (configured(name, config, "6.12") for name in OWN)
    assert changes(plain, off) == IN_THE_SERIES
    assert changes(off, protected) == SYMBOL


@pytest.mark.parametrize("base", bases.load())
def test_what_systemd_needs_holds_on_each_base(base):
    config = configured("protected", "systemd", base)
    text = (bases.FOLDER / "configs" / "systemd.config").read_text()
    wanted = kconfig.parse(text)
    assert len(wanted) > 50
    assert "m" not in wanted.values()  # it starts from its disk without an initramfs
    assert {symbol: config.get(symbol, UNSET) for symbol in wanted} == wanted
