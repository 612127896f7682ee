"""A route's query parameters as one model, read in one go: FastAPI reads each parameter by itself, which costs a list of seventeen
filters more than its SQL. What no field is named after is refused, so that a misspelt filter does not answer everything."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


T = TypeVar("T", bound=Asked)


@lru_cache
def _repeatable(model: type[Asked]) -> frozenset[str]:
    """Fields that may be given more than once: their default is a list."""
    return frozenset(name for name, field in model.model_fields.items() if isinstance(field.default, list))


def read(model: type[T], request: Request) -> T:
    """The parameters of a request. Raises pydantic's ValidationError, which is answered with each bad one named."""
    given: dict[str, Any] = {}
    repeatable = _repeatable(model)
    for name, value in request.query_params.multi_items():
        if name in repeatable:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    return model.model_validate(given)


_WIDTHLESS = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―⁃−ー", "-"))


def sought(text: str) -> str:
    """What somebody typed into a search, in half width, with one kind of blank and of dash. The database's
    search_text does the same to what is searched, and folds case."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_WIDTHLESS).translate(_DASHES).split())


def described(model: type[Asked]) -> dict[str, Any]:
    """For a route's `openapi_extra`."""
    told = model.model_json_schema()
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in told.get("required", ()), "schema": schema}
            | ({"description": schema["description"]} if "description" in schema else {})
            for name, schema in told["properties"].items()
        ]
    }
