"""The corpus of broken scenario files: content, and the one line a user must read about it, less the file's name."""

from sim.venues.profile import profile_names

HEAD = "name: x\ntitle: X\nstart_utc: 2025-10-10T20:20:00Z\nduration: 1h\n"
_DURATION = 'a duration such as "8h", "1h30m" or "250ms"'
_MONEY = 'an amount such as "$1.5bn" or "250k USD"'
_INSTANT = 'an instant in UTC such as "2025-10-10T20:20:00Z"'
_GROUP = "a group of settings ('key: value' lines indented below it)"
_LEAVES = "leaves the folder of this file: only shipped scenarios and files in or below it can be extended"

CASES: dict[str, tuple[str | bytes, str]] = {
    # values of the wrong type or unit
    "wrong_type": (HEAD + "seeds_shown: many\n", "5:1: seeds_shown: expected a whole number, got 'many'"),
    "float_for_int": (HEAD + "seeds_shown: 2.5\n", "5:1: seeds_shown: expected a whole number, got 2.5"),
    "number_for_text": (
        HEAD.replace("title: X", "title: 2025"),
        "2:1: title: expected text (put a number in quotes to make it text), got 2025",
    ),
    "duration_unit_missing": (
        HEAD.replace("1h", "3600"),
        f'4:1: duration: give a unit: expected {_DURATION}, got the bare number 3600 (seconds are written "3600s")',
    ),
    "money_unit_missing": (
        HEAD + "market:\n  price: 100000\n",
        f"6:3: market.price: give a unit: expected {_MONEY}, got the bare number 100000 "
        '(dollars are written "$100000")',
    ),
    "money_without_dollar": (
        HEAD + "market:\n  price: 100k\n",
        f"6:3: market.price: give a unit: expected {_MONEY}, got '100k' "
        "(in a shell, single quotes keep the dollar sign)",
    ),
    "rate_unit_missing": (
        HEAD + "market_maker: {add_rate: 2}\n",
        '5:16: market_maker.add_rate: give a unit: expected a rate such as "2/s" or "12/min", got the bare number 2 '
        '(write "2/s")',
    ),
    "percent_sign_missing": (
        HEAD + "market: {bid_depth_share: 55}\n",
        "5:10: market.bid_depth_share: must be at most 10, got 55 (55 percent is written 55%)",
    ),
    "clock_trap": (HEAD.replace("1h", "8:30"), f"4:1: duration: expected {_DURATION}, got '8:30'"),
    "octal_trap": (HEAD + "seeds_shown: 017\n", "5:1: seeds_shown: expected a whole number, got '017'"),
    "bool_trap_on": (
        HEAD + "leveraged:\n  enabled: on\n",
        "6:3: leveraged.enabled: expected true or false, got 'on'",
    ),
    "bool_trap_yes": (HEAD + "seeds_shown: yes\n", "5:1: seeds_shown: expected a whole number, got 'yes'"),
    "bool_for_number": (HEAD + "news: {beta: true}\n", "5:8: news.beta: expected a number, got true"),
    "no_time_zone": (
        HEAD.replace("00Z", "00"),
        f"3:1: start_utc: give the time zone: expected {_INSTANT}, got '2025-10-10T20:20:00' (add \"Z\" for UTC)",
    ),
    "epoch_seconds": (
        HEAD.replace("2025-10-10T20:20:00Z", "1760127600"),
        f"3:1: start_utc: expected {_INSTANT}, got '1760127600'",
    ),
    # numbers no run can use
    "nan": (HEAD + "news:\n  beta: .nan\n", "6:3: news.beta: expected a number, got '.nan'"),
    "infinity": (HEAD + "news:\n  beta: .inf\n", "6:3: news.beta: expected a number, got '.inf'"),
    "1e308": (HEAD + "news:\n  beta: 1e308\n", "6:3: news.beta: must be at most 10, got 1e+308"),
    "1e400": (HEAD + "news:\n  beta: 1e400\n", "6:3: news.beta: expected a number, got '1e400'"),
    "denormal": (
        HEAD + "news:\n  beta: 5e-324\n",
        "6:3: news.beta: 5e-324 is too small to mean anything; write 0 or at least 1e-15",
    ),
    "negative": (
        HEAD + "background:\n  noise_lifetime: -30s\n",
        "6:3: background.noise_lifetime: must be at least 0.1 s, got -30 s",
    ),
    "huge_integer": (
        HEAD + "seeds_shown: " + "9" * 39 + "\n",
        "5:1: seeds_shown: must be at most 10000, got an integer of 130 bits",
    ),
    "five_thousand_digits": (
        HEAD + "seeds_shown: " + "9" * 5000 + "\n",
        "5:1: seeds_shown: expected a whole number, got '" + "9" * 56 + "...",
    ),
    # keys
    "unknown_key": (
        HEAD + "market:\n  pricee: $100k\n",
        "6:3: market.pricee: unknown key 'pricee'; did you mean 'price'?",
    ),
    "key_at_the_wrong_level": (
        HEAD + "price: $100k\n",
        "5:1: price: unknown key 'price'; did you mean 'market.price'?",
    ),
    "duplicate_key": (
        HEAD + "duration: 2h\n",
        "5:1: duration: duplicate key 'duration' (first in line 4): keep one of them",
    ),
    "missing_key": ("name: x\ntitle: X\nduration: 1h\n", "1:1: start_utc: missing: add 'start_utc: ...'"),
    "key_that_is_a_list": (HEAD + "? [a, b]\n: c\n", "5:3: a key must be plain text, not a list or a mapping"),
    "empty_group": (HEAD + "market:\n", f"5:1: market: expected {_GROUP}, got nothing"),
    "list_for_group": (HEAD + "market: [1]\n", f"5:1: market: expected {_GROUP}, got a list of 1"),
    "text_for_list": (HEAD + "shocks: flow\n", "5:1: shocks: expected a list, got 'flow'"),
    "bad_name": (
        HEAD.replace("name: x", "name: ../x"),
        "1:1: name: '../x' is no usable name: use lower-case letters, digits and _, a letter or digit first",
    ),
    "device_name": (
        HEAD.replace("name: x", "name: con"),
        "1:1: name: 'con' cannot name a folder on every system: choose another name",
    ),
    # what does not fit together
    "bad_shock_kind": (
        HEAD + "shocks:\n  - {kind: meteor, at: 1m, over: 1m}\n",
        "6:6: shocks.0.kind: expected 'flow' or 'fat_finger' or 'news_move' or 'transfer_halt' or 'engine_pace' or "
        "'funding_base' or 'price_band' or 'halt' or 'depth_withdrawal' or 'maker_outage' or 'latency', got 'meteor'",
    ),
    "no_shock_kind": (
        HEAD + "shocks:\n  - {at: 1m, over: 1m}\n",
        "6:5: shocks.0: missing kind: add 'kind: ...' to say what this is",
    ),
    "bad_side": (
        HEAD + "shocks:\n  - {kind: flow, side: sel, notional: $1bn, at: 5m, over: 2m}\n",
        "6:18: shocks.0.side: expected 'buy' or 'sell', got 'sel'; did you mean 'sell'?",
    ),
    "shock_in_one_instant": (
        HEAD + "shocks:\n  - {kind: news_move, move: -5%, at: 5m, over: 0s}\n",
        "6:42: shocks.0.over: must be at least 1 s, got 0 s",
    ),
    "shock_after_the_end": (
        HEAD + "shocks:\n  - {kind: flow, side: sell, notional: $1bn, at: 59m, over: 2m}\n",
        "6:5: shocks.0: ends at 3660 s, after the scenario's end at 3600 s: move it, shorten it or raise duration",
    ),
    "overlapping_news_points": (
        HEAD + "news:\n  path:\n  - {at: 1m, move: -1%}\n  - {at: 1m, move: -2%}\n",
        "8:6: news.path.1.at: a path must go forward in time: 60 s does not follow 60 s; sort or merge the points",
    ),
    "shrinking_depth": (
        HEAD + "market:\n  perp_bid_depth:\n  - {within: 2%, notional: $5m}\n  - {within: 1%, notional: $9m}\n",
        "8:5: market.perp_bid_depth.1: points must widen and never lose depth: within 0.01 follows 0.02, "
        "$9e+06 follows $5e+06",
    ),
    "shares_above_one": (
        HEAD + "leveraged: {short_shares: {retail: 50%}}\n",
        "5:13: leveraged.short_shares: the four shares must add up to 1, they add up to 1.12",
    ),
    "tick_that_does_not_divide": (
        HEAD + "tick: 7s\nrecord_every: 7s\n",
        "4:1: duration: must be a whole number of ticks (7 s), got 3600 s",
    ),
    "unknown_venue": (
        HEAD + "venue: cex_x\n",
        f"5:1: venue: no venue profile 'cex_x' (there is: {', '.join(profile_names())}); did you mean 'cex_b'?",
    ),
    "price_too_fine": (
        HEAD + "market: {price: $126k}\n",
        "5:10: market.price: $126000 does not suit the perp book of cex_a with its tick of $0.1: "
        "choose $100 to $119156, or a venue with another tick",
    ),
    "price_too_coarse": (
        HEAD + "market: {price: $5}\n",
        "5:10: market.price: $5 does not suit the perp book of cex_a with its tick of $0.1: "
        "choose $100 to $119156, or a venue with another tick",
    ),
    # YAML itself
    "alias_bomb": (
        HEAD + "description: &a x\n",
        "5:14: description: anchors are not read: remove &a",
    ),
    "python_tag": (
        HEAD + "description: !!python/object/apply:os.system ['true']\n",
        "5:14: description: tags are not read: remove '!!python/object/apply:os.system'",
    ),
    "deep_block_list": (
        HEAD + "shocks:\n  " + "- " * 2000 + "x\n",
        "6:41: nested more than 20 levels deep: no scenario is",
    ),
    "tab": (
        HEAD + "market:\n\tprice: $100k\n",
        "6:1: not valid YAML: found character that cannot start any token; indent with spaces, not tabs",
    ),
    "colon_in_text": (
        HEAD + "description: a: b\n",
        "5:15: not valid YAML: mapping values are not allowed in this context; put text that holds ': ' in quotes",
    ),
    "open_quote": (
        HEAD + 'description: "abc\n',
        "6:1: not valid YAML: found unexpected end of stream (it begins in line 5)",
    ),
    "two_documents": (HEAD + "---\n" + HEAD, "5:1: a second document starts here: one file holds one scenario"),
    "empty_file": ("", "1:1: the file is empty: it needs at least the required settings"),
    "comments_only": ("# nothing\n", "1:1: the file is empty: it needs at least the required settings"),
    "top_level_list": ("- a\n- b\n", "1:1: expected 'key: value' lines, got a list of 2"),
    "top_level_text": ("hello\n", "1:1: expected 'key: value' lines, got 'hello'"),
    # bytes
    "binary": (b"\x7fELF\0\0\1", "1:1: holds NUL bytes, so it is not a text file"),
    "latin_1": (HEAD.encode() + b"title: caf\xe9\n", "5:11: is not UTF-8 text (byte 0xe9): save it as UTF-8"),
    "terminal_escape": (
        HEAD + "description: a\x1b[31mred\n",
        "5:15: holds the control character '\\x1b': use plain text",
    ),
    "escaped_escape": (
        HEAD + 'description: "\\e[31mred"\n',
        "5:1: description: holds a control character: use plain text",
    ),
    "two_megabytes": (HEAD + "#" * 2_000_000, "1:1: larger than 1 MB: no scenario is; is this the right file?"),
    "too_many_values": (
        HEAD + "shocks: [" + "a," * 60_000 + "]\n",
        "5:99988: more than 50000 values: no scenario has as many",
    ),
    # extends
    "extends_itself": (
        "extends: extends_itself\n",
        "1:1: extends: goes in a circle: extends_itself.yaml -> extends_itself.yaml",
    ),
    "extends_absolute": ("extends: /etc/passwd\n", f"1:1: extends: '/etc/passwd' {_LEAVES}"),
    "extends_upwards": ("extends: ../secret\n", f"1:1: extends: '../secret' {_LEAVES}"),
    "extends_home": ("extends: ~/secret\n", f"1:1: extends: '~/secret' {_LEAVES}"),
    "extends_windows": ("extends: C:\\secret\n", f"1:1: extends: 'C:\\\\secret' {_LEAVES}"),
    "extends_nothing": (
        "extends: clam_btc\n",
        "1:1: extends: no scenario 'clam_btc' is shipped, and no such file lies beside this one; "
        "did you mean 'calm_btc'?",
    ),
    "extends_number": (
        "extends: 5\n",
        "1:1: extends: expected the name of a shipped scenario or of a file beside this one",
    ),
}
