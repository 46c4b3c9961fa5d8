"""The pages: start, validate, one check with its progress and report, and the rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import ExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hub import look
from hub.serve import rooms
from hub.serve.checks import Check, Checks, Problem, megabytes, minutes
from hub.serve.desk import Archive, Desk, RulePage
from hub.serve.guards import REPORT_POLICY, Guards
from hub.serve.judging import choices, judge
from hub.serve.upload import receive

MEDIA = {
    "html": ("text/html; charset=utf-8", "html"),
    "json": ("application/json", "json"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "junit": ("application/xml", "xml"),
}
STATIC = {"hub.css": "text/css", "check.js": "text/javascript"}


def create_app(desk: Desk, names: Collection[str] = (), parent: Path | None = None) -> Starlette:
    """The server as an ASGI application.

    It answers to the host `names`, to addresses and to localhost. Uploads lie under `parent` (default: the system's
    temporary folder) while they are judged.
    """
    pages = Pages(desk, parent)
    return Starlette(
        routes=[
            Route("/", pages.start),
            Route("/validate", pages.form),
            Route("/checks", pages.send, methods=["POST"]),
            Route("/checks/{id}", pages.check),
            Route("/checks/{id}/progress", pages.progress),
            Route("/checks/{id}/report", pages.report),
            Route("/checks/{id}/report.{form}", pages.download),
            Route("/checks/{id}/delete", pages.delete, methods=["POST"]),
            Route("/rules", pages.rules),
            Route("/rules/{id}", pages.rule),
            Route("/static/{name}", pages.static),
            *([Route("/runs", pages.runs), Route("/runs/{district}/{id}", pages.run)] if desk.archive else []),
        ],
        middleware=[Middleware(Guards, names=names, say=pages.problem)],
        exception_handlers={Problem: pages.problem, HTTPException: pages.http_problem},  # type: ignore[dict-item]
        lifespan=pages.open,
    )


class Pages:
    """The handlers of one server, and what they share."""

    def __init__(self, desk: Desk, parent: Path | None) -> None:
        self.desk, self.parent, self.house = desk, parent, Path()
        self.checks = Checks(desk.limits)
        self.templates = look.pages("hub.serve")
        self.templates.globals.update(desk=desk, megabytes=megabytes, minutes=minutes)
        self.templates.filters["capitalize_first"] = lambda said: said[:1].upper() + said[1:]
        own = files("hub.serve").joinpath("static")
        self.files = {name: own.joinpath(name).read_text(encoding="utf-8") for name in ("check.js", "serve.css")}
        self.files["hub.css"] = look.style() + desk.style + self.files.pop("serve.css")

    @asynccontextmanager
    async def open(self, _: Starlette) -> AsyncIterator[None]:
        """The folder of uploads is there as long as the server runs."""
        with rooms.house(self.parent) as self.house:
            yield
            await self.checks.close()

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self.templates.get_template(f"{template}.html.j2").render(**values), status)

    async def start(self, _: Request) -> Response:
        return self.page("start")

    async def form(self, _: Request) -> Response:
        return self.page("validate")

    async def send(self, request: Request) -> Response:
        """Receives an upload and begins to judge it; the page of the check is another one."""
        with ExitStack() as held:
            held.enter_context(self.checks.place())
            folder = held.enter_context(rooms.room(self.house))
            try:
                upload = await receive(request, folder, self.desk.limits.upload)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            choices(self.desk, upload.fields)
            check = Check()
            check.task = asyncio.create_task(self._judge(check, upload, folder, held.pop_all()))
        self.checks.add(check)
        at = f"/checks/{check.id}"
        return JSONResponse({"at": at}, 201) if _wants_json(request) else RedirectResponse(at, 303)

    async def _judge(self, check: Check, upload: Any, folder: Path, held: ExitStack) -> None:
        try:
            with held:
                await judge(self.desk, check, upload, folder)
        finally:
            if not check.ended:
                check.problem = Problem(500, "The check failed", "It was stopped.", "Check the feed again.")
            self.checks.keep(check)

    async def check(self, request: Request) -> Response:
        check = self.checks.find(request.path_params["id"])
        if check.problem is not None:
            return self.problem(request, check.problem)
        if check.report is not None:
            return RedirectResponse(f"/checks/{check.id}/report", 303)
        return self.page("check", check=check)

    async def progress(self, request: Request) -> Response:
        check = self.checks.find(request.path_params["id"])
        return JSONResponse(
            {
                "ended": check.ended,
                "step": look.legible(check.step),
                "done": check.done,
                "total": check.total,
                "seconds": check.seconds,
            }
        )

    async def report(self, request: Request) -> Response:
        check = self.checks.find(request.path_params["id"])
        if check.report is None:
            return RedirectResponse(f"/checks/{check.id}", 303)
        return self.page("report", check=check, report=check.report)

    async def download(self, request: Request) -> Response:
        check = self.checks.find(request.path_params["id"])
        form = request.path_params["form"]
        if check.report is None or form not in MEDIA:
            raise HTTPException(404)
        media, end = MEDIA[form]
        name = {"Content-Disposition": f'attachment; filename="feed-report.{end}"'}
        return Response(check.report.forms[form], media_type=media, headers=name)

    async def delete(self, request: Request) -> Response:
        self.checks.drop(request.path_params["id"])
        return RedirectResponse("/validate", 303)

    async def rules(self, _: Request) -> Response:
        families: dict[str, dict[str, list[RulePage]]] = {family: {} for family in self.desk.families}
        for rule in self.desk.rules.values():
            families.setdefault(rule.rule.partition(".")[0], {}).setdefault(rule.stage, []).append(rule)
        return self.page("rules", families=families)

    async def rule(self, request: Request) -> Response:
        rule = self.desk.rules.get(request.path_params["id"])
        if rule is None:
            raise Problem(404, "There is no such rule", "No rule has this id.", "The list has them all.")
        return self.page("rule", rule=rule)

    def runs(self, _: Request) -> Response:  # not async: it reads the store, in a thread of its own
        archive = cast(Archive, self.desk.archive)
        return self.page("runs", runs=archive.runs())

    def run(self, request: Request) -> Response:
        archive = cast(Archive, self.desk.archive)
        page = archive.report(request.path_params["district"], request.path_params["id"])
        if page is None:
            raise Problem(404, "There is no such run", "No run has this id.", "The list of runs has them all.")
        return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise HTTPException(404)
        return Response(self.files[name], media_type=STATIC[name], headers={"Cache-Control": "max-age=300"})

    def problem(self, request: Request, problem: Problem) -> Response:
        wait = {"Retry-After": "60"} if problem.status == 503 else None
        if _wants_json(request):
            said = {"title": problem.title, "message": problem.message, "remedy": problem.remedy}
            return JSONResponse(said, problem.status, headers=wait)
        page = self.page("problem", problem.status, problem=problem)
        page.headers.update(wait or {})
        return page

    def http_problem(self, request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return self.problem(request, Problem(404, "There is no such page", "Nothing is here.", "Start at the top."))
        return self.problem(request, Problem(error.status_code, "This does not work", error.detail, ""))


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
