"""The recipes of docs/ci.md give a pipeline the secrets of one job."""

import re
import shutil
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from gateway.config.settings import Settings
from gateway.services.demo import Demo
from tests.docs.sessions import DOCS, Shell, steps, with_the_program
from tests.servers import serving

_PAGE = (DOCS / "ci.md").read_text()
(_ISSUERS,) = re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)
_WORKFLOWS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)]


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
    (audience,) = {name for issuer in Settings().issuers for name in issuer.audiences}
    github, gitlab = _WORKFLOWS
    fetching = github["jobs"]["invoices"]["steps"][1]["run"]

    assert f"audience={audience}" in fetching
    assert gitlab["invoices"]["id_tokens"]["SECRETS_GATEWAY_TOKEN"]["aud"] == audience
