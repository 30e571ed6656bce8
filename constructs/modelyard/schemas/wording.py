"""Putting into plain words what jsonschema-rs has to say about a manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelyard.schemas.advice import MOST_NAMES, Advice, closest, listed, missing, quoted
from modelyard.schemas.model import Path, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema_rs import ValidationError

HIDDEN = "the hidden value"
TYPES = {
    "array": "a list",
    "boolean": "a boolean",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}
LIMITS = {
    "minimum": "must be at least {}, not {value}",
    "maximum": "must be at most {}, not {value}",
    "exclusiveMinimum": "must be more than {}, not {value}",
    "exclusiveMaximum": "must be less than {}, not {value}",
    "multipleOf": "must be a multiple of {}, not {value}",
    "minLength": "must have a length of at least {}, not {value}",
    "maxLength": "must have a length of at most {}, not {value}",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} entries",
    "maxProperties": "must have at most {} entries",
    "format": "must be a valid {}, not {value}",
}


class Wording:
    """
    The words for the errors in the manifests of one kind.

    Args:
        key: "apiVersion kind".

        advice: What knows the fields of the kind.
    """

    def __init__(self, key: str, advice: Advice) -> None:
        self.key = key
        self.advice = advice

    def of(self, errors: Iterable[ValidationError]) -> list[SchemaError]:
        """Return *errors* in words, in the order of their paths."""
        found = list(errors)
        mistyped = {tuple(each.instance_path) for each in found if each.kind.name == "type"}
        said: set[SchemaError] = set()
        for each in found:
            # A value of the wrong type is in no enumeration either: one message is enough.
            if each.kind.name == "type" or tuple(each.instance_path) not in mistyped:
                said.update(self.translated(each))
        return sorted(said, key=lambda error: (order(error.path), error.message))

    def translated(self, error: ValidationError) -> Iterator[SchemaError]:
        """Yield what one error of jsonschema-rs says, one field at a time."""
        path: Path = tuple(error.instance_path)
        keyword, detail, found = error.kind.name, error.kind.value, error.instance
        if keyword == "additionalProperties":
            for name in detail:
                yield SchemaError(path, self.advice.unknown_field(path, name))
        elif keyword == "required":
            yield SchemaError(path, missing(detail))
        elif keyword == "type" and found is None and self.is_required(path):
            yield SchemaError(path[:-1], missing(str(path[-1])))
        elif is_secret(self.key, path):
            yield SchemaError(path, words(keyword, detail, HIDDEN))
        else:
            value = None if isinstance(found, dict | list) else found
            yield SchemaError(path, words(keyword, detail, described(found)), value)

    def is_required(self, path: Path) -> bool:
        """Return whether *path* leads to a required field."""
        return bool(path) and path[-1] in self.advice.schema_at(path[:-1]).get("required", ())


def order(path: Path) -> tuple[tuple[bool, int, str], ...]:
    """Return what sorts paths by name, and positions by number."""
    return tuple((True, step, "") if isinstance(step, int) else (False, 0, step) for step in path)


def is_secret(key: str, path: Path) -> bool:
    """Return whether *path* leads to what a Secret keeps."""
    return key == "v1 Secret" and path[:1] in {("data",), ("stringData",)}


def described(value: object) -> str:
    """Return what *value* is, short and never a whole object."""
    named = {bool: "the boolean", str: "the string", int: "the integer", float: "the number"}
    if type(value) in named:
        return f"{named[type(value)]} {shown(value)}"
    kinds = {dict: "an object", list: "a list", type(None): "null"}
    return kinds.get(type(value), f"a Python {type(value).__name__}")


def shown(value: object) -> str:
    """Return a scalar *value* as it may appear in a message."""
    if isinstance(value, str):
        return quoted(value)
    return quoted(json.dumps(value, default=str))[1:-1]


def bare(value: str) -> str:
    """Return a described *value* without the name of its type."""
    article, _, rest = value.partition(" ")
    return rest.partition(" ")[2] if article == "the" and value != HIDDEN else value


def words(keyword: str, detail: Any, value: str) -> str:  # the library's own data
    """Return the message for a broken *keyword*; *value* says what was found."""
    if keyword in {"minLength", "minItems"} and detail == 1:
        return "must not be empty"
    if keyword in LIMITS:
        return LIMITS[keyword].format(detail, value=bare(value))
    special = SPECIAL.get(keyword)
    # The library's own text is no way out: it quotes the whole value.
    return special(detail, value) if special else f"breaks the rule {quoted(keyword)} of its schema"


def wrong_type(detail: Any, value: str) -> str:  # the library's own data
    """Return the message about a value of another type than the schema wants."""
    types = [detail] if isinstance(detail, str) else detail
    wanted = [TYPES[name] for name in types if name != "null"] or ["null"]
    return f"must be {listed(wanted)}, not {value}"


def not_in_enum(detail: Any, value: str) -> str:  # the library's own data
    """Return the message about a value that is none of those allowed."""
    allowed = [option for option in detail if option not in {None, ""}]
    found = bare(value)
    near = closest(found.strip("'"), [option for option in allowed if isinstance(option, str)])
    hint = f"; did you mean {quoted(near)}?" if near else ""
    if len(allowed) > MOST_NAMES:
        return f"must be one of {len(allowed)} values that the API names, not {found}{hint}"
    return f"must be {listed([shown(option) for option in allowed])}, not {found}{hint}"


def no_form(detail: Any, _value: str) -> str:  # the library's own data
    """Return the message about a value that fits none of several forms."""
    forms = [list(form) for form in detail if form]
    if forms and all(each.kind.name == "required" for form in forms for each in form):
        names = [" with ".join(quoted(each.kind.value) for each in form) for form in forms]
        return f"misses one of the fields {listed(names)}"
    return "fits none of the forms that its schema allows"


SPECIAL: dict[str, Callable[[Any, str], str]] = {
    "type": wrong_type,
    "enum": not_in_enum,
    "const": lambda detail, value: f"must be {shown(detail)}, not {bare(value)}",
    "pattern": lambda detail, value: (
        "must be base64 text" if "A-Za-z0-9+/" in detail else f"must match {detail}, not {bare(value)}"
    ),
    "uniqueItems": lambda _detail, _value: "must not have the same item twice",
    "anyOf": no_form,
    "oneOf": no_form,
    "falseSchema": lambda _detail, _value: "is not allowed here",
    "not": lambda _detail, _value: "has a form that its schema forbids",
}
