"""`taxiway demo`: everything once, from the publisher's files to the last table, and what to look at then."""

from rich.markup import escape

from taxiway.cli.land import deliver
from taxiway.cli.options import open_sound_workspace
from taxiway.cli.output import console, counted, hint, size
from taxiway.cli.program import called
from taxiway.cli.run import choose, end, materialise


def demo() -> None:
    """Land all files, materialise every table, and say what was built and what to try next."""
    from taxiway.cli.summary import print_summary

    hint("loading the project")
    workspace = open_sound_workspace()
    hint(f"landing the files of {workspace.project.name} in {workspace.settings.landing}")
    files = deliver(workspace, None)
    hint(f"{counted(len(files), 'file')} landed, {size(sum(file['bytes'] for file in files))}")
    report = materialise(workspace, choose(workspace.project, []), None, broken=workspace.project.broken)
    print_summary(workspace, report)
    end(workspace, report)
    out, program = console(), called("taxiway")
    out.print(f"\nThe lake is in {escape(str(workspace.settings.lake))}. See it all in Dagster: [bold]make ui[/]\n")
    for shows, command in workspace.project.tour.items():
        out.print(f"[dim]# {escape(shows)}[/]")
        out.print(f"[bold]{escape(command.replace('taxiway ', f'{program} '))}[/]", soft_wrap=True)
