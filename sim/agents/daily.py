"""Institutions that act once a day of UTC."""

from datetime import UTC, datetime, time, timedelta

from sim.agents.institution import Institution

DAY = timedelta(days=1)


class Daily(Institution):
    """An institution with a clock of days and an eye on the index."""

    @property
    def index_usd(self) -> float:
        """Index, in dollars."""
        self.market.sync()
        return 0.5 * float(self.market.state.price[0]["index_half_ticks"]) * self.market.tick_usd

    @property
    def day(self) -> int:
        """Days of UTC since that of the start."""
        return int((self.now.date() - self.market.spec.start_utc.date()).days)

    @property
    def midnight(self) -> datetime:
        """End of this day."""
        return datetime.combine(self.now.date() + DAY, time(), UTC)
