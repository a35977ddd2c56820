import sys
from pathlib import Path

import pytest

from taxiway.benchmark import (
    BenchmarkFailed,
    Benchmarks,
    Command,
    Finished,
    Machine,
    Measure,
    Range,
    Results,
    Sample,
    Step,
    Trial,
    as_data,
    as_markdown,
    at_least,
    at_most,
    execute,
    run_trials,
)
from taxiway.errors import UsageError

MACHINE = Machine("A CPU", 2, 8_000_000_000, "Linux", "CPython 3.11", {"duckdb": "1.5"})


def sample(wall: float, **figures: float) -> Sample:
    return Sample(wall, wall, wall, 100_000_000, figures)


RESULTS = Results(
    {"ours": [sample(2, rows_read=5), sample(6, rows_read=5), sample(3, rows_read=5)], "theirs": [sample(1)] * 3}
)
MEASURE = Measure(
    "speed",
    "How fast | is it",
    ("both",),
    ("ours", "theirs"),
    lambda results: [
        at_most("ours against theirs", results.ratio("ours", "theirs"), 2),
        at_least("rows", results.range("ours", "rows_read"), 5, "count"),
    ],
    ("A note.",),
)


def test_a_range_is_smallest_middle_and_largest():
    assert Range.of([3, 1, 2]) == Range(1, 2, 3)
    assert Range.of([4, 1]) == Range(1, 2.5, 4)
    with pytest.raises(ValueError, match="at least one"):
        Range.of([])


def test_ratios_are_taken_within_a_repetition():
    results = Results({"ours": [sample(2), sample(30)], "theirs": [sample(1), sample(10)]})
    assert results.ratio("ours", "theirs") == Range(2, 2.5, 3)


def test_a_sample_adds_up_its_commands_and_keeps_the_largest_peak():
    found = Sample.of([Finished(1, 2, 3, 50), Finished(10, 20, 30, 40)], {"rows": 7})
    assert (found.wall_seconds, found.user_seconds, found.cpu_seconds, found.peak_bytes) == (11, 22, 33, 50)
    assert found.value("rows") == 7
    with pytest.raises(KeyError):
        found.value("no such figure")


def test_the_report_names_the_machine_and_says_what_was_missed():
    text = as_markdown(MACHINE, [MEASURE], RESULTS, "taxiway bench")
    assert "| CPU | A CPU, 2 cores |" in text
    assert "| libraries | duckdb 1.5 |" in text
    assert "| speed | ours against theirs | 2.00× – 3.00× – 6.00× | at most 2.00× | **no** |" in text
    assert "| speed | rows | 5 | at least 5 | yes |" in text
    assert "| ours | 3 | 2.00 s – 3.00 s – 6.00 s | 2.00 s – 3.00 s – 6.00 s | 100 MB |" in text
    assert "| ours | rows read | 5 |" in text
    assert text.endswith("- A note.\n")


def test_the_data_has_every_sample_and_every_target():
    (found,) = as_data(MACHINE, [MEASURE], RESULTS)["measures"]
    assert [step["wall_seconds"] for step in found["steps"]["ours"]] == [2, 6, 3]
    assert [target["is_met"] for target in found["targets"]] == [False, True]


def test_a_command_is_measured_and_what_it_said_is_kept():
    size = 300_000_000
    code = f"import os, time; held = bytearray({size}); print(os.environ['ASKED']); sum(range(10**6)); time.sleep(1)"
    found = execute(Command((sys.executable, "-c", code), {"ASKED": "yes"}))
    assert found.out == "yes\n"
    assert found.wall_seconds >= 1
    assert found.cpu_seconds >= found.user_seconds > 0
    assert found.peak_bytes > size


def test_children_that_a_command_does_not_wait_for_are_counted():
    size = 150_000_000
    work = "while time.process_time() < 0.7: pass"
    child = f"import time; held = bytearray({size})\n{work}\nprint('done', flush=True); time.sleep(2)"
    start = f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)"
    left = f"{start}; child.stdout.readline(); time.sleep(1); os._exit(0)"
    code = f"import os, subprocess, sys, time; {left}"
    found = execute(Command((sys.executable, "-c", code)))
    assert found.peak_bytes > size
    assert found.cpu_seconds > 0.5


def test_what_the_starting_process_holds_is_not_counted():
    held = bytearray(400_000_000)
    found = execute(Command((sys.executable, "-c", "import time; time.sleep(1)")))
    assert found.peak_bytes < len(held) / 4


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path):
    with pytest.raises(BenchmarkFailed, match="ended with 3: out of luck"):
        execute(Command((sys.executable, "-c", "import sys; print('out of luck', file=sys.stderr); sys.exit(3)")))
    assert not list(tmp_path.iterdir())


def test_trials_take_turns_each_in_a_folder_that_goes(tmp_path: Path):
    told: list[str] = []
    folders: list[Path] = []

    def steps(name: str):
        def of(folder: Path):
            assert list(folder.iterdir()) == []
            folders.append(folder)
            (folder / "left").touch()
            yield Step(name, (Command((sys.executable, "-c", "")),), lambda finished: {"commands": len(finished)})

        return of

    results = run_trials([Trial("a", steps("A"), 2), Trial("b", steps("B"), 1)], tmp_path, told.append)
    assert [line.split("] ")[1] for line in told if line.endswith("...")] == ["A ...", "B ...", "A ..."]
    assert results.range("A", "commands") == Range(1, 1, 1)
    assert len(set(folders)) == 3
    assert list(tmp_path.iterdir()) == []


def test_every_second_round_goes_backwards_and_repeat_overrides(tmp_path: Path):
    order: list[str] = []

    def trial(name: str) -> Trial:
        return Trial(name, lambda folder: iter(order.append(name) or ()), 1)

    run_trials([trial("a"), trial("b")], tmp_path, order.append, repeat=2)
    assert order == ["a", "b", "b", "a"]


def test_measures_are_chosen_by_name_with_the_trials_they_need():
    trials = tuple(Trial(name, lambda folder: iter(())) for name in ("both", "other"))
    benchmarks = Benchmarks(trials, (MEASURE,))
    assert benchmarks.chosen([]) == benchmarks.chosen(["speed"]) == (MEASURE,)
    assert [trial.name for trial in benchmarks.trials_of((MEASURE,))] == ["both"]
    with pytest.raises(UsageError, match=r"no measure 'sped'; did you mean speed\?"):
        benchmarks.chosen(["sped"])
