"""torrents/add in all its ways, on an empty server."""

from typing import Final

from tests.differential.scenario.material import (
    BARE,
    FOLDED,
    HYBRID,
    MAGNET,
    MOVIE,
    NESTED,
    PRIVATE,
    SHOW,
    UMLAUT,
    UNLUCKY,
    V2,
    file,
    magnet,
    topic,
)
from tests.differential.steps import File, Step, get, post

EMPTY: Final = (
    get("torrents/info"),
    get("torrents/info", sort="nothing"),
    get("torrents/categories"),
    get("torrents/tags"),
    get("torrents/count"),
    get("sync/maindata"),
    post("torrents/pause", hashes="all"),
)


def _stopped(**more: str) -> Step:
    return post("torrents/add", paused="true", **more)


FILES: Final = (
    _stopped(category="tv", tags="alpha,beta").carrying(file(SHOW)).called("add a show"),
    _stopped().carrying(file(SHOW)).called("add the show again"),
    _stopped(savepath="{downloads}/films", rename="A Film").carrying(file(MOVIE)),
    _stopped(sequentialDownload="true", firstLastPiecePrio="true").carrying(file(NESTED)),
    _stopped().carrying(file(PRIVATE)).called("add a private one"),
    _stopped(ratioLimit="1.5", seedingTimeLimit="60", dlLimit="4096", upLimit="2048")
    .carrying(file(V2))
    .called("add v2 with limits"),
    _stopped(contentLayout="Subfolder").carrying(file(BARE)).called("add with a subfolder"),
    _stopped(contentLayout="NoSubfolder").carrying(file(FOLDED)).called("add without a subfolder"),
    _stopped(ratioLimit="x", contentLayout="Bogus", upLimit="abc")
    .carrying(File("n.torrent", UMLAUT.data, part="fileselect[]"))
    .called("add with nonsense, under another part's name"),
    _stopped().carrying(File("bad.torrent", b"this is not a torrent")).called("add what is none"),
    _stopped().carrying(File("empty.torrent", b"")).called("add an empty file"),
    _stopped().carrying(File("half.torrent", UNLUCKY.data[:60])).called("add half a file"),
)

LINKS: Final = (
    _stopped(urls=MAGNET, category="magnets"),
    _stopped(urls=MAGNET).called("add the magnet again"),
    _stopped(
        urls=f"{magnet('a', 'Two')}\r\n\n  {magnet('b').upper().replace('MAGNET:?XT=URN:BTIH', 'magnet:?xt=urn:btih')}  "
    ),
    _stopped(urls="magnet:?xt=urn:btih:MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U&dn=Base32"),
    _stopped(urls=topic("d")),
    _stopped(urls=topic("E")),
    _stopped(urls=f"magnet:?xt=urn:btmh:1220{'ab' * 32}&dn=SecondMagnet"),
    _stopped(urls="magnet:?xt=urn:btih:1234"),
    _stopped(urls="magnet:?dn=nothing"),
    _stopped(urls=magnet("8").replace("magnet", "MAGNET")),
    _stopped(urls=f"{magnet('f', 'Mixed')}\nmagnet:?xt=urn:btih:zz"),
    _stopped(urls=""),
    _stopped().called("add nothing"),
    _stopped(urls="nonsense"),
    _stopped(urls=magnet("1"), category="bad//name"),
    _stopped(urls=magnet("2"), category="parent/child", tags="x"),
    _stopped(urls=magnet("3"), autoTMM="true", savepath="{downloads}/ignored", category="managed"),
    _stopped(urls=magnet("6"), savepath="relative"),
    _stopped(urls=magnet("7"), skip_checking="true", root_folder="false"),
)

PASSING: Final = (
    post("torrents/add", urls=magnet("4"), stopped="true"),
    get("torrents/info", hashes=topic("4")).called("added with the word of 5.x"),
    post("torrents/add", urls=magnet("5"), paused="maybe").until("metaDL"),
    get("torrents/info", hashes=topic("5")).called("added with half a word"),
    post("torrents/delete", hashes="all", deleteFiles="true"),
    _stopped().carrying(file(NESTED), file(PRIVATE)).called("add two files at once"),
    get("torrents/info").called("two files at once"),
    _stopped().carrying(file(HYBRID)).called("add a hybrid"),
    get("torrents/info", hashes=HYBRID.infohash_v1).called("a hybrid by its v1 hash"),
    get("torrents/info", hashes=HYBRID.infohash_v2[:40]).called("a hybrid by its v2 hash"),
    get("torrents/properties", hash=HYBRID.infohash_v1).called("a hybrid's properties by v1"),
    get("torrents/properties", hash=HYBRID.infohash_v2[:40]).called("a hybrid's properties by v2"),
    post("torrents/delete", hashes="all", deleteFiles="true").called("delete the hybrid"),
)

ADDING: Final = (
    *EMPTY,
    *PASSING,
    *FILES,
    *LINKS,
    get("torrents/categories").called("categories that came with torrents"),
    get("torrents/tags").called("tags that came with torrents"),
)
