"""Who there is, with which roles, and that somebody always rules."""

import asyncio

import pytest

from proxy_core.domain import wire
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.services.application import Application
from tests.services.conftest import ADA, Opener, events_of, make_agent
from tests.services.users.conftest import PASSWORD, make_user, principal, refusal, sign_in


async def test_users_are_made_with_roles(app: Application, reopen: Opener) -> None:
    """Instance and vault roles are there at once and after a restart; the event says who did it."""
    await make_user(app, "ada@example.com", "owner")
    await make_user(app, "bob", "no-access", default="proxy")
    told = events_of(app, "user.changed")[-1].data
    assert (told["name"], told["change"], told["by"]) == ("bob", "created", "operator ada")
    again = await reopen()
    ada, bob = again.users.admin.list(ADA).users
    assert (ada.email, ada.role, ada.vaults) == ("ada@example.com", "owner", [])
    assert (bob.role, [one.vault_role for one in bob.vaults]) == ("no-access", ["proxy"])


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (wire.CreateUser(email="Ada", password=PASSWORD), "conflict"),
        (wire.CreateUser(email="not a name", password=PASSWORD), "bad_request"),
        (wire.CreateUser(email="me", password=PASSWORD), "bad_request"),
        (wire.CreateUser(email="bob", password="short"), "bad_request"),
        (wire.CreateUser(email="bob", password=PASSWORD, role="king"), "bad_request"),
        (
            wire.CreateUser(
                email="bob", password=PASSWORD, vaults=[wire.UserVault(vault_name="nowhere")]
            ),
            "vault_not_found",
        ),
        (
            wire.CreateUser(
                email="bob", password=PASSWORD, vaults=[wire.UserVault(vault_name="default")] * 2
            ),
            "bad_request",
        ),
    ],
)
async def test_a_user_that_cannot_be_is_refused(
    app: Application, request_: wire.CreateUser, code: str
) -> None:
    """Taken names (in any case), unfit names and passwords, roles and vaults there are not."""
    await make_user(app, "ada")
    assert (await refusal(app.users.admin.create(request_, ADA))).code == code
    assert len(app.users.admin.list(ADA).users) == 1


async def test_a_role_counts_at_the_next_request(app: Application) -> None:
    """For sessions that are there already."""
    await make_user(app, "ada", "owner")
    await make_user(app, "bob")
    token = await sign_in(app, "bob")
    changed = await app.users.admin.change_role("bob", "owner", ADA)
    assert (changed.email, changed.role) == ("bob", "owner")
    assert principal(app, token).instance_role is InstanceRole.OWNER
    await app.users.admin.change_role("bob", "no-access", ADA)
    assert principal(app, token).instance_role is InstanceRole.NO_ACCESS


async def test_a_removed_user_is_out_at_once(app: Application, reopen: Opener) -> None:
    """With every session; the name may be given again, and is another user."""
    await make_user(app, "ada", default="admin")
    token = await sign_in(app, "ada")
    await app.users.admin.remove("ada", ADA)
    for worker in (app, await reopen()):
        error = await refusal(_of(worker, token))
        assert error.code == "unauthorized"
    assert (await refusal(app.users.login("ada", PASSWORD))).code == "login_failed"


async def _of(app: Application, token: str) -> object:
    return principal(app, token)


async def test_the_last_owner_stays(each_app: Application) -> None:
    """Neither removed nor demoted, 409; with two owners either may go, but not both at once."""
    app = each_app
    await make_user(app, "ada", "owner")
    await make_user(app, "eve")
    for steps in (
        app.users.admin.remove("ada", ADA),
        app.users.admin.change_role("ada", "member", ADA),
    ):
        error = await refusal(steps)
        assert (error.code, error.status) == ("conflict", 409)
    await app.users.admin.change_role("ada", "owner", ADA)
    await make_user(app, "bob", "owner")
    results = await asyncio.gather(
        app.users.admin.change_role("ada", "member", ADA),
        app.users.admin.remove("bob", ADA),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, Exception) for one in results) == [False, True]
    owners = [one.email for one in app.users.admin.list(ADA).users if one.role == "owner"]
    assert len(owners) == 1


