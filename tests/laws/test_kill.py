"""Law 4: killed at any instant and started again, the store ends as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .night import RESULTS, a_hub, a_result, a_student, as_csv, send_all, send_sis

KILLS = 50
_SERVER = """
import json, os, random, shutil, signal, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from laws.night import a_hub
import great_expectations, hub.report.page, hub.standards.suites.data_docs, hub.standards.suites.expectations
import hub.standards.suites.judged_rows
import hub.store.publishing, hub.store.snapshots, hub.store.diff, hub.store.schema, hub.store.digest, hub.store.staging
import hub.unify.merge, pandas, pyarrow.parquet, pyarrow.compute, adbc_driver_sqlite.dbapi, alembic.autogenerate

base, specs, kills, seed = Path({base!r}), Path({specs!r}), {kills}, {seed}
random.seed(seed)

def child(work):
    # Forked after the imports and before any thread: a start costs milliseconds.
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr)
            os._exit(1)
    return pid

def whole(root):
    # To the end, and what the store says then.
    def work():
        hub = a_hub(root, specs)
        status = hub.sync().status
        (root / "end.json").write_text(json.dumps([status, hub.digest()]))
    began = time.monotonic()
    _, code = os.waitpid(child(work), 0)
    assert code == 0, root
    return json.loads((root / "end.json").read_text()), time.monotonic() - began

def fresh(name):
    shutil.copytree(base, base.parent / name)
    return base.parent / name

(status, wanted), takes = whole(fresh("uninterrupted"))
assert status == "published", status
ends, done, landed_at = [], 0, []
while done < kills:
    root = fresh(f"killed{{done}}")
    for _ in range(9):
        pid = child(lambda: a_hub(root, specs).sync())
        # Both the whole night and its last steps, which are short.
        time.sleep(random.random() * takes * random.choice([0.3, 1.0, 1.0]))
        os.kill(pid, signal.SIGKILL)
        _, code = os.waitpid(pid, 0)
        if os.WIFSIGNALED(code):
            done += 1
        else:
            break
    (status, found), _ = whole(root)
    ends.append([status, found == wanted])
    shutil.rmtree(root)
print(json.dumps([done, ends, takes]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("first_night", [True, False], ids=["first night", "second night"])
def test_killed_at_any_instant_and_started_again(tmp_path: Path, specs: Path, first_night: bool) -> None:
    base = tmp_path / "base"
    hub = a_hub(base, specs)
    send_all(hub, range(1, 4))
    if not first_night:
        hub.sync()
        send_sis(hub, [a_student(1), a_student(2, First="Eve"), a_student(4)])
        hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(1, Score="9"), a_result(2, Minutes="x")]))
    script = _SERVER.format(
        tests=str(Path(__file__).parents[1]), base=str(base), specs=str(specs), kills=KILLS // 2, seed=20261122
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=500, check=False)
    assert told.returncode == 0, told.stderr[-3000:]
    kills, ends, _takes = json.loads(told.stdout.splitlines()[-1])
    assert kills >= KILLS // 2
    assert {equal for _, equal in ends} == {True}
    assert {status for status, _ in ends} <= {"published", "unchanged"}
