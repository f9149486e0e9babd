"""Categories and tags."""

from typing import Final

from tests.differential.scenario.material import MOVIE, NESTED, SHOW, UNKNOWN
from tests.differential.steps import Step, get, post


def _create(category: str, **more: str) -> Step:
    return post("torrents/createCategory", category=category, **more)


CATEGORIES: Final = (
    _create("films", savePath="{downloads}/films"),
    _create("films", savePath="{downloads}/films").called("the same category again"),
    _create("films", savePath="{downloads}/other").called("the same category, another path"),
    _create("plain"),
    _create(""),
    post("torrents/createCategory").called("createCategory without category"),
    _create("a//b"),
    _create("/a"),
    _create("a/"),
    _create("/"),
    _create("a\\b"),
    _create("a/b/c", savePath="sub"),
    _create('Серии & "x", #1?'),
    _create("TV"),
    _create("   "),
    _create("with download path", downloadPathEnabled="true", downloadPath="{downloads}/inc"),
    get("torrents/categories").called("categories of all kinds"),
    post("torrents/editCategory", category="films", savePath="{downloads}/films2"),
    post("torrents/editCategory", category="films", savePath="{downloads}/films2").called(
        "editCategory that changes nothing"
    ),
    post("torrents/editCategory", category="nothing", savePath="{downloads}/x"),
    post("torrents/editCategory", category="", savePath="{downloads}/x"),
    post("torrents/editCategory", category="films").called("editCategory without savePath"),
    post("torrents/editCategory", category="films", savePath=""),
    get("torrents/categories").called("categories after edits"),
    post("torrents/setCategory", hashes=f"{SHOW.infohash}|{MOVIE.infohash}", category="plain"),
    get("torrents/info", category="plain"),
    post("torrents/setCategory", hashes=MOVIE.infohash, category=""),
    get("torrents/info", hashes=MOVIE.infohash).called("a torrent without its category"),
    post("torrents/setCategory", hashes=MOVIE.infohash, category="nothing"),
    post("torrents/setCategory", hashes=UNKNOWN, category="nothing"),
    post("torrents/setCategory", hashes=UNKNOWN, category="plain"),
    post("torrents/setCategory", hashes=MOVIE.infohash, category="a//b"),
    post("torrents/setCategory", hashes=MOVIE.infohash).called("setCategory without category"),
    post("torrents/setCategory", category="plain").called("setCategory without hashes"),
    post("torrents/removeCategories", categories="plain\n   \nnothing"),
    get("torrents/info", hashes=SHOW.infohash).called("a torrent whose category was removed"),
    post("torrents/removeCategories", categories="nothing"),
    post("torrents/removeCategories").called("removeCategories without categories"),
    get("torrents/categories").called("categories after removals"),
)

TAGS: Final = (
    post("torrents/createTags", tags="x, y ,,x,Übung"),
    post("torrents/createTags", tags=""),
    post("torrents/createTags").called("createTags without tags"),
    get("torrents/tags").called("tags that were created"),
    post("torrents/addTags", hashes=f"{SHOW.infohash}|{UNKNOWN}", tags="x, fresh "),
    post("torrents/addTags", hashes=UNKNOWN, tags="ghost"),
    post("torrents/addTags", hashes=SHOW.infohash).called("addTags without tags"),
    post("torrents/addTags", tags="x").called("addTags without hashes"),
    post("torrents/addTags", hashes=NESTED.infohash, tags=""),
    get("torrents/info", hashes=SHOW.infohash).called("a torrent with more tags"),
    get("torrents/tags").called("tags after addTags"),
    post("torrents/removeTags", hashes=SHOW.infohash, tags="x,nothing"),
    get("torrents/info", hashes=SHOW.infohash).called("a torrent with fewer tags"),
    post("torrents/removeTags", tags="x").called("removeTags without hashes"),
    post("torrents/removeTags", hashes=SHOW.infohash, tags="").called("removeTags of no tags"),
    get("torrents/info", hashes=SHOW.infohash).called("a torrent without tags"),
    post("torrents/addTags", hashes="all", tags="everyone"),
    get("torrents/info", tag="everyone"),
    post("torrents/removeTags", hashes="all").called("removeTags of all tags"),
    get("torrents/info", tag="").called("torrents that lost their tags"),
    post("torrents/deleteTags", tags="x,y,nothing"),
    post("torrents/deleteTags").called("deleteTags without tags"),
    get("torrents/tags").called("tags at the end"),
)

LABELS: Final = (*CATEGORIES, *TAGS)
