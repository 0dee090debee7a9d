"""The schema as text: for callers that may ask for it by the introspection, and for no others."""

from http import HTTPStatus
from pathlib import Path

import pytest

from gateway.domain.permissions import Role
from gateway.services.demo import Demo
from schema.snapshot import SNAPSHOT
from tests.operations.callers import nobody
from tests.world import World, open_world

PATH = "/schema.graphql"


async def test_the_text_is_the_committed_one(world: World) -> None:
    answer = await world.client.get(PATH)

    assert answer.status_code == HTTPStatus.OK
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == SNAPSHOT.read_text(encoding="utf-8")


async def test_who_has_the_text_is_not_sent_it_again(world: World) -> None:
    answer = await world.client.get(PATH)

    again = await world.client.get(PATH, headers={"If-None-Match": answer.headers["etag"]})

    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
    assert again.headers["etag"] == answer.headers["etag"]


async def test_tags_are_compared_as_a_list(world: World) -> None:
    """As entity tags are elsewhere: a weak tag and `*` match; a longer one does not."""
    tag = (await world.client.get(PATH)).headers["etag"]
    sent = [f'"other", W/{tag}', "*", f'"x{tag[1:]}', tag[1:-1]]

    answers = [await world.client.get(PATH, headers={"If-None-Match": item}) for item in sent]

    assert [each.status_code for each in answers] == [304, 304, 200, 400]


async def test_the_text_is_kept_by_no_cache_that_others_share(world: World) -> None:
    answer = await world.client.get(PATH)

    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("role", Role)
async def test_every_credential_may_read_it(world: World, role: Role) -> None:
    caller = await world.client_with(role)

    assert (await caller.get(PATH)).status_code == HTTPStatus.OK


@pytest.mark.rule("S25")
async def test_nobody_reads_it_without_a_credential(world: World) -> None:
    async with nobody(world) as client:
        refused = await client.get(PATH)

    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert "type Query" not in refused.text


@pytest.mark.rule("S25")
async def test_it_is_switched_off_with_the_introspection(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    async with open_world(data_dir, template[1], introspection=False) as world:
        refused = await world.client.get(PATH)

    assert refused.status_code == HTTPStatus.NOT_FOUND
    assert "type Query" not in refused.text
