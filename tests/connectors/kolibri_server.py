"""A real Kolibri on loopback: a facility with two classes, a quiz, a lesson and what learners made of them."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

PASSWORD = "fict1onal-word"
_USERS = f"""\
UUID,USERNAME,PASSWORD,FULL_NAME,USER_TYPE,IDENTIFIER,BIRTH_YEAR,GENDER,ENROLLED_IN,ASSIGNED_TO
,wren,{PASSWORD},Wren Alder,LEARNER,71001,2012,NOT_SPECIFIED,Algebra 1 A,
,juniper,{PASSWORD},Juniper Birch,LEARNER,71002,2012,NOT_SPECIFIED,"Algebra 1 A,Biology B",
,dove,{PASSWORD},Dove Teacher,CLASS_COACH,T-9,1980,NOT_SPECIFIED,,Algebra 1 A
"""


@dataclass
class Kolibri:
    """`quiz` has four questions: wren answers all, three right, and juniper two. `lesson` has one resource, which wren
    completes."""

    home: Path
    url: str
    quiz: str = ""
    lesson: str = ""
    classes: dict[str, str] = field(default_factory=dict)

    def signed_in(self, user: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.post(f"{self.url}/api/auth/session/", json={"username": user, "password": PASSWORD}).raise_for_status()
        session.headers["X-CSRFToken"] = session.cookies["kolibri_csrftoken"]
        return session

    def sessions_end(self) -> None:
        """What twenty minutes do."""
        with closing(sqlite3.connect(self.home / "sessions.sqlite3")) as kept, kept:
            kept.execute("UPDATE kolibriauth_session SET expire_date = '2020-01-01 00:00:00'")


@contextmanager
def kolibri() -> Iterator[Kolibri]:
    home = Path(tempfile.mkdtemp(prefix="hubkolibri"))
    port, other = _free(), _free()
    settings = {
        "KOLIBRI_HOME": str(home), "KOLIBRI_DISABLE_PING": "1", "KOLIBRI_ZEROCONF_ENABLED": "0", "TZ": "UTC",
        "KOLIBRI_LISTEN_ADDRESS": "127.0.0.1", "KOLIBRI_HTTP_PORT": str(port), "KOLIBRI_ZIP_CONTENT_PORT": str(other),
        "KOLIBRI_USE_WORKER_MULTIPROCESSING": "0", "KOLIBRI_CENTRAL_CONTENT_BASE_URL": "http://127.0.0.1:9",
        "KOLIBRI_DATA_PORTAL_SYNCING_BASE_URL": "http://127.0.0.1:9",
    }  # fmt: skip
    quiet: dict[str, Any] = {"env": os.environ | settings, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    program = str(Path(sys.executable).with_name("kolibri"))
    facility = ["--facility", "Maple Hollow", "--superusername", "admin", "--superuserpassword", PASSWORD]
    (home / "users.csv").write_text(_USERS)
    running = None
    try:
        made = [
            program,
            "manage",
            "provisiondevice",
            *facility,
            "--preset",
            "formal",
            "--language_id",
            "en",
            "--noinput",
        ]
        subprocess.run(made, check=True, **quiet)
        subprocess.run([program, "manage", "bulkimportusers", str(home / "users.csv")], check=True, **quiet)
        running = subprocess.Popen([program, "start", "--foreground"], **quiet)
        found = Kolibri(home, f"http://127.0.0.1:{port}")
        _wait(found)
        _teach(found)
        yield found
    finally:
        if running:
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(30)
            running.kill()
        shutil.rmtree(home, ignore_errors=True)


def _free() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(server: Kolibri) -> None:
    for attempt in range(300):
        try:
            if requests.get(f"{server.url}/api/public/info/", timeout=5).ok:
                return
        except requests.RequestException:
            assert attempt < 299, "Kolibri did not start"
        time.sleep(0.2)


def _teach(server: Kolibri) -> None:
    """A coach gives out a quiz, a draft of one and a lesson; two learners work on them."""
    coach, base = server.signed_in("dove"), server.url
    node, content, channel = (uuid.uuid4().hex for _ in range(3))
    _put_resource(server.home, node, content, channel)
    server.classes = {c["name"]: c["id"] for c in server.signed_in("admin").get(f"{base}/api/auth/classroom/").json()}
    algebra = server.classes["Algebra 1 A"]
    exercise, questions = uuid.uuid4().hex, [uuid.uuid4().hex for _ in range(4)]
    asked = [
        {"exercise_id": exercise, "question_id": q, "title": "q", "counter_in_exercise": n}
        for n, q in enumerate(questions, 1)
    ]
    quiz = {
        "title": "Lines and slopes", "collection": algebra, "assignments": [algebra], "learners_see_fixed_order": True,
        "draft": False, "active": True, "question_sources": [{"section_title": "", "questions": asked}],
    }  # fmt: skip
    server.quiz = _made(coach, f"{base}/api/exams/exam/", quiz)
    _made(coach, f"{base}/api/exams/exam/", {**quiz, "title": "Not given out", "draft": True, "active": False})
    resources = [{"contentnode_id": node, "content_id": content, "channel_id": channel}]
    lesson = {"title": "Slope of a line", "description": "", "resources": resources, "active": True}
    server.lesson = _made(
        coach, f"{base}/api/lessons/lesson/", {**lesson, "collection": algebra, "assignments": [algebra]}
    )
    for name, right, answered in (("wren", 3, 4), ("juniper", 1, 2)):
        learner = server.signed_in(name)
        at = _begun(learner, base, {"quiz_id": server.quiz})
        for n, question in enumerate(questions[:answered]):
            answer = {"item": f"{exercise}:{question}", "correct": int(n < right), "complete": True, "time_spent": 3}
            _said(learner, at, {"interactions": [{**answer, "answer": {"a": 1}}], "time_spent_delta": 3})
        if answered == 4:
            _said(learner, at, {"progress": 1})
        work = {"node_id": node, "content_id": content, "channel_id": channel, "kind": "document"}
        at = _begun(learner, base, {**work, "lesson_id": server.lesson})
        _said(learner, at, {"progress": 1 if name == "wren" else 0.5, "time_spent_delta": 60})


def _made(who: requests.Session, url: str, body: dict[str, Any]) -> str:
    answer = who.post(url, json=body)
    answer.raise_for_status()
    return str(answer.json()["id"])


def _begun(who: requests.Session, base: str, what: dict[str, Any]) -> str:
    answer = who.post(f"{base}/api/logger/trackprogress/", json=what)
    answer.raise_for_status()
    return f"{base}/api/logger/trackprogress/{answer.json()['session_id']}/"


def _said(who: requests.Session, url: str, what: dict[str, Any]) -> None:
    who.put(url, json=what).raise_for_status()


def _put_resource(home: Path, node: str, content: str, channel: str) -> None:
    """A document in a channel: channels come over a network that a test does not have."""
    row = {
        "id": node, "title": "Slope", "content_id": content, "channel_id": channel, "license_owner": "", "author": "",
        "kind": "document", "available": 1, "lft": 1, "rght": 2, "tree_id": 1, "level": 0, "coach_content": 0,
    }  # fmt: skip
    with closing(sqlite3.connect(home / "db.sqlite3", timeout=30)) as kept, kept:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        kept.execute(f"INSERT INTO content_contentnode ({names}) VALUES ({marks})", list(row.values()))
