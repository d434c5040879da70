"""SUBSCRIBE and its sisters, answered without a connection."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.practice.sockets.commands import answer


class Names:
    """Subscriptions of at most four names."""

    def __init__(self) -> None:
        self.combined = False
        self._names: dict[str, None] = {}

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(self._names)

    def subscribe(self, names):
        wanted = self._names | dict.fromkeys(names)
        if len(wanted) > 4:
            return False
        self._names = wanted
        return True

    def unsubscribe(self, names):
        for name in names:
            self._names.pop(name, None)


def ask(names, **message):
    return json.loads(answer(json.dumps(message), names))


def test_subscribe_list_unsubscribe():
    names = Names()
    assert ask(names, method="SUBSCRIBE", params=["a@trade", "nonsense"], id=1) == {"result": None, "id": 1}
    assert ask(names, method="LIST_SUBSCRIPTIONS", id=3) == {"result": ["a@trade", "nonsense"], "id": 3}
    assert ask(names, method="UNSUBSCRIBE", params=["a@trade", "never"], id=312) == {"result": None, "id": 312}
    assert names.streams == ("nonsense",)


def test_properties():
    names = Names()
    assert ask(names, method="GET_PROPERTY", params=["combined"], id=2) == {"result": False, "id": 2}
    assert ask(names, method="SET_PROPERTY", params=["combined", True], id=5) == {"result": None, "id": 5}
    assert ask(names, method="GET_PROPERTY", params=["combined"], id=2) == {"result": True, "id": 2}


@pytest.mark.parametrize("number", [0, -5, 2**63 - 1, "abcDEF123", "x" * 36, None])
def test_ids_that_are_accepted(number):
    assert ask(Names(), method="LIST_SUBSCRIPTIONS", id=number) == {"result": [], "id": number}


@pytest.mark.parametrize("number", [2**63, 1.5, True, "", "x" * 37, "a-b", [1], {}])
def test_ids_that_are_not(number):
    expected = {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}
    assert ask(Names(), method="LIST_SUBSCRIPTIONS", id=number) == expected


def test_an_id_must_be_there():
    assert ask(Names(), method="LIST_SUBSCRIPTIONS")["code"] == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"method":"SUBSCRIB","params":[],"id":1}',
            {
                "code": 2,
                "msg": "Invalid request: unknown variant `SUBSCRIB`, expected one of `SUBSCRIBE`, "
                "`UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 20",
            },
        ),
        ('{"id":1}', {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 8"}),
        ('{"method":', {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 11"}),
        ("hello", {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}),
        (
            '{"method":"SET_PROPERTY","params":["speed",true],"id":4}',
            {"code": 0, "msg": "Unknown property", "id": 4},
        ),
        (
            '{"method":"SET_PROPERTY","params":["combined","yes"],"id":4}',
            {"code": 1, "msg": "Invalid value type: expected Boolean"},
        ),
        (
            '{"method":"SET_PROPERTY","params":[7],"id":4}',
            {"code": 2, "msg": "Invalid request: property name must be a string"},
        ),
        (
            '{"method":"GET_PROPERTY","id":4}',
            {"code": 2, "msg": "Invalid request: property name must be a string"},
        ),
        (
            '{"method":"GET_PROPERTY","params":["combined",1],"id":4}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
        (
            '{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":4}',
            {"code": 2, "msg": "Invalid request: too many parameters"},
        ),
    ],
)
def test_errors_are_binances(text, expected):
    assert json.loads(answer(text, Names())) == expected


def test_too_many_streams_add_none():
    names = Names()
    assert ask(names, method="SUBSCRIBE", params=list("abcde"), id=9) == {
        "code": 2,
        "msg": "Invalid request: too many streams",
        "id": 9,
    }
    assert names.streams == ()


@given(st.text() | st.builds(json.dumps, st.recursive(st.none() | st.text() | st.integers(), st.lists)))
def test_nothing_that_a_client_says_breaks_it(text):
    assert isinstance(json.loads(answer(text, Names())), dict)


def test_deep_nesting_is_an_error_not_a_crash():
    assert json.loads(answer("[" * 100_000, Names()))["code"] == 3
