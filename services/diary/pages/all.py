"""Every page's router. A new page's module stands here once; its line in the navigation is in shell.py."""

from services.diary.pages import (
    account,
    audit_log,
    calendar,
    choosing,
    clients,
    contracts,
    deleting,
    devices,
    editing,
    gallery,
    gate,
    licences,
    mails,
    notices,
    people,
    people_import,
    policies,
    profiles,
    range_editing,
    routes,
    settings,
    sign_in,
    sign_on,
    teams,
    timesheets,
    workspaces,
)

ROUTERS = tuple(
    one.router
    for one in (
        *(sign_in, sign_on, gate, account, workspaces),
        *(routes, calendar, editing, range_editing, gallery, timesheets, contracts),
        *(people_import, people, teams, clients, choosing),
        *(deleting, settings, mails),
        *(policies, profiles, licences, devices, notices, audit_log),
    )
)
