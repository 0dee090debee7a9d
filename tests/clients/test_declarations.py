"""The check against declarations can fail, in each of its ways."""

import pytest

from tests.clients.declarations import Declarations

_DECLARATIONS = Declarations("""
export declare const ColourEnum: {
    readonly RED: "RED";
    readonly GREEN: "GREEN";
};
export interface Crayon {
    /**
     * a comment
     */
    'colour': ColourEnum;
    'name'?: string;
    'owner'?: string | null;
    'wax'?: boolean;
}
export interface Box {
    'crayons': Array<Crayon>;
}
""")


@pytest.mark.parametrize(
    "crayon",
    [
        {"colour": "RED"},
        {"colour": "GREEN", "name": "Leaf", "owner": None, "wax": True},
        {"colour": "GREEN", "owner": "Ann"},
    ],
)
def test_what_is_of_the_type_passes(crayon: dict[str, object]) -> None:
    assert _DECLARATIONS.complaints("Box", {"crayons": [crayon]}) == []


@pytest.mark.parametrize(
    ("crayon", "complaint"),
    [
        ({}, ".crayons[0].colour is missing"),
        ({"colour": "BLUE"}, ".crayons[0].colour is no ColourEnum"),
        ({"colour": "RED", "name": None}, ".crayons[0].name is no string"),
        ({"colour": "RED", "owner": 1}, ".crayons[0].owner is no string"),
        ({"colour": "RED", "wax": "yes"}, ".crayons[0].wax is no boolean"),
        ({"colour": "RED", "value": "x"}, ".crayons[0].value is not declared"),
        ("RED", ".crayons[0] is no Crayon"),
    ],
)
def test_what_is_not_of_the_type_is_reported(crayon: object, complaint: str) -> None:
    assert _DECLARATIONS.complaints("Box", {"crayons": [crayon]}) == [complaint]


def test_what_is_no_array_is_reported() -> None:
    assert _DECLARATIONS.complaints("Box", {"crayons": {}}) == [".crayons is no array"]
