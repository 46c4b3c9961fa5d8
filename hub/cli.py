"""The command line. Exit codes: 0 done, 1 done but a person must act, 2 bad input, 3 configuration or usage,
70 a defect of the hub. Heavy imports stay inside the commands: `hub --help` answers at once."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any

import click

from hub.commands import (
    demo,
    export,
    held,
    init,
    publish,
    report,
    review,
    runs,
    schema,
    serve,
    source,
    store,
    student,
    sync,
    up,
    validate,
)
from hub.commands.faults import DEFECT, fail, tell_defect
from hub.errors import FixConfiguration, known
from hub.heap import seldom_collected

#: They run for months: their garbage is collected as Python does.
SERVERS = ("serve", "up")


class Hub(click.Group):
    """Turns every end of a command into its exit code and one message."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            told = known(error, ctx.meta.get("hub.state", "the state folder"))
            if told is None:
                tell_defect(ctx, error)
                return ctx.exit(DEFECT)
            fail(ctx, told)
            return ctx.exit(told.exit_code)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        asked = (args[0] if args else kwargs.get("args")) or sys.argv[1:]
        serves = bool(asked) and asked[0] in SERVERS
        try:
            with nullcontext() if serves else seldom_collected():
                code = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            code = FixConfiguration.exit_code
        except click.Abort:
            click.echo("Stopped. What is published is as it was before.", err=True)
            code = 130
        except BrokenPipeError:  # the reader of our output has left, as in `hub runs | head`
            sys.stderr.close()
            code = 0
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=Hub, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hub")
def main() -> None:
    """One record per student out of the systems of a school district.

    \b
    hub init my-district      write a commented hub.yaml
    hub sync                  run tonight's job now
    hub up                    run it every night, with a web page
    hub validate feed.zip     check a feed before it is sent
    hub serve                 the same as a web page
    hub demo                  see it all on a fictional district
    """


for _command in (
    init.command,
    sync.command,
    up.command,
    runs.command,
    held.group,
    student.group,
    review.group,
    publish.group,
    report.command,
    demo.command,
    store.group,
    source.group,
    validate.command,
    serve.command,
    schema.group,
    export.group,
):
    main.add_command(_command)

if __name__ == "__main__":
    main()
