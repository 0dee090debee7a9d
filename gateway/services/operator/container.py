"""All use cases of the instance's operator, built once."""

from dataclasses import dataclass
from typing import Self

from gateway.services.context import ServiceContext
from gateway.services.operator.audit import Audit
from gateway.services.operator.checkup import CheckUp
from gateway.services.operator.directory import Directory
from gateway.services.operator.keys import Keys
from gateway.services.operator.organizations import Organizations
from gateway.services.operator.references import References
from gateway.services.operator.tokens import OperatorTokens
from gateway.services.operator.topology import Topologies
from gateway.services.token_uses import TokenUses


@dataclass(frozen=True, slots=True)
class OperatorServices:
    """The use cases without permission checks. They act for the operator of the instance."""

    audit: Audit
    check_up: CheckUp
    directory: Directory
    keys: Keys
    organizations: Organizations
    references: References
    token_uses: TokenUses
    tokens: OperatorTokens
    topologies: Topologies

    @classmethod
    def over(cls, context: ServiceContext, uses: TokenUses) -> Self:
        return cls(
            audit=Audit(context),
            check_up=CheckUp(context),
            directory=Directory(context),
            keys=Keys(context),
            organizations=Organizations(context),
            references=References(context),
            token_uses=uses,
            tokens=OperatorTokens(context),
            topologies=Topologies(context),
        )
