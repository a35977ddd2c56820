"""What `make audit` says: which of the locked packages have holes that are known, by pip-audit.

pip-audit itself ends well, with 'No known vulnerabilities found', where its service knows none of the packages. That is
no answer, so here it is a failure. Exits with 0 where every package was looked up and none has a hole, 1 where some
have, 3 where that could not be found out.
"""

import json
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

_HOLES, _UNKNOWN = 1, 3
# Each line of a lock file is looked up as it is; nothing is installed or resolved.
_OPTIONS = ("--format=json", "--progress-spinner=off", "--no-deps", "--disable-pip", "--timeout=30")


def audit(program: str, files: Sequence[str]) -> int:
    """Look up what the files lock, say what came of it, and return the exit code."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for file in files:
        # One at a time: pip-audit refuses a package that two of them lock.
        words = [program, *_OPTIONS, f"--requirement={file}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        try:
            packages = json.loads(done.stdout)["dependencies"]
            found |= {(each["name"], each.get("version") or each["skip_reason"]): each for each in packages}
        except (ValueError, KeyError, TypeError):
            why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            print(f"audit: nothing is known of {file}, no advisory could be read: {why}", file=sys.stderr)
            return _UNKNOWN
    return _tell(found.values(), files)


def _tell(found: Collection[Mapping[str, Any]], files: Sequence[str]) -> int:
    unknown = [each["skip_reason"] for each in found if "skip_reason" in each]
    holes = [(each["name"], each["version"], hole) for each in found for hole in each.get("vulns", ())]
    for name, version, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "no version"
        print(f"{name} {version}: {', '.join([hole['id'], *hole.get('aliases', ())])}, mended in {fixed}")
    if holes:
        print(f"audit: {len(holes)} known holes; raise what has them, and: make lock", file=sys.stderr)
        return _HOLES
    if unknown or not found:
        told = f"{len(unknown)} of {len(found)} packages could not be looked up, so nothing is known of them"
        print(f"audit: {told}: {(unknown or ['none is locked'])[0]}", file=sys.stderr)
        return _UNKNOWN
    print(f"{len(found)} packages of {', '.join(files)}: no known hole")
    return 0


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1], sys.argv[2:]))
