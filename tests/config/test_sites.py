"""Facts about the operator and the sites, and how a mistake in kiosk.toml is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kiosk.config.settings import SettingsError
from kiosk.config.sites import SiteBook, TabletFacts, load_site
from kiosk.sandbox.chargepilot.gateway import SITE_ID
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.world import scene

EXAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.example.toml"
TWO = """
[[sites]]
id = "north"
name = "North"
timezone = "Europe/Amsterdam"
[[sites.chargers]]
code = "aaaa2"
label = "A"
bays = { 1 = { label = "11" }, 2 = { label = "12" } }
[[sites.chargers]]
code = "BBBB2"
[[sites]]
id = "south"
name = "South"
timezone = "America/New_York"
[[sites.chargers]]
code = "CCCC2"
"""


def book(folder: Path, text: str) -> SiteBook:
    file = folder / "kiosk.toml"
    file.write_text(text, encoding="utf-8")
    return load_site(file)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        book(folder, text)
    sentence = str(caught.value)
    assert str(folder / "kiosk.toml") in sentence
    assert sentence.endswith(".")
    return sentence.removeprefix(f"{folder / 'kiosk.toml'}")


def test_without_a_file_everything_has_a_neutral_answer() -> None:
    neutral = load_site(None)
    assert neutral.bay_label("7MK4T", 2) == "2"
    assert neutral.charger("7MK4T") is None
    assert neutral.site_of("7MK4T") is None
    assert neutral.neighbours("7MK4T") == ()
    assert neutral.single_site is None
    assert neutral.zone("7MK4T").key == "UTC"
    assert neutral.codes == ()
    assert neutral.operator.helpline is None
    assert neutral.operator.languages == ("en", "nl", "de", "fr")


def test_a_bay_is_called_as_it_is_painted(tmp_path: Path) -> None:
    two = book(tmp_path, TWO)
    assert two.bay_label("AAAA2", 2) == "12"
    assert two.bay_label("aaaa2", 1) == "11"


def test_a_bay_that_is_not_listed_is_called_by_its_number(tmp_path: Path) -> None:
    assert book(tmp_path, TWO).bay_label("BBBB2", 3) == "3"


def test_neighbours_are_the_other_chargers_of_the_same_site(tmp_path: Path) -> None:
    two = book(tmp_path, TWO)
    assert two.neighbours("AAAA2") == ("BBBB2",)
    assert two.neighbours("CCCC2") == ()


def test_a_charger_lives_in_the_time_of_its_site(tmp_path: Path) -> None:
    two = book(tmp_path, TWO)
    assert two.zone("AAAA2").key == "Europe/Amsterdam"
    assert two.zone("CCCC2").key == "America/New_York"
    assert two.zone("ZZZZ2").key == "UTC"


def test_a_stranger_lives_in_the_time_of_the_only_site(tmp_path: Path) -> None:
    one = book(tmp_path, TWO.split('[[sites]]\nid = "south"')[0])
    assert one.single_site is not None
    assert one.zone("ZZZZ2").key == "Europe/Amsterdam"


def test_two_sites_are_not_a_single_one(tmp_path: Path) -> None:
    assert book(tmp_path, TWO).single_site is None


def test_figures_of_the_file_are_exact(tmp_path: Path) -> None:
    assert book(tmp_path, "[operator]\nvat_percent = 8.1\n").operator.vat_percent == Decimal("8.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[operator]\ncolour = 1\n", ": operator.colour is not a key of this file"),
        ("[desk]\n", ": desk is not a key of this file"),
        (TWO + "price = 1\n", ": sites.1.chargers.0.price is not a key of this file"),
        ("[operator]\nhue = 360\n", ": operator.hue: "),
        ("[operator]\nvat_percent = -1\n", ": operator.vat_percent: "),
        ('[operator]\nlanguages = ["en", "xx"]\n', ": operator.languages.1: "),
        ("[operator]\nlanguages = []\n", ": operator.languages: "),
        ('[operator]\nlanguages = ["de"]\n', ": operator: default_language 'en' is not among the languages"),
        ('[operator]\nhelpline = { text = "0800" }\n', ": operator.helpline.tel is missing"),
        ('[operator]\nhelpline = { text = "0800", tel = "0800 1" }\n', ": operator.helpline.tel: "),
        ('[operator]\nprivacy_url = "javascript:alert(1)"\n', ": operator.privacy_url: "),
        ('[[sites]]\nid = "a"\nname = "A"\n', ": sites.0.timezone is missing"),
        (
            '[[sites]]\nid = "a"\nname = "A"\ntimezone = "Mars/Base"\n',
            ": sites.0.timezone: there is no time zone 'Mars/Base'",
        ),
        (
            '[[sites]]\nid = "a"\nname = "A"\ntimezone = "../../etc/passwd"\n',
            ": sites.0.timezone: there is no time zone",
        ),
        (TWO.replace('"CCCC2"', '"BBBB2"'), ": charger BBBB2 stands twice"),
        (TWO.replace('"south"', '"north"'), ": site 'north' stands twice"),
        (TWO.replace('label = "12"', 'label = "11"'), ": sites.0: bay '11' stands twice in site 'north'"),
        (TWO.replace('"aaaa2"', '"aa aa"'), ": sites.0.chargers.0.code: a charger code has letters and digits only"),
        (
            TWO.replace('{ label = "12" }', '{ label = "12", connector = "usb" }'),
            ": sites.0.chargers.0.bays.2.connector: ",
        ),
        (TWO.replace("2 = {", "0 = {"), ": sites.0.chargers.0.bays.0"),
        (
            TWO.replace('id = "north"', 'id = "north"\nplugchoice_site = "7"'),
            ": sites.0.plugchoice_site: use the location's",
        ),
        (TWO.replace('id = "north"', 'id = "north"\nchargepilot_site = ""'), ": sites.0.chargepilot_site: "),
        (TWO + 'station_ids = [""]\n', ": sites.1.chargers.0.station_ids.0: "),
        (TWO + 'lab_id = ""\n', ": sites.1.chargers.0.lab_id: "),
        (
            TWO.replace('code = "BBBB2"', 'code = "BBBB2"\nstation_ids = ["S", "AAAA2"]'),
            ": sites.0: station 'AAAA2' stands twice in site 'north'",
        ),
        (
            TWO.replace('code = "BBBB2"', 'code = "BBBB2"\nlab_id = "d"').replace('label = "A"', 'lab_id = "d"'),
            ": sites.0: lab_id 'd' stands twice in site 'north'",
        ),
        (TWO + "[sites.tablet]\nidle_seconds = 5\n", ": sites.1.tablet.idle_seconds: "),
        (TWO + "[sites.tablet]\nwarning_seconds = 19\n", ": sites.1.tablet.warning_seconds: "),
        (
            TWO + "[sites.tablet]\nidle_seconds = 200\n",
            ": sites.1.tablet: reading_seconds must not be less than idle_seconds",
        ),
        (TWO + "[sites.tablet]\nvolume = 1\n", ": sites.1.tablet.volume is not a key of this file"),
        ("[operator\n", " is not valid TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_key_and_the_file(tmp_path: Path, text: str, expected: str) -> None:
    assert complaint(tmp_path, text).startswith(expected)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_site(tmp_path)


def test_the_seller_on_a_receipt_is_complete() -> None:
    seller = load_site(EXAMPLE).seller("7MK4T", 2)
    assert seller == {
        "name": "Lindenau Energie",
        "legal_name": "Stadtwerke Lindenau GmbH",
        "address": "Uferstraße 4, 04229 Lindenau",
        "vat_number": "DE 123 456 789",
        "vat_percent": "19",
        "helpline": "0800 555 0142",
        "helpline_tel": "+498005550142",
        "site": "Marktplatz garage",
        "site_address": "Am Marktplatz 1, 04229 Lindenau",
        "timezone": "Europe/Berlin",
        "charger": "Charger 2",
        "place": "level\u00a0\u22121, by the lift",
        "bay": "4",
        "point_id": "DE*LDN*E00102*2",
    }
    assert SiteBook().seller("7MK4T", 2)["bay"] == "2"


def test_a_site_may_have_its_own_rate_and_vat_number(tmp_path: Path) -> None:
    there = book(
        tmp_path,
        """
        [operator]
        vat_number = "DE 123 456 789"
        vat_percent = 19
        [[sites]]
        id = "home"
        name = "Home"
        timezone = "Europe/Berlin"
        chargers = [{ code = "AAAAA" }]
        [[sites]]
        id = "away"
        name = "Away"
        timezone = "Europe/Vienna"
        vat_number = "ATU12345678"
        vat_percent = 0
        chargers = [{ code = "BBBBB" }]
        """,
    )
    assert [there.vat_percent(code) for code in ("AAAAA", "BBBBB", "CCCCC")] == [19, 0, 19]
    assert there.seller("BBBBB", 1)["vat_percent"] == "0"
    assert there.seller("BBBBB", 1)["vat_number"] == "ATU12345678"
    assert there.seller("AAAAA", 1)["vat_number"] == "DE 123 456 789"


def test_the_example_describes_the_sandboxs_scene() -> None:
    site = load_site(EXAMPLE).single_site
    assert site is not None
    assert site.name == scene.SITE_NAME
    described = {c.code: (c.label, {n: b.max_kw for n, b in c.bays.items()}) for c in site.chargers}
    built = {
        spec.code: (spec.name, {c.connector_id: Decimal(c.max_power_w) / 1000 for c in spec.connectors})
        for spec in scene.CHARGERS
    }
    assert described == built


def test_a_site_is_found_by_its_id(tmp_path: Path) -> None:
    two = book(tmp_path, TWO)
    south = two.site("south")
    assert south is not None
    assert south.name == "South"
    assert two.site("east") is None


def test_the_names_in_other_systems_are_optional(tmp_path: Path) -> None:
    site = book(tmp_path, TWO).sites[0]
    assert (site.plugchoice_site, site.chargepilot_site) == (None, None)
    assert (site.chargers[0].station_ids, site.chargers[0].lab_id) == ((), None)


def test_a_uuid_is_taken_however_it_is_written(tmp_path: Path) -> None:
    text = TWO.replace('id = "north"', 'id = "north"\nplugchoice_site = "0D9C1F526F0E4C559A3F2B7D8E6A4C11"')
    assert book(tmp_path, text).sites[0].plugchoice_site == "0d9c1f52-6f0e-4c55-9a3f-2b7d8e6a4c11"


def test_a_tablet_waits_as_the_file_says(tmp_path: Path) -> None:
    told = TWO + "[sites.tablet]\nidle_seconds = 45\nsound = false\n"
    quick, other = book(tmp_path, told).sites[1].tablet, book(tmp_path, told).sites[0].tablet
    assert quick == TabletFacts(idle_seconds=45, reading_seconds=120, warning_seconds=30, sound=False)
    assert other == TabletFacts(idle_seconds=60, reading_seconds=120, warning_seconds=30, sound=True)


def test_the_example_names_the_sandboxs_site_in_every_system() -> None:
    site = load_site(EXAMPLE).single_site
    assert site is not None
    assert (site.plugchoice_site, site.chargepilot_site) == (SITE_UUID, SITE_ID)
    assert site.tablet == TabletFacts()


def test_the_examples_bays_are_numbered_without_a_gap() -> None:
    site = load_site(EXAMPLE).single_site
    assert site is not None
    labels = [int(bay.label) for charger in site.chargers for bay in charger.bays.values()]
    assert labels == list(range(1, len(labels) + 1))


def _book(*ids: str) -> SiteBook:
    return SiteBook.model_validate({"sites": [{"id": one, "name": one, "timezone": "UTC"} for one in ids]})


def test_a_site_is_chosen_by_its_id_or_because_it_is_the_only_one() -> None:
    assert _book("harbour", "airport").chosen_site("airport").id == "airport"
    assert _book("harbour").chosen_site(None).id == "harbour"


@pytest.mark.parametrize(
    ("ids", "wanted", "sentence"),
    [
        ((), None, "kiosk.toml lists no site: set KIOSK_CONFIG and write the chargers into that file."),
        (("harbour", "airport"), None, "There are several sites: choose one with --site (harbour, airport)."),
        (("harbour",), "cellar", "No site has the id 'cellar': there are harbour."),
    ],
)
def test_a_site_that_cannot_be_chosen_is_said_in_one_sentence(
    ids: tuple[str, ...], wanted: str | None, sentence: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        _book(*ids).chosen_site(wanted)
    assert str(refused.value) == sentence
