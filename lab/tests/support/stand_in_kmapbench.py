# SPDX-License-Identifier: Apache-2.0
"""A program in place of kmapbench, for tests of what calls it: it measures nothing and is quick."""

from pathlib import Path

from lab.reboots import reboot_unit

# What it does is chosen by files beside it: `code` is the exit code of a run, `gate` has to be
# there before one ends, `unfit` is what check says against the machine, `refused` what pack --check
# says. `calls` has each command line. A campaign over reboots ends at once and leaves its unit, as
# what begins one does; two seconds later it has ended, with the reason in `stopped`, if any.
_TEXT = """\
#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
said() { cat "$here/$1" 2>/dev/null; }
after() {
	wanted=$1
	shift
	for word; do [ "$last" = "$wanted" ] && echo "$word"; last=$word; done
}
case "$*" in
check*)
	what='"what": "time in user space"'
	echo "{\\"purposes\\": [{$what, \\"obstacle\\": \\"$(said unfit)\\"}]}"
	;;
*--dry-run*) ;;
campaign*)
	out=$(after --out "$@")
	mkdir -p "$out"
	python3 -c '
import json, os, sys, time
out, stopped, unit = sys.argv[1:]
def write(ended, **reboots):
    with open(f"{out}/campaign.json", "w") as file:
        json.dump({"planned": [], "ended": ended, "reboots": reboots}, file)
write(None)
with open(unit, "w") as file:
    file.write(f"Folder={out}\\n")
if os.fork() == 0:
    os.setsid()
    os.closerange(0, 256)
    time.sleep(2)
    write("2026-11-29T10:00:00Z", **({"stopped": stopped} if stopped else {}))
    os.unlink(unit)
' "$out" "$(said stopped)" "UNIT"
	;;
run*)
	out=$(after --out "$@")$(after --resume "$@")
	mkdir -p "$out"
	[ -e "$out/campaign.json" ] || echo '{"planned": [], "ended": null}' >"$out/campaign.json"
	while [ ! -e "$here/gate" ]; do sleep 0.05; done
	echo "kmapbench: $(said reason)" >&2
	exit "$(said code)"
	;;
pack*--check*)
	said refused >&2 && exit 1
	exit 0
	;;
pack*)
	[ ! -e "UNIT" ] || exit 1 # a campaign is under way
	for word; do case $word in --out=*) cp "$here/ready" "${word#--out=}" ;; esac; done
	;;
site*)
	out=$(after --out "$@")
	mkdir -p "$out"
	ls -R "$3" >"$out/index.html"
	;;
esac
"""


def write_stand_in(folder: Path) -> Path:
    """Writes the program, which ends each run well at once."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "kmapbench"
    program.write_text(_TEXT.replace("UNIT", str(reboot_unit.path(Path("/")))))
    program.chmod(0o755)
    for name, text in {"code": "0", "gate": "", "reason": "", "calls": "", "ready": "xz"}.items():
        (folder / name).write_text(text)
    return program
