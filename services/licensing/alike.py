"""Many documents that become alike, written by one command for each way they do: one by one costs ten times that."""

from pymongo import UpdateMany

from services.kit.mongo import Session
from services.licensing.store import Document, Documents


class Alike:
    """What is to be set in documents of one collection, whose ``grows`` (a number) grows by one."""

    def __init__(self, grows: str = "revision") -> None:
        self._grows: Document = {"$inc": {grows: 1}}
        self._groups: dict[tuple[object, ...], tuple[Document, list[str]]] = {}

    def add(self, id: str, fields: Document) -> None:
        """These fields are to be set in the document of that ``_id``, which is named once."""
        values = [repr(value) if isinstance(value, dict | list) else value for value in fields.values()]
        self._groups.setdefault((*fields, *values), (fields, []))[1].append(id)

    async def write(self, documents: Documents, session: Session) -> None:
        """Writes them."""
        steps = [
            UpdateMany({"_id": {"$in": ids}}, {"$set": fields} | self._grows) for fields, ids in self._groups.values()
        ]
        if steps:
            await documents.bulk_write(steps, ordered=False, session=session)
