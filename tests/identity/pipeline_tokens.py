"""The claims that GitHub and GitLab document for the tokens of their pipelines' jobs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

HEADER: Final[Mapping[str, str]] = MappingProxyType({"typ": "JWT"})
GITHUB_HEADER: Final[Mapping[str, str]] = MappingProxyType({"typ": "JWT", "x5t": "thumbprint"})
# A job of the repository acme/shop with the environment production, after a push to main.
GITHUB: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "jti": "example-id",
        "sub": "repo:acme/shop:environment:production",
        "environment": "production",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "ref_protected": "true",
        "sha": "example-sha",
        "repository": "acme/shop",
        "repository_id": "74",
        "repository_owner": "acme",
        "repository_owner_id": "65",
        "repository_visibility": "private",
        "actor": "ada",
        "actor_id": "12",
        "workflow": "deploy",
        "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "head_ref": "",
        "base_ref": "",
        "event_name": "push",
        "run_id": "1",
        "run_number": "10",
        "run_attempt": "1",
        "runner_environment": "github-hosted",
    }
)
# A job of the project acme/shop on its protected branch main.
GITLAB: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "jti": "example-id",
        "sub": "project_path:acme/shop:ref_type:branch:ref:main",
        "namespace_id": "72",
        "namespace_path": "acme",
        "project_id": "20",
        "project_path": "acme/shop",
        "user_id": "1",
        "user_login": "ada",
        "user_email": "ada@example.com",
        "user_access_level": "developer",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": "true",
        "groups_direct": ["acme"],
        "environment": "production",
        "environment_protected": "true",
        "deployment_tier": "production",
        "runner_id": 1,
        "runner_environment": "gitlab-hosted",
        "project_visibility": "private",
        "sha": "example-sha",
    }
)
