"""The recipes of docs/ci.md give a pipeline the secrets of one job."""

import base64
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import yaml

from gateway.config.settings import Settings
from gateway.services.demo import Demo
from tests.docs.sessions import DOCS, Shell, steps, with_the_program
from tests.identity.local_issuer import LocalIssuer, issuing
from tests.identity.pipeline_tokens import GITHUB, GITHUB_HEADER, GITLAB, HEADER
from tests.servers import serving

_PAGE: Final = (DOCS / "ci.md").read_text()
(_ISSUERS,) = re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)
_GITHUB, _GITLAB = (
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
)
_RULES: Final = re.findall(r"^\$ (secrets-gateway claim-rule .*)$", _PAGE, re.MULTILINE)
_AUDIENCE: Final = "https://secrets.example.com"


def test_a_pipeline_gets_the_secrets_of_its_job(
    template: tuple[Path, Demo], tmp_path: Path
) -> None:
    data_dir = Path(shutil.copytree(template[0], tmp_path / "data"))
    variables = with_the_program(tmp_path / "programs") | {
        "SECRETS_GATEWAY_DATA_DIR": str(data_dir),
        "SECRETS_GATEWAY_LOG_LEVEL": "warning",
        "JOB_ID": asdict(template[1])["job_id"],
    }
    with serving(data_dir, template[1]) as server:
        shell = Shell.started(tmp_path, variables | {"ADDRESS": server.url})
        with closing(shell):
            for step in steps("ci.md"):
                code, printed = shell.run(step.command)

                assert code == 0, f"{step.command}{printed}"
                assert step.prints(printed), f"{step.command}{printed}"


def test_the_recipes_name_the_audience_that_the_settings_accept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secrets-gateway.toml").write_text(_ISSUERS)

    audiences = {name for issuer in Settings().issuers for name in issuer.audiences}

    assert audiences == {_AUDIENCE}
    assert f"audience={_AUDIENCE}" in _GITHUB["jobs"]["invoices"]["steps"][1]["run"]
    assert _GITLAB["invoices"]["id_tokens"]["SECRETS_GATEWAY_TOKEN"]["aud"] == _AUDIENCE
    assert _GITHUB["jobs"]["invoices"]["permissions"]["id-token"] == "write"


@dataclass(frozen=True, slots=True)
class Pipelines:
    """A gateway that trusts a local issuer, with the page's rules for it; runs jobs' scripts."""

    issuer: LocalIssuer
    demo: Demo
    folder: Path
    variables: Mapping[str, str]

    def run(self, script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the script of a job as its runner would, with what the page's workflows set."""
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def github(self, **changes: Any) -> "subprocess.CompletedProcess[str]":
        """Run the page's script for GitHub; the runner gives it a URL that signs its token."""
        claims = {**self.issuer.claims(), **GITHUB, **changes}
        claims.pop("aud")
        parts = {"header": dict(GITHUB_HEADER), "claims": claims}
        asked = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
        return self.run(
            _GITHUB["jobs"]["invoices"]["steps"][1]["run"],
            JOB_ID=self.demo.job_id,
            ACTIONS_ID_TOKEN_REQUEST_TOKEN="of-the-runner",
            ACTIONS_ID_TOKEN_REQUEST_URL=f"{self.issuer.url}/job-token?{urlencode({'of': asked})}",
        )

    def gitlab(self, **changes: Any) -> "subprocess.CompletedProcess[str]":
        """Run the page's script for GitLab, which puts the token into a variable."""
        token = self.issuer.token(header=HEADER, aud=_AUDIENCE, **{**GITLAB, **changes})
        script = "\n".join(_GITLAB["invoices"]["script"])
        return self.run(script, SECRETS_GATEWAY_TOKEN=token, SECRETS_JOB_ID=self.demo.job_id)


@pytest.fixture(scope="module")
def pipelines(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipelines]:
    """One gateway and one issuer for all jobs; the rules are the page's, but for the issuer."""
    folder, demo = tmp_path_factory.mktemp("pipelines"), template[1]
    data_dir = Path(shutil.copytree(template[0], folder / "data"))
    program = folder / "nightly-invoices"
    program.write_text(
        '#!/bin/sh\necho "password $SMTP_PASSWORD, token ${SECRETS_GATEWAY_TOKEN-none}"\n'
    )
    program.chmod(0o755)
    on_host = with_the_program(folder / "programs") | {
        "SECRETS_GATEWAY_LOG_LEVEL": "warning",
        "XDG_CONFIG_HOME": str(folder / "config"),
        "JOB_ID": demo.job_id,
    }
    with issuing() as issuer:
        trusted = [{"issuer": issuer.url, "audiences": [_AUDIENCE], "types": ["JWT"]}]
        with serving(data_dir, demo, ISSUERS=json.dumps(trusted)) as server:
            for rule in _RULES:
                command = re.sub(r"--issuer \S+", f"--issuer {issuer.url}", rule)
                subprocess.run(
                    ["bash", "-c", command],
                    env=on_host | {"SECRETS_GATEWAY_DATA_DIR": str(data_dir)},
                    capture_output=True,
                    check=True,
                )
            variables = on_host | {
                "SECRETS_GATEWAY_URL": server.url,
                "SECRETS_GATEWAY_ORGANIZATION_ID": demo.organization_id,
            }
            yield Pipelines(issuer, demo, folder, variables)


_PRINTED: Final = "password demo-bulk-smtp, token none\n"


@pytest.mark.rule("S74", "S81")
def test_a_job_of_github_runs_with_its_secrets(pipelines: Pipelines) -> None:
    """Without a stored secret; and what it starts gets no token."""
    ended = pipelines.github()

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith(_PRINTED)
    assert ended.stdout.startswith("::add-mask::ey")


@pytest.mark.rule("S81")
def test_a_job_of_gitlab_runs_with_its_secrets(pipelines: Pipelines) -> None:
    ended = pipelines.gitlab()

    assert (ended.returncode, ended.stdout) == (0, _PRINTED), ended.stderr


@pytest.mark.rule("S81")
def test_jobs_that_the_rules_do_not_mean_get_nothing(pipelines: Pipelines) -> None:
    """The controls are the tests above: each of these differs in one claim."""
    pull_request = {
        "environment": None,
        "sub": "repo:acme/shop:pull_request",
        "event_name": "pull_request",
        "ref": "refs/pull/7/merge",
    }
    refused = [
        pipelines.github(**pull_request),
        pipelines.github(repository_owner_id="66"),
        pipelines.gitlab(ref_protected="false", ref="feature"),
        pipelines.gitlab(namespace_id="73"),
    ]

    assert [ended.returncode for ended in refused] == [3] * len(refused)
    assert not any("password" in ended.stdout for ended in refused)


def test_the_page_has_a_rule_for_each_workflow() -> None:
    issuers = [shlex.split(rule)[shlex.split(rule).index("--issuer") + 1] for rule in _RULES]

    assert issuers == ["https://token.actions.githubusercontent.com", "https://gitlab.com"]
