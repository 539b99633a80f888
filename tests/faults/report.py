"""What a run came to, as a table and as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.oracle import Verdict

_SHOWN = 5
_HEAD = f"{'fault':<46}{'closed':>8}{'accepted':>10}{'quarant.':>9}{'lost':>6}{'doubled':>8}{'recovery':>10}"


class Report:
    """Collects verdicts, prints each, and writes all."""

    def __init__(self, seed: str, folder: Path) -> None:
        self._seed, self._folder = seed, folder
        self._rows: list[dict[str, Any]] = []
        self._text: list[str] = []
        self._say(f"seed {seed}")
        self._say(_HEAD)

    def _say(self, line: str) -> None:
        print(line, flush=True)
        self._text.append(line)

    def enter(self, name: str, verdict: Verdict) -> None:
        """One fault's figures, and the first of its findings."""
        self._rows.append({"fault": name, **asdict(verdict)})
        self._say(
            f"{name:<46}{verdict.closed:>8}{verdict.accepted:>10}{verdict.quarantined:>9}{verdict.lost:>6}"
            f"{verdict.doubled:>8}{verdict.recovery:>8.1f} s"
        )
        for finding in verdict.findings[:_SHOWN]:
            self._say(f"    {finding[:300]}")
        if len(verdict.findings) > _SHOWN:
            self._say(f"    … and {len(verdict.findings) - _SHOWN} more")

    def enter_defect(self, name: str, verdict: Verdict, *, found: bool) -> None:
        """A seeded defect: sound is what it must not be."""
        self._rows.append({"defect": name, "found": found, **asdict(verdict)})
        first = next(iter(verdict.findings), "nothing")
        self._say(f"{'defect ' + name:<46}{'found' if found else 'NOT FOUND'}: {first[:160]}")

    def fail(self, name: str, error: BaseException) -> None:
        """A fault that could not be played to its end."""
        self.enter(name, Verdict(findings=[f"broken off: {type(error).__name__}: {error}"]))

    def end(self) -> int:
        """Writes text and JSON; 0 where every fault was sound and every defect found."""
        faults = [row for row in self._rows if "fault" in row]
        defects = [row for row in self._rows if "defect" in row]
        total = {name: sum(row[name] for row in faults) for name in ("closed", "lost", "doubled")}
        unsound = [row["fault"] for row in faults if row["findings"]]
        unsound += [f"defect {row['defect']}" for row in defects if not row["found"]]
        slowest, seen = max((row["recovery"] for row in faults), default=0.0), sum(row["found"] for row in defects)
        self._say(
            f"{len(faults)} faults, {total['closed']} records closed, {total['lost']} lost, "
            f"{total['doubled']} doubled, slowest recovery {slowest} s; {seen} of {len(defects)} defects found"
        )
        self._say(f"unsound: {', '.join(unsound)}" if unsound else "sound")
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "report.txt").write_text("\n".join(self._text) + "\n")
        content = {"seed": self._seed, "total": total, "unsound": unsound, "rows": self._rows}
        (self._folder / "report.json").write_text(json.dumps(content, indent=1) + "\n")
        return 1 if unsound else 0
