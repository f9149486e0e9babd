"""The program itself: its versions, preferences, log, speeds; and what the bridge has no part in."""

from typing import Final

from tests.differential.scenario.material import UNKNOWN, WEBSEED
from tests.differential.steps import Step, get, post


def _preferences(json: str) -> Step:
    return post("app/setPreferences", json=json)


APP: Final = (
    get("app/version"),
    get("app/webapiVersion"),
    get("app/buildInfo"),
    get("app/defaultSavePath"),
    get("app/preferences"),
    get("app/networkInterfaceList"),
    get("app/networkInterfaceAddressList"),
    get("app/networkInterfaceAddressList", iface=""),
    get("app/networkInterfaceAddressList", iface="lo"),
    _preferences(
        '{"max_ratio_enabled":true,"max_ratio":2.5,"max_seeding_time_enabled":true,"max_seeding_time":90}'
    ),
    get("app/preferences").called("preferences with share limits"),
    _preferences('{"max_ratio_enabled":false,"max_seeding_time_enabled":false}'),
    get("app/preferences").called("preferences without share limits"),
    _preferences('{"dl_limit":1048576,"up_limit":2048,"alt_dl_limit":4096,"alt_up_limit":1024}'),
    get("app/preferences").called("preferences with speed limits"),
    get("transfer/downloadLimit"),
    get("transfer/uploadLimit"),
    _preferences('{"dl_limit":0,"up_limit":0,"alt_dl_limit":10240,"alt_up_limit":10240}'),
    _preferences('{"no_such_key":1}'),
    _preferences("{}"),
    _preferences("{not json"),
    _preferences("[]"),
    _preferences(""),
    post("app/setPreferences").called("setPreferences without json"),
    get("app/preferences").called("preferences after nonsense"),
)

LOG: Final = (
    get("log/main"),
    get("log/main", normal="false", info="false", warning="false", critical="false"),
    get("log/main", last_known_id="99999"),
    get("log/main", last_known_id="nonsense"),
    post("log/main", last_known_id="99999"),
    get("log/peers"),
    get("log/peers", last_known_id="5"),
)

TRANSFER: Final = (
    get("transfer/info"),
    get("transfer/speedLimitsMode"),
    post("transfer/toggleSpeedLimitsMode"),
    get("transfer/speedLimitsMode").called("speedLimitsMode after a toggle"),
    get("transfer/info").called("transfer/info with alternative limits"),
    get("transfer/downloadLimit").called("downloadLimit with alternative limits"),
    post("transfer/setSpeedLimitsMode", mode="0"),
    get("transfer/speedLimitsMode").called("speedLimitsMode set to 0"),
    post("transfer/setSpeedLimitsMode", mode="7"),
    get("transfer/speedLimitsMode").called("speedLimitsMode set to 7"),
    post("transfer/setSpeedLimitsMode", mode="x"),
    post("transfer/setSpeedLimitsMode").called("setSpeedLimitsMode without mode"),
    post("transfer/setSpeedLimitsMode", mode="0"),
    post("transfer/setDownloadLimit", limit="1048576"),
    get("transfer/downloadLimit").called("downloadLimit of 1 MiB/s"),
    get("transfer/info").called("transfer/info with a limit"),
    post("transfer/setDownloadLimit").called("setDownloadLimit without limit"),
    post("transfer/setDownloadLimit", limit="0"),
    get("transfer/downloadLimit").called("downloadLimit of 0"),
    post("transfer/setUploadLimit", limit="4096"),
    get("transfer/uploadLimit").called("uploadLimit of 4096 B/s"),
    post("transfer/setUploadLimit").called("setUploadLimit without limit"),
    post("transfer/setUploadLimit", limit="0"),
    post("transfer/banPeers", peers="203.0.113.7:1234|nonsense"),
    post("transfer/banPeers").called("banPeers without peers"),
)

SEARCH: Final = (
    get("search/plugins"),
    get("search/status"),
    get("search/status", id="77"),
    get("search/status", id="nonsense"),
    post("search/start", category="all", plugins="all").called("search without a pattern"),
    post("search/start", pattern="ubuntu", category="all", plugins="all"),
    get("search/results", id="77"),
    get("search/results"),
    post("search/stop", id="77"),
    post("search/stop").called("search/stop without id"),
    post("search/delete", id="77"),
    post("search/delete").called("search/delete without id"),
    post("search/enablePlugin", names="nothing", enable="true"),
    post("search/enablePlugin").called("enablePlugin without names"),
    post("search/uninstallPlugin", names="nothing"),
    get("search/updatePlugins"),  # a POST would look on the internet
)

RSS: Final = (
    get("rss/items"),
    get("rss/items", withData="true"),
    get("rss/rules"),
    post("rss/addFolder", path="Folder"),
    post("rss/addFolder", path="Folder").called("the same RSS folder again"),
    post("rss/addFolder").called("addFolder without path"),
    post("rss/addFolder", path="No\\Parent"),
    post("rss/addFeed", url="http://127.0.0.1:9/feed.xml", path="Folder\\Feed"),
    post("rss/addFeed").called("addFeed without url"),
    get("rss/items").called("RSS items after a folder and a feed"),
    post("rss/moveItem", itemPath="nothing", destPath="else"),
    post("rss/refreshItem", itemPath="nothing"),
    post("rss/markAsRead", itemPath="nothing"),
    post("rss/setRule", ruleName="rule", ruleDef='{"enabled":false}'),
    get("rss/rules").called("RSS rules after one was set"),
    post("rss/renameRule", ruleName="rule", newRuleName="new rule"),
    get("rss/matchingArticles", ruleName="new rule"),
    post("rss/removeRule", ruleName="new rule"),
    post("rss/removeItem", path="nothing"),
    post("rss/removeItem", path="Folder"),
    get("rss/items").called("RSS items at the end"),
)

LATER: Final = (
    post("app/setCookies", cookies="[]"),
    post("app/sendTestEmail"),
    get("app/getFreeSpaceAtPath", path="{downloads}"),
    post("torrents/setComment", hashes="", comment="x"),
    post("torrents/setTags", hashes="", tags="x"),
    post("torrents/addWebSeeds", hash=UNKNOWN, urls=WEBSEED),
    post("torrents/editWebSeed", hash=UNKNOWN, origUrl=WEBSEED, newUrl=WEBSEED),
    post("torrents/removeWebSeeds", hash=UNKNOWN, urls=WEBSEED),
    post("rss/setFeedURL", path="nothing", url="http://127.0.0.1:9/"),
    post("rss/setFeedRefreshInterval", path="nothing", refreshInterval="60"),
    post("search/installPlugin", sources="http://127.0.0.1:9/plugin.py"),
)

PROGRAM: Final = (*APP, *LOG, *TRANSFER, *SEARCH, *RSS, *LATER)