async def test_users_see_one_another_as_far_as_their_role_goes(app: Application) -> None:
    """Owners see vaults, members names and roles; `me` is oneself; others are for owners."""
    await make_user(app, "ada", "owner")
    await make_user(app, "bob", "member", default="member")
    ada = principal(app, await sign_in(app, "ada"))
    bob = principal(app, await sign_in(app, "bob"))
    assert [len(one.vaults) for one in app.users.admin.list(ada).users] == [0, 1]
    assert [len(one.vaults) for one in app.users.admin.list(bob).users] == [0, 0]
    assert app.users.admin.get("me", bob).vaults[0].vault_name == "default"
    assert app.users.admin.get("bob", ada).role == "member"

    async def get(name: str, by: object) -> object:
        return app.users.admin.get(name, by)  # type: ignore[arg-type]

    assert (await refusal(get("ada", bob))).code == "role_forbidden"
    assert (await refusal(get("nobody", ada))).code == "not_found"
    assert (await refusal(get("me", ADA))).code == "bad_request"


async def test_the_creator_of_a_vault_becomes_its_admin(app: Application, reopen: Opener) -> None:
    """A user as an agent does; deleting the vault takes the role along."""
    await make_user(app, "bob")
    token = await sign_in(app, "bob")
    await app.vaults.create(wire.VaultName(name="mine"), principal(app, token))
    again = await reopen()
    assert principal(again, token).vaults == {"mine": VaultRole.ADMIN}
    assert [one.name for one in (await again.vaults.list(principal(again, token))).vaults] == [
        "mine"
    ]
    await again.vaults.delete("mine", ADA)
    assert principal(again, token).vaults == {}


async def test_vault_roles_are_given_changed_and_taken(app: Application) -> None:
    """They count at once; only a role that is there can be changed or taken."""
    await make_user(app, "bob")
    by = app.users.members
    token = await sign_in(app, "bob")
    assert (await refusal(by.grant("default", "bob", "proxy", ADA, known=True))).code == "not_found"
    await by.grant("default", "Bob", "member", ADA)
    assert principal(app, token).vaults == {"default": VaultRole.MEMBER}
    await by.grant("default", "bob", "admin", ADA, known=True)
    assert [(one.email, one.role, one.status) for one in (await by.list("default")).users] == [
        ("bob", "admin", "active")
    ]
    await by.revoke("default", "bob", ADA)
    assert principal(app, token).vaults == {}
    changes = [event.data["change"] for event in events_of(app, "user.changed")]
    assert changes[-3:] == ["granted", "granted", "grant revoked"]
    for steps in (
        by.revoke("default", "bob", ADA),
        by.grant("default", "nobody", "proxy", ADA),
    ):
        assert (await refusal(steps)).code == "not_found"
    assert (await refusal(by.grant("nowhere", "bob", "proxy", ADA))).code == "vault_not_found"


async def test_whoever_raised_a_proposal_does_not_decide_it(app: Application) -> None:
    """A user's own is for others to decide, as an agent's is; another user's is not."""
    await make_user(app, "ada", "owner")
    await make_user(app, "bob", default="member")
    await make_agent(app, "ci-bot", "default")
    ada = principal(app, await sign_in(app, "ada"))
    bob = principal(app, await sign_in(app, "bob"))
    request = wire.CreateProposal(
        services=[
            {"action": "set", "name": "web", "host": "example.com", "auth": {"type": "passthrough"}}
        ]
    )
    made = await app.proposals.create("default", request, bob, "http://x")
    error = await refusal(app.deciding.approve(made.id, wire.ApproveProposal(), bob))
    assert error.code == "role_forbidden"
    decided = await app.deciding.approve(made.id, wire.ApproveProposal(), ada)
    assert decided.status == "applied"
