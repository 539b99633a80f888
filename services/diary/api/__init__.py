"""``/api/v1``: one module a resource; ``web.py`` hangs their routers up."""

API = "/api/v1"
