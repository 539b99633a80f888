"""The example of docs/api.md, run as it stands."""

import asyncio
import os
import re
import subprocess
import sys

from tests.support.servers import ROOT
from tests.support.stack import Stack, day, until
from tests.support.stranger import slot_before, text_of, today


async def test_the_guides_example_runs(stack: Stack) -> None:
    """Signs in, makes a token, reads, edits, asks what a removal takes, reads timesheets and a refusal (W-08, S-04)."""
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.S)
    assert example
    device = await stack.device()
    slot = slot_before(today())
    await device.publish(device.record(slot))
    await device.settled()
    await device.close()
    owner = stack.account("owner")
    async with stack.person("owner") as http:

        async def recorded() -> list[dict[str, object]]:
            found: list[dict[str, object]] = (await day(http, device.member, text_of(slot)[:10]))["segments"]
            return found

        await until(recorded)
        environment = {
            "DAYBOOK_URL": stack.web,
            "DAYBOOK_EMAIL": owner["email"],
            "DAYBOOK_PASSWORD": owner["password"],
            "DAYBOOK_MEMBER": device.member,
            "DAYBOOK_DATE": text_of(slot)[:10],
        }
        ran = await asyncio.to_thread(_run, example[1], environment)
        assert ran.returncode == 0, ran.stderr
        assert "minutes tracked" in ran.stdout
        assert ran.stdout.splitlines()[-1].startswith("422 ")
        assert {one["memo"] for one in await recorded()} == {"Quarterly report"}


def _run(program: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
