"""The examples of docs/history.md, one after the other, on one secret."""

import json
import re

from gateway.domain.scopes import Scope
from tests.docs.sessions import DOCS, matches
from tests.world import World

_EXAMPLES = re.findall(
    r"```graphql\n(.*?)```\n\n```json\n(.*?)```", (DOCS / "history.md").read_text(), re.DOTALL
)


async def test_each_example_gets_the_response_that_the_page_shows(world: World) -> None:
    environment, job = world.demo.environment_id, world.demo.job_id
    face, at = world.graphql, (Scope.ENVIRONMENT, environment)
    made = await face.create(*at, key="QUEUE_HOST", value="queue.example")
    secret_id = made.row["id"]
    await face.edit(*at, secret_id, key="QUEUE_HOST", value="wrong")
    known = {"secretId": secret_id, "holderId": environment}
    answers = []

    for number, (document, _) in enumerate(_EXAMPLES):
        if number == 2:
            await face.override(Scope.JOB, job, secret_id, value="job-queue.example")
            await face.alias(Scope.JOB, job, secret_id, key="BROKER_HOST")
            await face.delete(*at, secret_id)
        names = re.findall(r"\$(\w+): ID!", document)
        answers.append(await face.ask(document, {name: known[name] for name in names}))

    shown = [json.loads(response) for _, response in _EXAMPLES]
    assert len(shown) == 5
    assert [matches(page, {"data": data}) for page, data in zip(shown, answers, strict=True)] == [
        True
    ] * len(shown)
