"""The HTTP application: one door for each source of alerts, and two addresses that say how it is."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response, Security, status
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from activities.intake import Intake, TemporalAwayError
from gateway.answers import Answer, Trouble, answer
from gateway.requests import LingeringAnswer, Refusal, check_form, check_sender, read_body
from gateway.sources import SOURCES
from gateway.sources.payload import MalformedBodyError, Source
from models.alert import Alert

logger = logging.getLogger(__name__)

Ready = Callable[[], Awaitable[str | None]]
"""Says why alerts cannot be taken now, or None if they can."""

_TRY_AGAIN = {"Retry-After": "5"}
_TROUBLES: dict[int | str, dict[str, Any]] = {
    401: {"model": Trouble, "description": "The token is missing or wrong."},
    408: {"model": Trouble, "description": "The body came too slowly."},
    413: {"model": Trouble, "description": "The body is longer than 1 MiB."},
    415: {"model": Trouble, "description": "The body is not declared to be JSON."},
    422: {"model": Trouble, "description": "Nothing in the body can be taken; each bad field is named."},
    503: {"model": Trouble, "description": "Temporal is away. Send the same request again: nothing is done twice."},
}


def build_app(intake: Intake, tokens: Mapping[str, str], *, ready: Ready | None = None) -> FastAPI:
    """The application.

    Args:
        intake: takes the alerts.
        tokens: the bearer token of each source; a source without one has no door.
        ready: asked by ``/readyz``; whether Temporal can be reached, when left out.
    """
    app = FastAPI(
        title="selfheal gateway",
        description="Alerts come in here and start or join the executions that heal what they are about.",
        docs_url=None,  # its page would load scripts from a network that a gateway need not reach
        redoc_url=None,
    )
    for source in SOURCES:
        if source.name in tokens:
            _add_door(app, source, tokens[source.name], intake)
    app.add_exception_handler(Refusal, _refuse)
    away = ready or intake.away

    @app.get("/healthz", summary="Whether the gateway runs", tags=["health"])
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether alerts can be taken now", tags=["health"], responses={503: {"model": Trouble}})
    async def readyz() -> Response:
        if why := await away():
            return _trouble(status.HTTP_503_SERVICE_UNAVAILABLE, f"Temporal is away: {why}", headers=_TRY_AGAIN)
        return JSONResponse({"status": "ready"})

    return app


def _add_door(app: FastAPI, source: Source, token: str, intake: Intake) -> None:
    body = {"required": True, "content": {"application/json": {"schema": source.schema, "example": source.example}}}
    documented = HTTPBearer(scheme_name=f"{source.name} token", auto_error=False)

    @app.post(
        f"/alerts/{source.name}",
        name=source.name,
        summary=f"Alerts from {source.name}",
        tags=["alerts"],
        status_code=status.HTTP_202_ACCEPTED,
        responses={202: {"model": Answer, "description": "What became of each alert."}, **_TROUBLES},
        openapi_extra={"requestBody": body},
    )
    async def door(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(documented)]
    ) -> Response:
        check_sender(request, token)
        check_form(request)
        return await _take(source, await read_body(request), intake)


async def _take(source: Source, body: bytes, intake: Intake) -> Response:
    try:
        payload = source.parse(body)
    except MalformedBodyError as error:
        return _nothing_taken(error.fields)
    if payload.truncated:
        logger.warning("%s left out %d alerts of a request: raise max_alerts there", source.name, payload.truncated)
    good = [alert for alert in payload.alerts if isinstance(alert, Alert)]
    if not good:
        return _nothing_taken(
            tuple(f for alert in payload.alerts if not isinstance(alert, Alert) for f in alert.fields)
        )
    try:
        admissions = await intake.take(good)
    except TemporalAwayError as error:
        logger.warning("%d alerts from %s were not taken: %s", len(good), source.name, error.message)
        return _trouble(status.HTTP_503_SERVICE_UNAVAILABLE, error.message, headers=_TRY_AGAIN)
    text = answer(payload.alerts, admissions, payload.truncated).model_dump_json()
    return Response(text, status.HTTP_202_ACCEPTED, media_type="application/json")


def _nothing_taken(fields: tuple[str, ...]) -> Response:
    detail = "nothing in this request can be taken: mend the fields that are named"
    return _trouble(status.HTTP_422_UNPROCESSABLE_CONTENT, detail, fields=fields)


async def _refuse(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refusal):
        raise refusal
    text = Trouble(detail=refusal.detail).model_dump_json()
    return LingeringAnswer(text, refusal.status, refusal.headers, media_type="application/json")


def _trouble(
    code: int, detail: str, *, fields: tuple[str, ...] = (), headers: Mapping[str, str] | None = None
) -> Response:
    text = Trouble(detail=detail, fields=fields).model_dump_json()
    return Response(text, code, headers, media_type="application/json")
