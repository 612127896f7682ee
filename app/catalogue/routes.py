"""HTTP of the catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.catalogue import catalogue
from app.catalogue.schemas import Catalogue, Category
from app.kit.audit import record
from app.kit.route import Route, TheCaller, Transaction
from app.kit.wire import answer, page

router = APIRouter(route_class=Route, tags=["catalogue"])


@router.get("/v1/categories", responses={200: {"model": Catalogue}})
async def get_categories(connection: Transaction) -> Response:
    """Groups and their categories: names in both languages, default deadline, evidence needed."""
    return page(await catalogue.read(connection), None)


@router.put("/v1/categories/{code}", responses={200: {"model": Category}})
async def put_category(
    code: Annotated[str, Path(pattern="^[a-z][a-z0-9_]{1,39}$")],
    wish: catalogue.CategoryIn,
    caller: TheCaller,
    connection: Transaction,
) -> Response:
    """Make or change a category. Issues reported before keep the version they had."""
    await catalogue.put(connection, code, wish)
    told = wish.model_dump(exclude={"name"})
    await record(connection, caller, "category_set", code, None, told)
    for group in await catalogue.read(connection):
        for category in group["categories"]:
            if category["code"] == code:
                return answer(category)
    raise AssertionError(code)
