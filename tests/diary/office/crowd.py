"""Very many members of a workspace, as the diary knows them."""

from tests.diary.office.running import Office
from tests.diary.running import until
from tests.licensing.support import Acme


async def crowd(office: Office, acme: Acme, many: int) -> None:
    """So many more members: ``Person 00007``, every hundredth a client; only the diary's own store has them."""
    roles = {0: "client"}
    docs = [
        {"_id": f"{acme.workspace}|mem-{n:05}", "workspace": acme.workspace, "member": f"mem-{n:05}", "revision": 1}
        | {"name": f"Person {n:05}", "email": f"p{n:05}@example.test", "role": roles.get(n % 100, "employee")}
        | {"team": None, "manages": [], "zone": "UTC", "archived": False}
        for n in range(many)
    ]
    await office.web.edge.db["members"].insert_many(docs)
    people = office.web.edge.people

    async def known() -> bool:
        return len(await people.members(acme.workspace)) >= many

    await until(known)
