"""What TorBox can find."""

from bridge.simulator import Content, ContentFile, make_torrent
from bridge.simulator.releases import Catalogue, Source
from tests.simulator.support import A, B, film

TORRENT = make_torrent("Real", (ContentFile("real.mkv", 5),))


def test_registered_contents_win() -> None:
    """Whatever a magnet or file says, a registered content is what TorBox has."""
    catalogue = Catalogue([film()])
    other = Content(A, "Other", (ContentFile("x", 1),))
    assert catalogue.resolve(Source(A, "Other", other)) == film()


def test_unknown_magnets_are_made_up_the_same_each_time() -> None:
    """A film with an .nfo, or the episodes of a season."""
    film_ = Source(A, "Film.2024.1080p-GRP.mkv")
    season = Source(B, "Show.S02.1080p-GRP")
    assert Catalogue().resolve(film_) == Catalogue().resolve(film_)
    assert [file.path for file in Catalogue().resolve(film_).files] == [
        "Film.2024.1080p-GRP.mkv",
        "Film.2024.1080p-GRP.nfo",
    ]
    names = [file.path for file in Catalogue().resolve(season).files]
    assert names[0] == "Show.S02E01.1080p-GRP.mkv"
    assert len(names) == 6


def test_what_was_made_up_gives_way_to_what_is_known() -> None:
    """A name betters a bare hash; a .torrent betters a guess and stays."""
    catalogue = Catalogue()
    bare, named = Source(TORRENT.hash, TORRENT.hash), Source(TORRENT.hash, "Guess")
    assert catalogue.resolve(bare).name == TORRENT.hash
    assert catalogue.resolve(named).name == "Guess"
    assert catalogue.resolve(bare).name == "Guess"
    real = Source(TORRENT.hash, "Real", TORRENT)
    assert catalogue.resolve(real) == TORRENT
    assert catalogue.resolve(named) == TORRENT


def test_registering_says_what_is_cached() -> None:
    """A content registered again as uncached leaves the cache."""
    catalogue = Catalogue([film()])
    assert catalogue.is_cached(A)
    catalogue.add(film(cached=False))
    assert not catalogue.is_cached(A)
