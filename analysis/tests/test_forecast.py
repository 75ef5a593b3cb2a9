# SPDX-License-Identifier: Apache-2.0
"""What a campaign could find, by one that was made before."""

import re

import numpy as np
import pytest

from analysis.compare.forecast import Asked, forecast
from analysis.stats import power
from analysis.stats.verdict import ALPHA
from analysis.tests.conftest import HEADER, by_coin, record
from analysis.tests.support.comparisons import boots, in_turn, timed

CASES = [f"kernel/case{number}" for number in range(4)]


def asked(pairs: int = 10, variants: str = "off,on", cases: str = "*", alpha: float = ALPHA):
    return Asked(pairs, alpha, variants.split(","), cases)


@pytest.fixture
def made(campaign):
    """A campaign of two variants whose boots spread so much, on a day."""

    def write(name, spread, day="2026-01-01", number=30, cases=CASES, more=()):
        records = [
            one
            for case in cases
            for one in in_turn(
                *(
                    boots(variant, 300, number, case=case, spread=spread)
                    for variant in ("off", "on")
                )
            )
        ]
        return campaign(name, [*records, *more], header=by_coin(records) | {"started": day})

    return write


def spread_of(sentence: str) -> float:
    return float(re.search(r"pairs of boots that spread by ([\d.]+)%", sentence)[1]) / 100


def found(sentence: str) -> tuple[int, int]:
    numbers = re.search(r"in (\d+) of 100 campaigns if nothing disturbs, in (\d+) with", sentence)
    return int(numbers[1]), int(numbers[2])


def test_a_campaign_of_fio_tells_nothing_of_a_module(made, tmp_path):
    made("fio", 0.05, cases=["dax/ext4/psync/randread/4k"])
    assert forecast(tmp_path, asked()) == ""
    assert forecast(tmp_path, asked(cases="dax/*")) != ""


def test_kernels_of_another_linux_tell_nothing(campaign, tmp_path):
    records = in_turn(*(boots(name, 300, 30, spread=0.01) for name in ("off", "on")))
    built = HEADER["variants"]["stock"] | {"packages": {"linux-source-6.12": "6.12.1-1"}}
    variants = {name: built for name in ("off", "on")}
    campaign("old", records, header=by_coin(records) | {"variants": variants})
    assert forecast(tmp_path, Asked(10, ALPHA, ["off", "on"], "*", "7.3")) == ""
    assert forecast(tmp_path, Asked(10, ALPHA, ["off", "on"], "*", "6.12")) != ""


def test_it_is_said_by_the_spread_of_the_last_campaign(made, tmp_path):
    made("old", 0.05)
    made("new", 0.005, day="2026-01-02")
    sentence = forecast(tmp_path, asked())
    assert sentence.startswith(f"as boots spread in {tmp_path / 'new'}: 10 pairs of boots")
    assert "a change of 3% in one of 4 cases" in sentence
    assert spread_of(sentence) == pytest.approx(0.005, rel=0.25)


@pytest.mark.parametrize(
    ("pairs", "quiet", "disturbed"), [(10, (98, 100), (60, 85)), (8, (90, 100), (30, 56))]
)
def test_power_is_that_of_the_method(pairs, quiet, disturbed):
    """By its study: 12 cases, a spread of 0.5 %: 10 pairs 100 and 74, 8 pairs 98 and 43."""
    sentence = power.describe(pairs, 12, 0.005, float(np.log1p(0.01)))
    shares = found(sentence)
    assert quiet[0] <= shares[0] <= quiet[1] and disturbed[0] <= shares[1] <= disturbed[1]


def test_power_depends_on_cases_pairs_and_what_may_be_spent():
    margin = float(np.log1p(0.01))
    one, many = (power.power(8, cases, 0.008, margin) for cases in (1, 60))
    assert one > many + 0.1
    few, more = (power.power(pairs, 12, 0.012, margin) for pairs in (8, 20))
    assert more > few + 0.3
    assert (
        power.power(10, 12, 0.008, margin, alpha=0.01) < power.power(10, 12, 0.008, margin) - 0.05
    )


def test_three_kernels_share_what_may_be_spent(made, tmp_path):
    records = [timed("third", boot, 300.0 + boot % 3, CASES[0]) for boot in range(1, 9)]
    made("c", 0.008, more=records)
    two, three = (forecast(tmp_path, asked(8, variants)) for variants in ("off,on", "off,on,third"))
    margin = float(np.log1p(0.01))
    wanted = power.power(8, 4, spread_of(three), margin, alpha=ALPHA / 2) * 100
    assert abs(found(three)[0] - wanted) <= 8 and found(three)[0] < found(two)[0]


def test_few_pairs_have_no_verdict_and_it_is_said_what_the_fewest_find(made, tmp_path):
    made("c", 0.002)
    assert "2 pairs are too few for a verdict; 6 pairs of boots" in forecast(tmp_path, asked(2))


def test_only_cases_that_are_measured_count(made, tmp_path):
    made("c", 0.002)
    assert "in a case in" in forecast(tmp_path, asked(cases="*case1"))
    assert forecast(tmp_path, asked(cases="user/*")) == ""


def test_the_spread_of_samples_is_said_beside_that_of_boots(made, tmp_path, campaign):
    chooser = np.random.default_rng(1)
    records = []
    for variant in ("off", "on"):
        for boot in range(1, 11):
            slopes = 3000 * chooser.normal(1, 0.02, 200)
            times = [one for slope in slopes for one in (int(slope), int(slope) * 2)]
            cost = 300 * chooser.normal(1, 0.004)
            records.append(timed(variant, boot, cost, CASES[0], samples=times, empty=0))
    campaign("c", records, header=by_coin(records))
    said = re.search(r"\(samples of a boot spread by ([\d.]+)%\)", forecast(tmp_path, asked()))
    assert float(said[1]) == pytest.approx(2.0, rel=0.15)


def test_nothing_is_said_where_nothing_is_known(made, tmp_path, campaign):
    assert forecast(tmp_path, asked()) == ""
    assert forecast(tmp_path / "nowhere", asked()) == ""
    exact = [record(CASES[0], boot, variant=name) for name in ("off", "on") for boot in range(1, 9)]
    campaign("exact", exact)
    made("few", 0.002, number=3)
    made("others", 0.002, cases=["elsewhere/fork_exit"])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "campaign.json").write_text("{")
    assert forecast(tmp_path, asked()) == ""
    assert forecast(tmp_path, asked(variants="plain,idle")) == ""
