"""Every page's router. A new page's module stands here once; its line in the navigation is in shell.py."""

from services.diary.pages import account, contracts, gate, policies, routes, sign_in, timesheets, workspaces

ROUTERS = tuple(one.router for one in (sign_in, gate, account, workspaces, routes, timesheets, contracts, policies))
