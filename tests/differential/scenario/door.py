"""Coming in, and the rules that hold for every request."""

from typing import Final

from tests.differential.steps import get, other, post, raw

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"

STRANGERS: Final = (
    get("app/version").stranger(),
    get("app/webapiVersion").stranger(),
    get("app/nothing").stranger(),
    get("nothing/nothing").stranger(),
    get("torrents/info/").stranger().called("a stranger's slash at the end"),
    post("torrents/pause", hashes="all").stranger(),
    get("torrents/pause", hashes="all").stranger(),
    post("torrents/add").stranger(),
    post("auth/logout").stranger(),
    get("sync/maindata").stranger(),
    get("app/version").stranger().sending({"Cookie": "SID=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
    get("app/version").stranger().sending({"Cookie": "SID="}),
    get("app/version").stranger().sending({"Authorization": "Bearer qbt_nothing"}),
    get("app/version").stranger().sending({"Authorization": "Basic YWRtaW46bm90aGluZw=="}),
)

LOGIN: Final = (
    get("auth/login", username="admin", password="{password}").stranger(),
    other("HEAD", "auth/login").stranger(),
    post("auth/login", username="admin", password="nothing").stranger(),
    post("auth/login", password="{password}").stranger(),
    post("auth/login", username="admin", password="{password}").by("third"),  # forgives failures
    post("auth/login", username="admin").stranger(),
    post("auth/login").stranger().called("log in without anything"),
    raw("auth/login", b'{"username":"admin","password":"nothing"}', JSON).stranger(),
    raw("auth/login", b"username=admin&password=nothing", "text/plain").stranger(),
    post("auth/login", username="Admin", password="{password}").stranger(),
    post("auth/login", username="admin", password="{password}"),
    post("auth/login", username="admin", password="nothing").called("log in again, wrongly"),
    post("auth/login", username="admin", password="{password}").by("second"),
    get("app/version"),
    get("app/version").by("second"),
    get("auth/logout"),
    post("auth/logout").by("second"),
    get("app/version").by("second").called("ask after the logout"),
    post("auth/login", username="admin", password="{password}").by("second"),
)

FORGERY: Final = (
    get("app/version").sending({"Origin": "http://evil.example"}),
    get("app/version").sending({"Referer": "http://evil.example/page"}),
    get("app/version").sending({"Origin": "null"}),
    get("app/version")
    .sending({"Origin": "http://127.0.0.1:1"})
    .called("the origin's port is wrong"),
    post("torrents/pause", hashes="").sending({"Origin": "http://evil.example"}),
    post("auth/login", username="admin", password="{password}")
    .stranger()
    .sending({"Origin": "http://evil.example"})
    .called("log in from another site"),
    get("app/version").sending({"Origin": "http://{server}"}),
    get("app/version").sending({"Referer": "http://{server}/index.html"}),
)

PATHS: Final = (
    get("torrents/nothing"),
    get("nothing/info"),
    get("torrents/info/"),
    get("torrents"),
    get("torrents/"),
    get("torrents/INFO"),
    get("Torrents/info"),
    get("torrents/info/more"),
    get("torrents/in-fo"),
    get("/api/v2"),
    get("/api/v2/"),
    get("/api/v1/torrents"),
    get("/query/torrents"),
    get("/nothing.html"),
    post("torrents/nothing", hashes="all"),
    get("app/cookies"),
    get("app/processInfo"),
    get("app/getDirectoryContent", dirPath="/"),
    get("torrents/SSLParameters", hash="x"),
    get("torrentcreator/status"),
    post("torrentcreator/addTask", sourcePath="/"),
    get("clientdata/load"),
    get("search/categories"),
)

METHODS: Final = (
    other("HEAD", "app/version"),
    other("HEAD", "torrents/info"),
    other("HEAD", "torrents/nothing"),
    other("PUT", "app/version"),
    other("DELETE", "torrents/info"),
    other("OPTIONS", "torrents/info"),
    other("PATCH", "torrents/info"),
    get("torrents/pause", hashes="all"),
    get("torrents/add"),
    get("torrents/delete", hashes="all", deleteFiles="false"),
    get("torrents/createCategory", category="x"),
    get("torrents/setShareLimits"),
    get("torrents/rename"),
    get("torrents/addTags"),
    get("torrents/filePrio"),
    get("app/setPreferences", json="{}"),
    get("app/shutdown"),
    get("transfer/setDownloadLimit", limit="1"),
    get("transfer/toggleSpeedLimitsMode"),
    get("rss/addFolder", path="x"),
    get("search/start", pattern="x"),
    post("torrents/info", filter="all"),
    post("app/version"),
    post("torrents/categories"),
    post("sync/torrentPeers"),
)

BODIES: Final = (
    post("torrents/createCategory").called("the parameter of a POST stands in its query"),
    raw("torrents/pause?hashes=all", b"", FORM).called("hashes of a POST in its query"),
    raw("torrents/createCategory", b'{"category":"json"}', JSON),
    raw("torrents/createCategory", b"category=plain", "text/plain"),
    raw("torrents/pause", b"hashes=", f"{FORM}; charset=UTF-8"),
    raw("torrents/pause", b"hashes=%7C%7C", FORM).called("hashes of nothing but bars"),
    raw("torrents/pause", b"hashes=x&hashes=y", FORM).called("a parameter that comes twice"),
    raw("torrents/pause", b"&&&", FORM).called("a body of nothing but separators"),
    raw("torrents/pause", b"hashes", FORM).called("a parameter without a sign of equality"),
    raw("torrents/createTags", b"tags=one+two%20three%2Bfour", FORM),
    get("torrents/tags").called("plus and percent in a form"),
    raw("torrents/deleteTags", b"tags=one+two%20three%2Bfour", FORM),
    raw("torrents/deleteTags", b"tags=one two three%2bfour", FORM),
    get("torrents/tags").called("no tags again"),
    get("torrents/info", hashes="%zz"),
    get("/api/v2/torrents/info?category=a+b%20c").called("plus in a query"),
    get("/api/v2/app/version?").called("an empty query"),
    get("/api/v2/app/version#part").called("a fragment"),
    get("//api/v2/app/version").called("two slashes in front"),
    get("/api/v2/app%2Fversion").called("the slash is encoded"),
    get("/api/v2/app/../app/version").called("dots in the path"),
)

DOOR: Final = (*STRANGERS, *LOGIN, *FORGERY, *PATHS, *METHODS, *BODIES)
