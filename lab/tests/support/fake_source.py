# SPDX-License-Identifier: Apache-2.0
"""A kernel of a few files, with as much of kbuild as a build uses; make and compiler are real."""

import subprocess
import textwrap
from pathlib import Path

# The targets and variables of kbuild that a build uses. "all" compiles one file; "known" are the
# symbols there are.
MAKEFILE = """\
export srctree := $(CURDIR)
tinyconfig:
	@echo '# CONFIG_SLOW is not set' > $(O)/.config
olddefconfig:
	@grep -f known $(O)/.config > $(O)/new; mv $(O)/new $(O)/.config
all: bzImage
	@touch $(O)/modules.order
bzImage:
	@printf '  CC      kernel/fake.o\\n'
	gcc -c kernel/fake.c -o $(O)/vmlinux
	@mkdir -p $(O)/arch/x86/boot $(O)/include/config
	@cp $(O)/vmlinux $(O)/arch/x86/boot/bzImage
	@printf '  GEN     System.map\\n' && echo 'by $(CC) $(KCFLAGS)' > $(O)/System.map
	@touch $(O)/vmlinux.symvers $(O)/modules.builtin
	@echo 1.0$(LOCALVERSION) > $(O)/include/config/kernel.release
modules_prepare:
	@touch $(O)/prepared
modules_install:
	@mkdir -p $(INSTALL_MOD_PATH)/lib/modules/1.0$(LOCALVERSION)
run-command:
	@$(KBUILD_RUN_COMMAND)
include/config/kernel.release:
	@mkdir -p $(O)/include/config
	@echo 1.0$(LOCALVERSION) > $(O)/$@
bindeb-pkg: bzImage
	@for kind in linux-image linux-headers linux-libc-dev; do \\
		mkdir -p $(O)/$$kind/DEBIAN && \\
		{ echo "Package: $$kind-1.0$(LOCALVERSION)"; echo "Version: $(KDEB_PKGVERSION)"; \\
		  echo "Architecture: amd64"; echo "Maintainer: A <a@example.com>"; \\
		  echo "Description: fake"; } > $(O)/$$kind/DEBIAN/control && \\
		dpkg-deb --build --root-owner-group $(O)/$$kind . >/dev/null || exit 1; \\
	done
"""
SOURCE = {
    "Makefile": MAKEFILE,
    "known": "CONFIG_SLOW\nCONFIG_JUMP_LABEL\n",
    "kernel/fake.c": "int answer(void)\n{\n\treturn 41;\n}\n",
    "scripts/kconfig/merge_config.sh": (
        '#!/bin/sh\nshift 3\nconfig=$1\nshift\ncat "$@" >> "$config"\n'
    ),
    "scripts/package/install-extmod-build": (
        '#!/bin/sh\nmkdir -p "$1"\necho headers > "$1/Makefile"\n'
    ),
}


def patch(file: str, old: str, new: str) -> str:
    """A mail with a patch of a line of kernel/fake.c."""
    return textwrap.dedent(
        f"""\
        From: A <a@example.com>
        Subject: [PATCH] A reason

        ---
        diff --git a/{file} b/{file}
        --- a/{file}
        +++ b/{file}
        @@ -1,4 +1,4 @@
         int answer(void)
         {{
        -{old}
        +{new}
         }}
        """
    )


ANSWERS_42 = patch("kernel/fake.c", "\treturn 41;", "\treturn 42;")


def write(folder: Path) -> Path:
    """Makes the source in a folder, and returns that."""
    for name, text in SOURCE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return folder


def git(tree: Path, *words: str) -> str:
    """What git says to a command in a repository."""
    command = ["git", "-C", tree, "-c", "user.name=A", "-c", "user.email=a@example.com", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
