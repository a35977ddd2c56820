"""What is judged of a Spark session without one."""

from pathlib import Path

from tests.working import workspace

from taxiway.engines.spark_session import Losses, spark_config


def after(*seen: tuple[str, int | None]) -> int:
    """The losses after these executors, a letter for each, were seen with so many tasks done."""
    losses, lost = Losses(), 0
    for workers, done in seen:
        lost = losses.after(set(workers), done)
    return lost


def test_executors_that_come_are_no_losses_however_many():
    assert after(("", None), ("abcdefghijklmnopqrstuvwxyz", 0), ("abcdefghijklmnopqrstuvwxyz", 0)) == 0


def test_executors_that_end_one_after_the_other_add_up_while_no_task_is_done():
    assert after(("ab", 0), ("bc", 0), ("cd", 0), ("d", 0)) == 3


def test_a_task_done_and_a_time_without_a_job_forget_the_losses():
    assert after(("ab", 0), ("bc", 0), ("bc", 1)) == 0
    assert after(("ab", 7), ("", 7), ("", None)) == 0
    assert after(("ab", None), ("a", None), ("", None)) == 0
    assert after(("ab", None), ("", None), ("c", 0), ("d", 0)) == 1


def test_a_session_of_this_process_is_found_by_nobodys_name(tmp_path: Path) -> None:
    for master in ("", "local[3]"):
        assert spark_config(workspace(tmp_path, spark_master=master).settings)["spark.driver.host"] == "127.0.0.1"
    assert "spark.driver.host" not in spark_config(workspace(tmp_path, spark_master="spark://one:7077").settings)
