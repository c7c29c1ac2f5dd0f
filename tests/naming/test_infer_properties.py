"""What holds of learned patterns, whatever the names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ckptsel.naming.infer import learn
from ckptsel.naming.parse import read_names
from ckptsel.naming.pattern import Pattern
from tests.naming.test_infer import values

if TYPE_CHECKING:
    import random

LABELS = ("val_loss", "acc", "epoch", "f1", "val-wer", "D_loss", "lr", "foo", "step", "mAP@0.5")
SPECS = ("d", "02d", "04d", ".1f", ".2f", ".4f", ".2e", ".1%", "+.3f")
ANY_SPECS = (*SPECS, "")


@st.composite
def folders(draw: st.DrawFn, specs: tuple[str, ...] = SPECS) -> list[str]:
    """Names made from one or two random patterns."""
    names: list[str] = []
    for _ in range(draw(st.integers(1, 2))):
        template = draw(st.sampled_from(["", "weights.", "resnet50-", "my_model_", "{{x}} "]))
        count = draw(st.integers(1, 3))
        for index in range(count):
            unused = [label for label in LABELS if label not in template]
            label = draw(st.sampled_from(unused)) if draw(st.booleans()) else ""
            glue = draw(st.sampled_from("=_-")) if label else ""
            template += f"{label}{glue}{{{index}:{draw(st.sampled_from(specs))}}}"
            template += draw(st.sampled_from("-_.")) if index + 1 < count else ""
        template += draw(st.sampled_from([".h5", ".ckpt", ".weights.h5", "-v1.ckpt", ""]))
        # No accuracy is negative.
        lowest = 0 if any(word in template for word in ("acc", "f1", "wer", "mAP")) else -3
        for _ in range(draw(st.integers(1, 5))):
            numbers = [
                draw(st.integers(0, 200)) if "d}" in piece else draw(st.floats(lowest, 150))
                for piece in template.replace("{{", "").split("{")[1:]
            ]
            names.append(template.format(*numbers))
    return [*dict.fromkeys(names)]


@given(folders(), st.randoms(use_true_random=False))
def test_order_does_not_matter(names: list[str], rng: random.Random) -> None:
    """Names in any order teach the same patterns, and refuse the same names."""
    shuffled = [*names]
    rng.shuffle(shuffled)
    found, refused = learn(names)
    again, refused_again = learn(shuffled)
    assert [p.text for p in found] == [p.text for p in again]
    assert refused == refused_again


@given(folders())
def test_learned_patterns_can_be_pasted(names: list[str]) -> None:
    """What a learned pattern reads, its text reads the same when it is given."""
    found, _ = learn(names)
    for pattern in found:
        given_again = Pattern(pattern.text)
        for name in names:
            reading = pattern.parse(name)
            if reading.status == "ok":
                pasted = given_again.parse(name)
                assert (pasted.status, pasted.values) == ("ok", reading.values)


@given(folders(ANY_SPECS))
def test_pasted_patterns_are_never_wrong(names: list[str]) -> None:
    """Untyped fields may be text once they are pasted: then a name may become ambiguous."""
    for pattern in learn(names)[0]:
        for name in names:
            reading = pattern.parse(name)
            if reading.status == "ok":
                pasted = Pattern(pattern.text).parse(name)
                assert pasted.status in ("ok", "ambiguous")
                assert pasted.status == "ambiguous" or pasted.values == reading.values


@given(folders(ANY_SPECS))
def test_values_print_as_they_stand(names: list[str]) -> None:
    """A reading prints as its name; and its texts stand in it."""
    for pattern in learn(names)[0]:
        for name in names:
            reading = pattern.parse(name)
            if reading.status == "ok":
                assert pattern.format(reading.values) == name
                assert all(text in name for text in reading.texts.values())


@given(folders(), st.sampled_from(["net", "net_", "resnet50-", "a/"]))
def test_prefix_does_not_matter(names: list[str], prefix: str) -> None:
    """With another word before all names, a label's values stay the same or are not read."""
    plain = read_names(names)
    renamed = read_names([prefix + "_" + name for name in names])
    for one, other in zip(plain, renamed, strict=True):
        known, found = values(one), values(other)
        for label in known.keys() & found.keys():
            if not label.isdigit():
                assert known[label] == found[label]
