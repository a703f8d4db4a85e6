"""The page of this interface for people, from files of our own: counties are often offline."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_FILES = "/static/vendor/swagger-ui-5.35.0"


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url=request.app.openapi_url,
        title="Anju REST",
        swagger_js_url=f"{_FILES}.min.js",
        swagger_css_url=f"{_FILES}.css",
        swagger_favicon_url="/static/mark.svg",
        swagger_ui_parameters={"validatorUrl": None},
    )
