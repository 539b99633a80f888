"""``/api/v1``: one module a resource; ``routers`` is what app.py hangs up."""
