"""What is read from a dotenv file: what readers agree on, or a refusal by line."""

import pytest

from gateway.cli.import_files import ImportFormat, read_entries
from gateway.cli.printing import Misread

# 76 characters of base64, and what is left of it on the next line.
HEAD = "c29tZSBpbnZlbnRlZCBieXRlcyB0aGF0IGFyZSBsb25nIGVub3VnaCB0byBiZSBjdXQgaW4gdHdv"
HEX = "00ff" * 19


def _read(text: str) -> dict[str, str]:
    return {
        read_entry.key: read_entry.value for read_entry in read_entries(text, ImportFormat.DOTENV)
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("K=  # a comment", ""),
        ("K=#00FF00", "#00FF00"),
        ("K=a#b", "a#b"),
        ("K=a # b", "a"),
        ("K=a=b==", "a=b=="),
        ("K=a$$b", "a$$b"),
        ("K=${OTHER}", "${OTHER}"),
        ("K=it's", "it's"),
        ('K={"a":"b\\nc"}', '{"a":"b\\nc"}'),
        ("K=D:\\work", "D:\\work"),
        ("K='D:\\work\\new'", "D:\\work\\new"),
        ("export  K = 'x' # comment", "x"),
        ("K='a\r\nb'", "a\nb"),
        ('K="a  "', "a  "),
        ("K=a  ", "a"),
        ('K=`{"a": "it\'s"}`', '{"a": "it\'s"}'),
        ("K=`one\ntwo`", "one\ntwo"),
        ('K="price\\$7"', "price$7"),
        ('K="a\\\\b\\"c\\nd\\re"', 'a\\b"c\nd\re'),
        ('K="^\\d+\\.$"', "^\\d+\\.$"),
        (
            'K="-----BEGIN X-----\nab+/==\n-----END X-----"',
            "-----BEGIN X-----\nab+/==\n-----END X-----",
        ),
    ],
)
def test_value_is_what_readers_agree_on(text: str, value: str) -> None:
    assert _read(f"{text}\nLAST=1\n") == {"K": value, "LAST": "1"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("K=abc\nabcdefgh==", 2, id="only-padding"),
        pytest.param(f"A=1\nK={HEAD}\nabcdefg=", 3, id="base64-cut-before-one-padding-character"),
        pytest.param(f"K={HEAD}\nab+/defg=\n", 2, id="base64-cut-before-no-key"),
        pytest.param("K=-----BEGIN X-----\nab+/==\n-----END X-----", 2, id="unquoted-lines"),
        pytest.param("K={\n  a=1\n}", 3, id="unquoted-object"),
        pytest.param("K=-Xmx1g \\\n  -Dx=y", 1, id="continued-line"),
        pytest.param("A=1\nK=`open\nB=2", 2, id="open-backtick"),
        pytest.param("A=1\nK='it's'", 2, id="text-after-quotes"),
        pytest.param('A=1\n\n# x\nK="D:\\temp\\new"', 4, id="windows-path-in-double-quotes"),
        pytest.param('K="\\\\host\\share"', 1, id="network-path-in-double-quotes"),
        pytest.param("K='\\\\host\\share'", 1, id="network-path-in-single-quotes"),
        pytest.param("K='D:\\temp\\'", 1, id="last-backslash"),
        pytest.param('K="a\\tb"', 1, id="disputed-escape"),
        pytest.param('K="a\\\nb"', 1, id="escaped-line-end"),
        pytest.param("K=price\\$7", 1, id="unquoted-escaped-dollar"),
        pytest.param("-K=1", 1, id="option"),
        pytest.param("K: 1", 1, id="yaml"),
        pytest.param("A=1\nlayout python", 2, id="command"),
    ],
)
def test_what_could_become_another_value_is_refused_by_line(text: str, line: int) -> None:
    with pytest.raises(Misread) as refused:
        read_entries(text, ImportFormat.DOTENV)

    assert str(refused.value).startswith(f"line {line}: ")


@pytest.mark.parametrize(
    "text",
    [f"K={HEX}\nEMPTY_OK=", f"K={HEAD}\n\nabcdefg=", f"K='{HEAD}'\nabcdefg=", "K=short\nabc="],
)
def test_empty_value_after_another_value_is_a_row(text: str) -> None:
    """The control: what is refused after base64 is otherwise an empty value."""
    assert list(_read(text).values())[-1] == ""
