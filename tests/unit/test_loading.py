"""While a project loads nothing is collected; afterwards garbage is collected as ever."""

import gc
import subprocess
import sys
from contextlib import suppress

import pytest

from taxiway.loading import loading


@pytest.mark.parametrize("enabled", [True, False])
def test_collection_is_off_for_the_block_only(monkeypatch: pytest.MonkeyPatch, enabled: bool) -> None:
    monkeypatch.setattr(gc, "freeze", lambda: None)
    (gc.enable if enabled else gc.disable)()
    try:
        with suppress(ZeroDivisionError), loading():
            assert not gc.isenabled()
            raise ZeroDivisionError
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_what_was_loaded_first_is_not_searched_again_and_what_comes_later_is() -> None:
    code = (
        "import gc, weakref\n"
        "from taxiway.loading import loading\n"
        "class Thing: pass\n"
        "with loading(): kept = [Thing() for _ in range(1000)]\n"
        "frozen = gc.get_freeze_count()\n"
        "with loading(): more = [Thing() for _ in range(1000)]\n"
        "later = Thing(); later.itself = later; gone = weakref.ref(later); del later; gc.collect()\n"
        "print(frozen >= 1000, gc.get_freeze_count() <= frozen, gone())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["True", "True", "None"]
