"""The clock and cursors of a market: where it stands in time and how far each growing room is filled."""

import numpy as np

CLOCK = np.dtype(
    [
        ("tick", "i8"),  # number of the tick that runs next; -1 is the warm-up that seeds the book
        ("tick_us", "i8"),
        ("record_every_us", "i8"),
        ("band_every_us", "i8"),
        ("scan_every_us", "i8"),
        ("n_mail", "i8"),
        ("n_rows", "i8"),
        ("n_bands", "i8"),
        ("n_events", "i8"),
        ("n_guest_fills", "i8"),
        ("most_messages", "i8"),  # declared maximum that behaviours write in one tick
        ("most_events", "i8"),  # declared maximum of event rows in one tick
        ("n_closing", "i8"),  # leveraged accounts that close: each may write one message a tick
        ("n_guests", "i8"),
        ("engine_on", "i8"),  # 0 freezes leveraged positions: no liquidation, no fund orders
        ("engine_first", "i8"),  # 1 in studies of the order of steps: engine and fund act before anybody quotes
        ("audit", "i8"),
        ("cash_micro", "i8"),  # totals that no event may change, kept for the audit
        ("coin_lots", "i8"),
        ("open_interest_lots", "i8"),  # sum of the perp's long positions, kept fill by fill
        ("fault", "i8"),  # code of the broken law, see kernels/invariants.py
        ("joint_touched", "i8"),  # 1: some account that is margined with other listings changed
        ("n_called", "i8"),  # such accounts that the engine is to take into its queue
        ("first_joint", "i8"),  # their rows: first_joint .. end_joint - 1
        ("end_joint", "i8"),
        ("n_inbox", "i8"),  # messages of the network that the next tick takes in
        ("levelled_micro", "i8"),  # what the fund got from funds of other listings, less what it gave
        ("pool_micro", "i8"),  # equity of the funds that stand in for this one, itself included
        ("is_pooled", "i8"),  # 1: there are such funds
        ("overflow", "i8"),  # messages that did not fit the declared maximum; ends the run
        ("n_waiting", "i8", (2,)),  # of each book: messages that had arrived in the last tick and were not worked off
    ]
)

# What `advance` says when it returns.
DONE = np.int64(0)
GROW = np.int64(1)  # some room is short of its declared per-tick maximum; nothing of the tick has run
FAULT = np.int64(2)  # an audited law does not hold after the tick that just ended
OVERFLOW = np.int64(3)  # a tick wrote more than its declared maximum
SWITCH = np.int64(4)  # the tick that just ended was the last on this clock, see behaviours/pace.py
