"""Settings files: defaults for options, and where a value came from."""

from __future__ import annotations

import json

import pytest


def row(text: str, key: str) -> list[str]:
    """Give the words of the line that starts with the key."""
    return next(line.split(None, 1) for line in text.splitlines() if line.startswith(key + " "))[1].split("  ")


def origin(text: str, key: str) -> tuple[str, str]:
    """Give the value and the origin of an option as `config show` prints them."""
    parts = [part.strip() for part in " ".join(row(text, key)).split("  ") if part.strip()]
    words = " ".join(parts).split()
    return words[0], " ".join(words[1:])


def test_flags_beat_the_environment_beats_the_file_beats_the_default(bt_run, work):
    """`config show` tells where each value comes from."""
    (work / "bt-run.toml").write_text('cash = 5000\n[backtest]\nstake = "100USDT"\nstop-loss = 5\n')
    shown = bt_run("config", "show", "backtest", env={"BT_RUN_BACKTEST_STOP_LOSS": "7"}).stdout

    assert ("5000", "settings file") == origin(shown, "cash")
    assert ("100USDT", "settings file") == origin(shown, "stake")
    assert ("7", "environment") == origin(shown, "stop-loss")
    assert ("0.1%", "default") == origin(shown, "commission")


def test_a_password_in_the_journal_s_url_is_not_shown(bt_run, work):
    (work / "bt-run.toml").write_text('[live]\njournal = "postgresql+psycopg://bot:hush@db/journal"\n')
    shown = bt_run("config", "show", "live").stdout

    assert ("postgresql+psycopg://bot:***@db/journal", "settings file") == origin(shown, "journal")


def settings_of_run(ran) -> tuple[float, str, float | None]:
    """Give cash, stake and stop-loss of a run, from its JSON."""
    settings = json.loads(ran.stdout)["settings"]
    return settings["cash"], settings["stake"], settings["stop_loss_pct"]


@pytest.mark.parametrize("where", ["found", "before", "behind", "environment"])
def test_runs_use_the_settings_file(bt_run, work, where: str):
    """What `config show` says is what a run does, however the file is named; flags still win."""
    path = work / ("bt-run.toml" if where == "found" else "my.toml")
    path.write_text('cash = 5000\nfrom = 2018-01-01\n[backtest]\nstake = "100USDT"\nstop-loss = 5\n')
    before = ["--config", "my.toml"] if where == "before" else []
    behind = ["--config", "my.toml"] if where == "behind" else []
    env = {"BT_RUN_CONFIG": "my.toml"} if where == "environment" else {}
    words = [*before, "backtest", "-s", "rsi", "-d", "btc_1d.csv", "--json", "-", *behind]
    ran = bt_run(*words, env=env)

    assert (5000, "100USDT", 5) == settings_of_run(ran)
    assert json.loads(ran.stdout)["data"]["start"] == "2018-01-01T00:00:00Z"
    assert settings_of_run(bt_run(*words, "--cash", "7000", env=env)) == (7000, "100USDT", 5)


def test_config_show_takes_the_file_too(bt_run, work):
    """--config behind `config show` as well."""
    (work / "my.toml").write_text("cash = 5000\n")

    assert ("5000", "settings file") == origin(bt_run("config", "show", "--config", "my.toml").stdout, "cash")


def test_a_table_is_for_its_command_only(bt_run, work):
    """[backtest] does not reach compare; keys outside tables do."""
    (work / "bt-run.toml").write_text('cash = 5000\n[backtest]\nstake = "1"\n')
    shown = bt_run("config", "show", "compare").stdout

    assert ("5000", "settings file") == origin(shown, "cash")
    assert ("95%", "default") == origin(shown, "stake")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[backtest]\nstakke = 1\n", "no setting 'stakke'. Did you mean 'stake'?"),
        ("cahs = 1\n", "no command has a setting 'cahs'. Did you mean 'cash'?"),
        ("[bakctest]\ncash = 1\n", "there is no command for [bakctest]. Did you mean [backtest]?"),
        ("cash = \n", "not valid TOML"),
    ],
)
def test_mistakes_in_a_settings_file_are_named(bt_run, work, content: str, expected: str):
    """The file, the key and the nearest name."""
    (work / "bt-run.toml").write_text(content)
    ran = bt_run("config", "show")

    assert ran.returncode == 2
    assert "bt-run.toml" in ran.stderr
    assert expected in ran.stderr


def test_a_mistyped_key_stops_a_run_too(bt_run, work):
    """A setting that no command has would otherwise be ignored without a word."""
    (work / "bt-run.toml").write_text("cahs = 1\n")
    ran = bt_run("backtest", "-s", "rsi", "-d", "btc_1d.csv")

    assert ran.returncode == 2
    assert "Did you mean 'cash'?" in ran.stderr


def test_a_wrong_value_in_a_file_names_the_file(bt_run, work):
    """The user never typed --cash, so the message says where it stands."""
    (work / "my.toml").write_text('cash = "lots"\n')
    ran = bt_run("backtest", "--config", "my.toml", "-s", "rsi", "-d", "btc_1d.csv")

    assert ran.returncode == 2
    assert "'lots' is not a valid float" in ran.stderr
    assert "my.toml" in ran.stderr


def test_a_settings_file_that_is_not_there_is_an_error(bt_run):
    """Given by name it must exist."""
    ran = bt_run("--config", "no.toml", "config", "show")

    assert ran.returncode == 2
    assert "no.toml does not exist" in ran.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[venues.testnet]\nrest_url = "https://x.example"', "[venues.testnet] is a venue that bt-run knows"),
        ('[venues."My Desk"]\nrest_url = "https://x.example"', "is no name for a venue"),
        ('[venues.desk]\nrest_ulr = "https://x.example"', "Did you mean 'rest_url'?"),
        ('[venues.desk]\nrest_url = "https://x.example/api"', "Leave the path out"),
        ("[venues]\ndesk = 5", "[venues.desk] must hold URLs"),
    ],
)
def test_a_venue_of_ones_own_is_checked(bt_run, work, text: str, said: str):
    """Whatever the command, as every other key of the file."""
    (work / "bt-run.toml").write_text(f"{text}\n")
    told = bt_run("config", "show", "backtest")

    assert (2, True) == (told.returncode, said in told.stderr), told.stderr
