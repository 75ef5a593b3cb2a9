# SPDX-License-Identifier: Apache-2.0
"""Bad data, as one line that names the file and says what to do.

Standard library only: the launcher reads it before numpy and the other packages are installed.
"""

from pathlib import Path

from formats import config_table


class BadData(Exception):
    """A file that cannot be used; str() is the whole message, on one line.

    Names come from files that anybody may have written: what would break the line, or steer a
    terminal, is shown as '?'.
    """

    def __init__(self, message: str):
        super().__init__(printable(message))


def printable(text: str) -> str:
    """The text with '?' for what would break a line, steer a terminal or cannot be written."""
    return (
        text
        if text.isprintable()
        else "".join(letter if letter.isprintable() else "?" for letter in text)
    )


def no_campaign(folder: Path) -> str:
    """Message for a folder that is not a campaign."""
    if (folder / config_table.FILE).is_file():
        return _table_of_configurations(folder)
    return (
        f"{folder}: no campaign there (no campaign.json); give a folder that `./kmapbench run` made"
    )


def no_such_file(path: Path) -> str:
    """Message for a side that is nowhere."""
    return (
        f"{path}: no such file or folder; give a campaign, or JSON files of Google Benchmark or fio"
    )


def no_such_folder(path: Path) -> str:
    """Message for a place in which campaigns should lie."""
    what = "no folder" if path.exists() else "no such file or folder"
    return f"{path}: {what}; give folders in which campaigns lie"


def no_side(folder: Path) -> str:
    """Message for a folder that has nothing to compare in it."""
    if (folder / config_table.FILE).is_file():
        return _table_of_configurations(folder)
    return (
        f"{folder}: neither a campaign (campaign.json) nor JSON files of Google Benchmark or fio; "
        "give one of these"
    )


def _table_of_configurations(folder: Path) -> str:
    return (
        f"{folder}: a table of configurations (./kmapbench configs), no campaign, so it has no"
        f" sides: read {config_table.TEXT} there"
    )
