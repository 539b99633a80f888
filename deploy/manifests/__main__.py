"""``python -m deploy.manifests``: renders everything under deploy/k8s and checks what can be checked without a cluster.

``--write`` first brings the files up to date that are made of others (dashboards, the operator's rules).
Ends with 1 where something is wrong, or could not be checked.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator

from deploy.manifests import compose, images, schemas, variables, watching, workloads
from deploy.manifests.render import ROOT, render, targets


def check() -> Iterator[tuple[str, list[str]]]:
    """Part by part, the part's name and what is wrong with it."""
    seen: set[str] = set()  # the overlays share most documents with the base
    for folder in targets():
        documents = render(folder)
        new = {text: document for document in documents if (text := json.dumps(document)) not in seen}
        seen |= new.keys()
        problems = [problem for document in new.values() for problem in schemas.problems(document)]
        problems += [*workloads.problems(documents), *variables.problems(documents)]
        yield f"{folder.relative_to(ROOT)}, {len(documents)} documents", problems
    yield "Dockerfile", [*images.problems()]
    yield "compose.yaml", [*compose.problems()]
    yield "rules and dashboards", [*watching.problems()]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m deploy.manifests", description=__doc__)
    parser.add_argument("--write", action="store_true", help="bring made files up to date first")
    if parser.parse_args().write:
        for path, text in watching.written().items():
            path.write_text(text)
    started = time.monotonic()
    found: dict[str, None] = {}
    for part, problems in check():
        print(f"{part}: {f'{len(problems)} problems' if problems else 'ok'}")
        found |= dict.fromkeys(problems)
    for problem in found:
        print(f"  {problem}", file=sys.stderr)
    print(f"{'FAILED' if found else 'ok'}, {time.monotonic() - started:.1f} s; no cluster was asked")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
