"""
Holds a built wheel against the source: it has every file of modelyard's, and nothing else.

A data file that no pattern in pyproject.toml names is missed only by people who install the wheel.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "constructs/"


def expected() -> set[str]:
    """Return the files of the package that git knows or would add, as the wheel names them."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard", f"{SOURCE}modelyard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = {name for name in listing.stdout.split("\0") if name and (ROOT / name).exists()}
    return {name.removeprefix(SOURCE) for name in names}


def main() -> int:
    """Compare the one wheel in build/wheels with the source."""
    wheels = list((ROOT / "build" / "wheels").glob("*.whl"))
    if len(wheels) != 1:
        print(f"build/wheels holds {len(wheels)} wheels, not one", file=sys.stderr)
        return 1
    with zipfile.ZipFile(wheels[0]) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = expected()
    for name in sorted(wanted - packed):
        print(f"{name} is not in the wheel; name it in pyproject.toml's package-data", file=sys.stderr)
    for name in sorted(packed - wanted):
        print(f"{name} is in the wheel but not in the source", file=sys.stderr)
    if packed != wanted:
        return 1
    print(f"{wheels[0].relative_to(ROOT)} holds the {len(packed)} files of modelyard")
    return 0


if __name__ == "__main__":
    sys.exit(main())
